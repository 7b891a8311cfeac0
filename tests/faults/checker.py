"""What must hold of every history (reliability §3.4), whatever died in it. Pure: a history in, the breaches out, each in words."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from uuid import UUID
from zoneinfo import ZoneInfo

from shared.domain import visit
from shared.domain.consent import ContactPolicy, Purpose
from shared.domain.message import RANK, MessageState
from tests.faults.history import Attempt, History

POLICY = ContactPolicy()
WAITING = {"queued", "held"}
NOT_SENT = {"suppressed", "rejected"}
UNCERTAIN = {"unknown", "unknown_final"}
SENT = {"accepted", "delivered", "undelivered", "receipt_timeout"}
LATE_ARRIVAL = timedelta(seconds=1)
SLACK = timedelta(seconds=2)


def one_call_each(history: History) -> Iterator[str]:
    """I1: calls of the gateway per message ≤ 1 + resends that people ordered + calls closed as refused; none of nobody."""
    message_of = {str(attempt.id): attempt.message_id for attempt in history.attempts}
    refused = Counter(a.message_id for a in history.attempts if a.io_started_at and (a.outcome or "").startswith("refused"))
    calls: Counter[UUID] = Counter()
    for attempt_id, times in Counter(seen.attempt_id for seen in history.seen).items():
        if attempt_id not in message_of:
            yield f"the gateway was called for an attempt {attempt_id} that nobody wrote down"
            continue
        if times > 1:
            yield f"attempt {attempt_id} was called {times} times"
        calls[message_of[attempt_id]] += times
    allowed = {message.id: 1 + message.resends + refused[message.id] for message in history.messages}
    for message_id, times in calls.items():
        if times > allowed[message_id]:
            yield f"message {message_id} was called {times} times, {allowed[message_id]} allowed"


def nothing_vanishes(history: History) -> Iterator[str]:
    """I2: every message is in the log, waits, is shown as uncertain, or says why it was not sent."""
    called = _called(history, accepted=False)
    for message in history.messages:
        shown = message.state in WAITING | UNCERTAIN or (message.state in NOT_SENT and message.reason)
        if message.id not in called and not shown:
            yield f"message {message.id} is {message.state} ({message.reason}) and the gateway never saw it"


def sent_means_taken(history: History) -> Iterator[str]:
    """I3: accepted, delivered and the like imply that the gateway took it; what goes through no gateway is left out."""
    taken = _called(history, accepted=True)
    for message in history.messages:
        if message.state in SENT and message.provider == "http" and message.id not in taken:
            yield f"message {message.id} is {message.state} and the gateway never took it"


def no_call_after_a_stop(history: History) -> Iterator[str]:
    """I4: no call begins after an opt-out was committed."""
    by_id = {message.id: message for message in history.messages}
    for attempt, begun in _begun(history):
        stopped = history.stops.get(by_id[attempt.message_id].number or b"")
        if stopped is not None and begun > stopped:
            yield f"attempt {attempt.id} began {begun - stopped} after the opt-out"


def no_call_at_night(history: History) -> Iterator[str]:
    """I5: no call begins outside the hours of its purpose in the store's zone."""
    by_id = {message.id: message for message in history.messages}
    for attempt, begun in _begun(history):
        message = by_id[attempt.message_id]
        local = begun.astimezone(ZoneInfo(message.zone)).time()
        opens, closes = POLICY.marketing_hours if message.purpose == Purpose.MARKETING else POLICY.service_hours
        if not opens <= local < closes:
            yield f"attempt {attempt.id} began at {local}"


def no_more_than_the_caps(history: History) -> Iterator[str]:
    """I6: in no rolling window does a number get more messages than its cap, over all stores and workers."""
    by_id = {message.id: message for message in history.messages}
    first: dict[UUID, datetime] = {}
    for attempt, begun in _begun(history):
        first[attempt.message_id] = min(begun, first.get(attempt.message_id, begun))
    numbers: dict[bytes, list[tuple[datetime, str]]] = defaultdict(list)
    for message_id, begun in first.items():
        message = by_id[message_id]
        if message.number and message.purpose != Purpose.RECALL_SAFETY:
            numbers[message.number].append((begun, message.purpose))
    for number, sends in numbers.items():
        every = sorted(at for at, _ in sends)
        marketing = sorted(at for at, purpose in sends if purpose == Purpose.MARKETING)
        for instants, caps in ((every, POLICY.all_caps), (marketing, POLICY.marketing_caps)):
            for cap in caps:
                if any(late - early < cap.within for early, late in zip(instants, instants[cap.most :], strict=False)):
                    yield f"number {number.hex()[:12]} got more than {cap.most} in {cap.within}"


