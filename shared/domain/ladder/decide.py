"""`next_step`: what holds for a visit now, from the whole of its past."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from shared.domain.calendar import StoreCalendar
from shared.domain.ladder.calls import CallsOver, calls
from shared.domain.ladder.case import Case, step_of
from shared.domain.ladder.facts import (
    AttemptFacts,
    Decision,
    FollowUp,
    LadderPolicy,
    MessageFacts,
    MessageStep,
    Next,
    NotifyManager,
    VisitFacts,
)
from shared.domain.ladder.history import read_history, result_of, rule_of
from shared.domain.ladder.messages import after_calls, automatic
from shared.domain.message import MessageState
from shared.domain.visit import FINAL, Channel, State


def next_step(
    visit: VisitFacts,
    attempts: Sequence[AttemptFacts],
    messages: Sequence[MessageFacts],
    policy: LadderPolicy,
    calendar: StoreCalendar,
    now: datetime,
) -> Decision:
    """Replay the past of a visit and say what holds at `now` (UTC): its state, the next step, when to ask again,
    what must be done.

    Pure: the same facts give the same answer, however often and by whomever it is asked. In: all attempts, withdrawn
    ones too, and
    all messages of the visit. Raises nothing but `NeverOpen` for a store that never opens. Source: S1 (补访),
    decisions.md "A visit".
    """
    case = Case(visit, messages, policy, calendar, now, read_history(visit, attempts, policy, calendar))
    if visit.state in FINAL:
        return _after_the_end(case)
    if ending := case.history.ending:
        return case.end(ending.state, ending.at, ending.reason, channel=ending.channel)
    if visit.state is State.PLANNED and case.history.untouched and not messages:
        if now < case.activation:
            return _planned(case)
        if now >= (expires := _window_end(case)):
            # Nobody was ever shown it: expired and told, not missed, which would be charged to the assignee.
            return case.end(State.EXPIRED, expires, "window_passed_unseen", effects=[NotifyManager("expired")])
    if case.automatic and not case.history.reply_open:
        return automatic(case)
    step = calls(case)
    decision = after_calls(case, step) if isinstance(step, CallsOver) else step
    return _missed(case, decision) if decision.state is State.MISSED else decision


def undone(visit: VisitFacts, now: datetime) -> VisitFacts:
    """The visit as it stood before its attempts, open again: what to ask with after an attempt that had closed it
    was withdrawn.

    The caller takes back the effects whose keys the new decision no longer has.
    """
    state = State.PLANNED if now < visit.due_at else State.DUE
    return replace(visit, state=state, closed_at=None)


def _window_end(case: Case) -> datetime:
    promise = case.history.promise
    if promise is None:
        return case.visit.window_end
    return max(case.visit.window_end, case.calendar.end_of_day(case.calendar.day_of(promise)))


def _planned(case: Case) -> Decision:
    at, channel, promise = case.activation, case.visit.channel, case.history.promise
    step = Next("letter" if channel is Channel.LETTER else "call", promise or at, "promised" if promise else "planned")
    if case.automatic:
        step = Next(step_of(channel), case.slot(at), "planned")
    return case.decide(State.PLANNED, step, looks=[at])


def _after_the_end(case: Case) -> Decision:
    """A closed visit stays closed. Still to follow: a late answer, the link of a missed one, the e-mail of an
    automatic one.
    """
    visit = case.visit
    ended_at = visit.closed_at or case.now
    if visit.state is State.UNREACHABLE and (answer := _late_answer(case, ended_at)):
        return replace(answer, late=True)
    decision = case.end(visit.state, ended_at, "closed")
    if visit.state is State.MISSED:
        return _missed(case, decision)
    own = case.message(visit.channel)
    if visit.state is State.COMPLETED and own is not None and _failed_late(case, own):
        return _also(case, decision, "email", own.settled_at or own.created_at, "sms_undelivered")
    return decision


def _failed_late(case: Case, own: MessageFacts) -> bool:
    """An automatic SMS was accepted, which completed the visit, and the receipt then said undelivered."""
    undelivered = own.channel is Channel.SMS and own.state is MessageState.UNDELIVERED
    unanswered = case.history.ending is None and case.message(Channel.EMAIL) is None
    return undelivered and unanswered and case.visit.email_ok


def _late_answer(case: Case, ended_at: datetime) -> Decision | None:
    """An answer within 30 days after `unreachable` completes the visit, late; a next date then is a new visit as
    always.
    """
    until = ended_at + timedelta(days=case.policy.late_answer_days)
    answers = [(s.at, f"answer_{s.channel}", s.channel) for s in case.visit.signals if s.kind == "answer"]
    answers += [
        (attempt.at, str(attempt.outcome), attempt.channel)
        for attempt in case.history.live
        if rule_of(attempt).ends is State.COMPLETED and result_of(attempt) is not State.DECLINED
    ]
    at, reason, channel = min(answers, default=(None, "", Channel.PHONE))
    if at is None or at > until:
        return None
    return case.end(State.COMPLETED, at, reason, channel=channel)


def _missed(case: Case, decision: Decision) -> Decision:
    """What follows a miss, by `on_missed`.

    sms: the survey link goes out once, by e-mail where there is no number; the visit stays missed whatever comes
    back (an answer is
    kept as a survey, a reply opens a task). reassign: a new visit for another person follows. none: nothing.
    """
    ended_at = decision.ended_at or case.now
    if case.visit.on_missed == "reassign":
        follow_up = FollowUp(case.calendar.next_opening(ended_at), "reassign")
        return replace(decision, effects=(*decision.effects, follow_up))
    if case.visit.on_missed == "none" or case.messages:
        return decision
    if case.may(Channel.SMS):
        return _also(case, decision, "sms", ended_at, "missed")
    return _also(case, decision, "email", ended_at, "missed") if case.visit.email_ok else decision


def _also(case: Case, decision: Decision, kind: MessageStep, since: datetime, reason: str) -> Decision:
    step = Next(kind, case.slot(since), reason)
    event, held = case.event(step)
    return replace(
        decision,
        next=step,
        wake_at=None if event else held or step.at,
        effects=(*decision.effects, *event),
        number_id=case.text_target() if kind == "sms" else None,
    )
