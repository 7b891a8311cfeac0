"""The arq worker: a second bell for the loop. Supervised, because arq ends when Redis restarts; nothing depends on its being there."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import Any

import structlog
from arq import create_pool, cron, func
from arq.connections import ArqRedis, RedisSettings
from arq.worker import Worker
from redis.exceptions import RedisError

from services.scheduler.context import Notices

QUEUE = "huifang:scheduler"
FIRST_PAUSE, LONGEST_PAUSE, STEADY = 1.0, 30.0, 60.0

log = structlog.get_logger("scheduler")


async def ring(ctx: dict[Any, Any], *_args: Any, **_kwargs: Any) -> None:
    """A tick of arq's clock: the loop looks whether a notice was lost. What is due, and once, PostgreSQL says."""
    notices: Notices = ctx["notices"]
    notices.signalled()


async def supervise(redis_url: str, notices: Notices, stop: asyncio.Event) -> None:
    """Keep a worker running until `stop`; Redis away is said once for each absence."""
    pause, said = FIRST_PAUSE, False
    while not stop.is_set():
        began = time.monotonic()
        error = await _run_once(redis_url, notices, stop)
        if stop.is_set():
            return
        if time.monotonic() - began > STEADY:
            pause, said = FIRST_PAUSE, False
        if not said:
            log.warning("worker_ended", error=error)
            said = True
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), pause)
        pause = min(pause * 2, LONGEST_PAUSE)


async def _run_once(redis_url: str, notices: Notices, stop: asyncio.Event) -> str:
    """One worker's life. Out: the name of what ended it."""
    settings = RedisSettings.from_dsn(redis_url)
    settings.conn_retries, settings.conn_timeout = 0, 1
    try:
        redis = await create_pool(settings)
    except (RedisError, OSError, TimeoutError) as error:
        return type(error).__name__
    try:
        return await _work(redis, notices, stop)
    finally:
        with suppress(RedisError, OSError):
            await redis.aclose(close_connection_pool=True)


async def _work(redis: ArqRedis, notices: Notices, stop: asyncio.Event) -> str:
    worker = Worker(
        functions=[func(ring, name="ring")],
        cron_jobs=[cron(ring, second=0, name="tick")],
        queue_name=QUEUE,
        redis_pool=redis,
        ctx={"notices": notices},
        handle_signals=False,
        keep_result=0,
        log_results=False,
        poll_delay=1.0,
        health_check_interval=5,
    )
    running = asyncio.create_task(worker.async_run())
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
    fault = running.exception() if running.done() else None
    jobs = (running, stopping, *worker.tasks.values())
    for job in jobs:
        job.cancel()
    await asyncio.gather(*jobs, return_exceptions=True)
    return type(fault).__name__ if fault else "ended"
