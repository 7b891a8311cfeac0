"""What an answer by message brings to its visit: the score, and for a low one work for the manager within the hour (domain.md §10.13)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from shared.db import Connection
from shared.domain.visit import Channel
from shared.ids import new_id
from shared.progress.write import Change
from shared.stores import StoreContext

LOW_SCORE = 2
ANSWERED_BY = frozenset({Channel.SMS, Channel.EMAIL})

_SCORES = """
    UPDATE visits v SET satisfaction = s.score FROM surveys s
    WHERE v.store_id = $1 AND v.id = ANY($2::uuid[]) AND s.store_id = v.store_id AND s.visit_id = v.id
        AND s.score IS NOT NULL AND v.satisfaction IS DISTINCT FROM s.score
    RETURNING v.id, v.customer_id, s.score
"""
_TASKS = """
    INSERT INTO tasks (store_id, id, kind, customer_id, visit_id, role, due_at, detail, created_at)
    SELECT $1, t.id, 'low_score', t.customer_id, t.visit_id, 'service_manager', $2, jsonb_build_object('satisfaction', t.score), $3
    FROM unnest($4::uuid[], $5::uuid[], $6::uuid[], $7::int[]) AS t(id, customer_id, visit_id, score)
    ON CONFLICT DO NOTHING
"""


async def apply(conn: Connection, store: StoreContext, changes: Sequence[Change], *, now: datetime) -> None:
    """Enter the scores of visits that an answer by SMS or e-mail has closed; those that have theirs already stay as they are."""
    ids = [change.id for change in changes if change.closes and change.decision.channel in ANSWERED_BY]
    rows = await conn.fetch(_SCORES, store.id, ids) if ids else []
    low = [(new_id(), row["customer_id"], row["id"], row["score"]) for row in rows if row["score"] <= LOW_SCORE]
    if low:
        due_at = store.calendar.add_business_time(now, timedelta(hours=1))
        await conn.execute(_TASKS, store.id, due_at, now, *zip(*low, strict=True))
