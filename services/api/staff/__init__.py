"""Staff: who works in a store, as what, who may sign in, who is away.

Owns: `staff`, `staff_absences`. Writes: those, the accounts of people, the audit log. Never: removes a person; histories name them.
"""
