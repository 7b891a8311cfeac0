"""Jobs of the calendar run once, however many schedulers there are, and go on after one failed."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest

from services.scheduler import jobs
from services.scheduler.context import Context
from services.scheduler.jobs import CLEAN, DAILY, run_due
from shared.clock import machine_now
from shared.db import Connection
from tests.factories import NOW, make_programme, make_store, make_vehicle
from tests.scheduler.conftest import Make

NEXT = "SELECT next_at FROM scheduled_jobs WHERE name = $1"


async def test_a_job_runs_once_for_all_schedulers(
    owner: Connection, make_scheduler: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[str] = []

    async def count(_context: Context, _conn: Connection, rest: str, now: datetime) -> datetime:
        ran.append(rest)
        await asyncio.sleep(0.2)
        return now + timedelta(days=1)

    monkeypatch.setitem(jobs.JOBS, DAILY, count)
    stores = [await make_store(owner) for _ in range(3)]
    schedulers = [await make_scheduler() for _ in range(5)]

    await asyncio.gather(*(run_due(scheduler) for scheduler in schedulers))

    assert sorted(ran) == sorted(str(store["id"]) for store in stores)


async def test_maintenance_is_planned_before_the_store_opens(owner: Connection, scheduler: Context) -> None:
    store = await make_store(owner)
    await make_programme(owner, "maintenance", store_id=store["id"])
    await make_vehicle(owner, store_id=store["id"], last_maintenance_on=NOW.date() - timedelta(days=117), interval_months=6)

    await run_due(scheduler)

    assert await owner.fetchval("SELECT count(*) FROM visits WHERE trigger_type = 'maintenance.due'") > 0
    assert await owner.fetchval(NEXT, f"{DAILY}:{store['id']}") == NOW + timedelta(hours=20)


async def test_a_job_that_fails_is_tried_again_and_stops_no_other(
    owner: Connection, scheduler: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> datetime:
        raise RuntimeError("no luck")

    monkeypatch.setitem(jobs.JOBS, DAILY, fail)
    store = await make_store(owner)

    await run_due(scheduler)

    assert await owner.fetchval(NEXT, f"{DAILY}:{store['id']}") == NOW + timedelta(minutes=5)
    assert await owner.fetchval(NEXT, CLEAN) == NOW + timedelta(hours=1)


async def test_answers_kept_for_repeated_requests_are_dropped_when_their_time_is_over(
    owner: Connection, scheduler: Context
) -> None:
    columns = "principal, key, request, status, headers, body, expires_at"
    sql = f"INSERT INTO idempotency_keys ({columns}) VALUES ('a', $1, '', 200, '{{}}', '', $2)"
    await owner.execute(sql, "old", machine_now() - timedelta(hours=1))
    await owner.execute(sql, "young", machine_now() + timedelta(hours=1))

    await run_due(scheduler)

    assert [row["key"] for row in await owner.fetch("SELECT key FROM idempotency_keys")] == ["young"]
