"""What an order changes besides itself: the odometer, the next maintenance, which order was the first, the visits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

import asyncpg

from shared.appointments import recognise_arrivals
from shared.crypto import Vault
from shared.db import Connection
from shared.domain.programme import Fact, Trigger
from shared.events import Actor
from shared.ids import new_id
from shared.planning import (
    end_reminders,
    end_silences,
    facts_of_sales,
    facts_of_work_orders,
    mark_first_services,
    record_maintenance,
    refresh_maintenance,
    replan_facts,
)
from shared.stores import StoreContext

MAINTENANCE = "maintenance"
# Two orders of one car entered at one moment would not see each other: they wait in line.
_HOLD = "SELECT id FROM vehicles WHERE store_id = $1 AND id = $2 FOR NO KEY UPDATE"
_READING = """
    INSERT INTO mileage_readings AS r (store_id, id, vehicle_id, read_on, km, source)
    SELECT $1::uuid, $2::uuid, $3::uuid, $4::date, max(mileage_km), 'work_order' FROM work_orders
    WHERE store_id = $1 AND vehicle_id = $3 AND (closed_at AT TIME ZONE $5)::date = $4 AND mileage_km IS NOT NULL
    HAVING count(*) > 0
    ON CONFLICT (store_id, vehicle_id, read_on) DO UPDATE SET km = excluded.km
    WHERE r.source = 'work_order' AND r.km <> excluded.km
"""
_NO_READING = """
    DELETE FROM mileage_readings r WHERE r.store_id = $1 AND r.vehicle_id = $2 AND r.read_on = $3 AND r.source = 'work_order'
        AND NOT EXISTS (
            SELECT FROM work_orders w WHERE w.store_id = $1 AND w.vehicle_id = $2 AND w.mileage_km IS NOT NULL
            AND (w.closed_at AT TIME ZONE $4)::date = $3)
"""
_FORGET_MAINTENANCE = """
    UPDATE vehicles SET last_maintenance_on = NULL, last_maintenance_km = NULL
    WHERE store_id = $1 AND id = $2 AND last_maintenance_on = $3
"""
_FIRST = """
    SELECT id FROM work_orders WHERE store_id = $1 AND vehicle_id = $2 AND customer_id = $3 AND kind <> 'internal'
    ORDER BY closed_at, id LIMIT 1
"""
_NOT_FIRST = """
    UPDATE work_orders SET first_service = false
    WHERE store_id = $1 AND vehicle_id = $2 AND customer_id = $3 AND first_service AND id IS DISTINCT FROM $4 RETURNING id
"""
_OF_THE_DAY = """
    SELECT id FROM work_orders WHERE store_id = $1 AND vehicle_id = $2 AND (closed_at AT TIME ZONE $4)::date = $3
"""
# The reminder of the first maintenance, which a delivery planned.
_CARDS = """
    SELECT DISTINCT trigger_id FROM visits WHERE store_id = $1 AND vehicle_id = $2 AND trigger_type = 'card.handed_over'
    AND state IN ('planned', 'due', 'trying')
"""
_OWNER = """
    UPDATE customers SET lifecycle = 'owner', updated_at = $3, version = version + 1
    WHERE store_id = $1 AND id = $2 AND lifecycle <> 'owner'
"""


async def follow(
    conn: Connection,
    store: StoreContext,
    vault: Vault,
    order: asyncpg.Record,
    was: asyncpg.Record | None,
    *,
    now: datetime,
    actor: Actor,
) -> None:
    """Bring everything in line with an order that is new, or (`was`) was different before."""
    await conn.execute(_HOLD, store.id, order["vehicle_id"])
    days = {store.calendar.day_of(row["closed_at"]) for row in (order, was) if row is not None}
    await _note_mileage(conn, store, order["vehicle_id"], days)
    await _note_maintenance(conn, store, order, was, now=now, actor=actor)
    if order["kind"] != "internal":
        await conn.execute(_OWNER, store.id, order["customer_id"], now)
    await recognise_arrivals(conn, store, [order["vehicle_id"]], now=now, actor=actor)
    ids = {order["id"], *await _first_services(conn, store.id, order)}
    for day in days:
        ids |= {row["id"] for row in await conn.fetch(_OF_THE_DAY, store.id, order["vehicle_id"], day, store.timezone)}
    facts = await facts_of_work_orders(conn, store, ids) + await _first_maintenance(conn, store, order["vehicle_id"])
    await replan_facts(conn, store, facts, now=now, actor=actor, vault=vault)
    await end_silences(conn, store, [order["vehicle_id"]], now=now, actor=actor)


async def _note_mileage(conn: Connection, store: StoreContext, vehicle_id: UUID, days: set[date]) -> None:
    """The highest reading of the orders of a day stands for the day, unless somebody else read the odometer that day."""
    for day in days:
        await conn.execute(_NO_READING, store.id, vehicle_id, day, store.timezone)
        await conn.execute(_READING, store.id, new_id(), vehicle_id, day, store.timezone)


async def _note_maintenance(
    conn: Connection, store: StoreContext, order: asyncpg.Record, was: asyncpg.Record | None, *, now: datetime, actor: Actor
) -> None:
    cars = [order["vehicle_id"]]
    if was is not None and was["kind"] == MAINTENANCE:
        await conn.execute(_FORGET_MAINTENANCE, store.id, order["vehicle_id"], store.calendar.day_of(was["closed_at"]))
    await record_maintenance(conn, store, cars)
    await refresh_maintenance(conn, store, cars, store.calendar.day_of(now))
    await end_reminders(conn, store, cars, now=now, actor=actor)


async def _first_services(conn: Connection, store_id: UUID, order: asyncpg.Record) -> Sequence[UUID]:
    """Move the mark of the first service to where it belongs; the orders it touched."""
    pair = (store_id, order["vehicle_id"], order["customer_id"])
    first: UUID | None = await conn.fetchval(_FIRST, *pair)
    touched = [row["id"] for row in await conn.fetch(_NOT_FIRST, *pair, first)]
    if first is None:
        return touched
    await mark_first_services(conn, store_id, [first])
    return [*touched, first] if touched else touched


async def _first_maintenance(conn: Connection, store: StoreContext, vehicle_id: UUID) -> list[Fact]:
    cards = [row["trigger_id"] for row in await conn.fetch(_CARDS, store.id, vehicle_id)]
    facts = await facts_of_sales(conn, store, cards) if cards else []
    return [fact for fact in facts if fact.type is Trigger.CARD_HANDED_OVER]
