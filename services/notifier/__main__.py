"""`python -m services.notifier`: one process; more of them side by side are welcome. SIGTERM: calls under way end, within 15 s."""

from __future__ import annotations

import asyncio
import os
import signal
import sys

from prometheus_client import start_http_server

from services.notifier.context import Context, open_channels
from services.notifier.loops import run
from shared.clock import parse_clock, start_clock
from shared.crypto import Vault
from shared.db import LET_GO, connect, open_pool
from shared.errors import SettingsInvalid
from shared.logs import set_up_logs
from shared.loop import run as run_loop
from shared.loop import settle_memory
from shared.settings import Settings, load_settings

CONNECTIONS = 8
METRICS_PORT = "HUIFANG_METRICS_PORT"


def main() -> int:
    """Run until told to stop. 2: a setting is missing or wrong, said in one line."""
    try:
        settings = load_settings("database_url", "redis_url", "secret_key")
        parse_clock(settings.clock)
        open_channels(settings)
    except SettingsInvalid as fault:
        sys.stderr.write(f"{fault}\n")
        return 2
    set_up_logs(settings.log_level)
    settle_memory()
    run_loop(serve(settings))
    return 0


async def serve(settings: Settings) -> None:
    """All parts of one notifier until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    connection = await connect(settings.database_url, "huifang-notifier")
    try:
        clock = await start_clock(connection, settings.clock)
    finally:
        await connection.close()
    async with await open_pool(settings.database_url, "huifang-notifier", smallest=2, largest=CONNECTIONS, let_go=LET_GO) as pool:
        ctx = Context(settings, pool, Vault.of(settings), clock, open_channels(settings))
        if port := os.environ.get(METRICS_PORT):
            start_http_server(int(port), registry=ctx.meters.registry)
        try:
            await run(ctx, stop)
        finally:
            await ctx.close_channels()


if __name__ == "__main__":
    sys.exit(main())
