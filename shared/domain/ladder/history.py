"""Reading the past of a visit: which attempts were tries, which numbers fell out, what was promised, whether it is
over.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Literal
from uuid import UUID

from shared.domain.calendar import StoreCalendar
from shared.domain.ladder.facts import (
    AttemptFacts,
    CancelCustomer,
    CancelVehicle,
    Effect,
    FollowUp,
    LadderPolicy,
    Mark,
    MarkNumber,
    NumberFacts,
    OpenTask,
    OptOut,
    TaskKind,
    VisitFacts,
    stamp,
)
from shared.domain.visit import Channel, Outcome, ReachedPerson, Result, State


@dataclass(frozen=True)
class Rule:
    """What one outcome does: a try; the end of the visit; a mark on the number; a suspended line; a promise."""

    is_try: bool = False
    ends: State | None = None
    mark: Mark | None = None
    suspends: bool = False
    promises: bool = False


_TRY = Rule(is_try=True)

# decisions.md "Outcome → effect"; what else follows from an outcome stands in `_effects_of`.
RULES: Mapping[Outcome, Rule] = {
    Outcome.REACHED: Rule(ends=State.COMPLETED),
    Outcome.NO_ANSWER: _TRY,
    Outcome.BUSY: _TRY,
    Outcome.POWERED_OFF: _TRY,
    Outcome.OUT_OF_COVERAGE: _TRY,
    Outcome.REJECTED: _TRY,
    Outcome.CALL_LATER: Rule(promises=True),
    Outcome.SUSPENDED: Rule(suspends=True),
    Outcome.WRONG_NUMBER: Rule(mark="wrong"),
    Outcome.NUMBER_INVALID: Rule(mark="invalid"),
    Outcome.NOT_OWNER: Rule(mark="wrong"),
    Outcome.DO_NOT_CONTACT: Rule(ends=State.DECLINED),
    Outcome.MOVED_OR_SOLD: Rule(ends=State.CANCELLED),
    Outcome.DECEASED: Rule(ends=State.CANCELLED),
}
_STRANGERS = frozenset({None, ReachedPerson.OTHER})
_RESULTS: Mapping[Result, State] = {
    Result.COMPLETED: State.COMPLETED,
    Result.INCOMPLETE: State.INCOMPLETE,
    Result.DECLINED: State.DECLINED,
}

Weight = Literal["try", "same_day", "inbound", "other_channel", "withdrawn", "not_a_try"]


def rule_of(attempt: AttemptFacts) -> Rule:
    """The rule of an attempt. Who answers for somebody of the file (user, family) is no stranger: `not_owner` is
    then a conversation.
    """
    if attempt.outcome is Outcome.NOT_OWNER and attempt.reached_person not in _STRANGERS:
        return RULES[Outcome.REACHED]
    return RULES[attempt.outcome]


@dataclass(frozen=True)
class Ending:
    """The visit is over: how, when, why, and by which channel the customer spoke."""

    state: State
    at: datetime
    reason: str
    channel: Channel


@dataclass(frozen=True)
class History:
    """The past, read once.

    `live`: attempts that were not withdrawn, oldest first; `tries`: those that count, since the last reply, to
    numbers still good
    (a try at a stranger's number was no try at the customer); `tried`: whether there ever was one; `marks`: numbers
    that fell out,
    with the instant of the last in `marked_at`; `suspended_at`: since when calls are skipped; `promise`: the one in
    force;
    `reply_at`: the last free reply, `reply_open` while nobody has acted on it; `ending`: the first thing that ended
    the visit.
    """

    live: tuple[AttemptFacts, ...] = ()
    weights: tuple[tuple[AttemptFacts, Weight], ...] = ()
    tries: tuple[AttemptFacts, ...] = ()
    tried: bool = False
    marks: Mapping[UUID, Mark] | None = None
    marked_at: datetime | None = None
    suspended_at: datetime | None = None
    promise: datetime | None = None
    reply_at: datetime | None = None
    reply_open: bool = False
    ending: Ending | None = None
    effects: tuple[Effect, ...] = ()

    def good(self, numbers: Iterable[NumberFacts]) -> list[NumberFacts]:
        """The numbers that may still be called, callee first."""
        marks = self.marks or {}
        return [number for number in numbers if number.usable and number.id not in marks]

    @property
    def untouched(self) -> bool:
        return not self.live and self.reply_at is None and self.ending is None


def read_history(visit: VisitFacts, attempts: Sequence[AttemptFacts], policy: LadderPolicy, calendar: StoreCalendar) -> History:
    """The past of a visit; withdrawn attempts are as if they had never been."""
    ordered = _with_numbers(visit, sorted(attempts, key=lambda attempt: attempt.at))
    live = tuple(attempt for attempt in ordered if not attempt.withdrawn)
    weights = _weigh(ordered, calendar)
    marks, marked_at = _marks(live)
    reply_at = max((signal.at for signal in visit.signals if signal.kind == "reply"), default=None)
    counted = [attempt for attempt, weight in weights if weight == "try"]
    tries = [t for t in counted if t.number_id not in marks and (reply_at is None or t.at >= reply_at)]
    return History(
        live=live,
        weights=weights,
        tries=tuple(tries),
        tried=bool(counted),
        marks=marks,
        marked_at=marked_at,
        suspended_at=_suspended_at(live, marks, reply_at),
        promise=_promise(visit, live, policy),
        reply_at=reply_at,
        reply_open=reply_at is not None and not any(attempt.at >= reply_at for attempt in live),
        ending=_ending(visit, live, counted, policy),
        effects=_effects(visit, live, marks, calendar),
    )


def _with_numbers(visit: VisitFacts, ordered: Sequence[AttemptFacts]) -> list[AttemptFacts]:
    """Attempts by phone that do not say which number went to the first one that was still good."""
    fallen: set[UUID | None] = set()
    named = []
    for attempt in ordered:
        if attempt.number_id is None and attempt.channel in (Channel.PHONE, Channel.SMS):
            callee = next((n.id for n in visit.numbers if n.usable and n.id not in fallen), None)
            attempt = replace(attempt, number_id=callee)
        if rule_of(attempt).mark and not attempt.withdrawn:
            fallen.add(attempt.number_id)
        named.append(attempt)
    return named


def _weigh(ordered: Sequence[AttemptFacts], calendar: StoreCalendar) -> tuple[tuple[AttemptFacts, Weight], ...]:
    days: set[date] = set()
    weighed: list[tuple[AttemptFacts, Weight]] = []
    for attempt in ordered:
        weight = _weight(attempt, days, calendar)
        if weight == "try":
            days.add(calendar.day_of(attempt.at))
        weighed.append((attempt, weight))
    return tuple(weighed)


def _weight(attempt: AttemptFacts, days: set[date], calendar: StoreCalendar) -> Weight:
    if attempt.withdrawn:
        return "withdrawn"
    if attempt.channel is not Channel.PHONE:
        return "other_channel"
    if attempt.direction == "in":
        return "inbound"
    if not rule_of(attempt).is_try:
        return "not_a_try"
    return "same_day" if calendar.day_of(attempt.at) in days else "try"


def _marks(live: Sequence[AttemptFacts]) -> tuple[dict[UUID, Mark], datetime | None]:
    marks: dict[UUID, Mark] = {}
    marked_at = None
    suspended: set[UUID] = set()
    for attempt in live:
        mark = rule_of(attempt).mark
        if attempt.number_id is None or attempt.channel not in (Channel.PHONE, Channel.SMS):
            continue
        if rule_of(attempt).suspends:
            mark = "invalid" if attempt.number_id in suspended else None
            suspended.add(attempt.number_id)
        if mark and attempt.number_id not in marks:
            marks[attempt.number_id] = mark
            marked_at = attempt.at
    return marks, marked_at


def _suspended_at(live: Sequence[AttemptFacts], marks: Mapping[UUID, Mark], reply_at: datetime | None) -> datetime | None:
    """Calls are skipped from the first 停机 on, until a reply shows that somebody reads that line."""
    return next(
        (a.at for a in live if rule_of(a).suspends and a.number_id not in marks and (reply_at is None or a.at >= reply_at)),
        None,
    )


def _promise(visit: VisitFacts, live: Sequence[AttemptFacts], policy: LadderPolicy) -> datetime | None:
    """The last promise made and not yet kept: a call out from 30 minutes before it on keeps it, whatever came of the
    call.
    """
    promise = visit.promised_at if visit.promised_set_at is None else None
    set_at = visit.promised_set_at
    for attempt in live:
        if set_at is not None and set_at <= attempt.at:
            promise, set_at = visit.promised_at, None
        if rule_of(attempt).promises:
            promise = attempt.next_at
        elif promise and _keeps(attempt, promise, policy):
            promise = None
    return promise if set_at is None else visit.promised_at


def _keeps(attempt: AttemptFacts, promise: datetime, policy: LadderPolicy) -> bool:
    early = timedelta(minutes=policy.promise_early_minutes)
    return attempt.channel is Channel.PHONE and attempt.direction == "out" and attempt.at >= promise - early


def _ending(
    visit: VisitFacts, live: Sequence[AttemptFacts], counted: Sequence[AttemptFacts], policy: LadderPolicy
) -> Ending | None:
    """The earliest of: a conversation, an answer to the survey, the third rejected try."""
    endings = [ending for attempt in live if (ending := _ending_of(attempt))]
    endings += [
        Ending(State.COMPLETED, signal.at, f"answer_{signal.channel}", signal.channel)
        for signal in visit.signals
        if signal.kind == "answer"
    ]
    rejected = [attempt for attempt in counted if attempt.outcome is Outcome.REJECTED]
    if len(rejected) >= policy.rejections:
        last = rejected[policy.rejections - 1]
        endings.append(Ending(State.DECLINED, last.at, f"rejected_{policy.rejections}", last.channel))
    return min(endings, key=lambda ending: ending.at, default=None)


def _ending_of(attempt: AttemptFacts) -> Ending | None:
    state = rule_of(attempt).ends
    if state is None:
        return None
    if state is State.COMPLETED:
        state = result_of(attempt)
    return Ending(state, attempt.at, str(attempt.outcome), attempt.channel)


def result_of(attempt: AttemptFacts) -> State:
    """What a conversation means for this visit: as `results[]` says, else incomplete with a next date, else
    completed.
    """
    if attempt.result is not None:
        return _RESULTS[attempt.result]
    return State.INCOMPLETE if attempt.next_at else State.COMPLETED


def _effects(
    visit: VisitFacts, live: Sequence[AttemptFacts], marks: Mapping[UUID, Mark], calendar: StoreCalendar
) -> tuple[Effect, ...]:
    effects: list[Effect] = []
    for number_id, mark in marks.items():
        effects += [MarkNumber(number_id, mark), OpenTask(TaskKind.CORRECT_FILE, number_id)]
    for attempt in live:
        effects += _effects_of(attempt, calendar)
    effects += [OpenTask(TaskKind.READ_REPLY, ref=stamp(signal.at)) for signal in visit.signals if signal.kind == "reply"]
    return tuple({effect.key: effect for effect in effects}.values())


def _effects_of(attempt: AttemptFacts, calendar: StoreCalendar) -> list[Effect]:
    match attempt.outcome:
        case Outcome.DO_NOT_CONTACT:
            return [OptOut(attempt.number_id)]
        case Outcome.MOVED_OR_SOLD:
            return [CancelVehicle(), OpenTask(TaskKind.NEW_OWNER)]
        case Outcome.DECEASED:
            return [CancelCustomer()]
    if rule_of(attempt).ends is State.COMPLETED and result_of(attempt) is State.INCOMPLETE:
        day_after = calendar.next_open_day(calendar.day_of(attempt.at), inclusive=False)
        return [FollowUp(attempt.next_at or calendar.opening(day_after))]
    return []
