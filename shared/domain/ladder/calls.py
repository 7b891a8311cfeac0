"""The part of the ladder in which people call: from the day the visit is due until the tries are used up."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shared.domain.ladder.case import Case, step_of
from shared.domain.ladder.facts import (
    AttemptFacts,
    Decision,
    Effect,
    MessageFacts,
    Next,
    NotifyManager,
    OpenTask,
    TaskKind,
    stamp,
)
from shared.domain.ladder.history import rule_of
from shared.domain.ladder.slots import end_of_its_day, next_part, one_open_day_after
from shared.domain.message import WAITING
from shared.domain.visit import Channel, State


@dataclass(frozen=True)
class CallsOver:
    """Calling has ended at an instant, and why: tries_exhausted, line_suspended, no_good_number."""

    at: datetime
    reason: str


def calls(case: Case) -> Decision | CallsOver:
    """What to do while people call, or that calling is over.

    In this order: a reply is read at once; a promise outranks every cadence; a customer who prefers messages gets
    one first; then
    tries, one a store day, until there are `max_calls`.
    """
    history = case.history
    if history.reply_open and history.reply_at is not None:
        opens = case.calendar.next_opening(history.reply_at)
        return _calling(case, Next("call", opens, "read_reply"))
    if history.promise:
        return _calling(case, Next("call", history.promise, "promised"))
    first = _message_first(case)
    if isinstance(first, Decision):
        return first
    over = _over(case, first)
    return over or _calling(case, _next_call(case, first), waited_until=first)


def _over(case: Case, waited_until: datetime | None) -> CallsOver | None:
    history = case.history
    if not case.good_numbers() and not _by_hand(case):
        since = history.marked_at or case.activation
        return CallsOver(max(since, waited_until or since), "no_good_number")
    if history.suspended_at is not None:
        return CallsOver(history.suspended_at, "line_suspended")
    if len(history.tries) >= case.policy.max_calls:
        return CallsOver(history.tries[case.policy.max_calls - 1].at, "tries_exhausted")
    return None


def _by_hand(case: Case) -> bool:
    """Work done in the workshop or by letter needs no telephone number."""
    return case.visit.channel in (Channel.ONSITE, Channel.LETTER)


def _next_call(case: Case, waited_until: datetime | None) -> Next:
    history, last = case.history, _last_call(case)
    if last is not None:
        at = next_part(case.calendar, last.at, case.policy)
        return Next("call", _not_before(case, at, waited_until), f"{last.outcome}_{len(history.tries)}")
    if history.marked_at is not None:
        return Next("call", case.calendar.next_opening(max(history.marked_at, case.activation)), "other_number")
    if waited_until is not None:
        return Next("call", _not_before(case, case.activation, waited_until), "message_unanswered")
    return Next("letter" if case.visit.channel is Channel.LETTER else "call", case.activation, "due")


def _last_call(case: Case) -> AttemptFacts | None:
    """The last try of this round; else the last call that was kept but not counted, or that promised no time."""
    history = case.history
    if history.tries:
        return history.tries[-1]
    kept = [
        attempt
        for attempt in history.live
        if attempt.channel is Channel.PHONE
        and attempt.direction == "out"
        and attempt.number_id not in (history.marks or {})
        and (rule_of(attempt).is_try or (rule_of(attempt).promises and attempt.next_at is None))
        and (history.reply_at is None or attempt.at >= history.reply_at)
    ]
    return kept[-1] if kept else None


def _not_before(case: Case, at: datetime, floor: datetime | None) -> datetime:
    return at if floor is None or at >= floor else case.calendar.next_opening(floor)


def _message_first(case: Case) -> Decision | datetime | None:
    """The preferred channel: the message that goes before any call, then the instant from which silence allows calls.

    A try already made ends the preference: calling has begun. The message that then follows the tries is the
    ladder's own.
    """
    preferred = _preference(case)
    if preferred is Channel.WECHAT:
        return _wechat_first(case)
    if preferred is None or not case.good_numbers():
        return None
    message = case.message(preferred)
    if message is not None:
        silent = case.silent_since(message)
        return silent if case.now >= silent or case.history.tried else _waiting(case, message, silent)
    at = case.slot(case.activation)
    if case.history.live or not case.may(preferred):
        return None
    if case.now >= at + case.silence:
        return at + case.silence
    step = Next(step_of(preferred), at, "preferred_channel")
    number_id = case.text_target() if preferred is Channel.SMS else None
    return case.decide(_state(case), step, looks=[at + case.silence], number_id=number_id)


def _preference(case: Case) -> Channel | None:
    if case.visit.channel is Channel.WECHAT:
        return Channel.WECHAT
    wanted = case.visit.preferred_channel
    writes = wanted in (Channel.SMS, Channel.EMAIL, Channel.WECHAT)
    return wanted if case.visit.channel is Channel.PHONE and writes else None


def _waiting(case: Case, message: MessageFacts, silent: datetime) -> Decision:
    reason = "message_waits" if message.state in WAITING else "message_unanswered"
    step = Next("call", case.calendar.next_opening(silent), reason)
    return case.decide(_state(case), step, looks=[silent], number_id=_callee(case))


def _wechat_first(case: Case) -> Decision | datetime | None:
    """WeChat is written by hand from copy-ready text: a task, recorded as an attempt; 24 h of silence later it is
    calls.
    """
    written = [attempt for attempt in case.history.live if attempt.channel is Channel.WECHAT]
    if written:
        return written[0].at + case.silence
    if any(attempt.channel is Channel.PHONE for attempt in case.history.live):
        return None
    task = OpenTask(TaskKind.WECHAT_MESSAGE)
    step = Next("call", case.activation, "wechat_message")
    return _calling(case, step, also=(task,) if case.now >= case.activation else ())


def _callee(case: Case) -> UUID | None:
    return next((number.id for number in case.good_numbers()), None)


def _state(case: Case) -> State:
    """Trying once the ladder runs; a reply nobody has read makes the visit due again."""
    if case.history.reply_open:
        return State.DUE
    return State.TRYING if case.history.tried else case.waiting_state


def _calling(case: Case, step: Next, *, waited_until: datetime | None = None, also: tuple[Effect, ...] = ()) -> Decision:
    """A call is next. Without any try the deadline rules; with one, the manager hears of a call left undone for an
    open day.
    """
    if case.history.reply_at is None and _state(case) is State.DUE:
        return _until_deadline(case, step, waited_until, also)
    if case.history.promise and step.reason == "promised":
        overdue, kind = end_of_its_day(case.calendar, step.at), NotifyManager("promise_overdue", stamp(step.at))
    else:
        overdue, kind = one_open_day_after(case.calendar, step.at), NotifyManager("call_overdue", stamp(step.at))
    told = (kind,) if case.now >= overdue else ()
    return case.decide(_state(case), step, effects=(*also, *told), looks=[overdue], number_id=_callee(case))


def _until_deadline(case: Case, step: Next, waited_until: datetime | None, also: tuple[Effect, ...]) -> Decision:
    """No try yet: the manager is told at the deadline, one open day later the visit is missed.

    A promise, or a message that had to go first, moves the deadline to the end of the day on which the call can be
    made.
    """
    moved = waited_until is not None or step.reason == "promised"
    deadline = case.visit.window_end
    if moved:
        deadline = max(deadline, end_of_its_day(case.calendar, step.at))
    missed_at = one_open_day_after(case.calendar, deadline)
    if case.now >= missed_at:
        return case.end(State.MISSED, missed_at, "deadline_without_try", effects=[NotifyManager("deadline")])
    told = (NotifyManager("deadline"),) if case.now >= deadline else ()
    return case.decide(State.DUE, step, effects=(*also, *told), looks=[deadline, missed_at], number_id=_callee(case))
