"""Due → event → message row: our scheduler and notifier beside the least that does such work; and due → emitted at a steady pace."""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias
from uuid import UUID

import asyncpg
import redis.asyncio as aioredis
from arq.constants import job_key_prefix
from arq.jobs import deserialize_job

from bench import minimum, seed
from bench.house import House
from bench.processes import Running, machine_busy_seconds, running, tree_busy_seconds
from bench.results import Row, ratio_row
from shared.clock import machine_now
from shared.db import asyncpg_url
from shared.events import RING_QUEUE, read_ring

TEMPLATE, LATENCY_TEMPLATE = "pipeline", "latency"
COMMAND = "python -m bench pipeline"
LEAD = timedelta(seconds=2)
EARLY = "2026-11-23T08:30:00+08:00@x1"
POLL = 0.5
UNIT = "visits/s"
PATIENCE = 300.0
PACE = 200  # visits a second
MESSAGES = {"bare": "bare.messages", "own": "messages"}

_STOOD = "SELECT max(pg_xact_commit_timestamp(xmin)) FROM due_contact_events WHERE handled_at IS NOT NULL"
_SETTLED = "SELECT max(pg_xact_commit_timestamp(xmin)) FROM messages"
_LAST_CLAIM = "SELECT max(created_at) FROM due_contact_events"
_HANDLED = "SELECT coalesce(sum(cardinality(visit_ids)), 0) FROM due_contact_events WHERE handled_at IS NOT NULL"
_OPEN = "SELECT count(*) FROM messages WHERE state IN ('queued', 'held', 'sending')"
# Counters of the server: asked for all the time, and cost nothing. What they say is made sure of by counting once.
_INSERTED = "SELECT n_tup_ins FROM pg_stat_user_tables WHERE relid = $1::text::regclass"
_MORNING_DONE = "SELECT count(*) > 0 AND bool_and(last_at IS NOT NULL) FROM scheduled_jobs"

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


@dataclass(frozen=True)
class Run:
    """One run: seconds until the message rows stood (and until all were accepted), cores used meanwhile, memory at the end."""

    seconds: float
    accepted_seconds: float | None
    cores: dict[str, float]
    resident_mb: dict[str, float]
    claimed_seconds: float | None = None


async def counted(conn: Connection, table: str, statement: str, wanted: int, enough: int) -> bool:
    """True when a table has had `enough` rows, and counting says what is wanted."""
    if (await conn.fetchval(_INSERTED, table) or 0) < enough:
        return False
    return bool(await conn.fetchval(statement) == wanted)


@asynccontextmanager
async def connected(house: House, database: str) -> AsyncIterator[Connection]:
    """The owner's connection."""
    conn = await asyncpg.connect(asyncpg_url(house.url(database)))
    try:
        yield conn
    finally:
        await conn.close()


async def until(ready: Callable[[], object], parts: Sequence[Running], poll: float = POLL) -> None:
    """Wait until `ready` (a coroutine function) says true; raises when a process ends or patience does."""
    limit = time.monotonic() + PATIENCE
    while not await ready():  # type: ignore[misc]  # a coroutine function, called anew each time
        for part in parts:
            part.check()
        if time.monotonic() > limit:
            raise TimeoutError("the work was not done in time: " + ", ".join(part.name for part in parts))
        await asyncio.sleep(poll)


async def set_clock(conn: Connection, business_at: datetime, machine_at: datetime) -> None:
    """Business time runs at its own pace and reaches `business_at` when the machine's is `machine_at`; everybody is told."""
    await conn.execute("UPDATE business_clock SET business_at = $1, machine_at = $2, speed = 1", business_at, machine_at)
    await conn.execute("SELECT pg_notify('huifang_clock', '')")


class Cores:
    """Processor use of some processes and of the machine since it was made."""

    def __init__(self, parts: Sequence[Running]) -> None:
        self._parts = parts
        self._began = self._read()
        self._at = time.monotonic()

    def used(self) -> dict[str, float]:
        """Cores by name; `foreign`: what others on this machine used."""
        seconds = time.monotonic() - self._at
        now = self._read()
        used = {name: round((now[name] - self._began[name]) / seconds, 3) for name in now}
        return used | {"foreign": round(max(0.0, used["machine"] - used["ours"]), 3)}

    def _read(self) -> dict[str, float]:
        own = {part.name: part.cpu_seconds() for part in self._parts}
        return own | {"machine": machine_busy_seconds(), "ours": tree_busy_seconds()}


