"""What runs on the calendar, once for however many schedulers: the row of a job is its lock, its `next_at` the truth."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, time, timedelta
from uuid import UUID

import structlog

from services.scheduler.context import Context
from shared.clock import machine_now
from shared.db import Connection, set_store_sql
from shared.events import SYSTEM
from shared.planning import plan_day
from shared.reports.closing import close_months, next_closing, next_form_6, write_form_6
from shared.stores import StoreContext

DAILY = "daily"  # one a store: daily:<store id>
FORM_6 = "form-6"  # one a store, on the last day of the month
CLOSING = "close-month"  # one a store, on the 5th at 6:00
OF_STORES = (DAILY, FORM_6, CLOSING)
CLEAN = "clean"
BEFORE_OPENING = time(5)
CLEAN_EVERY = timedelta(hours=1)
AGAIN_AFTER = timedelta(minutes=5)
_DAY = timedelta(days=1)

log = structlog.get_logger("scheduler")

_KNOWN = """
    INSERT INTO scheduled_jobs (name, next_at)
    SELECT kind || ':' || id, $3::timestamptz FROM stores, unnest($1::text[]) AS kind UNION ALL SELECT $2, $3
    ON CONFLICT (name) DO NOTHING
"""
_DUE = "SELECT name FROM scheduled_jobs WHERE next_at <= $1 ORDER BY next_at, name"
_NEXT = "SELECT min(next_at) FROM scheduled_jobs"
_TAKE = "SELECT next_at FROM scheduled_jobs WHERE name = $1 AND next_at <= $2 FOR UPDATE SKIP LOCKED"
_DONE = "UPDATE scheduled_jobs SET next_at = $2, last_at = $3 WHERE name = $1"
_FAILED = "UPDATE scheduled_jobs SET next_at = $2 WHERE name = $1"
# Machine time: a key is kept for those who repeat a request, whatever the store's calendar says.
_CLEAN = "DELETE FROM idempotency_keys WHERE expires_at < $1"

Job = Callable[[Context, Connection, str, datetime], Awaitable[datetime]]


async def run_due(context: Context) -> datetime | None:
    """Run every job whose instant has come, each in a transaction of its own; out: when the next one is due."""
    now = context.clock.now()
    await context.pool.execute(_KNOWN, OF_STORES, CLEAN, now)
    for row in await context.pool.fetch(_DUE, now):
        await _run(context, row["name"], now)
    next_at: datetime | None = await context.pool.fetchval(_NEXT)
    return next_at


async def _run(context: Context, name: str, now: datetime) -> None:
    """A job that fails is tried again in five minutes; the others go on."""
    kind, _, rest = name.partition(":")
    try:
        async with context.pool.acquire() as conn, conn.transaction():
            if await conn.fetchval(_TAKE, name, now) is None:
                return
            next_at = await JOBS[kind](context, conn, rest, now)
            await conn.execute(_DONE, name, next_at, now)
    except Exception:
        log.exception("job_failed", job=name)
        context.meters.jobs.labels(kind, "failed").inc()
        await context.pool.execute(_FAILED, name, now + AGAIN_AFTER)
    else:
        context.meters.jobs.labels(kind, "done").inc()


async def _store(context: Context, conn: Connection, rest: str, now: datetime) -> StoreContext:
    """The store a job is of, its connection told so."""
    store_id = UUID(rest)
    await conn.execute(set_store_sql(store_id))
    return await context.stores.get(conn, store_id, today=now.date())


async def _plan_day(context: Context, conn: Connection, rest: str, now: datetime) -> datetime:
    """Everything that the calendar starts in one store, before it opens."""
    store = await _store(context, conn, rest, now)
    await plan_day(conn, store, now=now, actor=SYSTEM)
    return _next_morning(store, now)


def _next_morning(store: StoreContext, now: datetime) -> datetime:
    today = store.calendar.day_of(now)
    morning = store.calendar.at(today, BEFORE_OPENING)
    return morning if morning > now else store.calendar.at(today + _DAY, BEFORE_OPENING)


async def _write_form_6(context: Context, conn: Connection, rest: str, now: datetime) -> datetime:
    """回访月报表 of the month that ends, to manager and general manager (S0)."""
    store = await _store(context, conn, rest, now)
    for month in await write_form_6(conn, store, now=now):
        log.info("form_6_written", store_id=rest, month=str(month))
    return next_form_6(store, now)


async def _close_month(context: Context, conn: Connection, rest: str, now: datetime) -> datetime:
    """The month before is frozen, its report sent (S4: by the 5th)."""
    store = await _store(context, conn, rest, now)
    for month in await close_months(conn, store, now=now):
        log.info("month_closed", store_id=rest, month=str(month))
    return next_closing(store, now)


async def _clean(_context: Context, conn: Connection, _rest: str, now: datetime) -> datetime:
    await conn.execute(_CLEAN, machine_now())
    return now + CLEAN_EVERY


JOBS: dict[str, Job] = {DAILY: _plan_day, FORM_6: _write_form_6, CLOSING: _close_month, CLEAN: _clean}
