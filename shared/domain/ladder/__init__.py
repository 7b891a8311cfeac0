"""The ladder 补访: what happens next to a visit, and when.

Owns the replay of a visit's past into its state, next step and effects, and the words for "why". Writes nothing: the
API and the
scheduler apply `next_step`'s decision after they locked the visit. Never reads a clock, a table or a setting; never
sends.

A decision repeats every effect its facts ask for; the caller applies each `effect.key` once per visit. Messages made
for an `Emit`
should expire at the ladder's next instant (24 h), so that an outage does not let SMS and e-mail arrive together.
"""

from shared.domain.ladder.decide import next_step, undone
from shared.domain.ladder.explain import Explained, explain
from shared.domain.ladder.facts import (
    AttemptFacts,
    CancelCustomer,
    CancelVehicle,
    Decision,
    Effect,
    Emit,
    FollowUp,
    LadderPolicy,
    MarkNumber,
    MessageFacts,
    Next,
    NotifyManager,
    NumberFacts,
    OpenTask,
    OptOut,
    SignalFacts,
    TaskKind,
    VisitFacts,
)
from shared.domain.ladder.history import RULES, Rule

__all__ = [
    "RULES",
    "AttemptFacts",
    "CancelCustomer",
    "CancelVehicle",
    "Decision",
    "Effect",
    "Emit",
    "Explained",
    "FollowUp",
    "LadderPolicy",
    "MarkNumber",
    "MessageFacts",
    "Next",
    "NotifyManager",
    "NumberFacts",
    "OpenTask",
    "OptOut",
    "Rule",
    "SignalFacts",
    "TaskKind",
    "VisitFacts",
    "explain",
    "next_step",
    "undone",
]
