"""Leads 意向: an intent to buy, its level from the expected day, its end as won or lost.

Owns: a lead's record. Writes: leads, the customer's lifecycle, audit_log. Never: keeps a level that the calendar has overtaken (it is
computed for today each time an open lead is read), or plans a visit: that is the programme's.
"""
