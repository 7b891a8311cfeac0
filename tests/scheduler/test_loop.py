"""The loop: sleeps, hears, claims; several at once; with and without Redis; through time with a stepped clock."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from arq import create_pool
from arq.connections import RedisSettings

from services.scheduler.__main__ import run
from services.scheduler.beat import NAME, come_back
from services.scheduler.context import Context
from services.scheduler.loop import Loop
from services.scheduler.signals import apply_signals
from services.scheduler.wakes import Wakes
from services.scheduler.work import work
from shared.clock import Clock, machine_now, move_clock
from shared.db import Connection
from shared.events import NOTIFY_EVENTS, RING_JOB, RING_QUEUE, read_ring
from shared.ids import new_id
from tests.factories import NOW, make_attempt, make_customer, make_store, make_visit
from tests.scheduler.conftest import Make

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
NOWHERE = "redis://127.0.0.1:1/0"


async def until(condition: Callable[[], Any], seconds: float = 10.0) -> None:
    """Wait for something asynchronous to become true."""
    loop = asyncio.get_running_loop()
    limit = loop.time() + seconds
    while not await condition():
        assert loop.time() < limit, "it did not come true in time"
        await asyncio.sleep(0.02)


async def due_visits(owner: Connection, count: int, **overrides: Any) -> UUID:
    store = await make_store(owner)
    for _ in range(count):
        await make_visit(owner, store_id=store["id"], **overrides)
    store_id: UUID = store["id"]
    return store_id


# Visits that were announced; with a note of the bell, those that were rung.
ANNOUNCED = "SELECT coalesce(sum(cardinality(visit_ids)), 0) FROM due_contact_events"
RUNG = f"{ANNOUNCED} WHERE rung_at IS NOT NULL"


async def announced(owner: Connection, count: int) -> bool:
    """Are so many visits announced?"""
    return bool(await owner.fetchval(ANNOUNCED) == count)


async def rings(redis_url: str) -> list[UUID]:
    """The ids that wait for the notifier in Redis."""
    pool = await create_pool(RedisSettings.from_dsn(redis_url))
    try:
        jobs = await pool.queued_jobs(queue_name=RING_QUEUE)
    finally:
        await pool.aclose(close_connection_pool=True)
    assert all(job.function == RING_JOB for job in jobs)
    return [event_id for job in jobs for ids in read_ring(job.args[0]).values() for event_id in ids]


@asynccontextmanager
async def running(*contexts: Context) -> AsyncIterator[None]:
    """Whole schedulers at work, stopped in order afterwards."""
    stop = asyncio.Event()
    tasks = [asyncio.create_task(run(context, stop)) for context in contexts]
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait_for(asyncio.gather(*tasks), 20)


async def test_schedulers_side_by_side_announce_every_visit_once(owner: Connection, make_scheduler: Make) -> None:
    store_id = await due_visits(owner, 300)
    others = [await due_visits(owner, 40) for _ in range(3)]
    schedulers = [await make_scheduler() for _ in range(3)]

    async def drain(scheduler: Context) -> None:
        for store in [store_id, *others] * 2:
            while (await work(scheduler, store, limit=25)).full:
                pass

    await asyncio.gather(*(drain(scheduler) for scheduler in schedulers))

    counts = await owner.fetchrow(
        "SELECT count(*), count(DISTINCT u.id), max(due_seq) FROM due_contact_events, unnest(visit_ids) AS u (id)"
    )
    assert counts is not None
    assert tuple(counts) == (420, 420, 1)
    assert await owner.fetchval("SELECT count(*) FROM visits WHERE state = 'due'") == 420


async def test_what_falls_due_is_rung_to_the_notifier(owner: Connection, scheduler: Context, redis_url: str) -> None:
    await due_visits(owner, 12)

    async with running(scheduler):
        await until(lambda: announced(owner, 12))

    assert await owner.fetchval(RUNG) == 12
    written = {row["id"] for row in await owner.fetch("SELECT id FROM due_contact_events")}
    assert set(await rings(redis_url)) == written


async def test_without_redis_nothing_waits_and_nothing_is_lost(owner: Connection, make_scheduler: Make) -> None:
    await due_visits(owner, 5)
    scheduler = await make_scheduler(redis=NOWHERE)
    heard: list[str] = []

    def listener(*words: object) -> None:
        heard.append(str(words[-1]))

    await owner.add_listener(NOTIFY_EVENTS, listener)

    async with running(scheduler):
        await until(lambda: announced(owner, 5), 3)
        store_id = await due_visits(owner, 2)
        await owner.execute("SELECT pg_notify('huifang_due', $1)", str(store_id))
        await until(lambda: announced(owner, 7), 3)
        await until(lambda: asyncio.sleep(0, str(store_id) in heard), 3)
    await owner.remove_listener(NOTIFY_EVENTS, listener)

    assert await owner.fetchval(RUNG) == 0


async def test_a_notice_wakes_the_loop_before_its_sweep(owner: Connection, scheduler: Context) -> None:
    async with running(scheduler):
        await until(lambda: owner.fetchval("SELECT count(*) > 0 FROM heartbeats"))
        store_id = await due_visits(owner, 1)

        await owner.execute("SELECT pg_notify('huifang_due', $1)", str(store_id))

        await until(lambda: owner.fetchval("SELECT count(*) = 1 FROM due_contact_events"), 2)


async def test_a_signal_of_the_notifier_moves_the_visit_on_once(
    owner: Connection, make_scheduler: Make, scheduler: Context
) -> None:
    visit = await make_visit(owner, state="due", due_seq=1)
    await make_attempt(owner, visit_id=visit["id"], at=NOW - HOUR)
    sql = "INSERT INTO visit_signals (store_id, id, visit_id, kind, ref_id, at) VALUES ($1, $2, $3, 'reply', $2, $4)"
    await owner.execute(sql, visit["store_id"], new_id(), visit["id"], NOW)

    applied = await asyncio.gather(apply_signals(scheduler), apply_signals(await make_scheduler()))

    assert sum(applied) == 1
    row = await owner.fetchrow("SELECT state, next_reason, purposes FROM visits WHERE id = $1", visit["id"])
    assert row is not None
    assert tuple(row) == ("due", "read_reply", [*visit["purposes"], "read_reply"])
    assert await owner.fetchval("SELECT count(*) FROM visit_signals WHERE handled_at IS NULL") == 0
    assert await owner.fetchval("SELECT kind FROM tasks WHERE visit_id = $1", visit["id"]) == "read_reply"


async def test_a_visit_that_cannot_be_read_is_put_off_and_the_others_go_on(owner: Connection, scheduler: Context) -> None:
    store_id = await due_visits(owner, 8, due_seq=1)  # not plain: each is asked about
    broken = await make_visit(owner, store_id=store_id, channel="pigeon")

    batch = await work(scheduler, store_id, limit=500)

    assert (batch.size, batch.events) == (9, 8)
    assert await owner.fetchval("SELECT count(*) FROM visits WHERE state = 'due'") == 8
    assert await owner.fetchval("SELECT wake_at FROM visits WHERE id = $1", broken["id"]) == NOW + HOUR


async def test_the_ladder_runs_through_time_by_the_stored_clock(
    owner: Connection, make_scheduler: Make, scheduler: Context
) -> None:
    await move_clock(owner, NOW - HOUR)
    second = await make_scheduler()
    customer = await make_customer(owner)
    visit = await make_visit(owner, customer_id=customer["id"], on_missed="none")

    async def state() -> str:
        found: str = await owner.fetchval("SELECT state FROM visits WHERE id = $1", visit["id"])
        return found

    async def moved(to: datetime, expected: str) -> None:
        await move_clock(owner, to)
        await until(lambda: owner.fetchval("SELECT state = $2 FROM visits WHERE id = $1", visit["id"], expected))

    async with running(scheduler, second):
        await asyncio.sleep(0.3)
        assert await state() == "planned"  # the clock stands still an hour before
        await moved(NOW, "due")
        await move_clock(owner, visit["window_end"])
        await until(lambda: owner.fetchval("SELECT count(*) = 1 FROM tasks WHERE kind = 'deadline_passed'"))
        assert await state() == "due"
        await moved(visit["window_end"] + DAY, "missed")

    assert await owner.fetchval("SELECT count(*) FROM due_contact_events") == 1


async def test_what_nobody_saw_in_time_is_expired_and_counted(owner: Connection, scheduler: Context) -> None:
    store_id = await due_visits(owner, 30, due_at=NOW - 3 * DAY, window_end=NOW - HOUR, wake_at=NOW - 3 * DAY)

    await work(scheduler, store_id, limit=500)

    assert await owner.fetchval("SELECT count(*) FROM visits WHERE state = 'expired'") == 30
    assert await owner.fetchval("SELECT count(*) FROM tasks WHERE kind = 'visits_expired'") == 1
    assert scheduler.meters.registry.get_sample_value("huifang_visits_expired_total") == 30
    assert await owner.fetchval("SELECT count(*) FROM due_contact_events") == 0


@pytest.mark.parametrize(("absence", "spread"), [(timedelta(hours=6), True), (timedelta(minutes=1), False)])
async def test_after_a_long_absence_messages_go_out_over_five_minutes(
    owner: Connection, make_scheduler: Make, absence: timedelta, spread: bool
) -> None:
    now = machine_now()
    times = {"due_at": now - HOUR, "wake_at": now - HOUR, "window_end": now + DAY}
    store_id = await due_visits(owner, 20, channel="sms", **times)
    await make_visit(owner, store_id=store_id, channel="phone", **times)
    await owner.execute("INSERT INTO heartbeats (name, beat_at) VALUES ($1, $2)", NAME, now - absence)

    await come_back(await make_scheduler(clock=Clock()))

    later = await owner.fetch("SELECT channel, wake_at FROM visits WHERE wake_at > $1", now - HOUR)
    assert all(row["channel"] == "sms" and row["wake_at"] <= machine_now() + timedelta(seconds=300) for row in later)
    assert bool(later) is spread
    assert len({row["wake_at"] for row in later}) > 10 or not spread


async def test_a_scheduler_told_to_stop_finishes_what_it_began(owner: Connection, scheduler: Context, redis_url: str) -> None:
    await due_visits(owner, 50)
    loop, stop, drained = Loop(scheduler), asyncio.Event(), asyncio.Event()
    await loop.turn()
    stop.set()
    drained.set()

    await loop.run(stop)
    await scheduler.emitter.run(drained)

    assert len(await rings(redis_url)) == await owner.fetchval("SELECT count(*) FROM due_contact_events")
    assert await announced(owner, 50)


def test_the_timer_wakes_for_the_earliest_store_and_forgets_what_was_moved() -> None:
    first, second = sorted([new_id(), new_id()])
    wakes = Wakes()
    wakes.set(first, NOW + HOUR)
    wakes.set(second, NOW + DAY)
    wakes.set(first, NOW + 2 * DAY)

    assert wakes.next() == NOW + DAY
    assert wakes.due(NOW) == []
    assert wakes.due(NOW + 3 * DAY) == [second, first]
    wakes.set(second, None)
    assert wakes.next() == NOW + 2 * DAY


@pytest.mark.parametrize(
    "fault", [asyncpg.InterfaceError("closed"), asyncpg.InternalClientError("another operation is in progress")]
)
async def test_a_database_that_is_cut_off_ends_no_loop(
    fault: Exception, scheduler: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop, stop, faults = Loop(scheduler), asyncio.Event(), [fault]

    async def turn() -> bool:
        if faults:
            raise faults.pop()
        stop.set()
        return False

    monkeypatch.setattr(loop, "turn", turn)
    await asyncio.wait_for(loop.run(stop), 5)
    assert stop.is_set()
