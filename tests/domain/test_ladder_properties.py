"""What holds of the ladder whatever happens: any history, any order, any hour."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.calendar import StoreCalendar
from shared.domain.ladder import (
    AttemptFacts,
    Decision,
    Emit,
    LadderPolicy,
    MessageFacts,
    NumberFacts,
    SignalFacts,
    VisitFacts,
    explain,
    next_step,
)
from shared.domain.message import MessageState
from shared.domain.visit import FINAL, NEXT, Channel, Outcome, ReachedPerson, Result, State

CALENDARS = st.sampled_from(
    [
        StoreCalendar("Asia/Shanghai"),
        StoreCalendar("Asia/Shanghai", weekly={day: ((time(9), time(12)), (time(13), time(18))) for day in range(6)}),
        StoreCalendar("Asia/Shanghai", weekly={day: ((time(20), time(2)),) for day in (0, 2, 4)}),
        StoreCalendar("Europe/Berlin"),
    ]
)
START = datetime(2026, 3, 20, 1, tzinfo=UTC)
POLICY = LadderPolicy()
NUMBERS = [UUID(int=n) for n in (1, 2)]

instants = st.integers(0, 40 * 24 * 12).map(lambda step: START + timedelta(minutes=5 * step))
maybe_instants = st.none() | instants
numbers = st.tuples(
    *(st.none() | st.builds(NumberFacts, st.just(n), st.booleans(), st.booleans(), st.booleans()) for n in NUMBERS)
)
attempts = st.builds(
    AttemptFacts,
    at=instants,
    channel=st.sampled_from([Channel.PHONE, Channel.PHONE, Channel.PHONE, Channel.WECHAT, Channel.SMS]),
    outcome=st.sampled_from(Outcome),
    direction=st.sampled_from(["out", "out", "in"]),
    number_id=st.none() | st.sampled_from(NUMBERS),
    next_at=maybe_instants,
    reached_person=st.none() | st.sampled_from(ReachedPerson),
    withdrawn=st.booleans(),
    result=st.none() | st.sampled_from(Result),
)
messages = st.builds(
    MessageFacts,
    channel=st.sampled_from([Channel.SMS, Channel.EMAIL]),
    state=st.sampled_from(MessageState),
    created_at=instants,
    sent_at=maybe_instants,
    settled_at=maybe_instants,
)
signals = st.builds(
    SignalFacts,
    at=instants,
    kind=st.sampled_from(["reply", "answer"]),
    channel=st.sampled_from([Channel.SMS, Channel.EMAIL]),
)
visits = st.builds(
    VisitFacts,
    state=st.sampled_from(State),
    channel=st.sampled_from(Channel),
    due_at=instants,
    window_end=instants,
    promised_at=maybe_instants,
    promised_set_at=maybe_instants,
    preferred_channel=st.none() | st.sampled_from([Channel.PHONE, Channel.SMS, Channel.EMAIL, Channel.WECHAT]),
    numbers=numbers.map(lambda found: tuple(n for n in found if n)),
    email_ok=st.booleans(),
    on_missed=st.sampled_from(["sms", "reassign", "none"]),
    closed_at=maybe_instants,
    signals=st.lists(signals, max_size=2).map(tuple),
)


def emits(decision: Decision) -> list[Emit]:
    return [effect for effect in decision.effects if isinstance(effect, Emit)]


def in_window(calendar: StoreCalendar, instant: datetime) -> bool:
    return POLICY.sms_from <= calendar.local(instant).time() < POLICY.sms_to


@settings(max_examples=400, deadline=None)
@given(visits, st.lists(attempts, max_size=8), st.lists(messages, max_size=3), CALENDARS, instants)
def test_any_history_gets_one_lawful_answer(
    visit: VisitFacts,
    past: list[AttemptFacts],
    sent: list[MessageFacts],
    calendar: StoreCalendar,
    now: datetime,
) -> None:
    decision = next_step(visit, past, sent, POLICY, calendar, now)

    assert decision.state == visit.state or decision.state in NEXT[visit.state]
    assert decision == next_step(visit, past, sent, POLICY, calendar, now)
    if (visit.state, decision.state) == (State.TRYING, State.DUE):
        assert decision.reason == "read_reply"
    assert decision.wake_at is None or decision.wake_at > now
    assert len({effect.key for effect in decision.effects}) == len(decision.effects)
    assert (decision.state in FINAL) == (decision.ended_at is not None)
    assert explain(visit, past, sent, POLICY, calendar, now)[-1].code in ("next", "ended", "waits")
    for event in emits(decision):
        assert event.at <= now
        if event.kind != "call":
            assert in_window(calendar, now)
            assert in_window(calendar, event.at)
            assert all(message.channel != event.kind for message in sent)


@settings(max_examples=200, deadline=None)
@given(visits, st.lists(attempts, max_size=6), st.lists(messages, max_size=2), CALENDARS, instants)
def test_a_withdrawn_attempt_changes_no_answer(
    visit: VisitFacts, past: list[AttemptFacts], sent: list[MessageFacts], calendar: StoreCalendar, now: datetime
) -> None:
    live = [attempt for attempt in past if not attempt.withdrawn]

    assert next_step(visit, past, sent, POLICY, calendar, now) == next_step(visit, live, sent, POLICY, calendar, now)


NOT_REACHED = st.sampled_from(
    [
        Outcome.NO_ANSWER,
        Outcome.BUSY,
        Outcome.POWERED_OFF,
        Outcome.OUT_OF_COVERAGE,
        Outcome.REJECTED,
        Outcome.SUSPENDED,
        Outcome.WRONG_NUMBER,
        Outcome.NUMBER_INVALID,
        Outcome.CALL_LATER,
    ]
)
ON_THE_WAY = {MessageState.QUEUED, MessageState.SENDING, MessageState.ACCEPTED}
SETTLED = st.sampled_from(sorted(set(MessageState) - ON_THE_WAY))
planned_visits = st.builds(
    lambda visit, days: replace(
        visit, state=State.PLANNED, window_end=visit.due_at + timedelta(days=days), closed_at=None, signals=()
    ),
    visits,
    st.integers(1, 5),
)


class World:
    """A store in which everything asked for is done: calls are made, messages made, clocks looked at."""

    def __init__(self, visit: VisitFacts, calendar: StoreCalendar, data: st.DataObject) -> None:
        self.visit, self.calendar, self.data = visit, calendar, data
        self.now = min(visit.due_at, visit.promised_at or visit.due_at) - timedelta(hours=1)
        self.attempts: list[AttemptFacts] = []
        self.messages: list[MessageFacts] = []
        self.promises = self.replies = 0
        self.asked: set[str] = set()

    def decide(self) -> Decision:
        decision = next_step(self.visit, self.attempts, self.messages, POLICY, self.calendar, self.now)
        before, after = self.visit.state, decision.state
        assert after == before or after in NEXT[before]
        if (before, after) == (State.TRYING, State.DUE):
            assert decision.reason == "read_reply"
        self.visit = replace(self.visit, state=after, closed_at=decision.ended_at, promised_at=decision.promised_at)
        self.visit = replace(self.visit, promised_set_at=None)
        return decision

    def obey(self, decision: Decision) -> None:
        fresh = [event for event in emits(decision) if event.key not in self.asked]
        self.asked |= {event.key for event in fresh}
        for event in fresh:
            if event.kind != "call":
                assert in_window(self.calendar, self.now)
                state = self.data.draw(SETTLED)
                self.messages.append(MessageFacts(Channel(event.kind), state, self.now, self.now, self.now))
                self._maybe_reply()
                return
        if decision.next and decision.next.step in ("call", "letter") and decision.next.at <= self.now:
            self._call(decision)
        elif decision.wake_at is not None:
            self.now = decision.wake_at + timedelta(minutes=self.data.draw(st.integers(0, 600)))
        else:
            self._settle()

    def _maybe_reply(self) -> None:
        if self.replies < 2 and self.data.draw(st.integers(0, 3)) == 0:
            self.replies += 1
            self.now += timedelta(hours=2)
            reply = SignalFacts(self.now, "reply", Channel.SMS)
            self.visit = replace(self.visit, signals=(*self.visit.signals, reply))

    def _call(self, decision: Decision) -> None:
        outcome = self.data.draw(NOT_REACHED)
        if outcome is Outcome.CALL_LATER:
            self.promises += 1
            outcome = outcome if self.promises <= 3 else Outcome.NO_ANSWER
        promised = self.now + timedelta(hours=30) if outcome is Outcome.CALL_LATER else None
        by = Channel.WECHAT if decision.reason == "wechat_message" else Channel.PHONE
        self.attempts.append(AttemptFacts(self.now, by, outcome, number_id=decision.number_id, next_at=promised))

    def _settle(self) -> None:
        """Nothing to wait for but the fate of a message."""
        at = self.now + timedelta(hours=72)
        settled = [replace(m, state=MessageState.UNKNOWN_FINAL, settled_at=at) for m in self.messages]
        assert settled != self.messages, "a visit waits for nothing"
        self.messages, self.now = settled, at


@settings(max_examples=400, deadline=None)
@given(planned_visits, CALENDARS, st.data())
def test_a_ladder_that_is_obeyed_ends_with_at_most_one_sms_and_one_email(
    visit: VisitFacts, calendar: StoreCalendar, data: st.DataObject
) -> None:
    world = World(visit, calendar, data)
    for _ in range(150):
        decision = world.decide()
        if decision.state in FINAL and decision.wake_at is None and not {e.key for e in emits(decision)} - world.asked:
            break
        world.obey(decision)

    assert world.visit.state in FINAL
    assert len([m for m in world.messages if m.channel is Channel.SMS]) <= 1
    assert len([m for m in world.messages if m.channel is Channel.EMAIL]) <= 1
