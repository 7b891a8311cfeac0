"""A complaint's row as its clocks see it, and the one way it is changed: with the next instant to look at it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from shared.db import Connection
from shared.domain.complaint import ClockPolicy, Kind, Standing, State, clock_policy, look_at
from shared.errors import NotFound
from shared.events import NOTIFY_COMPLAINTS, NOTIFY_FEED, Actor, feed
from shared.ids import new_id
from shared.stores import StoreContext

# What the scheduler may read too: no word of the customer.
STANDING = (
    "id, number, customer_id, vehicle_id, visit_id, kind, category, state, crisis, crisis_checklist, source, department, owner_id,"
    " level, opened_at, round_at, respond_by, handle_by, tell_by, responded_at, handled_at, told_at, resolved_at, closed_at, paused_at,"
    " pauses, sign_off_by, signed_off_at, warned, reopened, version"
)
_LOCK = f"SELECT {STANDING} FROM complaints WHERE store_id = $1 AND id = ANY($2::uuid[]) ORDER BY id FOR UPDATE"
_WAKE = "UPDATE complaints SET wake_at = $3 WHERE store_id = $1 AND id = $2"
_EVENTS = """
    INSERT INTO complaint_events (store_id, id, complaint_id, at, kind, actor_kind, actor_id, detail)
    SELECT $1, e.id, e.complaint_id, $2, e.kind, $3, $4, e.detail::jsonb
    FROM unnest($5::uuid[], $6::uuid[], $7::text[], $8::text[]) AS e(id, complaint_id, kind, detail)
"""
_NOTIFY = "SELECT pg_notify(channel, payload) FROM unnest($1::text[], $2::text[]) AS n(channel, payload)"


def policy_of(store: StoreContext) -> ClockPolicy:
    """How the clocks of complaints run in the store: its settings under `complaints`."""
    given = store.policies.get("complaints")
    return clock_policy(given if isinstance(given, Mapping) else {})


def standing_of(row: Mapping[str, Any] | asyncpg.Record) -> Standing:
    """The clocks' view of a row with the columns STANDING."""
    crisis: dict[str, Any] = _json(row["crisis_checklist"]) or {}
    contacted = (crisis.get("items") or {}).get("contact")
    return Standing(
        kind=Kind(row["kind"]),
        state=State(row["state"]),
        since=row["round_at"] or row["opened_at"],
        respond_by=row["respond_by"],
        handle_by=row["handle_by"],
        tell_by=row["tell_by"],
        responded_at=row["responded_at"],
        handled_at=row["handled_at"],
        told_at=row["told_at"],
        crisis=row["crisis"] and "contact_by" not in crisis,
        contact_from=_instant(crisis.get("at")),
        contact_by=_instant(crisis.get("contact_by")),
        contacted_at=_instant(contacted["at"]) if contacted else None,
        paused_at=row["paused_at"],
        pauses=[(datetime.fromisoformat(a), datetime.fromisoformat(b)) for a, b in _json(row["pauses"]) or ()],
        sign_off_by=row["sign_off_by"],
        signed_off_at=row["signed_off_at"],
        warned=frozenset(row["warned"]),
    )


async def lock(conn: Connection, store_id: UUID, ids: Collection[UUID]) -> list[asyncpg.Record]:
    """Complaints of the store, held to the end of the transaction, ordered by id."""
    return await conn.fetch(_LOCK, store_id, list(ids))


async def put(
    conn: Connection, store: StoreContext, complaint_id: UUID, values: Mapping[str, object], *, now: datetime
) -> asyncpg.Record:
    """Change columns (constant names) of a complaint that is locked; out: the row with STANDING, its clocks set anew."""
    sets = "".join(f"{name} = ${place}, " for place, name in enumerate(values, start=4))
    row = await conn.fetchrow(
        f"UPDATE complaints SET {sets}updated_at = $3, version = version + 1 WHERE store_id = $1 AND id = $2 RETURNING {STANDING}",
        store.id,
        complaint_id,
        now,
        *map(_stored, values.values()),
    )
    if row is None:
        raise NotFound
    await conn.execute(_WAKE, store.id, complaint_id, look_at(standing_of(row), policy_of(store), store.calendar))
    return row


async def record(
    conn: Connection,
    store_id: UUID,
    events: Iterable[tuple[UUID, str, Mapping[str, object]]],
    *,
    now: datetime,
    actor: Actor,
) -> None:
    """Append (complaint, kind, detail) to the histories, and wake the scheduler and the live feeds."""
    rows = [(new_id(), complaint_id, kind, orjson.dumps(detail, str).decode()) for complaint_id, kind, detail in events]
    if not rows:
        return
    await conn.execute(_EVENTS, store_id, now, actor.kind, actor.id, *zip(*rows, strict=True))
    told = {row[1] for row in rows}
    notices = [(NOTIFY_COMPLAINTS, str(store_id)), *((NOTIFY_FEED, feed(store_id, "complaint", one)) for one in told)]
    await conn.execute(_NOTIFY, *zip(*notices, strict=True))


def _stored(value: object) -> object:
    """Mappings, and lists of anything but words, go in as JSON."""
    is_json = isinstance(value, Mapping) or (isinstance(value, list) and not all(isinstance(item, str) for item in value))
    return orjson.dumps(value, str).decode() if is_json else value


def _json(value: object) -> Any:
    return orjson.loads(value) if isinstance(value, str | bytes) else value


def _instant(text: object) -> datetime | None:
    return datetime.fromisoformat(text) if isinstance(text, str) else None
