"""The arq worker: the bell that the scheduler rings through Redis. Supervised, because arq ends when Redis restarts.

A ring says that events are there; which ones, and that each is handled once, PostgreSQL says. Nothing depends on the worker.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from time import monotonic
from typing import Any, cast

import structlog
from arq import func
from arq.connections import RedisSettings
from arq.typing import WorkerCoroutine
from arq.worker import Worker

from services.notifier.context import Context
from shared.events import RING_JOB, RING_QUEUE

POLL_SECONDS = 0.05
FIRST_PAUSE, LONGEST_PAUSE, STEADY = 0.5, 30.0, 60.0

log = structlog.get_logger("notifier.worker")


async def deliver_events(worker: dict[Any, Any], *rings: Any, **_: Any) -> None:
    """The job: wake the intake, which takes whatever is open, the events named here among them."""
    ctx: Context = worker["context"]
    ctx.events_bell.set()


async def supervise(ctx: Context, stop: asyncio.Event) -> None:
    """Keep a worker running until `stop`; Redis away is said once for each absence."""
    pause, said = FIRST_PAUSE, False
    while not stop.is_set():
        began = monotonic()
        error = await _run_once(ctx, stop)
        if stop.is_set():
            return
        if monotonic() - began > STEADY:
            pause, said = FIRST_PAUSE, False
        if not said:
            log.warning("worker_ended", error=error)
            said = True
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), pause)
        pause = min(pause * 2, LONGEST_PAUSE)


async def _run_once(ctx: Context, stop: asyncio.Event) -> str:
    """One worker's life. Out: the name of what ended it."""
    settings = RedisSettings.from_dsn(ctx.settings.redis_url)
    settings.conn_retries, settings.conn_timeout = 0, 1
    worker = Worker(
        functions=[func(cast(WorkerCoroutine, deliver_events), name=RING_JOB)],
        queue_name=RING_QUEUE,
        redis_settings=settings,
        ctx={"context": ctx},
        handle_signals=False,
        keep_result=0,
        log_results=False,
        poll_delay=POLL_SECONDS,
        health_check_interval=5,
    )
    running = asyncio.create_task(worker.async_run())
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            fault = running.exception()
            return type(fault).__name__ if fault else "ended"
        return "stopped"
    finally:
        for task in (running, stopping):
            task.cancel()
        await asyncio.gather(running, stopping, return_exceptions=True)
        with suppress(Exception):
            await worker.close()
