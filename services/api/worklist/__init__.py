"""The worklist: the calls to make now, in order, one for each customer and caller, with what stands in the way of some.

Owns: grouping visits into calls, their order, what blocks a call. Writes: nothing.
Never: sorts on the client's behalf; what the page shows is this order.
"""