def events_without_gaps(history: History) -> Iterator[str]:
    """I7: the due-contact events of a visit are numbered 1, 2, 3 …, none twice, as many as the visit says."""
    numbers: dict[UUID, list[int]] = defaultdict(list)
    for event in history.events:
        numbers[event.visit_id].append(event.due_seq)
    for one in history.visits:
        found = sorted(numbers.get(one.id, []))
        if found != list(range(1, one.due_seq + 1)):
            yield f"visit {one.id} has events {found} and says {one.due_seq}"


def nothing_is_lost(history: History) -> Iterator[str]:
    """Every due visit has its event or an instant ahead, every instant is in the queue, every event was handled, and every event of
    a message has its message.
    """
    made = {(message.visit_id, message.channel) for message in history.messages}
    for one in history.visits:
        ahead = one.wake_at is not None and one.wake_at > history.now  # at night a message waits for the morning
        if one.state in visit.OPEN and one.due_at <= history.now - SLACK and one.due_seq == 0 and not ahead:
            yield f"visit {one.id} was due at {one.due_at} and is {one.state} without an event"
        if one.wake_at is not None and (one.queued_at is None or one.queued_at > one.wake_at):
            yield f"visit {one.id} is to be looked at at {one.wake_at} and the queue says {one.queued_at}"
    for event in history.events:
        if not event.handled:
            yield f"event {event.due_seq} of visit {event.visit_id} was never handled"
        elif event.step in ("sms", "email") and (event.visit_id, event.step) not in made:
            yield f"event {event.due_seq} of visit {event.visit_id} has no message"


def no_rank_falls(history: History) -> Iterator[str]:
    """I8: a message goes back only to be sent when it provably was not, or when a person orders it; a visit keeps to its table."""
    resends = {message.id: message.resends for message in history.messages}
    paths: dict[tuple[str, UUID], list[str]] = defaultdict(list)
    for change in history.changes:
        paths[change.kind, change.id].append(change.state)
    for (kind, row_id), path in paths.items():
        if kind == "visits":
            steps = pairwise(["planned", *path])
            wrong = [step for step in steps if visit.State(step[1]) not in visit.NEXT[visit.State(step[0])]]
        else:
            wrong = list(_falls(path, resends.get(row_id, 0)))
        for before, after in wrong:
            yield f"{kind} {row_id} went from {before} to {after}: {' '.join(path)}"


def _falls(path: Sequence[str], resends: int) -> Iterator[tuple[str, str]]:
    for before, after in pairwise(path):
        if before in NOT_SENT:
            yield before, after
        was, becomes = RANK.get(MessageState(before), 0), RANK.get(MessageState(after), 0)
        if becomes >= was or before == "sending":  # not begun: back to the queue, or refused
            continue
        if before in UNCERTAIN and after == "queued" and resends > 0:
            resends -= 1
            continue
        yield before, after


CHECKS: Mapping[str, Callable[[History], Iterator[str]]] = {
    "I1": one_call_each,
    "I2": nothing_vanishes,
    "I3": sent_means_taken,
    "I4": no_call_after_a_stop,
    "I5": no_call_at_night,
    "I6": no_more_than_the_caps,
    "I7": events_without_gaps,
    "lost": nothing_is_lost,
    "I8": no_rank_falls,
}


@dataclass(frozen=True)
class Report:
    """What a history comes to. `uncertain`: messages that were ever `unknown`; `never_went`: of these, unseen by the gateway;
    `late`: calls that reached the gateway more than a second after their mark (the residue C8).
    """

    breaches: Mapping[str, Sequence[str]]
    messages: int
    calls: int
    uncertain: int
    never_went: int
    late: int

    @property
    def total(self) -> int:
        return sum(map(len, self.breaches.values()))

    def said(self) -> str:
        """The first breaches of each kind."""
        lines = [f"{name}: {len(found)}, such as {found[:3]}" for name, found in self.breaches.items() if found]
        return "\n".join(lines) or "nothing broken"


def check(history: History) -> Report:
    """Hold a history to everything above."""
    called = _called(history, accepted=False)
    uncertain = {change.id for change in history.changes if change.kind == "messages" and change.state == "unknown"}
    begun = {str(attempt.id): at for attempt, at in _begun(history)}
    return Report(
        breaches={name: list(find(history)) for name, find in CHECKS.items()},
        messages=len(history.messages),
        calls=len(history.seen),
        uncertain=len(uncertain),
        never_went=len(uncertain - called),
        late=sum(seen.at - begun[seen.attempt_id] > LATE_ARRIVAL for seen in history.seen if seen.attempt_id in begun),
    )


def _called(history: History, *, accepted: bool) -> set[UUID]:
    """Messages the gateway saw, or took."""
    seen = {seen.attempt_id for seen in history.seen if seen.accepted or not accepted}
    return {attempt.message_id for attempt in history.attempts if str(attempt.id) in seen}


def _begun(history: History) -> Iterator[tuple[Attempt, datetime]]:
    for attempt in history.attempts:
        if attempt.io_started_at is not None:
            yield attempt, attempt.io_started_at
