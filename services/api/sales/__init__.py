"""Sales 交车: the delivery of a car, and what becomes of it: insured, plated, its card handed to after-sales.

Owns: a delivery's record. Writes: sales, the owner's lifecycle, the won lead, audit_log; visits through shared.planning.
Never: takes the delivery date from an invoice (S2).
"""
