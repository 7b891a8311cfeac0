"""Problems raised on a call that are no complaint: the department acts within 24 hours, the customer is told, then resolved (S4).

Owns: the wire of problems. Writes: problems, the tasks about them. Never: lets one be resolved that the customer was not told of.
"""
