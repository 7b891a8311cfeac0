"""Word to the staff goes out by e-mail: claimed, committed, sent, settled; tried again on a schedule, under one Message-ID.

A process that dies between the claim and the word of the server leaves a row that is tried again when its lease is over: to the
staff an escalation that comes twice is better than one that never comes, and mail programs know the second by its Message-ID.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg
import orjson

from services.notifier.channels import Outgoing, Result, Verdict
from services.notifier.channels.base import Attachment
from services.notifier.context import Context
from shared.clock import machine_now
from shared.db import Connection, store_transaction
from shared.reports.excel import workbook
from shared.stores import StoreContext

BATCH = 20
AGAIN_AFTER = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=2), timedelta(hours=6))
"""How long after each try the next one is, when the server was away or busy; after the last of them the notice has failed."""

XLSX = "application", "vnd.openxmlformats-officedocument.spreadsheetml.sheet"

_STORES = """
    SELECT store_id FROM staff_notices
    WHERE state IN ('queued', 'sending') AND wake_at <= $1 AND (state = 'queued' OR lease_until <= $2)
    GROUP BY store_id ORDER BY store_id
"""
_NEXT = "SELECT min(wake_at) FROM staff_notices WHERE state = 'queued'"
_TAKE = """
    SELECT n.id, n.subject, n.body, n.report_name, n.report_month, n.tries, s.email
    FROM staff_notices n JOIN staff s ON s.store_id = n.store_id AND s.id = n.staff_id
    WHERE n.store_id = $1 AND n.state IN ('queued', 'sending') AND n.wake_at <= $2 AND (n.state = 'queued' OR n.lease_until <= $4)
    ORDER BY n.wake_at, n.id LIMIT $3 FOR UPDATE OF n SKIP LOCKED
"""
_NO_ADDRESS = """
    UPDATE staff_notices SET state = 'no_address', reason = 'no_address', wake_at = NULL WHERE store_id = $1 AND id = ANY($2::uuid[])
"""
_SENDING = """
    UPDATE staff_notices SET state = 'sending', tries = tries + 1, lease_until = $3 WHERE store_id = $1 AND id = ANY($2::uuid[])
"""
# Whoever lost the row to its lease has nothing to say about it any more.
_SETTLE = """
    UPDATE staff_notices SET state = $4, reason = $5, wake_at = $6, sent_at = $7, lease_until = NULL
    WHERE store_id = $1 AND id = $2 AND tries = $3 AND state = 'sending'
"""
_REPORT = "SELECT content FROM frozen_reports WHERE store_id = $1 AND name = $2 AND month = $3"


@dataclass(frozen=True, slots=True)
class End:
    """What a notice becomes."""

    state: str
    reason: str | None = None
    wake_at: datetime | None = None
    sent_at: datetime | None = None


async def send_notices(ctx: Context) -> int:
    """Send what is due in every store. Out: how many were looked at."""
    rows = await ctx.pool.fetch(_STORES, ctx.clock.now(), machine_now())
    return sum([await _send_store(ctx, row["store_id"]) for row in rows])


async def next_notice_at(ctx: Context) -> datetime | None:
    """When the next one is due."""
    found: datetime | None = await ctx.pool.fetchval(_NEXT)
    return found


async def _send_store(ctx: Context, store_id: UUID) -> int:
    now = ctx.clock.now()
    async with store_transaction(ctx.pool, store_id) as conn:
        store = await ctx.stores.get(conn, store_id, today=now.date())
        rows = await conn.fetch(_TAKE, store_id, now, BATCH, machine_now())
        nobody = [row["id"] for row in rows if not row["email"]]
        going = [row for row in rows if row["email"]]
        if nobody:
            await conn.execute(_NO_ADDRESS, store_id, nobody)
        if going:
            await conn.execute(_SENDING, store_id, [row["id"] for row in going], machine_now() + _lease(ctx))
        mails = [await _mail(conn, store, row, now) for row in going]
    results = await asyncio.gather(*(ctx.channels["email"].send(mail, _no_mark) for mail in mails))
    async with store_transaction(ctx.pool, store_id) as conn:
        for row, result in zip(going, results, strict=True):
            end = settled(result, row["tries"], ctx.clock.now())
            await conn.execute(
                _SETTLE, store_id, row["id"], row["tries"] + 1, end.state, end.reason, end.wake_at, end.sent_at
            )  # fmt: skip
    return len(rows)


def settled(result: Result, tries: int, now: datetime) -> End:
    """What the server's word makes of a notice after `tries` earlier ones. Pure."""
    if result.verdict in (Verdict.ACCEPTED, Verdict.DELIVERED):
        return End("sent", sent_at=now)
    if result.verdict is Verdict.REFUSED_FINAL or tries >= len(AGAIN_AFTER):
        return End("failed", result.code)
    return End("queued", result.code, wake_at=now + AGAIN_AFTER[tries])


async def _mail(conn: Connection, store: StoreContext, row: asyncpg.Record, now: datetime) -> Outgoing:
    return Outgoing(
        attempt_id=row["id"],
        to=row["email"],
        text=row["body"],
        at=now,
        subject=row["subject"],
        sender_name=store.name,
        language=store.language,
        attachment=await _workbook(conn, store, row),
    )


async def _workbook(conn: Connection, store: StoreContext, row: asyncpg.Record) -> Attachment | None:
    """The frozen report that the notice names, as an Excel file."""
    name, month = row["report_name"], row["report_month"]
    content = await conn.fetchval(_REPORT, store.id, name, month) if name else None
    if content is None:
        return None
    return Attachment(f"{name}_{store.code}_{month}.xlsx", *XLSX, workbook(name, orjson.loads(content)))


def _lease(ctx: Context) -> timedelta:
    return timedelta(seconds=ctx.settings.lease_seconds)


async def _no_mark() -> None:
    return None
