"""Accidents 事故 of cars, and how their claims ended.

Owns: an accident's record. Writes: accidents, audit_log; visits about it, through shared.planning. Never: says who calls or when (that
is the programme `accident`), or keeps a claim open that was closed.
"""
