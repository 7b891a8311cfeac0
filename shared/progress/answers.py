"""What an answer by message brings to its visit: the score, and for a low one a complaint (domain.md §10.13)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from shared.complaints import LOW_SCORE, open_for_answers
from shared.db import Connection
from shared.domain.visit import Channel
from shared.events import Actor
from shared.progress.write import Change
from shared.stores import StoreContext

ANSWERED_BY = frozenset({Channel.SMS, Channel.EMAIL})
CUSTOMER = Actor("customer")

_SCORES = """
    UPDATE visits v SET satisfaction = s.score FROM surveys s
    WHERE v.store_id = $1 AND v.id = ANY($2::uuid[]) AND s.store_id = v.store_id AND s.visit_id = v.id
        AND s.score IS NOT NULL AND v.satisfaction IS DISTINCT FROM s.score
    RETURNING v.id, s.score
"""


async def apply(conn: Connection, store: StoreContext, changes: Sequence[Change], *, now: datetime) -> None:
    """Enter the scores of visits that an answer by SMS or e-mail has closed; those that have theirs already stay as they are."""
    ids = [change.id for change in changes if change.closes and change.decision.channel in ANSWERED_BY]
    rows = await conn.fetch(_SCORES, store.id, ids) if ids else []
    low = [row["id"] for row in rows if row["score"] <= LOW_SCORE]
    if low:
        await open_for_answers(conn, store, low, now=now, actor=CUSTOMER)
