"""Open visits given to other people: the row, its history, nothing else. Promises, tries and past attempts stay as they are."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import orjson

from shared.db import Connection
from shared.events import NOTIFY_FEED, Actor, feed
from shared.ids import new_id
from shared.stores import StoreContext

# Nothing of shared.planning is imported here: planning itself moves visits (month 9, absences of the day).

_LOCK = """
    SELECT id, assignee_id, role FROM visits
    WHERE store_id = $1 AND id = ANY($2::uuid[]) AND state IN ('planned', 'due', 'trying') ORDER BY id FOR UPDATE
"""
_GIVE = """
    UPDATE visits v SET assignee_id = m.to_id, role = coalesce(m.role, v.role), updated_at = $2, version = v.version + 1
    FROM unnest($3::uuid[], $4::uuid[], $5::text[]) AS m(id, to_id, role)
    WHERE v.store_id = $1 AND v.id = m.id
"""
_EVENTS = """
    INSERT INTO visit_events (store_id, id, visit_id, at, kind, actor_kind, actor_id, detail)
    SELECT $1, e.id, e.visit_id, $2, 'reassigned', $3, $4, e.detail::jsonb
    FROM unnest($5::uuid[], $6::uuid[], $7::text[]) AS e(id, visit_id, detail)
"""


@dataclass(frozen=True)
class Moved:
    """An open visit that changed hands; None is the pool of its role."""

    visit_id: UUID
    from_id: UUID | None
    to_id: UUID | None


async def move_open_visits(
    conn: Connection,
    store: StoreContext,
    visit_ids: Collection[UUID],
    to: Mapping[UUID, UUID | None],
    *,
    reason: str,
    now: datetime,
    actor: Actor,
    role: str | None = None,
) -> list[Moved]:
    """Give those of the visits that are still open to whom `to` names by visit id (None: the pool of the role); what moved.

    `role`: the role they pass into, as at month 9; None keeps each one's. Nobody who has left is given anything: such a visit
    goes to the pool. A visit that is that person's already, or that `to` does not name, stays as it is. The histories say from whom, to
    whom and `reason`. In the caller's transaction; never commits, never touches what is due when.
    """
    rows = await conn.fetch(_LOCK, store.id, list(visit_ids))
    wanted = {row["id"]: _active(store, to[row["id"]]) for row in rows if row["id"] in to}
    moved = [
        Moved(row["id"], row["assignee_id"], wanted[row["id"]])
        for row in rows
        if row["id"] in wanted and (wanted[row["id"]] != row["assignee_id"] or (role is not None and role != row["role"]))
    ]
    if not moved:
        return []
    given = zip(*((one.visit_id, one.to_id, role) for one in moved), strict=True)
    await conn.execute(_GIVE, store.id, now, *given)
    told = zip(*((new_id(), one.visit_id, _detail(one, reason)) for one in moved), strict=True)
    await conn.execute(_EVENTS, store.id, now, actor.kind, actor.id, *told)
    await conn.execute("SELECT pg_notify($1, $2)", NOTIFY_FEED, feed(store.id, "visit"))
    return moved


def _detail(moved: Moved, reason: str) -> str:
    return orjson.dumps({"from": moved.from_id, "to": moved.to_id, "reason": reason}, str).decode()


def _active(store: StoreContext, staff_id: UUID | None) -> UUID | None:
    person = store.staff.get(staff_id) if staff_id else None
    return person.id if person is not None and person.active else None
