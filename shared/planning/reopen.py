"""Visits that come back because the reason for ending them turned out to be none: a cancellation, a number that was wrong."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Literal
from uuid import UUID

from shared.db import Connection
from shared.events import Actor
from shared.planning.rows import tell, write_events
from shared.stores import StoreContext
from shared.wakes import wake

_LOCK = """
    SELECT id FROM visits
    WHERE store_id = $1 AND id = ANY($2::uuid[]) AND state = $5 AND ($3::text IS NULL OR state_reason = $3)
      AND (window_end > $4 OR (state = 'cancelled' AND tries > 0))
    ORDER BY id FOR UPDATE
"""
# As planned, from now on: the ladder, asked next, finds where their past puts them. People who left meanwhile are given nothing.
_OPEN = """
    UPDATE visits v SET state = 'planned', state_reason = NULL, closed_at = NULL, next_at = coalesce(v.promised_at, v.due_at),
           next_step = CASE WHEN v.channel IN ('sms', 'email', 'letter') THEN v.channel ELSE 'call' END, next_reason = 'planned',
           wake_at = greatest(v.due_at, $3), updated_at = $3, version = v.version + 1,
           assignee_id = (SELECT s.id FROM staff s WHERE s.store_id = v.store_id AND s.id = v.assignee_id AND s.active)
    WHERE v.store_id = $1 AND v.id = ANY($2::uuid[])
"""


async def reopen(
    conn: Connection,
    store: StoreContext,
    visit_ids: Collection[UUID],
    *,
    was: str | None,
    state: Literal["cancelled", "invalid"] = "cancelled",
    reason: str,
    now: datetime,
    actor: Actor,
) -> list[UUID]:
    """Open again those of the visits that ended in `state` for `was` (None: whatever for) and are still in their window.

    One that was cancelled with its ladder running comes back after its window too: such a ladder goes on and counts as late.

    Out: which. The caller asks `shared.progress` where each of them stands; what is too late stays as it is.
    """
    ids = [row["id"] for row in await conn.fetch(_LOCK, store.id, list(visit_ids), was, now, state)]
    if not ids:
        return []
    await conn.execute(_OPEN, store.id, ids, now)
    await wake(conn, store.id, ids)
    await write_events(conn, store.id, [(visit_id, "reopened", {"reason": reason}) for visit_id in ids], now=now, actor=actor)
    await tell(conn, store.id, len(ids))
    return ids
