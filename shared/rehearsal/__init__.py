"""Rehearsal: what a changed programme would do to the real files in the next days, before it does (domain.md §11.3).

Owns: the comparison of now and after, by person and day; the messages that would go, with their words. Writes nothing: it reads, it
reckons, and what must be planned to be counted is planned inside a savepoint that is always rolled back, so that no bell rings
either. Never: sends, moves the clock, keeps a result.
"""

from shared.rehearsal.rehearse import Rehearsal, rehearse

__all__ = ["Rehearsal", "rehearse"]
