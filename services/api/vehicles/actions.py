"""Writes of vehicles."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from services.api import audit, records
from services.api.etags import Expected
from services.api.identities import Me
from services.api.vehicles.schemas import ReadingIn, TransferIn, VehicleIn, VehiclePatch
from shared.db import Connection
from shared.errors import Conflict, Invalid, NotFound
from shared.ids import new_id
from shared.planning import cancel_open, refresh_maintenance, replan_vehicles
from shared.stops import stop_vehicle
from shared.stores import StoreContext

TABLE = "vehicles"
COPIED = ("vin", "engine_number", "model", "colour", "interval_months", "interval_km")
MAINTENANCE = frozenset({"purchased_on", "interval_months", "interval_km", "last_maintenance_on", "last_maintenance_km"})
_READING = """
    INSERT INTO mileage_readings AS m (store_id, id, vehicle_id, read_on, km, source) VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (store_id, vehicle_id, read_on) DO UPDATE SET km = greatest(m.km, excluded.km) RETURNING *
"""
_ANSWERED = """
    UPDATE tasks t SET done_at = $3, done_by = $4 FROM visits v
    WHERE t.store_id = $1 AND t.kind = 'new_owner' AND t.done_at IS NULL AND v.store_id = $1 AND v.id = t.visit_id
      AND v.vehicle_id = $2
"""
TRANSFERRED = "vehicle_transferred"
_SAME_VIN = "SELECT true FROM vehicles WHERE store_id = $1 AND vin = $2 AND ended_at IS NULL AND id <> $3"


class VehicleNotFound(NotFound):
    """There is no such vehicle."""

    code = "vehicle_not_found"
    zh = "没有该车辆，或您无权知道。"


class VinTaken(Conflict):
    """Another file has a car with this VIN; transfer it instead."""

    code = "vin_taken"
    zh = "另一档案已有此 VIN 的车辆；换了车主请办理过户。"


class VehicleEnded(Conflict):
    """The car has left this owner."""

    code = "vehicle_ended"
    zh = "该车辆已不属于此客户。"


async def add_vehicle(conn: Connection, store: StoreContext, me: Me, body: VehicleIn, *, now: datetime) -> asyncpg.Record:
    """A new car. Raises Invalid at `customer_id`, VinTaken."""
    owner_id = await records.customer(conn, store.id, body.customer_id, "/customer_id")
    vehicle_id = new_id()
    await _free_vin(conn, store.id, body.vin, vehicle_id)
    await records.insert(conn, TABLE, store.id, {**body.model_dump(), "customer_id": owner_id, "id": vehicle_id}, now=now)
    await refresh_maintenance(conn, store, [vehicle_id], store.calendar.day_of(now))
    await audit.note(conn, me, "vehicle.created", "vehicle", vehicle_id, now=now)
    return await records.one(conn, TABLE, store.id, vehicle_id, VehicleNotFound)


async def change_vehicle(
    conn: Connection, store: StoreContext, me: Me, vehicle_id: UUID, body: VehiclePatch, expected: Expected, *, now: datetime
) -> asyncpg.Record:
    """Change what was given; a car that is excluded from now on has its visits cancelled. Raises VehicleNotFound, Stale, VinTaken."""
    row = await records.locked(conn, TABLE, store.id, vehicle_id, VehicleNotFound, expected)
    given: Mapping[str, Any] = body.given
    await _free_vin(conn, store.id, given.get("vin"), vehicle_id)
    await records.update(conn, TABLE, store.id, vehicle_id, given, now=now)
    if MAINTENANCE & given.keys():
        await refresh_maintenance(conn, store, [vehicle_id], store.calendar.day_of(now))
    if given.get("excluded", row["excluded"]) != row["excluded"]:
        await replan_vehicles(conn, store, [vehicle_id], now=now, actor=me.actor)
    await audit.note(conn, me, "vehicle.changed", "vehicle", vehicle_id, now=now, detail={"fields": sorted(given)})
    return await records.one(conn, TABLE, store.id, vehicle_id, VehicleNotFound)


async def add_reading(
    conn: Connection, store: StoreContext, vehicle_id: UUID, body: ReadingIn, *, now: datetime
) -> asyncpg.Record:
    """Enter a reading and compute the next maintenance anew. Raises VehicleNotFound, Invalid at `read_on`."""
    await records.one(conn, TABLE, store.id, vehicle_id, VehicleNotFound)
    today = store.calendar.day_of(now)
    if body.read_on is not None and body.read_on > today:
        raise Invalid("日期在将来 / the day lies in the future", "/read_on")
    row = await note_reading(conn, store.id, vehicle_id, body.read_on or today, body.km, body.source)
    await refresh_maintenance(conn, store, [vehicle_id], today)
    return row


async def note_reading(conn: Connection, store_id: UUID, vehicle_id: UUID, on: object, km: int, source: str) -> asyncpg.Record:
    """A reading of a day; the highest of the day stands."""
    row = await conn.fetchrow(_READING, store_id, new_id(), vehicle_id, on, km, source)
    if row is None:
        raise VehicleNotFound
    return row


async def transfer(
    conn: Connection, store: StoreContext, me: Me, vehicle_id: UUID, body: TransferIn, *, now: datetime
) -> asyncpg.Record:
    """End the car under its owner, with all that is open for it, and begin it clean under another.

    One that its owner said was sold can still be transferred: the question who has it now is answered so.
    Raises VehicleNotFound, VehicleEnded, VinTaken, Invalid.
    """
    row = await records.locked(conn, TABLE, store.id, vehicle_id, VehicleNotFound)
    if row["ended_at"] is not None and row["end_reason"] != "sold":
        raise VehicleEnded
    owner_id = await records.customer(conn, store.id, body.customer_id, "/customer_id")
    if owner_id == row["customer_id"]:
        raise Invalid("已是该客户的车辆 / it is this customer's already", "/customer_id")
    await _free_vin(conn, store.id, row["vin"], vehicle_id)
    ended = {"ended_at": row["ended_at"] or now, "end_reason": "transferred"}
    await records.update(conn, TABLE, store.id, vehicle_id, ended, now=now)
    await cancel_open(conn, store.id, "vehicle_id", vehicle_id, TRANSFERRED, now=now, actor=me.actor)
    await stop_vehicle(conn, store.id, vehicle_id, TRANSFERRED, now=now)
    values = {name: row[name] for name in COPIED} | {"customer_id": owner_id, "excluded": False}
    made = await records.insert(conn, TABLE, store.id, values | {"plate": body.plate or row["plate"]}, now=now)
    await conn.execute(_ANSWERED, store.id, vehicle_id, now, me.staff_id)
    detail = {"from": vehicle_id, "to": made["id"], "reason": body.reason or ""}
    await audit.note(conn, me, "vehicle.transferred", "vehicle", vehicle_id, now=now, detail=detail)
    return made


async def _free_vin(conn: Connection, store_id: UUID, vin: str | None, vehicle_id: UUID) -> None:
    if vin is not None and await conn.fetchval(_SAME_VIN, store_id, vin, vehicle_id):
        raise VinTaken