async def least_run(house: House, template: str, visits: int, shape: str) -> Run:
    """The minimum of a shape on a fresh copy."""
    async with house.copy(template) as database, connected(house, database) as conn:
        environment = {"DATABASE_URL": asyncpg_url(house.url(database)), "REDIS_URL": house.valkey.url()}
        cache = aioredis.Redis.from_url(house.valkey.url())
        with (
            running("dispatch", "bench.minimum", house.folder, environment, "dispatch", shape) as dispatch,
            running("consume", "bench.minimum", house.folder, environment, "consume", shape) as consume,
        ):
            parts = (dispatch, consume)

            async def ready() -> bool:
                return int(await cache.scard(minimum.READY)) == len(parts)

            async def done() -> bool:
                table = MESSAGES[shape]
                return await counted(conn, table, f"SELECT count(*) FROM {table}", visits, visits)

            await until(ready, parts, 0.05)
            await asyncio.sleep(0.5)
            cores, began = Cores(parts), machine_now()
            await cache.rpush(minimum.GO, seed.DUE.isoformat())
            await until(done, (consume,))
            stood = await conn.fetchval(f"SELECT max(pg_xact_commit_timestamp(xmin)) FROM {MESSAGES[shape]}")
            used = cores.used()
        await cache.aclose()
    return Run((stood - began).total_seconds(), None, used, {})


@asynccontextmanager
async def services(house: House, database: str, conn: Connection, *names: str) -> AsyncIterator[list[Running]]:
    """Services of ours on a database, running and showing signs of life."""
    with contextlib.ExitStack() as stack:
        parts = [
            stack.enter_context(running(name, f"services.{name}", house.folder, house.environment(database, name, EARLY)))
            for name in names
        ]

        async def ready() -> bool:
            """Alive, and done with what the calendar asks for in the morning, hours before the stores open."""
            beats = {row["name"] for row in await conn.fetch("SELECT name FROM heartbeats")}
            return beats >= set(names) and bool(await conn.fetchval(_MORNING_DONE))

        await until(ready, parts, 0.1)
        yield parts


async def our_run(house: House, template: str, visits: int, *, to_the_end: bool) -> Run:
    """Scheduler and notifier, as shipped, on a fresh copy; the clock reaches the opening of the stores while they run.

    `to_the_end`: wait until every message is accepted, too.
    """
    async with (
        house.copy(template) as database,
        connected(house, database) as conn,
        services(house, database, conn, "scheduler", "notifier") as parts,
    ):
        await asyncio.sleep(1.0)

        async def made() -> bool:
            return await counted(conn, "messages", _HANDLED, visits, visits)

        async def accepted() -> bool:
            return await counted(conn, "message_attempts", _OPEN, 0, visits)

        due_at = machine_now() + LEAD
        await set_clock(conn, seed.DUE, due_at)
        await asyncio.sleep((due_at - machine_now()).total_seconds())
        cores = Cores(parts)
        await until(made, parts)
        stood, claimed = await conn.fetchval(_STOOD), await conn.fetchval(_LAST_CLAIM)
        used = cores.used()
        if await conn.fetchval("SELECT count(*) FROM messages") != visits:
            raise RuntimeError("every event was handled, but not every visit has its message")
        if to_the_end:
            await until(accepted, parts)
        settled = await conn.fetchval(_SETTLED)
        resident = {part.name: part.resident_mb() for part in parts}
    all_seconds = (settled - due_at).total_seconds() if to_the_end else None
    return Run((stood - due_at).total_seconds(), all_seconds, used, resident, (claimed - seed.DUE).total_seconds())


