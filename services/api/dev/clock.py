"""Moving a clock that stands still: from one due instant to the next, waiting at each until everything due is done."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from time import monotonic

from asyncpg import Record

from services.api.house import House
from shared.clock import move_clock
from shared.db import PLAN_ONCE, Pool, set_store_sql
from shared.errors import Conflict

PATIENCE = 30.0
SHORTEST_LOOK, LONGEST_LOOK = 0.01, 0.04

_GLOBAL = """
    SELECT (SELECT count(*) FROM scheduled_jobs WHERE next_at <= $1) AS scheduled_jobs,
           (SELECT count(*) FROM callbacks WHERE handled_at IS NULL) AS callbacks,
           (SELECT min(next_at) FROM scheduled_jobs WHERE name <> 'clean') AS following  -- 'clean' is of machine time: no stop
"""
# Each part reads a small index of what is open: a quarter of a store asks this ten thousand times. Scalar subqueries, because as a
# join with ANY the planner compares every visit of the store with every wake.
_STORE = """
    SELECT (SELECT count(*) FROM (SELECT unnest(visit_ids) AS id FROM visit_wakes WHERE store_id = $1 AND wake_at <= $2) w
            WHERE (SELECT v.wake_at <= $2 FROM visits v WHERE v.store_id = $1 AND v.id = w.id)) AS visits,
           (SELECT count(*) FROM due_contact_events WHERE store_id = $1 AND handled_at IS NULL) AS due_contact_events,
           (SELECT count(*) FROM visit_signals WHERE store_id = $1 AND handled_at IS NULL) AS visit_signals,
           (SELECT count(*) FROM messages WHERE store_id = $1 AND state IN ('queued', 'held') AND wake_at <= $2)
           + (SELECT count(*) FROM messages WHERE store_id = $1 AND state IN ('accepted', 'unknown') AND wake_at <= $2)
           + (SELECT count(*) FROM messages WHERE store_id = $1 AND state = 'sending') AS messages,
           (SELECT count(*) FROM message_orders WHERE store_id = $1 AND handled_at IS NULL) AS message_orders,
           (SELECT count(*) FROM complaints WHERE store_id = $1 AND wake_at <= $2) AS complaints,
           (SELECT count(*) FROM problems WHERE store_id = $1 AND resolved_at IS NULL AND acted_at IS NULL AND warned_at IS NULL
            AND act_by <= $2) AS problems,
           (SELECT count(*) FROM staff_notices WHERE store_id = $1 AND state IN ('queued', 'sending') AND wake_at <= $2) AS staff_notices,
           least((SELECT w.wake_at FROM visit_wakes w WHERE w.store_id = $1 AND (
                      SELECT true FROM unnest(w.visit_ids) AS u (id)
                      WHERE (SELECT v.wake_at <= w.wake_at FROM visits v WHERE v.store_id = $1 AND v.id = u.id) LIMIT 1)
                  ORDER BY w.wake_at LIMIT 1),
                 (SELECT min(wake_at) FROM messages WHERE store_id = $1 AND state IN ('queued', 'held')),
                 (SELECT min(wake_at) FROM messages WHERE store_id = $1 AND state IN ('accepted', 'unknown')),
                 (SELECT min(wake_at) FROM complaints WHERE store_id = $1 AND wake_at IS NOT NULL),
                 (SELECT min(act_by) FROM problems WHERE store_id = $1 AND resolved_at IS NULL AND acted_at IS NULL
                  AND warned_at IS NULL),
                 (SELECT min(wake_at) FROM staff_notices WHERE store_id = $1 AND state IN ('queued', 'sending'))) AS following
"""


class ClockRuns(Conflict):
    """Only a clock that stands still (HUIFANG_CLOCK=…@step) can be moved."""

    code = "clock_runs"
    zh = "只有静止的时钟（HUIFANG_CLOCK=…@step）才能移动。"


class ClockGoesForward(Conflict):
    """A clock goes forward only."""

    code = "clock_goes_forward"
    zh = "时钟只能向前移动。"


class NothingHappens(Conflict):
    """What is due is not being done."""

    code = "nothing_happens"

    def __init__(self, at: datetime, waiting: Mapping[str, int]) -> None:
        what = ", ".join(f"{count} {name}" for name, count in waiting.items())
        super().__init__(
            f"At {at:%Y-%m-%d %H:%M:%S}Z this is due and nobody does it: {what}. Are scheduler and notifier running?"
        )
        self.zh = f"{at:%Y-%m-%d %H:%M:%S}Z 时有到期事项无人处理：{what}。调度与通知服务是否在运行？"
        self.more = {"waiting": dict(waiting)}


@dataclass(frozen=True)
class Queues:
    """What is due and not done, by table, and the next instant at which something will be."""

    waiting: Mapping[str, int]
    following: datetime | None


async def move(house: House, to: datetime) -> int:
    """Move the clock to `to`, hop by hop. Out: the hops. Raises ClockRuns, ClockGoesForward, NothingHappens.

    Returns when nothing is due up to `to` and the queues are empty.
    """
    async with house.pool.acquire() as connection:
        await house.clock.refresh(connection)
    if not house.clock.movable or house.clock.speed != 0:
        raise ClockRuns
    if to < house.clock.now():
        raise ClockGoesForward
    hops = 0
    while True:
        queues = await _drained(house)
        if queues.following is None or queues.following > to:
            break
        await _set(house, queues.following)
        hops += 1
    if house.clock.now() < to:
        await _set(house, to)
        await _drained(house)
    return hops


async def _set(house: House, to: datetime) -> None:
    async with house.pool.acquire() as connection:
        await move_clock(connection, to)
        await house.clock.refresh(connection)


async def _drained(house: House) -> Queues:
    """Wait until nothing is due at the clock's instant. Patience begins anew whenever something got done."""
    pause, until = SHORTEST_LOOK, monotonic() + PATIENCE
    waiting: Mapping[str, int] = {}
    while True:
        queues = await look(house.pool, house.clock.now())
        if not queues.waiting:
            return queues
        if queues.waiting != waiting:
            waiting, pause, until = queues.waiting, SHORTEST_LOOK, monotonic() + PATIENCE
        if monotonic() > until:
            raise NothingHappens(house.clock.now(), waiting)
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, LONGEST_LOOK)


async def look(pool: Pool, now: datetime) -> Queues:
    """The queues at one instant, in one snapshot over all stores."""
    waiting: dict[str, int] = {}
    following: list[datetime] = []
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        _add(await connection.fetchrow(_GLOBAL, now), waiting, following)
        for store in await connection.fetch("SELECT id FROM stores ORDER BY id"):
            await connection.execute(f"{set_store_sql(store['id'])}; {PLAN_ONCE}")
            _add(await connection.fetchrow(_STORE, store["id"], now), waiting, following)
    return Queues(waiting, min((at for at in following if at > now), default=None))


def _add(row: Record | None, waiting: dict[str, int], following: list[datetime]) -> None:
    for name, value in row.items() if row else ():
        if isinstance(value, datetime):
            following.append(value)
        elif isinstance(value, int) and value:
            waiting[name] = waiting.get(name, 0) + value
