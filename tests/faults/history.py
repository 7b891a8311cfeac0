"""What happened in a run: the rows of the database as they stand, every state they went through, and the gateway's own log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg

from shared.clock import Anchor
from tests.support.provider import Call

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

# The states of a row in the order in which its lock was held: what no column keeps. In the databases of these tests only.
WATCH = """
    CREATE SCHEMA watch;
    CREATE TABLE watch.states (seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, kind text NOT NULL, id uuid NOT NULL,
        state text NOT NULL);
    CREATE FUNCTION watch.note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
        BEGIN INSERT INTO watch.states (kind, id, state) VALUES (TG_TABLE_NAME, NEW.id, NEW.state); RETURN NULL; END $$;
    CREATE TRIGGER watch_begun AFTER INSERT ON messages FOR EACH ROW EXECUTE FUNCTION watch.note();
    CREATE TRIGGER watch_moved AFTER UPDATE ON messages FOR EACH ROW WHEN (OLD.state <> NEW.state) EXECUTE FUNCTION watch.note();
    CREATE TRIGGER watch_moved AFTER UPDATE ON visits FOR EACH ROW WHEN (OLD.state <> NEW.state) EXECUTE FUNCTION watch.note();
"""
_MESSAGES = """
    SELECT m.id, m.visit_id, m.state, m.reason, m.channel, m.purpose, m.number_index AS number, m.provider, s.timezone AS zone,
        (SELECT count(*) FROM message_orders o
         WHERE o.store_id = m.store_id AND o.message_id = m.id AND o.kind = 'resend' AND o.outcome = 'done') AS resends
    FROM messages m JOIN stores s ON s.id = m.store_id
"""
_ATTEMPTS = "SELECT id, message_id, n, claimed_at, io_started_at, outcome FROM message_attempts"
_VISITS = """
    SELECT v.id, state, channel, due_at, due_seq, wake_at, q.at AS queued_at FROM visits v
    LEFT JOIN (SELECT u.id, min(wake_at) AS at FROM visit_wakes, unnest(visit_ids) AS u (id) GROUP BY 1) q ON q.id = v.id
"""
_EVENTS = """
    SELECT u.visit_id, due_seq, step, handled_at IS NOT NULL AS handled
    FROM due_contact_events CROSS JOIN LATERAL unnest(visit_ids) AS u (visit_id)
"""
_CHANGES = "SELECT kind, id, state FROM watch.states ORDER BY seq"
_CLOCK = "SELECT machine_at, business_at, speed FROM business_clock WHERE id = 1"


@dataclass(frozen=True)
class Message:
    """A message as it stands, and how often people ordered it again."""

    id: UUID
    visit_id: UUID | None
    state: str
    reason: str | None
    channel: str
    purpose: str
    number: bytes | None
    provider: str | None
    zone: str
    resends: int


@dataclass(frozen=True)
class Attempt:
    """A claim, and when (business time) the wire was begun."""

    id: UUID
    message_id: UUID
    n: int
    claimed_at: datetime
    io_started_at: datetime | None
    outcome: str | None


@dataclass(frozen=True)
class Visit:
    """A visit as it stands, and when the scheduler's queue has it."""

    id: UUID
    state: str
    channel: str
    due_at: datetime
    due_seq: int
    wake_at: datetime | None
    queued_at: datetime | None = None


@dataclass(frozen=True)
class Event:
    """A due-contact event."""

    visit_id: UUID
    due_seq: int
    step: str
    handled: bool


@dataclass(frozen=True)
class Change:
    """A row took a state; `kind` is its table."""

    kind: str
    id: UUID
    state: str


@dataclass(frozen=True)
class Seen:
    """A call as the gateway saw it: of which attempt, when (business time), and whether it took the message."""

    attempt_id: str
    at: datetime
    accepted: bool


@dataclass(frozen=True)
class History:
    """All of it. `stops`: numbers and the business instant at which an opt-out of theirs was committed."""

    now: datetime
    messages: Sequence[Message]
    attempts: Sequence[Attempt]
    visits: Sequence[Visit]
    events: Sequence[Event]
    changes: Sequence[Change]
    seen: Sequence[Seen]
    stops: Mapping[bytes, datetime] = field(default_factory=dict)


async def read(conn: Connection, calls: Sequence[Call], stops: Mapping[bytes, float], machine: datetime) -> History:
    """The history of a run. `calls` and `stops` are in machine time (seconds since 1970), and are put into business time."""
    row = await conn.fetchrow(_CLOCK)
    anchor = Anchor(row["machine_at"], row["business_at"], row["speed"]) if row else Anchor(machine, machine, 1.0)

    def business(seconds: float) -> datetime:
        return anchor.at(datetime.fromtimestamp(seconds, UTC))

    async def rows(kind: type[Any], statement: str) -> list[Any]:
        return [kind(**dict(row)) for row in await conn.fetch(statement)]

    return History(
        now=anchor.at(machine),
        messages=await rows(Message, _MESSAGES),
        attempts=await rows(Attempt, _ATTEMPTS),
        visits=await rows(Visit, _VISITS),
        events=await rows(Event, _EVENTS),
        changes=await rows(Change, _CHANGES),
        seen=[Seen(call.id, business(call.at), call.accepted) for call in calls],
        stops={number: business(at) for number, at in stops.items()},
    )
