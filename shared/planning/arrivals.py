"""What follows from appointments: visits that confirm or ask after them, reminders that end, arrivals that work orders show."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from shared.db import Connection
from shared.domain.programme import PlanCounts
from shared.events import NOTIFY_FEED, Actor, feed
from shared.planning.appointments import facts_of_appointments
from shared.planning.replan import replan_facts
from shared.planning.sources import facts_of_triggers
from shared.stores import StoreContext

NOT_ARRIVED = "not_arrived"
BY_WORK_ORDER = "work_order"
_DAY = timedelta(days=1)


async def follow_appointments(
    conn: Connection, store: StoreContext, ids: Collection[UUID], *, now: datetime, actor: Actor
) -> PlanCounts:
    """Plan, move or end the visits of appointments as they stand now; end reminders of maintenance of cars that are booked."""
    facts = await facts_of_appointments(conn, store, ids)
    counts = await replan_facts(conn, store, facts, now=now, actor=actor)
    cars = list({fact.vehicle_id for fact in facts if fact.vehicle_id})
    if reminded := [(row["trigger_type"], row["trigger_id"]) for row in await conn.fetch(_REMINDED, store.id, cars)]:
        await replan_facts(conn, store, list((await facts_of_triggers(conn, store, reminded)).values()), now=now, actor=actor)
    for appointment_id in ids:
        await conn.execute("SELECT pg_notify($1, $2)", NOTIFY_FEED, feed(store.id, "appointment", appointment_id))
    return counts


async def recognise_arrivals(
    conn: Connection, store: StoreContext, vehicle_ids: Sequence[UUID] | None = None, *, now: datetime, actor: Actor
) -> int:
    """Who has a work order of the day of his appointment has come, whoever forgot to say so; for some cars or (None) all."""
    cars = None if vehicle_ids is None else list(vehicle_ids)
    if not await conn.fetchval(_ANYBODY, store.id):
        return 0
    statement = _ARRIVED if cars is None else _ARRIVED_IN
    rows = await conn.fetch(statement, store.id, store.timezone, now, BY_WORK_ORDER, *([] if cars is None else [cars]))
    if rows:
        await follow_appointments(conn, store, [row["id"] for row in rows], now=now, actor=actor)
    return len(rows)


async def plan_appointments(conn: Connection, store: StoreContext, *, now: datetime, actor: Actor) -> PlanCounts:
    """The daily job: arrivals that work orders show; of the others whose day is over, nobody came: their follow-up is planned."""
    await recognise_arrivals(conn, store, now=now, actor=actor)
    midnight = store.calendar.end_of_day(store.calendar.day_of(now) - _DAY)
    rows = await conn.fetch(_NO_SHOWS, store.id, midnight, NOT_ARRIVED, now)
    if not rows:
        return PlanCounts()
    return await follow_appointments(conn, store, [row["id"] for row in rows], now=now, actor=actor)


_REMINDED = """
    SELECT DISTINCT trigger_type, trigger_id FROM visits
    WHERE store_id = $1 AND vehicle_id = ANY($2) AND trigger_type IN ('maintenance.due', 'card.handed_over')
        AND state IN ('planned', 'due', 'trying')
"""
_ANYBODY = "SELECT EXISTS (SELECT FROM appointments WHERE store_id = $1 AND state IN ('booked', 'confirmed', 'no_show'))"
_CAME = """
    WITH came AS (
        SELECT DISTINCT ON (a.id) a.id, coalesce(w.opened_at, w.closed_at) AS at
        FROM appointments a JOIN work_orders w ON w.store_id = a.store_id AND w.customer_id = a.customer_id
            AND (a.vehicle_id IS NULL OR w.vehicle_id = a.vehicle_id) AND w.kind <> 'internal'
            AND (a.starts_at AT TIME ZONE $2)::date IN ((w.opened_at AT TIME ZONE $2)::date, (w.closed_at AT TIME ZONE $2)::date)
        WHERE a.store_id = $1 AND a.state IN ('booked', 'confirmed', 'no_show'){cars}
        ORDER BY a.id, w.opened_at NULLS LAST
    )
    UPDATE appointments a SET state = 'arrived', state_reason = $4, arrived_at = came.at, closed_at = $3, updated_at = $3,
        version = version + 1
    FROM came WHERE a.store_id = $1 AND a.id = came.id RETURNING a.id
"""
_ARRIVED, _ARRIVED_IN = _CAME.format(cars=""), _CAME.format(cars=" AND w.vehicle_id = ANY($5)")
_NO_SHOWS = """
    UPDATE appointments SET state = 'no_show', state_reason = $3, closed_at = $4, updated_at = $4, version = version + 1
    WHERE store_id = $1 AND state IN ('booked', 'confirmed') AND starts_at < $2 RETURNING id
"""
