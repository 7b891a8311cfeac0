"""Handing over: what is open of one person's work becomes others', for good, for an absence, or because a file passes on.

Owns: whose open work is, and taking it back. Writes, in the caller's transaction of one store and never committing: the assignee of open
visits (after SELECT … FOR UPDATE) with their history; by the API also holders of files, consultants of leads, advisors of
appointments, owners of complaints, assignees of tasks; the rows of `handovers`.
Never: touches an attempt (credit stays with whoever did the work), a promise, or when something is due; reads a clock.
"""

from shared.handover.moves import Moved, move_open_visits

__all__ = ["Moved", "move_open_visits"]
