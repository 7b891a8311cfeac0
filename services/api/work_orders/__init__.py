"""Work orders 工单: what was done to a car, for whom, and who brought it.

Owns: an order's record. Writes: work_orders, readings of the odometer, the car's last maintenance, the customer's return from churn,
audit_log; visits through shared.planning. Never: asks who owns the car by the person who brought it.
"""
