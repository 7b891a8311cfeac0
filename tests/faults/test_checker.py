"""The checker itself: a sound history passes, and each way of breaking one is found under its own name."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.faults.checker import check
from tests.faults.history import Attempt, Change, Event, History, Message, Seen, Visit
from tests.faults.seeding import CLOSING, START

VISIT, MESSAGE, ATTEMPT = uuid4(), uuid4(), uuid4()
NUMBER = b"number"
LATER = START + timedelta(minutes=5)


def message(**changes: Any) -> Message:
    made = Message(MESSAGE, VISIT, "accepted", None, "sms", "service_followup", NUMBER, "http", "Asia/Shanghai", 0)
    return replace(made, **changes)


def attempt(**changes: Any) -> Attempt:
    return replace(Attempt(ATTEMPT, MESSAGE, 1, START, START, "accepted"), **changes)


def seen(attempt_id: UUID = ATTEMPT, *, accepted: bool = True) -> Seen:
    return Seen(str(attempt_id), START, accepted)


def path(row_id: UUID, *states: str, kind: str = "messages") -> list[Change]:
    return [Change(kind, row_id, state) for state in states]


def history(**changes: Any) -> History:
    """One visit, its event, its message, sent once."""
    sound = History(
        now=LATER,
        messages=[message()],
        attempts=[attempt()],
        visits=[Visit(VISIT, "due", "sms", START, 1, None)],
        events=[Event(VISIT, 1, "sms", handled=True)],
        changes=[*path(VISIT, "due", kind="visits"), *path(MESSAGE, "queued", "sending", "accepted")],
        seen=[seen()],
    )
    return replace(sound, **changes)


def three_to_one_number() -> History:
    """Three messages of three visits to one number within an hour."""
    ids = [(uuid4(), uuid4(), uuid4()) for _ in range(3)]
    return history(
        messages=[message(id=made, visit_id=visit) for visit, made, _ in ids],
        attempts=[attempt(id=tried, message_id=made) for _, made, tried in ids],
        visits=[Visit(visit, "due", "sms", START, 1, None) for visit, _, _ in ids],
        events=[Event(visit, 1, "sms", handled=True) for visit, _, _ in ids],
        changes=[],
        seen=[seen(tried) for _, _, tried in ids],
    )


BROKEN = {
    "a second call": ("I1", history(attempts=[attempt(), attempt(id=VISIT, n=2)], seen=[seen(), seen(VISIT)])),
    "a call made twice": ("I1", history(seen=[seen(), seen()])),
    "a call of nobody": ("I1", history(seen=[seen(), seen(uuid4())])),
    "a message that vanished": ("I2", history(messages=[message(state="sending")], seen=[])),
    "not sent, and no reason": ("I2", history(messages=[message(state="rejected")], seen=[])),
    "accepted by nobody": ("I3", history(seen=[])),
    "delivered, but refused": ("I3", history(messages=[message(state="delivered")], seen=[seen(accepted=False)])),
    "a call after the opt-out": ("I4", history(stops={NUMBER: START - timedelta(microseconds=1)})),
    "a call at night": ("I5", history(attempts=[attempt(io_started_at=CLOSING + timedelta(seconds=20))])),
    "a third message of the day": ("I6", three_to_one_number()),
    "an event twice": ("I7", history(events=[Event(VISIT, 1, "sms", handled=True)] * 2)),
    "a gap between events": ("I7", history(events=[Event(VISIT, 2, "sms", handled=True)])),
    "a visit nobody woke": ("lost", history(visits=[Visit(VISIT, "planned", "sms", START, 0, START)], events=[])),
    "a visit that the queue forgot": ("lost", history(visits=[Visit(VISIT, "due", "sms", START, 1, LATER)])),
    "a visit that the queue has too late": ("lost", history(visits=[Visit(VISIT, "due", "sms", START, 1, START, LATER)])),
    "an event nobody took": ("lost", history(events=[Event(VISIT, 1, "sms", handled=False)])),
    "an event without a message": ("lost", history(messages=[], attempts=[], seen=[], changes=[])),
    "a rank that fell": ("I8", history(changes=path(MESSAGE, "sending", "delivered", "accepted"))),
    "sent again by itself": ("I8", history(changes=path(MESSAGE, "sending", "unknown", "queued"))),
    "sent in spite of a no": ("I8", history(changes=path(MESSAGE, "queued", "suppressed", "sending"))),
    "a visit that came back": ("I8", history(changes=path(VISIT, "due", "expired", "due", kind="visits"))),
}


def test_a_sound_history_passes() -> None:
    assert check(history()).total == 0, check(history()).said()


def test_what_people_order_again_may_be_called_again() -> None:
    ordered = history(
        messages=[message(resends=1)],
        attempts=[attempt(outcome="unknown"), attempt(id=VISIT, n=2)],
        seen=[seen(), seen(VISIT)],
        changes=path(MESSAGE, "sending", "unknown", "queued", "sending", "accepted"),
    )
    assert check(ordered).total == 0, check(ordered).said()


@pytest.mark.parametrize("fault", BROKEN)
def test_each_fault_is_found_under_its_name(fault: str) -> None:
    name, broken = BROKEN[fault]
    assert check(broken).breaches[name], check(broken).said()
