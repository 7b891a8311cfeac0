"""The next maintenance of each car, and its programme from the calendar.

A car's interval runs from its last maintenance, else from its delivery. One interval gives one reminder: the occurrence of its
visits is the day the interval began, so that a date that moves with the odometer is not planned a second time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

import asyncpg

from shared.db import Connection
from shared.domain.mileage import (
    DEFAULT_KM_PER_MONTH,
    INTERVAL_KM,
    INTERVAL_MONTHS,
    LastService,
    Reading,
    maintenance_due,
)
from shared.domain.programme import FIRST_IMPORT_DAYS, INTERVAL, Fact, PlanCounts, Trigger
from shared.events import SYSTEM, Actor
from shared.planning.facts import first_interval
from shared.planning.people import Assigner
from shared.planning.plan import Planner
from shared.planning.rows import Draft, tell, write_events, write_visits
from shared.stores import StoreContext

HORIZON_DAYS = 3
LEAD_DAYS = 7
CHUNK = 5000
_DAY_ONE = date(2000, 1, 1)

_VEHICLES = """
    SELECT v.id, v.customer_id, v.interval_months, v.interval_km, v.next_maintenance_on, v.excluded OR v.ended_at IS NOT NULL
           OR c.deceased_at IS NOT NULL OR c.merged_into IS NOT NULL AS excluded,
           greatest(v.last_maintenance_on, w.day) AS serviced_on,
           CASE WHEN v.last_maintenance_on IS NULL OR w.day >= v.last_maintenance_on THEN w.mileage_km ELSE v.last_maintenance_km
           END AS serviced_km, coalesce(s.delivered_on, v.purchased_on) AS delivered_on, w.advisor_id, EXISTS (
               SELECT FROM appointments p WHERE p.store_id = v.store_id AND p.customer_id = v.customer_id AND p.vehicle_id = v.id
               AND p.state IN ('booked', 'confirmed')
           ) AS booked
    FROM vehicles v
    JOIN customers c ON c.store_id = v.store_id AND c.id = v.customer_id
    LEFT JOIN LATERAL (
        SELECT (closed_at AT TIME ZONE $3)::date AS day, mileage_km, advisor_id FROM work_orders
        WHERE store_id = v.store_id AND vehicle_id = v.id AND kind = 'maintenance' ORDER BY closed_at DESC LIMIT 1) w ON true
    LEFT JOIN LATERAL (
        SELECT delivered_on FROM sales WHERE store_id = v.store_id AND vehicle_id = v.id
        ORDER BY delivered_on DESC LIMIT 1) s ON true
    WHERE v.store_id = $1 AND v.id = ANY($2)
"""
_READINGS = "SELECT vehicle_id, read_on, km FROM mileage_readings WHERE store_id = $1 AND vehicle_id = ANY($2)"
_SET_NEXT = """
    UPDATE vehicles v SET next_maintenance_on = n.day FROM unnest($2::uuid[], $3::date[]) AS n(id, day)
    WHERE v.store_id = $1 AND v.id = n.id AND v.next_maintenance_on IS DISTINCT FROM n.day
"""
_RECORD = """
    UPDATE vehicles v SET last_maintenance_on = w.day, last_maintenance_km = w.mileage_km
    FROM (
        SELECT DISTINCT ON (vehicle_id) vehicle_id, (closed_at AT TIME ZONE $3)::date AS day, mileage_km
        FROM work_orders WHERE store_id = $1 AND vehicle_id = ANY($2) AND kind = 'maintenance' ORDER BY vehicle_id, closed_at DESC
    ) w
    WHERE v.store_id = $1 AND v.id = w.vehicle_id AND (v.last_maintenance_on IS NULL OR v.last_maintenance_on <= w.day)
"""
_UNKNOWN = "SELECT id FROM vehicles WHERE store_id = $1 AND next_maintenance_on IS NULL AND ended_at IS NULL"
_NEAR = """
    SELECT id FROM vehicles WHERE store_id = $1 AND next_maintenance_on BETWEEN $2 AND $3 AND ended_at IS NULL AND NOT excluded
"""
_OPEN = """
    SELECT id, trigger_id, occurrence FROM visits
    WHERE store_id = $1 AND trigger_type = 'maintenance.due' AND state IN ('planned', 'due') AND tries = 0 AND promised_at IS NULL{cars}
    ORDER BY id FOR UPDATE
"""
_OF_ALL, _OF_CARS = _OPEN.format(cars=""), _OPEN.format(cars=" AND trigger_id = ANY($2)")
_CANCEL = """
    UPDATE visits SET state = 'cancelled', state_reason = 'maintenance_done', closed_at = $3, updated_at = $3,
                      version = version + 1, next_step = NULL, next_at = NULL, next_reason = NULL, wake_at = NULL
    WHERE store_id = $1 AND id = ANY($2)
