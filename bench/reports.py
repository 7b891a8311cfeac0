"""A month's figures and reports over a store of 200,000 visits: what somebody waits for who opens the board or a report.

The baseline is the same database reading every row that the month needs (visits and attempts, counted), in turn with ours.
"""

from __future__ import annotations

import statistics
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from time import perf_counter
from typing import TypeAlias
from uuid import UUID

import asyncpg

from bench.house import House
from bench.results import Row
from shared.db import asyncpg_url, set_store_sql
from shared.domain.month import Month
from shared.reports import board, catalogue, closing
from shared.reports.scope import Scope, of_month
from shared.stores import load_store
from tests.factories import make_programme, make_staff, make_store

COMMAND = "python -m bench reports"
NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
MONTH = Month.read("2026-11")
BOARD_MS, REPORT_MS = 300.0, 1000.0
PEOPLE = 20
PROGRAMMES = (
    "after-maintenance",
    "after-repair",
    "delivery-sales",
    "delivery-club",
    "first-service",
    "maintenance",
    "churn-warning",
)
REPORTS = ("followup-statistics", "satisfaction", "opinions", "daily-activity")

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
Timed = Callable[[], Awaitable[object]]

_BASELINE = """
    SELECT count(*), count(DISTINCT v.customer_id), count(a.id)
    FROM visits v LEFT JOIN attempts a ON a.store_id = v.store_id AND a.visit_id = v.id
    WHERE v.store_id = $1 AND v.due_on BETWEEN $2 AND $3
"""
_CUSTOMERS = """
    INSERT INTO customers (store_id, id, kind, name, initials, lifecycle, service_preferences, flags, created_at, updated_at, version)
    SELECT $1, ('01990000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'person', '客户' || n, 'kh' || n, 'owner', '{}', '{}',
           $3, $3, 1 FROM generate_series(1, $2::int) n
"""
_VEHICLES = """
    INSERT INTO vehicles (store_id, id, customer_id, plate, model, excluded, created_at, updated_at, version)
    SELECT store_id, id, id, '沪A' || right(id::text, 5), '朗逸', false, created_at, created_at, 1 FROM customers WHERE store_id = $1
"""
_VISITS = """
    INSERT INTO visits (store_id, id, customer_id, vehicle_id, programme, programme_version, step, occurrence, tier, purposes, role,
        assignee_id, channel, state, late, due_on, due_at, window_start, window_end, trigger_type, trigger_id, trigger_at, on_missed,
        due_seq, tries, satisfaction, problem_type, closed_at, created_at, updated_at, version)
    SELECT $1, ('01991000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
           ('01990000-0000-7000-8000-' || lpad(to_hex(1 + (n * 7919) % $3::int), 12, '0'))::uuid, NULL,
           ($5::text[])[1 + n % 7], 1, 'call', 1, 'service', '{satisfaction}', 'followup_specialist', ($4::uuid[])[1 + n % 20], 'phone',
           CASE WHEN n % 20 = 0 THEN 'unreachable' WHEN n % 33 = 0 THEN 'missed' WHEN n % 50 = 0 THEN 'cancelled' ELSE 'completed' END,
           n % 11 = 0, d.day, d.day + time '01:00' AT TIME ZONE 'UTC', d.day + time '01:00' AT TIME ZONE 'UTC',
           d.day + 2 + time '16:00' AT TIME ZONE 'UTC', 'work_order.closed',
           ('01992000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, d.day + time '01:00' AT TIME ZONE 'UTC', 'none', 1, 1,
           CASE WHEN n % 3 = 0 THEN 1 + n % 5 END, CASE WHEN n % 9 = 0 THEN 'quality' END,
           d.day + time '03:00' AT TIME ZONE 'UTC', $6, $6, 1
    FROM generate_series(1, $2::int) n, LATERAL (SELECT ($7::date + (n::bigint * $8::int / ($2::int + 1))::int) AS day) d
"""
_ATTEMPTS = """
    INSERT INTO attempts (store_id, id, visit_id, seq, staff_id, channel, outcome, direction, reached_person, at, note, satisfaction,
        problem_type, late, created_at)
    SELECT v.store_id, ('01993000-0000-7' || lpad(to_hex(s), 3, '0') || substr(v.id::text, 19))::uuid, v.id, s, v.assignee_id, 'phone',
           CASE WHEN v.state = 'completed' AND s = 1 + (v.tries + extract(day FROM v.due_on)::int) % 5 / 4
                THEN 'reached' ELSE 'no_answer' END,
           'out', 'owner', v.due_on + time '02:00' AT TIME ZONE 'UTC' + s * interval '1 hour', '一切正常', NULL, v.problem_type, false,
           v.due_on + time '02:00' AT TIME ZONE 'UTC' + s * interval '1 hour'
    FROM visits v, generate_series(1, 2) s WHERE v.store_id = $1 AND v.state NOT IN ('missed', 'cancelled')
        AND s <= 1 + (v.tries + extract(day FROM v.due_on)::int) % 5 / 4
"""


