"""Complaints as rows: opened from a call, a counter or a score, brought on by their clocks, closed by the customer's word.

Owns: rows of complaints, their histories, the tasks and notices they lead to, the freeze they put on other contact.
Writes, always in the caller's transaction of one store and never committing: complaints, complaint_events, tasks, staff_notices;
visits only through `shared.planning`. Never: decides a deadline (`shared.domain.complaint` does), contacts a customer, reads a clock.
"""

from shared.complaints.clocks import bring_on, bring_on_problems
from shared.complaints.follow_up import AFTER_COMPLAINT, after_visits, close, reopen, tell_result
from shared.complaints.freeze import Freeze, freeze_gap, is_frozen_kind, open_or_recent
from shared.complaints.opening import open_complaint, open_for_score
from shared.complaints.rows import STANDING, lock, policy_of, put, record, standing_of
from shared.complaints.scores import LOW_SCORE, open_for_answers

__all__ = [
    "AFTER_COMPLAINT",
    "LOW_SCORE",
    "STANDING",
    "Freeze",
    "after_visits",
    "bring_on",
    "bring_on_problems",
    "close",
    "freeze_gap",
    "is_frozen_kind",
    "lock",
    "open_complaint",
    "open_for_answers",
    "open_for_score",
    "open_or_recent",
    "policy_of",
    "put",
    "record",
    "reopen",
    "standing_of",
    "tell_result",
]
