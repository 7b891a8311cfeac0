"""Stores: the unit of isolation, of the calendar and of policies.

Owns: `stores`, `store_days`. Writes: those, and the audit log. Never: removes a store.
"""
