"""The connection that listens: something is due earlier, signals came, the clock moved. A lost connection means: look at everything."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import asyncpg
import structlog

from services.scheduler.context import Notices
from shared.db import DATABASE_AWAY, connect
from shared.events import NOTIFY_CLOCK, NOTIFY_COMPLAINTS, NOTIFY_DUE, NOTIFY_SIGNAL

CHECK_EVERY = 10.0
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 10.0

log = structlog.get_logger("scheduler")


async def listen(url: str, notices: Notices) -> None:
    """Keep one connection listening, come back after every loss. Runs until cancelled."""
    pause = FIRST_PAUSE
    while True:
        try:
            connection = await connect(url, "huifang-scheduler-listen")
            pause = FIRST_PAUSE
            await _follow(connection, notices)
        except DATABASE_AWAY as error:
            log.warning("listening_lost", error=type(error).__name__)
        await asyncio.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE)


async def _follow(connection: asyncpg.Connection[asyncpg.Record], notices: Notices) -> None:
    def due(_connection: object, _pid: int, _channel: str, payload: object) -> None:
        notices.due(str(payload))

    def signal(*_: object) -> None:
        notices.signalled()

    def clock(*_: object) -> None:
        notices.clock_moved()

    def complaint(*_: object) -> None:
        notices.complaints.set()

    lost = asyncio.Event()
    connection.add_termination_listener(lambda _: lost.set())
    try:
        await connection.add_listener(NOTIFY_DUE, due)
        await connection.add_listener(NOTIFY_SIGNAL, signal)
        await connection.add_listener(NOTIFY_CLOCK, clock)
        await connection.add_listener(NOTIFY_COMPLAINTS, complaint)
        notices.all()  # what was told while nobody listened
        while not lost.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(lost.wait(), CHECK_EVERY)
            if not lost.is_set():
                await connection.execute("SELECT 1", timeout=CHECK_EVERY)
    finally:
        connection.terminate()
