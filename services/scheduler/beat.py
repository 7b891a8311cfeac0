"""Sign of life, and what an absence means when it ends."""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import suppress
from datetime import datetime, timedelta

import orjson
import structlog

from services.scheduler.context import Context
from services.scheduler.loop import Loop
from shared.clock import machine_now
from shared.db import store_transaction
from shared.wakes import wake

NAME = "scheduler"
BEAT_EVERY, STUCK_AFTER = 5.0, 60.0
LONG_ABSENCE = timedelta(minutes=10)
SPREAD_SECONDS = 300

log = structlog.get_logger("scheduler")

_BEAT = """
    INSERT INTO heartbeats (name, beat_at, detail) VALUES ($1, $2, $3)
    ON CONFLICT (name) DO UPDATE SET beat_at = excluded.beat_at, detail = excluded.detail
"""
_LAST = "SELECT beat_at FROM heartbeats WHERE name = $1"
_STORES = "SELECT id FROM stores"
# Automatic messages only: people work through a list in their own order anyway. Their instant stays what it was, for the history.
_SPREAD = """
    WITH late AS (
        SELECT v.id FROM visits v
        WHERE v.store_id = $1 AND v.wake_at <= $2 AND v.state = 'planned' AND v.channel IN ('sms', 'email')
          AND v.id IN (SELECT unnest(w.visit_ids) FROM visit_wakes w WHERE w.store_id = $1 AND w.wake_at <= $2)
        ORDER BY v.id FOR UPDATE OF v SKIP LOCKED
    )
    UPDATE visits v SET wake_at = $2 + make_interval(secs => abs(hashtext(v.id::text)::bigint) % $3)
    FROM late WHERE v.store_id = $1 AND v.id = late.id RETURNING v.id
"""


async def beat(context: Context, loop: Loop, stop: asyncio.Event) -> None:
    """A row every five seconds while the loop turns. A loop that is stuck shows by the age of the row."""
    while not stop.is_set():
        if time.monotonic() - loop.beat_at < STUCK_AFTER:
            try:
                detail = orjson.dumps({"pid": os.getpid()}).decode()
                await context.pool.execute(_BEAT, NAME, machine_now(), detail)
            except Exception as error:
                log.warning("beat_missed", error=type(error).__name__)
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), BEAT_EVERY)


async def come_back(context: Context) -> int:
    """After an absence of more than ten minutes: automatic messages that fell due meanwhile go out over five minutes, by a hash of
    the visit, not all in one second. How many stores were looked at. A clock that was set for a rehearsal spreads nothing.
    """
    last: datetime | None = await context.pool.fetchval(_LAST, NAME)
    if context.clock.movable or last is None or machine_now() - last < LONG_ABSENCE:
        return 0
    stores = await context.pool.fetch(_STORES)
    for row in stores:
        async with store_transaction(context.pool, row["id"]) as conn:
            spread = await conn.fetch(_SPREAD, row["id"], context.clock.now(), SPREAD_SECONDS)
            await wake(conn, row["id"], [visit["id"] for visit in spread])
    log.info("came_back", absent_since=last.isoformat())
    return len(stores)
