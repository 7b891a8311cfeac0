"""Work orders 工单: what was done to a car, for whom, and who brought it.

Owns: an order's record. Writes: work_orders, readings of the odometer, the car's last maintenance, the customer's (return to being
an) owner, audit_log; visits, through shared.planning, in the transaction of the order. Never: gives a car to whoever brought it, or
shows that person's whole number to somebody who may not reveal.
"""
