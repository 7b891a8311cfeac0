"""The clock that stands still: it hops from one due instant to the next and waits for whoever does the work."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from deploy import roles
from services.api.app import create_app
from services.api.dev import clock
from shared.db import Pool
from shared.settings import Settings
from tests.api.conftest import CLOCK, http, operator_token
from tests.factories import make_store, make_visit

START = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)


@pytest.fixture
async def own_app(fresh_database_url: str) -> AsyncIterator[FastAPI]:
    """An app on a database of this test's own: its clock moves."""
    app = create_app(Settings(database_url=roles.role_url(fresh_database_url, "api"), clock=CLOCK, _env_file=None))
    async with app.router.lifespan_context(app):
        yield app


@pytest.fixture
async def operator_of_it(own_app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with http(own_app, operator_token()) as client:
        yield client


async def test_it_stops_at_every_due_instant_and_waits_for_the_work(operator_of_it: httpx.AsyncClient, fresh_pool: Pool) -> None:
    due = [START + timedelta(hours=hours) for hours in (1, 30, 30, 100)]
    async with fresh_pool.acquire() as connection:
        store = await make_store(connection)
        for at in due:
            await make_visit(connection, store_id=store["id"], wake_at=at)
    seen: list[datetime] = []
    worker = asyncio.create_task(do_what_is_due(fresh_pool, seen))

    moved = await operator_of_it.post("/v1/dev/clock", json={"to": "2026-11-25T09:00:00+08:00"})
    worker.cancel()

    assert moved.json() == {"now": "2026-11-25T09:00:00.000+08:00", "speed": 0.0, "hops": 2}
    assert seen == due[:2]
    assert (await operator_of_it.get("/v1/me")).json()["now"] == "2026-11-25T09:00:00.000+08:00"


async def do_what_is_due(pool: Pool, seen: list[datetime]) -> None:
    """What scheduler and notifier are to the clock: someone who does it a little later."""
    with suppress(asyncio.CancelledError):
        while True:
            rows = await pool.fetch(
                "UPDATE visits v SET wake_at = NULL FROM business_clock c WHERE v.wake_at <= c.business_at RETURNING c.business_at"
            )
            seen += sorted({row[0] for row in rows})
            await asyncio.sleep(0.03)


async def test_when_nobody_works_it_says_what_waits(
    operator_of_it: httpx.AsyncClient, fresh_pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "PATIENCE", 0.2)
    async with fresh_pool.acquire() as connection:
        store = await make_store(connection)
        await make_visit(connection, store_id=store["id"], wake_at=START + timedelta(hours=1))

    answer = await operator_of_it.post("/v1/dev/clock", json={"to": "2026-11-25T09:00:00+08:00"})

    assert (answer.status_code, answer.json()["code"]) == (409, "nothing_happens")
    assert answer.json()["waiting"] == {"visits": 1}


async def test_it_goes_forward_only(operator: httpx.AsyncClient) -> None:
    answer = await operator.post("/v1/dev/clock", json={"to": "2026-11-22T09:00:00+08:00"})

    assert (answer.status_code, answer.json()["code"]) == (409, "clock_goes_forward")


@pytest.mark.parametrize("setting", ["", "2026-11-23T09:00:00+08:00@x600"])
async def test_a_clock_that_runs_is_not_moved(fresh_database_url: str, setting: str) -> None:
    app = create_app(Settings(database_url=roles.role_url(fresh_database_url, "api"), clock=setting, _env_file=None))
    async with app.router.lifespan_context(app), http(app, operator_token()) as operator:
        answer = await operator.post("/v1/dev/clock", json={"to": "2027-11-23T09:00:00+08:00"})

    assert (answer.status_code, answer.json()["code"]) == (409, "clock_runs")


async def test_production_has_no_such_route(fresh_database_url: str) -> None:
    own: dict[str, Any] = {"secret_key": "s" * 40, "data_keys": {"own": b"k" * 32}}
    app = create_app(Settings(database_url=roles.role_url(fresh_database_url, "api"), env="production", _env_file=None, **own))
    async with app.router.lifespan_context(app), http(app, operator_token("s" * 40)) as operator:
        answer = await operator.get("/v1/dev/clock")
        health = await operator.get("/healthz")

    assert answer.status_code == 404
    assert "max-age" in health.headers["Strict-Transport-Security"]
