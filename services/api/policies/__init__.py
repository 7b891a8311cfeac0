"""Insurance policies 保险 of cars, and whether they were renewed.

Owns: a policy's record. Writes: insurance_policies, audit_log. Never: says when to call about it (that is the programme `renewal`), or
keeps two policies of one car that end on one day.
"""
