"""Fixtures for every test: real PostgreSQL and Valkey, embedded unless DATABASE_URL and REDIS_URL name others.

The servers start when the first test asks for one (under xdist: once, in the process that hands out the tests). Each
worker has a database of its own, copied from a template that the real migrations built. What a test writes through
`connection` is rolled back; a test whose code commits asks for `fresh_database_url`.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from itertools import count
from typing import Any

import asyncpg
import pytest
import redis

from deploy import roles
from shared.db import Pool, asyncpg_url, open_pool
from tests.servers import Servers, started

_shared = ExitStack()
_shared_servers: list[Servers] = []
_shared_faults: list[Exception] = []
_numbers = count()


def _start_shared() -> Servers:
    """The servers, started once; when that fails it has failed for every test."""
    if _shared_faults:
        raise _shared_faults[0]
    try:
        return _started_once()
    except Exception as fault:
        _shared_faults.append(fault)
        raise


def _started_once() -> Servers:
    if not _shared_servers:
        _shared_servers.append(
            _shared.enter_context(started(os.environ.get("DATABASE_URL", ""), os.environ.get("REDIS_URL", "")))
        )
    return _shared_servers[0]


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """xdist: the process that hands out the tests starts the servers and tells each worker where they are."""
    servers = _start_shared()
    node.workerinput["servers"] = (servers.owner_url, servers.redis_url, servers.run)


def pytest_unconfigure() -> None:
    _shared.close()
    _shared_servers.clear()


@pytest.fixture(scope="session")
def servers(request: pytest.FixtureRequest) -> Servers:
    """Where the servers of this run are."""
    given = getattr(request.config, "workerinput", {}).get("servers")
    return Servers(*given) if given else _start_shared()


@pytest.fixture(scope="session")
def worker_number(request: pytest.FixtureRequest) -> int:
    """0 without xdist, else the number of the worker."""
    name = getattr(request.config, "workerinput", {}).get("workerid", "gw0")
    return int(name.removeprefix("gw"))


@pytest.fixture(scope="session")
def database_url(servers: Servers, worker_number: int) -> Iterator[str]:
    """The owner's URL of this worker's migrated database, one for all its tests."""
    with servers.database(f"w{worker_number}") as url:
        yield url


@pytest.fixture
def fresh_database_url(servers: Servers, worker_number: int) -> Iterator[str]:
    """The owner's URL of a migrated database for one test, for code that commits."""
    with servers.database(f"w{worker_number}_{next(_numbers)}") as url:
        yield url


@pytest.fixture(scope="session")
def role_urls(database_url: str) -> dict[str, str]:
    """The URLs of the services' roles (`api`, `scheduler`, `notifier`) on `database_url`."""
    return {service: roles.role_url(database_url, service) for service in roles.SERVICES}


@pytest.fixture
def fresh_role_urls(fresh_database_url: str) -> dict[str, str]:
    """The URLs of the services' roles on `fresh_database_url`."""
    return {service: roles.role_url(fresh_database_url, service) for service in roles.SERVICES}


@pytest.fixture(scope="session")
async def pool(database_url: str) -> AsyncIterator[Pool]:
    """The owner's connections to `database_url`, shared by all tests of the worker."""
    async with await open_pool(database_url, "tests") as pool:
        yield pool


@pytest.fixture
async def connection(pool: Pool) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    """The owner's connection inside a transaction that is rolled back after the test."""
    async with pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        try:
            yield connection  # type: ignore[misc]  # the pool's proxy has every method of a connection
        finally:
            await transaction.rollback()


@pytest.fixture
async def fresh_pool(fresh_database_url: str) -> AsyncIterator[Pool]:
    """The owner's connections to `fresh_database_url`."""
    async with asyncpg.create_pool(asyncpg_url(fresh_database_url), min_size=1, max_size=10) as pool:
        yield pool


@pytest.fixture
def redis_url(servers: Servers, worker_number: int) -> str:
    """This worker's Redis database, emptied before each test that asks for it."""
    url = servers.redis(worker_number)
    client = redis.Redis.from_url(url)
    client.flushdb()
    client.close()
    return url
