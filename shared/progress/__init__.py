"""What a visit's past means now, applied: the one place where `next_step` meets the database.

Owns: reading a batch of visits with everything the ladder asks about, and writing what it answers. Writes, always after
SELECT … FOR UPDATE of the visit and never committing: visits, visit_events, due_contact_events, tasks, the flag `confirm_number`
of a customer; what a person heard on the telephone (a wrong number, a wish to be left alone, a sold car, a death) also marks
contact_points, numbers, opt_outs, vehicles, customers and ends other visits, which only the API may do and only it asks for.
Never: decides (`shared.domain.ladder` does), contacts anybody, reads a clock.
"""

from shared.progress.apply import Progressed, ladder_of, progress
from shared.progress.facts import Known, read_facts
from shared.progress.numbering import batch_prefix

__all__ = ["Known", "Progressed", "batch_prefix", "ladder_of", "progress", "read_facts"]
