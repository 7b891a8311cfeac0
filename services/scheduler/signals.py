"""What the notifier told: a message's fate, a reply, an answer. Each signal makes the ladder look at its visit again, once."""

from __future__ import annotations

from uuid import UUID

from services.scheduler.context import Context
from services.scheduler.work import bring_on
from shared.complaints import open_for_answers
from shared.db import store_transaction
from shared.events import Actor

LIMIT = 500
LOW_ANSWERS = frozenset({"answer_1", "answer_2"})
CUSTOMER = Actor("customer")

_STORES = "SELECT store_id FROM visit_signals WHERE handled_at IS NULL GROUP BY store_id"
_CLAIM = """
    SELECT id, visit_id, kind FROM visit_signals WHERE store_id = $1 AND handled_at IS NULL
    ORDER BY at LIMIT $2 FOR UPDATE SKIP LOCKED
"""
_HANDLED = "UPDATE visit_signals SET handled_at = $3 WHERE store_id = $1 AND id = ANY($2::uuid[])"


async def apply_signals(context: Context) -> int:
    """Apply all signals that wait, store by store, after what falls due in masses; how many."""
    stores = [row["store_id"] for row in await context.pool.fetch(_STORES)]
    applied = 0
    for store_id in stores:
        while count := await _next(context, store_id):
            applied += count
    return applied


async def _next(context: Context, store_id: UUID) -> int:
    await context.flood.give_way()
    return await _apply(context, store_id)


async def _apply(context: Context, store_id: UUID) -> int:
    """One batch of a store in one transaction; how many signals."""
    async with store_transaction(context.pool, store_id) as conn:
        rows = await conn.fetch(_CLAIM, store_id, LIMIT)
        if not rows:
            return 0
        now = context.clock.now()
        store = await context.stores.get(conn, store_id, today=now.date())
        progressed = await bring_on(context, conn, store, sorted({row["visit_id"] for row in rows}), now)
        if low := {row["visit_id"] for row in rows if row["kind"] in LOW_ANSWERS}:  # of a visit that had ended before, too
            await open_for_answers(conn, store, low, now=now, actor=CUSTOMER)
        await conn.execute(_HANDLED, store_id, [row["id"] for row in rows], now)
    context.emitter.ring(store_id, [event_id for one in progressed for event_id in one.event_ids])
    context.meters.signals.inc(len(rows))
    context.notices.due(str(store_id))
    return len(rows)