async def throughput(house: House, visits: int, pairs: int) -> tuple[list[Row], dict[str, float]]:
    """The row of the pipeline. Out: the rows, and the largest memory of each service."""
    await seed.seed(await house.template(TEMPLATE), visits)
    runs: dict[str, list[Run]] = {"bare": [], "own": [], "ours": []}
    for number in range(1, pairs + 1):
        for shape in minimum.SHAPES:
            runs[shape].append(await least_run(house, TEMPLATE, visits, shape))
        runs["ours"].append(await our_run(house, TEMPLATE, visits, to_the_end=number == pairs))
    rates = {name: [visits / run.seconds for run in of_one] for name, of_one in runs.items()}
    to_the_end = [visits / run.accepted_seconds for run in runs["ours"] if run.accepted_seconds]
    detail: dict[str, object] = {
        "visits": visits,
        "stores": seed.STORES,
        "measured_until": "message rows stand, and are marked as made",
        "claimed_per_second": [round(visits / run.claimed_seconds) for run in runs["ours"] if run.claimed_seconds],
        "cores": {name: [run.cores for run in of_one] for name, of_one in runs.items()},
        "cpu_microseconds_a_visit": {
            name: [round(run.cores["ours"] * run.seconds / visits * 1e6, 1) for run in of_one] for name, of_one in runs.items()
        },
    }
    name = f"due → event → message row, {visits:,} visits"
    found = [
        ratio_row(f"{name}, beside the least on bare tables", UNIT, rates["bare"], rates["ours"], 0.40, COMMAND, **detail),
        ratio_row(
            "the same beside the least that writes our rows, all indexes and references",
            UNIT,
            rates["own"],
            rates["ours"],
            None,
            COMMAND,
        ),
        ratio_row("the same until every message is accepted (outbox)", UNIT, rates["bare"], to_the_end, None, COMMAND),
    ]
    return found, {service: max(run.resident_mb[service] for run in runs["ours"]) for service in ("scheduler", "notifier")}


@dataclass(frozen=True)
class Pace:
    """One run at a steady pace: milliseconds from due to emitted, the cores of the scheduler and of all our processes."""

    p50: float
    p99: float
    cores: dict[str, float]


async def paced_run(house: House, visits: int) -> Pace:
    """The scheduler alone; the notifier's place at the bell is taken by a listener that notes when each ring came."""
    async with house.copy(LATENCY_TEMPLATE) as database, connected(house, database) as conn:
        cache = aioredis.Redis.from_url(house.valkey.url())
        async with services(house, database, conn, "scheduler") as parts:
            await asyncio.sleep(1.0)
            due_at = machine_now() + LEAD
            await set_clock(conn, seed.DUE, due_at)
            await asyncio.sleep((due_at - machine_now()).total_seconds())
            cores = Cores(parts)
            rung = await asyncio.wait_for(_rings(cache, visits), visits / PACE + 30)
            used = cores.used()
        await cache.aclose()
        rows = await conn.fetch(
            "SELECT e.id, v.due_at FROM due_contact_events e JOIN visits v ON v.store_id = e.store_id AND v.due_event_id = e.id"
        )
    delays = sorted((rung[row["id"]] - (due_at + (row["due_at"] - seed.DUE))).total_seconds() * 1000 for row in rows)
    return Pace(delays[len(delays) // 2], delays[int(len(delays) * 0.99)], used)


async def _rings(cache: aioredis.Redis, visits: int) -> dict[UUID, datetime]:
    """When the bell rang for each event; visits that fall due at different instants have one each."""
    rung: dict[UUID, datetime] = {}
    while len(rung) < visits:
        _, job_id, _ = await cache.bzpopmin([RING_QUEUE])
        at = machine_now()
        job = deserialize_job(await cache.get(job_key_prefix + job_id.decode()))
        for ids in read_ring(job.args[0]).values():
            rung |= dict.fromkeys(ids, at)
    return rung


async def latency(house: House, seconds: int, runs: int) -> list[Row]:
    """The rows of due → emitted."""
    visits = PACE * seconds
    steady = timedelta(seconds=1) / PACE
    await seed.seed(
        await house.template(LATENCY_TEMPLATE), visits, due=lambda number: seed.DUE + steady * (number * 7919 % visits)
    )
    paces = [await paced_run(house, visits) for _ in range(runs)]
    p50, p99 = statistics.median(pace.p50 for pace in paces), statistics.median(pace.p99 for pace in paces)
    share = statistics.median(pace.cores["scheduler"] for pace in paces)
    shown = f"p50 {p50:.0f} ms, p99 {p99:.0f} ms, {share:.2f} core of the scheduler"
    detail: dict[str, object] = {
        "p50_ms": [pace.p50 for pace in paces],
        "cores": [pace.cores for pace in paces],
        "events": visits,
        "stores": seed.STORES,
    }
    name = f"due → emitted at {PACE} due/s, p99"
    return [
        Row(name, "ms", round(p99, 1), shown, 150.0, False, "python -m bench latency", [], [pace.p99 for pace in paces], detail)
    ]
