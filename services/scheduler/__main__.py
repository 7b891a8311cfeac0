"""`python -m services.scheduler`: one process; more of them side by side are welcome. SIGTERM: the batch in hand is finished."""

from __future__ import annotations

import asyncio
import os
import signal
import sys

import structlog
from prometheus_client import CollectorRegistry, start_http_server

from services.scheduler.beat import beat, come_back
from services.scheduler.complaints import keep_clocks
from services.scheduler.context import Context, Notices
from services.scheduler.emit import Emitter
from services.scheduler.listen import listen
from services.scheduler.loop import Loop
from services.scheduler.meters import Meters
from services.scheduler.worker import supervise
from shared.clock import parse_clock, start_clock
from shared.db import LET_GO, Pool, open_pool
from shared.errors import SettingsInvalid
from shared.logs import set_up_logs
from shared.loop import run as run_loop
from shared.loop import settle_memory
from shared.settings import Settings, load_settings

CONNECTIONS = 6
METRICS_PORT = "HUIFANG_METRICS_PORT"

log = structlog.get_logger("scheduler")


def main() -> int:
    """Run until told to stop. 2: a setting is missing or wrong, said in one line."""
    try:
        settings = load_settings("database_url", "redis_url")
        parse_clock(settings.clock)
    except SettingsInvalid as fault:
        sys.stderr.write(f"{fault}\n")
        return 2
    set_up_logs(settings.log_level)
    settle_memory()
    run_loop(serve(settings))
    return 0


async def serve(settings: Settings) -> None:
    """All parts of one scheduler until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    async with await open_pool(settings.database_url, "huifang-scheduler", largest=CONNECTIONS, let_go=LET_GO) as pool:
        context = await make_context(settings, pool)
        if port := os.environ.get(METRICS_PORT):
            start_http_server(int(port), registry=context.meters.registry)
        await run(context, stop)


async def make_context(settings: Settings, pool: Pool) -> Context:
    """What the parts share."""
    meters = Meters(CollectorRegistry())
    async with pool.acquire() as conn:
        clock = await start_clock(conn, settings.clock)
    emitter = Emitter(settings.redis_url, pool, clock, meters)
    return Context(settings, pool, clock, emitter, meters, notices=Notices())


async def run(context: Context, stop: asyncio.Event) -> None:
    """The parts, side by side: the loop ends first, then the emitter empties what is left."""
    await come_back(context)
    loop = Loop(context)
    drained = asyncio.Event()
    settings = context.settings
    async with asyncio.TaskGroup() as group:
        listening = group.create_task(listen(settings.database_url, context.notices))
        group.create_task(beat(context, loop, stop))
        group.create_task(supervise(settings.redis_url, context.notices, stop))
        group.create_task(context.emitter.run(drained))
        group.create_task(keep_clocks(context, stop))
        log.info("started", clock=context.clock.now().isoformat(), speed=context.clock.speed)
        turning = group.create_task(loop.run(stop))
        await stop.wait()
        context.notices.bell.set()
        context.notices.complaints.set()
        await asyncio.wait({turning})
        drained.set()
        listening.cancel()
    log.info("stopped")


if __name__ == "__main__":
    sys.exit(main())
