"""Changes of visits as rows: one UPDATE from arrays, one INSERT for the history, one for the due-contact events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from datetime import datetime
from uuid import UUID

import orjson

from shared.db import Connection
from shared.domain.ladder import Decision, Effect
from shared.domain.visit import FINAL, State
from shared.events import NOTIFY_DUE, NOTIFY_EVENTS, NOTIFY_FEED, Actor, feed
from shared.ids import new_id
from shared.progress.facts import Known
from shared.wakes import wake

FEED_ONE_BY_ONE = 20  # beyond it a live page is told that several changed


@dataclass(frozen=True)
class Stand:
    """The columns of a visit that progress writes, in the order of _UPDATE."""

    state: State
    state_reason: str | None
    late: bool
    tries: int
    next_step: str | None
    next_at: datetime | None
    next_reason: str | None
    wake_at: datetime | None
    due_seq: int
    promised_at: datetime | None
    closed_at: datetime | None


@dataclass(frozen=True)
class Event:
    """A due-contact event to be written."""

    id: UUID
    due_seq: int
    step: str
    due_at: datetime


@dataclass(frozen=True)
class Change:
    """A visit, what was decided of it, and what of that is new: columns, effects, effects to take back, events."""

    known: Known
    decision: Decision
    before: Stand
    after: Stand
    effects: tuple[Effect, ...]
    undone: tuple[str, ...]
    events: tuple[Event, ...]

    @property
    def id(self) -> UUID:
        return self.known.id

    @property
    def matters(self) -> bool:
        return self.before != self.after or bool(self.effects or self.undone or self.events)

    @property
    def closes(self) -> bool:
        """It ends now, or (a late answer) ends otherwise than before."""
        return self.after.state in FINAL and self.after.state is not self.before.state

    @property
    def tells(self) -> bool:
        """Something for the history: more than another instant to look again."""
        return bool(self.effects or self.undone) or _told(self.before) != _told(self.after)


def _told(stand: Stand) -> tuple[object, ...]:
    return stand.state, stand.state_reason, stand.late, stand.tries, stand.next_step, stand.next_at, stand.promised_at


_UPDATE = """
    UPDATE visits v SET state = c.state, state_reason = c.state_reason, late = c.late, tries = c.tries, next_step = c.next_step,
           next_at = c.next_at, next_reason = c.next_reason, wake_at = c.wake_at, due_seq = c.due_seq,
           promised_at = c.promised_at, closed_at = c.closed_at, updated_at = $2, version = v.version + 1,
           purposes = CASE WHEN c.next_reason = 'read_reply' AND v.purposes @> '{read_reply}' IS FALSE
                           THEN v.purposes || '{read_reply}' ELSE v.purposes END
    FROM unnest($3::uuid[], $4::text[], $5::text[], $6::bool[], $7::int[], $8::text[], $9::timestamptz[], $10::text[],
                $11::timestamptz[], $12::int[], $13::timestamptz[], $14::timestamptz[])
         AS c(id, state, state_reason, late, tries, next_step, next_at, next_reason, wake_at, due_seq, promised_at, closed_at)
    WHERE v.store_id = $1 AND v.id = c.id
"""
_HISTORY = """
    INSERT INTO visit_events (store_id, id, visit_id, at, kind, actor_kind, actor_id, detail)
    SELECT $1, h.id, h.visit_id, $2, h.kind, $3, $4, h.detail::jsonb
    FROM unnest($5::uuid[], $6::uuid[], $7::text[], $8::text[]) AS h(id, visit_id, kind, detail)
"""
_EVENTS = """
    INSERT INTO due_contact_events (store_id, id, visit_ids, visit_id, due_seq, step, due_at, created_at)
    SELECT $1, e.id, ARRAY[e.visit_id], e.visit_id, e.due_seq, e.step, e.due_at, $2
    FROM unnest($3::uuid[], $4::uuid[], $5::int[], $6::text[], $7::timestamptz[]) AS e(id, visit_id, due_seq, step, due_at)
"""
_NOTIFY = "SELECT pg_notify(channel, payload) FROM unnest($1::text[], $2::text[]) AS n(channel, payload)"


async def write(conn: Connection, store_id: UUID, changes: Sequence[Change], *, now: datetime, actor: Actor) -> None:
    """The rows of visits, their histories, their due-contact events."""
    rows = [(change.id, *astuple(change.after)) for change in changes if change.before != change.after]
    if rows:
        await conn.execute(_UPDATE, store_id, now, *zip(*rows, strict=True))
        await wake(conn, store_id, [change.id for change in changes if change.after.wake_at != change.before.wake_at])
    told = [(new_id(), change.id, _kind(change), _detail(change)) for change in changes if change.tells]
    if told:
        await conn.execute(_HISTORY, store_id, now, actor.kind, actor.id, *zip(*told, strict=True))
    events = [(e.id, change.id, e.due_seq, e.step, e.due_at) for change in changes for e in change.events]
    if events:
        await conn.execute(_EVENTS, store_id, now, *zip(*events, strict=True))


async def tell(conn: Connection, store_id: UUID, changes: Sequence[Change], actor: Actor) -> None:
    """Wake whoever acts on the changes once they are committed: live pages, notifier, and the scheduler unless it asked."""
    one_by_one = len(changes) <= FEED_ONE_BY_ONE
    notices = [(NOTIFY_FEED, feed(store_id, "visit", change.id)) for change in changes] if one_by_one else []
    notices = notices or [(NOTIFY_FEED, feed(store_id, "visit"))]
    if actor.kind != "system":
        notices += [(NOTIFY_EVENTS, str(store_id))] if any(change.events for change in changes) else []
        notices += [(NOTIFY_DUE, str(store_id))] if any(change.after.wake_at for change in changes) else []
    await conn.execute(_NOTIFY, *zip(*notices, strict=True))


def _kind(change: Change) -> str:
    """The new state names the event; without one, the visit went on."""
    return "progressed" if change.after.state is change.before.state else str(change.after.state)


def _detail(change: Change) -> str:
    before, after, decision = change.before, change.after, change.decision
    detail: dict[str, object] = {"from": before.state, "to": after.state, "tries": after.tries}
    optional = {
        "reason": decision.reason if after.state not in FINAL or change.closes else None,
        "late": after.late or None,
        "channel": decision.channel,
        "next": {"step": after.next_step, "at": after.next_at, "reason": after.next_reason} if after.next_step else None,
        "effects": [effect.key for effect in change.effects],
        "undone": change.undone,
    }
    detail |= {name: value for name, value in optional.items() if value}
    return orjson.dumps(detail).decode()
