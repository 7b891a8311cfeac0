"""A scheduler of its own role on a fresh database, with a clock that stands still at Monday 9:00."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from prometheus_client import CollectorRegistry

from services.scheduler.context import Context
from services.scheduler.emit import Emitter
from services.scheduler.meters import Meters
from shared.clock import Clock, start_clock
from shared.db import Connection, Pool, open_pool
from shared.settings import Settings, load_settings
from shared.stores import StoreCache
from tests.factories import NOW

Make = Callable[..., Awaitable[Context]]


@pytest.fixture
async def owner(fresh_pool: Pool) -> AsyncIterator[Connection]:
    """The owner's connection: arranges rows and looks at them; everything it does is committed."""
    async with fresh_pool.acquire() as connection:
        yield connection


@pytest.fixture
async def make_scheduler(fresh_pool: Pool, fresh_role_urls: dict[str, str], redis_url: str) -> AsyncIterator[Make]:
    """Schedulers, any number; each with connections of its own."""
    pools: list[Pool] = []

    async def make(*, redis: str = redis_url, clock: Clock | None = None) -> Context:
        settings: Settings = load_settings().model_copy(update={"database_url": fresh_role_urls["scheduler"], "redis_url": redis})
        pool = await open_pool(settings.database_url, "tests-scheduler", largest=4)
        pools.append(pool)
        async with fresh_pool.acquire() as connection:
            still = clock or await start_clock(connection, f"{NOW.isoformat()}@step")
        meters = Meters(CollectorRegistry())
        return Context(settings, pool, still, Emitter(redis, pool, still, meters), meters, stores=StoreCache(0))

    yield make
    for pool in pools:
        await pool.close()


@pytest.fixture
async def scheduler(make_scheduler: Make) -> Context:
    """One scheduler."""
    return await make_scheduler()
