"""The API in this process, on a real database: one app for a worker, a store of its own for each test.

`client` has no credentials; `operator`, `as_admin` and `as_staff(role)` do. Tests commit, so each test works in its own store.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import httpx
import jwt
import pytest
from fastapi import FastAPI

from services.api.app import create_app
from services.api.auth.tokens import access_token
from services.api.house import House
from shared.clock import machine_now
from shared.db import Pool
from shared.logs import set_up_logs
from shared.settings import DEVELOPMENT_SECRET, Settings
from tests.factories import make_account, make_staff, make_store

CLOCK = "2026-11-23T09:00:00+08:00@step"
START = datetime.fromisoformat(CLOCK.partition("@")[0])


@dataclass(frozen=True)
class Person:
    """Somebody of the test's store, with a client that is signed in."""

    staff_id: UUID
    account_id: UUID
    login: str
    http: httpx.AsyncClient


Sign = Callable[..., Awaitable[Person]]


@pytest.fixture(scope="session")
def api_settings(role_urls: dict[str, str]) -> Settings:
    """What the API of the tests runs with: a clock that stands still at 9:00 on Monday 23 November 2026, Shanghai."""
    return Settings(database_url=role_urls["api"], clock=CLOCK, _env_file=None)


@pytest.fixture(scope="session")
async def app(api_settings: Settings) -> AsyncIterator[FastAPI]:
    """The app, its lifespan running."""
    set_up_logs("WARNING")
    app = create_app(api_settings)
    async with app.router.lifespan_context(app):
        yield app


@pytest.fixture
async def house(app: FastAPI, pool: Pool) -> House:
    """What the app holds, before each test with its clock at nine and knowing nobody."""
    house: House = app.state.house
    house.identities.forget()
    if house.clock.now() != START or house.clock.speed:  # the worker's database has one clock, and others may have set it
        async with pool.acquire() as connection:
            await connection.execute("UPDATE business_clock SET machine_at = $1, business_at = $1, speed = 0", START)
            await house.clock.refresh(connection)
    return house


def http(app: FastAPI, token: str | None = None) -> httpx.AsyncClient:
    """A client of the app; errors answer in English."""
    headers = {"Accept-Language": "en"} | ({"Authorization": f"Bearer {token}"} if token else {})
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api.test", headers=headers)


def operator_token(secret: str = DEVELOPMENT_SECRET) -> str:
    """What the CLI signs for itself."""
    now = machine_now()
    claims = {"iss": "huifang", "aud": "huifang-api", "typ": "operator", "sub": "operator", "iat": now}
    return jwt.encode(claims | {"exp": now + timedelta(minutes=1)}, secret, algorithm="HS256")


@pytest.fixture
async def client(app: FastAPI, house: House) -> AsyncIterator[httpx.AsyncClient]:
    """Nobody: no credentials."""
    async with http(app) as client:
        yield client


@pytest.fixture
async def operator(app: FastAPI, house: House) -> AsyncIterator[httpx.AsyncClient]:
    """The operator, who may do everything in every store."""
    async with http(app, operator_token()) as client:
        yield client


@pytest.fixture
async def store_id(pool: Pool) -> UUID:
    """A store of this test's own."""
    async with pool.acquire() as connection:
        store: UUID = (await make_store(connection))["id"]
    return store


@pytest.fixture
async def other_store_id(pool: Pool) -> UUID:
    """Another store of the same deployment."""
    async with pool.acquire() as connection:
        store: UUID = (await make_store(connection))["id"]
    return store


@pytest.fixture
def base(store_id: UUID) -> str:
    """The path of the test's store."""
    return f"/v1/stores/{store_id}"


@pytest.fixture
async def as_staff(app: FastAPI, house: House, pool: Pool, store_id: UUID) -> AsyncIterator[Sign]:
    """`await as_staff("service_advisor", …)`: a new person of the store with these roles; `store_id=` for another store."""
    async with AsyncExitStack() as stack:

        async def sign(*roles: str, store_id: UUID = store_id, **overrides: object) -> Person:
            async with pool.acquire() as connection:
                person = await make_staff(connection, *roles, store_id=store_id, **overrides)
                account = await make_account(connection, store_id=store_id, staff_id=person["id"])
            token = access_token(DEVELOPMENT_SECRET, account["id"], account["token_version"])
            client = await stack.enter_async_context(http(app, token))
            return Person(person["id"], account["id"], account["login"], client)

        yield sign


@pytest.fixture
async def as_admin(as_staff: Sign) -> Person:
    """The store's administrator."""
    return await as_staff("admin")
