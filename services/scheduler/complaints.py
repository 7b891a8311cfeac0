"""The clocks of complaints and problems: beside the visits, on a bell of their own, because there are few of them and none may wait.

`complaints.wake_at` says when to look; the row is the lock, and what is done is written into it: no restart does it twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg
import structlog

from services.scheduler.context import Context
from shared.clock import sleep_until
from shared.complaints import bring_on, bring_on_problems
from shared.db import DATABASE_AWAY, Connection, store_transaction
from shared.events import SYSTEM
from shared.stores import StoreContext

LIMIT = 100
SET_ASIDE = timedelta(hours=1)
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 10.0

log = structlog.get_logger("scheduler")

_WAITING = """
    SELECT store_id, min(at) AS at FROM (
        SELECT store_id, min(wake_at) AS at FROM complaints WHERE wake_at IS NOT NULL GROUP BY store_id
        UNION ALL
        SELECT store_id, min(act_by) FROM problems
        WHERE resolved_at IS NULL AND acted_at IS NULL AND warned_at IS NULL GROUP BY store_id
    ) waiting GROUP BY store_id ORDER BY at
"""
_CLAIM = """
    SELECT id FROM complaints WHERE store_id = $1 AND wake_at <= $2 ORDER BY wake_at, id LIMIT $3 FOR UPDATE SKIP LOCKED
"""
_PUT_OFF = "UPDATE complaints SET wake_at = $3 WHERE store_id = $1 AND id = $2"


async def keep_clocks(context: Context, stop: asyncio.Event) -> None:
    """Work off what is due, sleep until the next instant, the bell or a sweep, until `stop`; a lost database is waited for."""
    pause = FIRST_PAUSE
    while not stop.is_set():
        try:
            await _refresh(context)
            next_at = await run_clocks(context)
            pause = FIRST_PAUSE
        except DATABASE_AWAY as error:
            log.warning("database_away", part="complaints", error=type(error).__name__)
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), pause)
            pause = min(pause * 2, LONGEST_PAUSE)
            continue
        if not stop.is_set():
            await sleep_until(context.clock, next_at, context.notices.complaints, at_most=context.settings.sweep_seconds)


async def run_clocks(context: Context) -> datetime | None:
    """Everything that is due in every store; out: when something is next."""
    now = context.clock.now()
    for row in await context.pool.fetch(_WAITING):
        while row["at"] <= now and await _run_store(context, row["store_id"], now):
            pass
    following = [row["at"] for row in await context.pool.fetch(_WAITING) if row["at"] > now]
    return min(following, default=None)


async def _run_store(context: Context, store_id: UUID, now: datetime) -> int:
    """One batch of a store in one transaction; how many complaints and problems were looked at."""
    async with store_transaction(context.pool, store_id) as conn:
        store = await context.stores.get(conn, store_id, today=now.date())
        ids = [row["id"] for row in await conn.fetch(_CLAIM, store_id, now, LIMIT)]
        await _bring_on(conn, store, ids, now)
        return len(ids) + await bring_on_problems(conn, store, now=now)


async def _bring_on(conn: Connection, store: StoreContext, ids: Sequence[UUID], now: datetime) -> None:
    """Each in a savepoint: one that fails is put off by an hour, the others go on."""
    for complaint_id in ids:
        try:
            async with conn.transaction():
                await bring_on(conn, store, [complaint_id], now=now, actor=SYSTEM)
        except (asyncpg.InterfaceError, asyncpg.InternalClientError, asyncpg.PostgresConnectionError, OSError):
            raise
        except Exception:
            log.exception("complaint_set_aside", store_id=str(store.id), complaint_id=str(complaint_id))
            await conn.execute(_PUT_OFF, store.id, complaint_id, now + SET_ASIDE)


async def _refresh(context: Context) -> None:
    """A clock that stands still is moved by others: ask where it stands before acting on it."""
    if context.clock.movable and not context.clock.speed:
        async with context.pool.acquire() as conn:
            await context.clock.refresh(conn)
