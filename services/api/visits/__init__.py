"""Visits: the planned follow-ups, what a caller is told before one, and what is recorded after.

Owns: the wire of visits, attempts, brief and why. Writes: attempts, visits made by hand, corrections that a call brought.
Never: decides what follows an attempt; that is `shared.domain.ladder`, applied by `shared.progress`.
"""
