"""What a process of the API holds: made once when it starts, closed when it ends, found through `request.app`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from prometheus_client import CollectorRegistry
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker
from starlette.requests import HTTPConnection

from services.api.auth.passwords import Passwords
from services.api.identities import Identities
from services.api.listening import Feed, listen
from services.api.meters import Meters
from services.api.providers.actions import ensure_hook_token
from shared.clock import Clock, machine_now, start_clock
from shared.crypto import Vault
from shared.db import Pool, connect, open_engine, open_pool, session_maker
from shared.settings import Settings
from shared.stores import StoreCache

POOL_SIZE = 10
SWEEP_EVERY = 600.0
REMEMBER_FAILURES = timedelta(days=1)


@dataclass
class House:
    """Settings, connections, keys, the clock, and what is known of callers for some seconds."""

    settings: Settings
    engine: AsyncEngine
    sessions: async_sessionmaker[AsyncSession]
    pool: Pool
    vault: Vault
    clock: Clock
    identities: Identities
    stores: StoreCache = field(default_factory=lambda: StoreCache(0.0))
    passwords: Passwords = field(default_factory=Passwords)
    feed: Feed = field(default_factory=Feed)
    meters: Meters = field(default_factory=lambda: Meters(CollectorRegistry()))


def house_of(request: HTTPConnection) -> House:
    """The house of the app that serves this request."""
    house: House = request.app.state.house
    return house


@asynccontextmanager
async def open_house(settings: Settings) -> AsyncIterator[House]:
    """Open everything and start what runs beside the requests; close it all at the end."""
    async with AsyncExitStack() as stack:
        connection = await connect(settings.database_url, "huifang-api")
        try:
            clock = await start_clock(connection, settings.clock)
        finally:
            await connection.close()
        pool = await open_pool(settings.database_url, "huifang-api", smallest=2, largest=POOL_SIZE)
        stack.push_async_callback(pool.close)
        engine = open_engine(settings.database_url, "huifang-api", size=POOL_SIZE)
        stack.push_async_callback(engine.dispose)
        vault = Vault.of(settings)
        house = House(settings, engine, session_maker(engine), pool, vault, clock, Identities(pool, settings.secret_key))
        for work in (listen(settings.database_url, clock, house.feed), sweep(pool)):
            task = asyncio.create_task(work)
            stack.push_async_callback(_end, task)
        stack.callback(house.passwords.close)
        await ensure_hook_token(pool, vault)
        stack.callback(house.feed.close)
        yield house


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def sweep(pool: Pool) -> None:
    """Remove what machine time has outlived: idempotency keys, counts of failed sign-ins. Runs until cancelled."""
    while True:
        await asyncio.sleep(SWEEP_EVERY)
        now = machine_now()
        try:
            await pool.execute("DELETE FROM idempotency_keys WHERE expires_at < $1", now)
            await pool.execute("DELETE FROM sign_in_failures WHERE blocked_until < $1", now - REMEMBER_FAILURES)
        except Exception:  # noqa: S112 - the database is away; the next round finds the same rows
            continue
