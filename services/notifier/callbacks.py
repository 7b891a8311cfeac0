"""Callbacks as the API kept them: opened, read, applied, each in a transaction of its own. One nobody can read is set aside."""

from __future__ import annotations

from uuid import UUID

import asyncpg
import orjson
import structlog

from services.notifier.context import Context
from services.notifier.receipts import apply_receipts, read_receipts
from services.notifier.replies import apply_reply, read_replies
from shared.crypto import Unreadable
from shared.db import Connection

NO_STORE = UUID(int=0)
RECEIPTS, REPLIES, MAIL = "sms_receipts", "sms_replies", "email"

log = structlog.get_logger("notifier.callbacks")

_NEXT = """
    SELECT c.id, c.kind, c.body, h.store_id FROM callbacks c JOIN hook_tokens h ON h.id = c.hook_token_id
    WHERE c.handled_at IS NULL ORDER BY c.received_at, c.id LIMIT 1 FOR UPDATE OF c SKIP LOCKED
"""
_HANDLED = "UPDATE callbacks SET handled_at = $2, outcome = $3 WHERE id = $1"


async def take_callbacks(ctx: Context) -> int:
    """Apply every open callback, oldest first. Out: how many."""
    done = 0
    while await _take_one(ctx):
        done += 1
    return done


async def _take_one(ctx: Context) -> bool:
    now = ctx.clock.now()
    async with ctx.pool.acquire() as conn, conn.transaction():
        row = await conn.fetchrow(_NEXT)
        if row is None:
            return False
        try:
            async with conn.transaction():
                outcome = await _apply(ctx, conn, row)
        except (orjson.JSONDecodeError, Unreadable, ValueError, asyncpg.DataError) as fault:
            log.warning("callback_set_aside", callback_id=str(row["id"]), fault=type(fault).__name__)
            outcome = f"set_aside:{type(fault).__name__}"
        await conn.execute(_HANDLED, row["id"], now, outcome[:200])
    return True


async def _apply(ctx: Context, conn: Connection, row: asyncpg.Record) -> str:
    now, store_id = ctx.clock.now(), row["store_id"]
    body = orjson.loads(ctx.vault.open_bytes(row["body"], "callbacks", "body", NO_STORE, row["id"]))
    if row["kind"] in (RECEIPTS, MAIL):
        receipts, bad = read_receipts(body, now)
        applied = await apply_receipts(conn, receipts, store_id, now)
        return f"receipts={applied} foreign={len(receipts) - applied} bad={bad}"
    replies, bad = read_replies(body, now)
    taken = [await apply_reply(conn, ctx.vault, reply, store_id, now) for reply in replies]
    return " ".join([*taken, f"bad={bad}"])
