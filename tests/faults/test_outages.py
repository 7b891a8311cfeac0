"""Servers that go away: Redis emptied and stopped, PostgreSQL restarted; and what goes on meanwhile."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from time import monotonic

import httpx
import pytest
import redis

from deploy import roles
from deploy.local.ports import any_free_port
from tests.faults.conftest import OwnPostgres
from tests.faults.house import House, opened
from tests.faults.record import record
from tests.faults.seeding import Plan
from tests.flows.system import Process

STARTING_SECONDS = 60.0

pytestmark = [pytest.mark.slow, pytest.mark.timeout(570)]


@asynccontextmanager
async def an_api(house: House) -> AsyncIterator[httpx.AsyncClient]:
    """The API as a process, asked over HTTP."""
    port = any_free_port()
    env = {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": roles.role_url(house.owner_url, "api"),
        "REDIS_URL": house.valkey.url(),
        "HUIFANG_API_PORT": str(port),
    }
    process = Process("services.api", env)
    await process.start()
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=10, trust_env=False) as client:
            await ready(client, process)
            yield client
    finally:
        await process.kill(signal.SIGTERM)


async def ready(client: httpx.AsyncClient, process: Process) -> None:
    """Wait for the API's first answer."""
    until = monotonic() + STARTING_SECONDS
    while monotonic() < until:
        with suppress(httpx.TransportError):
            if (await client.get("/readyz")).status_code == 200:
                return
        await asyncio.sleep(0.1)
    raise AssertionError("the API did not start\n" + "\n".join(process.log[-30:]))


async def delays(house: House) -> list[float]:
    """Seconds from due to the gateway, of every message that was taken, shortest first."""
    async with house.owner() as conn:
        rows = await conn.fetch(
            "SELECT a.id, v.due_at FROM message_attempts a JOIN messages m ON m.id = a.message_id JOIN visits v ON v.id = m.visit_id"
        )
    due = {str(row["id"]): row["due_at"] for row in rows}
    return sorted(
        (house.anchor.at(datetime.fromtimestamp(call.at, UTC)) - due[call.id]).total_seconds() for call in house.gateway.accepted
    )


def p99(sorted_values: list[float]) -> float:
    return sorted_values[int(len(sorted_values) * 0.99)]


async def test_f8_redis_emptied_every_five_seconds(fresh_database_url: str) -> None:
    plan = Plan(visits=3000, seconds=45, shared_numbers=False)
    async with opened(fresh_database_url, plan) as house:
        await house.start("scheduler")
        await house.start("notifier")
        client = redis.Redis.from_url(house.valkey.url())
        times, until = 0, monotonic() + plan.seconds
        while monotonic() < until:
            await asyncio.sleep(5)
            await asyncio.to_thread(client.flushall)
            times += 1
        client.close()
        await house.past(plan)
        await house.quiet()
        report, slowest = await house.check(), p99(await delays(house))
    record("F8 FLUSHALL every 5 s", "test_outages.py", house, report, f"{times} times; due to sent p99 {slowest:.2f} s")
    assert report.uncertain == 0
    assert slowest <= 15


async def test_f9_redis_stopped_for_a_minute(fresh_database_url: str) -> None:
    plan = Plan(visits=3000, seconds=70, shared_numbers=False)
    answers: list[int] = []
    async with opened(fresh_database_url, plan) as house:
        await house.start("scheduler")
        notifier = await house.start("notifier")
        async with an_api(house) as api:
            await asyncio.sleep(3)
            house.valkey.stop()
            before, until = len(house.gateway.calls), monotonic() + 60
            while monotonic() < until:
                for path in ("/readyz", "/healthz"):
                    answers.append((await api.get(path)).status_code)
                await asyncio.sleep(0.2)
            meanwhile = len(house.gateway.calls) - before
            await asyncio.to_thread(house.valkey.start)
            await house.past(plan)
            await house.quiet()
        assert await house.forks.alive(notifier)
        report, slowest = await house.check(), p99(await delays(house))
    note = f"{meanwhile} sent meanwhile; due to sent p99 {slowest:.2f} s; {len(answers)} API answers, all 2xx"
    record("F9 Redis stopped for a minute", "test_outages.py", house, report, note)
    assert set(answers) == {200}
    assert meanwhile > 1000
    assert slowest <= 15


async def test_f10_postgresql_restarted_fast_and_immediate(own_postgres: OwnPostgres) -> None:
    plan = Plan(visits=3000, seconds=75, shared_numbers=False)
    back: list[float] = []
    async with opened(own_postgres.url, plan) as house:
        pids = [await house.start("scheduler"), await house.start("notifier")]
        for number in range(8):
            await asyncio.sleep(house.chance.uniform(3, 5))
            await asyncio.to_thread(restart, own_postgres, immediate=number % 2 == 1)
            began, before = monotonic(), len(house.gateway.calls)
            if not await house.called(before, patience=30):
                break
            back.append(monotonic() - began)
        await house.past(plan)
        await house.quiet()
        assert [await house.forks.alive(pid) for pid in pids] == [True, True]
        report = await house.check()
    note = f"{len(back)} restarts; sending again after {max(back):.1f} s at most"
    record("F10 PostgreSQL restarted", "test_outages.py", house, report, note)
    assert len(back) == 8
    assert max(back) <= 10


def restart(postgres: OwnPostgres, *, immediate: bool) -> None:
    """Stop the server, fast or as in a crash, and start it again on the same port."""
    if immediate:
        os.kill(postgres.server.pid, signal.SIGQUIT)
    postgres.server.stop()
    postgres.server.start()
