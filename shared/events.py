"""What services tell one another: who acts, the bell through Redis, the channels of NOTIFY.

PostgreSQL remembers, these only ring: a lost ring or notice costs seconds of delay, never a contact. No personal data: ids only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias
from uuid import UUID

ActorKind: TypeAlias = Literal["staff", "system", "customer", "operator"]


@dataclass(frozen=True)
class Actor:
    """Who does something: a person of the store (`id` of the staff row), the system, the customer, the operator."""

    kind: ActorKind
    id: UUID | None = None


SYSTEM = Actor("system")
OPERATOR = Actor("operator")

RING_JOB = "deliver_events"
RING_QUEUE = "huifang:notifier"

NOTIFY_DUE = "huifang_due"  # to the scheduler: something new, or earlier, to wake for; payload: store id or empty
NOTIFY_SIGNAL = "huifang_signal"  # to the scheduler: visit_signals arrived; payload: store id or empty
NOTIFY_EVENTS = "huifang_events"  # to the notifier: due-contact events, callbacks or orders; payload: store id or empty
NOTIFY_COMPLAINTS = "huifang_complaints"  # to the scheduler: a clock of a complaint began or moved; payload: store id
NOTIFY_NOTICES = "huifang_notices"  # to the notifier: word to the staff that goes out by e-mail; payload: store id
NOTIFY_CLOCK = "huifang_clock"  # to all: the business clock moved
NOTIFY_FEED = "huifang_feed"  # to the API's live feed; payload: store_id:kind:id

Ring: TypeAlias = list[tuple[str, list[str]]]
"""What a ring carries, the only argument of RING_JOB: pairs of a store's id and ids of its due-contact events, as text."""


def ring_payload(events: Mapping[UUID, Iterable[UUID]]) -> Ring:
    """A ring from event ids by store."""
    return [(str(store_id), [str(event_id) for event_id in ids]) for store_id, ids in events.items()]


def read_ring(ring: Iterable[tuple[str, Iterable[str]]]) -> dict[UUID, list[UUID]]:
    """Event ids by store, from a ring as it came out of Redis."""
    return {UUID(store_id): [UUID(event_id) for event_id in ids] for store_id, ids in ring}


def feed(store_id: UUID, kind: str, row_id: UUID | None = None) -> str:
    """The payload of NOTIFY_FEED; without an id, several rows of that kind changed."""
    return f"{store_id}:{kind}:{row_id or ''}"
