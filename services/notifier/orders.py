"""What people order of a message: send again in spite of the risk, take it out, say what became of it. The API asks, we carry out."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import asyncpg

from services.notifier.context import Context
from services.notifier.settle import tell
from shared.db import Connection, store_transaction
from shared.domain.message import RESEND, WAITING, MessageState

BATCH = 100
RESEND_ORDER, HOLD_ORDER, STOP_ORDER = "resend", "hold", "stop"  # stop: by the house itself, with its own reason
SETTLE_ORDERS = {"settle_delivered": "delivered", "settle_undelivered": "undelivered"}
TAKEN_OUT = "taken_out"

_STORES = "SELECT DISTINCT store_id FROM message_orders WHERE handled_at IS NULL"
_OPEN = """
    SELECT o.id, o.message_id, o.kind, o.reason, o.staff_id, m.state, m.visit_id
    FROM message_orders o JOIN messages m ON m.store_id = o.store_id AND m.id = o.message_id
    WHERE o.store_id = $1 AND o.handled_at IS NULL ORDER BY o.at, o.id LIMIT $2 FOR UPDATE SKIP LOCKED
"""
_MOVE = """
    UPDATE messages SET state = $3::text, reason = $4, wake_at = $5, updated_at = $6,
        delivered_at = CASE WHEN $3::text = 'delivered' THEN $6::timestamptz ELSE delivered_at END,
        expire_at = CASE WHEN $3::text = 'queued' THEN NULL ELSE expire_at END
    WHERE store_id = $1 AND id = $2
"""
_HANDLED = "UPDATE message_orders SET handled_at = $3, outcome = $4 WHERE store_id = $1 AND id = $2"


async def take_orders(ctx: Context) -> int:
    """Carry out every open order. Out: how many."""
    done = 0
    for row in await ctx.pool.fetch(_STORES):
        now = ctx.clock.now()
        async with store_transaction(ctx.pool, row["store_id"]) as conn:
            orders = await conn.fetch(_OPEN, row["store_id"], BATCH)
            for order in orders:
                outcome = await _carry_out(conn, row["store_id"], order, now)
                await conn.execute(_HANDLED, row["store_id"], order["id"], now, outcome)
        done += len(orders)
    if done:
        ctx.ring_delivery()
    return done


async def _carry_out(conn: Connection, store_id: UUID, order: asyncpg.Record, now: datetime) -> str:
    """The move that was ordered, or `too_late` when the message has moved on meanwhile."""
    state = await conn.fetchval("SELECT state FROM messages WHERE store_id = $1 AND id = $2", store_id, order["message_id"])
    move = _move(order["kind"], MessageState(state), now, order["reason"])
    if move is None:
        return "too_late"
    to, reason, wake_at = move
    await conn.execute(_MOVE, store_id, order["message_id"], to, reason, wake_at, now)
    await tell(conn, store_id, [(order["visit_id"], order["message_id"], to, reason)], now)
    return "done"


def _move(kind: str, state: MessageState, now: datetime, why: str | None) -> tuple[str, str | None, datetime | None] | None:
    """The state an order leads to, with its reason and when to look again; None when it is not to be had any more."""
    if kind == RESEND_ORDER and state in RESEND:
        return "queued", "resend", now
    if kind == HOLD_ORDER and state in WAITING:
        return "suppressed", TAKEN_OUT, None
    if kind == STOP_ORDER and state in WAITING:
        return "suppressed", why, None
    if kind in SETTLE_ORDERS and state in RESEND:
        return SETTLE_ORDERS[kind], "settled_by_a_person", None
    return None
