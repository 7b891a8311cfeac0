"""Reading and writing warranty items."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from services.api import audit, records
from services.api.etags import Expected
from services.api.identities import Me
from services.api.vehicles.door import VehicleNotFound
from services.api.warranty.schemas import WarrantyItemIn, WarrantyItemPatch
from shared.db import Connection
from shared.errors import Conflict, Invalid, NotFound
from shared.ids import new_id
from shared.planning import cancel_open, replan_warranty
from shared.stores import StoreContext

TABLE = "warranty_items"
_DELIVERED = """
    SELECT coalesce((SELECT max(delivered_on) FROM sales WHERE store_id = $1 AND vehicle_id = $2), v.purchased_on)
    FROM vehicles v WHERE v.store_id = $1 AND v.id = $2
"""


class WarrantyItemNotFound(NotFound):
    """There is no such warranty item of this car."""

    code = "warranty_item_not_found"
    zh = "该车辆没有此质保项目，或您无权知道。"


class WarrantyItemThere(Conflict):
    """This car has an item of that name."""

    code = "warranty_item_exists"
    zh = "该车辆已有同名质保项目。"


async def items_of(conn: Connection, store_id: UUID, vehicle_id: UUID) -> list[asyncpg.Record]:
    """The items of a car, the first to end first. Raises VehicleNotFound."""
    await records.one(conn, "vehicles", store_id, vehicle_id, VehicleNotFound)
    return await conn.fetch(
        "SELECT * FROM warranty_items WHERE store_id = $1 AND vehicle_id = $2 ORDER BY expected_on NULLS LAST, id LIMIT 200",
        store_id,
        vehicle_id,
    )


async def add_item(
    conn: Connection, store: StoreContext, me: Me, vehicle_id: UUID, body: WarrantyItemIn, *, now: datetime
) -> asyncpg.Record:
    """An item of a car; the call about its end is planned when that is near. Raises VehicleNotFound, Invalid, WarrantyItemThere."""
    await records.one(conn, "vehicles", store.id, vehicle_id, VehicleNotFound)
    values = body.model_dump()
    values["starts_on"] = body.starts_on or await conn.fetchval(_DELIVERED, store.id, vehicle_id)
    _check(values)
    item_id = new_id()
    async with records.once(conn, WarrantyItemThere()):
        await records.insert(conn, TABLE, store.id, {**values, "id": item_id, "vehicle_id": vehicle_id}, now=now)
    await audit.note(conn, me, "warranty_item.created", "vehicle", vehicle_id, now=now, detail={"item_id": str(item_id)})
    return await _planned(conn, store, me, item_id, now)


async def change_item(
    conn: Connection,
    store: StoreContext,
    me: Me,
    vehicle_id: UUID,
    item_id: UUID,
    body: WarrantyItemPatch,
    expected: Expected,
    *,
    now: datetime,
) -> asyncpg.Record:
    """Other terms; what is planned moves. Raises WarrantyItemNotFound, Stale, Invalid, WarrantyItemThere."""
    row = await _locked(conn, store.id, vehicle_id, item_id, expected)
    given = body.given
    _check({**dict(row), **given})
    async with records.once(conn, WarrantyItemThere()):
        await records.update(conn, TABLE, store.id, item_id, given, now=now)
    detail = {"item_id": str(item_id), "fields": sorted(given)}
    await audit.note(conn, me, "warranty_item.changed", "vehicle", vehicle_id, now=now, detail=detail)
    return await _planned(conn, store, me, item_id, now)


async def drop_item(conn: Connection, store: StoreContext, me: Me, vehicle_id: UUID, item_id: UUID, *, now: datetime) -> None:
    """The item was never under warranty: its calls end with it. Raises WarrantyItemNotFound."""
    await _locked(conn, store.id, vehicle_id, item_id, None)
    await cancel_open(conn, store.id, "trigger_id", item_id, "warranty_dropped", now=now, actor=me.actor)
    await conn.execute("DELETE FROM warranty_items WHERE store_id = $1 AND id = $2", store.id, item_id)
    await audit.note(conn, me, "warranty_item.deleted", "vehicle", vehicle_id, now=now, detail={"item_id": str(item_id)})


async def _locked(conn: Connection, store_id: UUID, vehicle_id: UUID, item_id: UUID, expected: Expected | None) -> asyncpg.Record:
    row = await records.locked(conn, TABLE, store_id, item_id, WarrantyItemNotFound, expected)
    if row["vehicle_id"] != vehicle_id:
        raise WarrantyItemNotFound
    return row


async def _planned(conn: Connection, store: StoreContext, me: Me, item_id: UUID, now: datetime) -> asyncpg.Record:
    await replan_warranty(conn, store, [item_id], now=now, actor=me.actor)
    return await records.one(conn, TABLE, store.id, item_id, WarrantyItemNotFound)


def _check(item: Mapping[str, Any]) -> None:
    if item["months"] is None and item["km"] is None:
        raise Invalid("须写明月数或里程 / say for how many months or up to what mileage", "/months")
    if item["starts_on"] is None:
        raise Invalid("该车没有交车日期，请写明起始日 / no delivery is known: say from when", "/starts_on")
