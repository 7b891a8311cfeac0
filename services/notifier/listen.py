"""The connection that listens: events, callbacks and orders arrived, the clock moved. A lost connection means: look at everything."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import asyncpg
import structlog

from services.notifier.context import Context
from shared.db import DATABASE_AWAY, connect
from shared.events import NOTIFY_CLOCK, NOTIFY_EVENTS, NOTIFY_NOTICES

CHECK_EVERY = 10.0
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 10.0

log = structlog.get_logger("notifier")


async def listen(ctx: Context) -> None:
    """Keep one connection listening, come back after every loss. Runs until cancelled."""
    pause = FIRST_PAUSE
    while True:
        try:
            connection = await connect(ctx.settings.database_url, "huifang-notifier-listen")
            pause = FIRST_PAUSE
            await _follow(ctx, connection)
        except DATABASE_AWAY as error:
            log.warning("listening_lost", error=type(error).__name__)
        await asyncio.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE)


async def _follow(ctx: Context, connection: asyncpg.Connection[asyncpg.Record]) -> None:
    moved, lost = asyncio.Event(), asyncio.Event()

    def on_events(*_: object) -> None:
        ctx.ring()

    def on_notices(*_: object) -> None:
        ctx.notices_bell.set()

    def on_clock(*_: object) -> None:
        moved.set()

    def on_loss(*_: object) -> None:
        lost.set()
        moved.set()

    connection.add_termination_listener(on_loss)
    try:
        await connection.add_listener(NOTIFY_EVENTS, on_events)
        await connection.add_listener(NOTIFY_NOTICES, on_notices)
        await connection.add_listener(NOTIFY_CLOCK, on_clock)
        while not lost.is_set():
            await ctx.clock.refresh(connection)
            ctx.ring_all()
            await _until(moved)
            while not moved.is_set():
                await connection.execute("SELECT 1", timeout=CHECK_EVERY)
                await _until(moved)
            moved.clear()
    finally:
        connection.terminate()


async def _until(event: asyncio.Event) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), CHECK_EVERY)
