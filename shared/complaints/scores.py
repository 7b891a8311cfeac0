"""An answer by link or SMS that says 1 or 2 opens a complaint at the time of the answer; no answer is not a zero (domain.md §10.13)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from shared.complaints.follow_up import after_visits
from shared.complaints.opening import open_for_score
from shared.db import Connection
from shared.events import Actor
from shared.stores import StoreContext

LOW_SCORE = 2
_LOW = """
    SELECT v.id, v.customer_id, v.vehicle_id, v.problem_type, s.score, s.comment
    FROM surveys s JOIN visits v ON v.store_id = s.store_id AND v.id = s.visit_id
    WHERE s.store_id = $1 AND s.visit_id = ANY($2::uuid[]) AND s.score <= $3 AND v.trigger_type <> 'complaint.told'
      AND NOT EXISTS (SELECT FROM complaints c WHERE c.store_id = s.store_id AND c.visit_id = v.id AND c.source = 'score')
    ORDER BY v.id
"""


async def open_for_answers(
    conn: Connection, store: StoreContext, visit_ids: Collection[UUID], *, now: datetime, actor: Actor
) -> list[UUID]:
    """Open a complaint for each of these visits whose survey was answered with 1 or 2 and that has none; out: their ids.

    What the follow-up of a complaint was answered with is the customer's word on that complaint.
    """
    rows = await conn.fetch(_LOW, store.id, list(visit_ids), LOW_SCORE)
    opened = [
        await open_for_score(
            conn, store, customer_id=row["customer_id"], vehicle_id=row["vehicle_id"], visit_id=row["id"], score=row["score"],
            text=row["comment"] or "", problem_type=row["problem_type"], now=now, actor=actor,
        )
        for row in rows
    ]  # fmt: skip
    await after_visits(conn, store, visit_ids, now=now, actor=actor)
    return opened