"""


async def record_maintenance(conn: Connection, store: StoreContext, vehicle_ids: Sequence[UUID]) -> None:
    """Write the last maintenance order of each car on the car: for the api, which owns cars."""
    await conn.execute(_RECORD, store.id, list(vehicle_ids), store.timezone)


async def refresh_maintenance(conn: Connection, store: StoreContext, vehicle_ids: Sequence[UUID], today: date) -> None:
    """Compute `next_maintenance_on` of cars whose sales, orders, readings or intervals changed. Writes only what differs."""
    for start in range(0, len(vehicle_ids), CHUNK):
        chunk = list(vehicle_ids[start : start + CHUNK])
        rows = await conn.fetch(_VEHICLES, store.id, chunk, store.timezone)
        readings = await _readings(conn, store.id, chunk)
        days = [_next_on(row, readings.get(row["id"], ()), store, today) for row in rows]
        await conn.execute(_SET_NEXT, store.id, [row["id"] for row in rows], days)


async def plan_maintenance(conn: Connection, store: StoreContext, *, now: datetime, actor: Actor = SYSTEM) -> PlanCounts:
    """The daily job: dates of cars that have none, visits of cars whose reminder is near, an end to reminders of cars that came.

    Cars that have been due for longer than a month are left alone: that is what churn warnings are for.
    """
    today = store.calendar.day_of(now)
    await refresh_maintenance(conn, store, await _ids(conn, _UNKNOWN, store.id), today)
    since, until = today - timedelta(days=FIRST_IMPORT_DAYS), today + timedelta(days=LEAD_DAYS + HORIZON_DAYS)
    near = await _ids(conn, _NEAR, store.id, since, until)
    await refresh_maintenance(conn, store, near, today)
    await end_reminders(conn, store, now=now, actor=actor)
    facts = [fact for fact in await facts_of_vehicles(conn, store, near) if since <= fact.on <= until]
    planner = Planner(store, now)
    planned = [(visit, programme, fact) for fact in facts for visit, programme in planner.visits(fact)]
    assigner = await Assigner.load(conn, store, now=now, customer_ids={fact.customer_id for fact in facts})
    drafts = [Draft(visit, programme, assigner.assign(visit, fact)) for visit, programme, fact in planned]
    written = await write_visits(conn, store.id, drafts, now=now, actor=actor, vault=None)
    await tell(conn, store.id, written.planned)
    return PlanCounts(written.planned, written.expired)


async def facts_of_vehicles(conn: Connection, store: StoreContext, vehicle_ids: Collection[UUID]) -> list[Fact]:
    """Maintenance falls due: one fact for each car that has a date; its id is the car's."""
    rows = await conn.fetch(_VEHICLES, store.id, list(vehicle_ids), store.timezone)
    return [_due(row, store) for row in rows if row["next_maintenance_on"] is not None]


async def end_reminders(
    conn: Connection, store: StoreContext, vehicle_ids: Sequence[UUID] | None = None, *, now: datetime, actor: Actor
) -> int:
    """Cancel untouched reminders of intervals that are over, for some cars or (None) all; how many."""
    statement, some = (_OF_ALL, ()) if vehicle_ids is None else (_OF_CARS, (list(vehicle_ids),))
    rows = await conn.fetch(statement, store.id, *some)
    cars = await conn.fetch(_VEHICLES, store.id, list({row["trigger_id"] for row in rows}), store.timezone)
    running = {car["id"]: interval_number(_began(car)) for car in cars}
    over = [row["id"] for row in rows if row["occurrence"] != running.get(row["trigger_id"])]
    if over:
        await conn.execute(_CANCEL, store.id, over, now)
        await write_events(
            conn, store.id, [(id_, "cancelled", {"reason": "maintenance_done"}) for id_ in over], now=now, actor=actor
        )
    return len(over)


def interval_number(began: date | None) -> int:
    """The number of an interval among those of its car: the day it began, counted from 2000."""
    return (began - _DAY_ONE).days if began else 0


async def _ids(conn: Connection, sql: str, *values: object) -> list[UUID]:
    return [row["id"] for row in await conn.fetch(sql, *values)]


async def _readings(conn: Connection, store_id: UUID, vehicle_ids: Sequence[UUID]) -> Mapping[UUID, list[Reading]]:
    found: dict[UUID, list[Reading]] = defaultdict(list)
    for row in await conn.fetch(_READINGS, store_id, vehicle_ids):
        found[row["vehicle_id"]].append(Reading(row["read_on"], row["km"]))
    return found


def _began(row: asyncpg.Record) -> date | None:
    began: date | None = row["serviced_on"] or row["delivered_on"]
    return began


def _next_on(row: asyncpg.Record, readings: Iterable[Reading], store: StoreContext, today: date) -> date | None:
    began = _began(row)
    if began is None:
        return None
    if row["serviced_on"] is None:
        last = LastService(began, 0)
        months, km = first_interval(store, row["interval_months"], row["interval_km"])
    else:
        last = LastService(began, row["serviced_km"])
        months = row["interval_months"] or store.setting("interval_months", INTERVAL_MONTHS)
        km = row["interval_km"] or store.setting("interval_km", INTERVAL_KM)
    return maintenance_due(readings, last, months, km, today, store.setting("km_per_month", DEFAULT_KM_PER_MONTH))


def _due(row: asyncpg.Record, store: StoreContext) -> Fact:
    day = row["next_maintenance_on"]
    return Fact(
        type=Trigger.MAINTENANCE_DUE,
        id=row["id"],
        on=day,
        at=store.calendar.opening(day),
        customer_id=row["customer_id"],
        vehicle_id=row["id"],
        person_staff_id=row["advisor_id"],
        excluded=row["excluded"],
        attrs={INTERVAL: str(interval_number(_began(row))), "appointment": "yes" if row["booked"] else "no"},
    )