async def seed(url: str, visits: int, *, first: str, days: int) -> UUID:
    """One store with `visits` worked visits over so many days, their attempts, its customers and people. Out: the store's id."""
    conn = await asyncpg.connect(asyncpg_url(url))
    try:
        store = await make_store(conn, created_at=datetime(2025, 12, 1, tzinfo=UTC))
        store_id: UUID = store["id"]
        for key in PROGRAMMES:
            await make_programme(conn, key, store_id=store_id)
        people = [(await make_staff(conn, "followup_specialist", store_id=store_id))["id"] for _ in range(PEOPLE)]
        customers, long_ago = max(visits * 2 // 5, 1), datetime(2025, 12, 1, tzinfo=UTC)
        await conn.execute(_CUSTOMERS, store_id, customers, long_ago)
        await conn.execute(_VEHICLES, store_id)
        start = Month.read(first).first
        await conn.execute(_VISITS, store_id, visits, customers, people, list(PROGRAMMES), long_ago, start, days)
        await conn.execute(_ATTEMPTS, store_id)
        await conn.execute("VACUUM ANALYZE")
        return store_id
    finally:
        await conn.close()


async def rows(house: House, visits: int, pairs: int) -> list[Row]:
    """The board and the reports, with the visits over twelve months and all in one."""
    found: list[Row] = []
    for name, first, days in (("over twelve months", "2025-12", 365), ("all in one month", "2026-11", 30)):
        url = await house.template(f"reports_{days}")
        store_id = await seed(url, visits, first=first, days=days)
        found += await _measured(url, store_id, f"{visits:,} visits {name}", pairs, goals=days > MONTH.last.day)
    return found


async def _measured(url: str, store_id: UUID, what: str, pairs: int, *, goals: bool) -> list[Row]:
    """The rows of one store. `goals`: a store of that size over a year has them; as many visits in one month are measured and shown."""
    conn = await asyncpg.connect(asyncpg_url(url), server_settings={"jit": "off"})
    try:
        store = await load_store(conn, store_id, today=NOW.date())
        scope = of_month(store, MONTH, now=NOW)
        await _freeze(conn, store_id, scope)
        plain = partial(conn.fetch, _BASELINE, store_id, MONTH.first, MONTH.last)
        found = [
            await _row(
                f"the KPI board, {what}", plain, partial(board.board, conn, scope, "store"), BOARD_MS if goals else None, pairs
            )
        ]
        for name in REPORTS:
            ours = partial(catalogue.make, conn, scope, name)
            found.append(await _row(f"report {name}, {what}", plain, ours, REPORT_MS if goals else None, pairs))
        return found
    finally:
        await conn.close()


async def _freeze(conn: Connection, store_id: UUID, scope: Scope) -> None:
    """Months before are closed, as they would be."""
    async with conn.transaction():
        await conn.execute(set_store_sql(store_id))
        await closing.close_months(conn, scope.store, now=NOW)


async def _row(name: str, plain: Timed, ours: Timed, limit: float | None, pairs: int) -> Row:
    theirs: list[float] = []
    times: list[float] = []
    await ours()
    for _ in range(pairs):
        theirs.append(await _time(plain))
        times.append(await _time(ours))
    value = statistics.median(times)
    shown = f"{value:.0f} ms (bare read {statistics.median(theirs):.0f} ms)"
    return Row(name, "ms", round(value, 1), shown, limit, False, COMMAND, theirs, times)


async def _time(run: Timed) -> float:
    begun = perf_counter()
    await run()
    return (perf_counter() - begun) * 1000
