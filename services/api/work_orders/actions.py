"""Writes of work orders: the record, the odometer, the next maintenance, and the visits that follow."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from services.api import audit, records
from services.api.etags import Expected
from services.api.identities import Me
from services.api.vehicles.actions import note_reading
from services.api.work_orders.schemas import WorkOrderIn, WorkOrderPatch
from shared.crypto import Vault
from shared.db import Connection
from shared.errors import Conflict, Invalid, NotFound
from shared.ids import new_id
from shared.phones import InvalidPhone, parse_phone
from shared.planning import (
    end_reminders,
    facts_of_work_orders,
    mark_first_services,
    record_maintenance,
    refresh_maintenance,
    replan_facts,
)
from shared.stores import StoreContext

TABLE = "work_orders"
PLANNED_FROM = frozenset({"kind", "closed_at", "advisor_id", "technician_id", "mileage_km"})
_BACK = """
    UPDATE customers SET lifecycle = 'owner', updated_at = $3, version = version + 1
    WHERE store_id = $1 AND id = $2 AND lifecycle IN ('churn_risk', 'churned')
"""
_NUMBER = "SELECT true FROM work_orders WHERE store_id = $1 AND number = $2"


class WorkOrderNotFound(NotFound):
    """There is no such work order."""

    code = "work_order_not_found"
    zh = "没有该工单，或您无权知道。"


class NumberTaken(Conflict):
    """There is an order with this number."""

    code = "work_order_number_taken"
    zh = "已有该工单号。"


async def add_order(
    conn: Connection, store: StoreContext, vault: Vault, me: Me, body: WorkOrderIn, *, now: datetime
) -> asyncpg.Record:
    """A closed order with everything that follows. Raises Invalid, NumberTaken."""
    await records.require(conn, "vehicles", store.id, body.vehicle_id, "/vehicle_id")
    await _check(conn, store.id, body.model_dump(), now)
    if await conn.fetchval(_NUMBER, store.id, body.number):
        raise NumberTaken
    owner = await conn.fetchval("SELECT customer_id FROM vehicles WHERE store_id = $1 AND id = $2", store.id, body.vehicle_id)
    order_id = new_id()
    values = {**body.model_dump(), "id": order_id, "customer_id": owner, "first_service": False}
    row = await records.insert(conn, TABLE, store.id, sealed(vault, store.id, order_id, values), now=now)
    await conn.execute(_BACK, store.id, owner, now)
    await _follow(conn, store, vault, me, row, now)
    await audit.note(conn, me, "work_order.created", "work_order", order_id, now=now)
    return await records.one(conn, TABLE, store.id, order_id, WorkOrderNotFound)


async def change_order(
    conn: Connection,
    store: StoreContext,
    vault: Vault,
    me: Me,
    order_id: UUID,
    body: WorkOrderPatch,
    expected: Expected,
    *,
    now: datetime,
) -> asyncpg.Record:
    """Change what was given; the follow-up of another kind or day replaces the old. Raises WorkOrderNotFound, Stale, Invalid."""
    row = await records.locked(conn, TABLE, store.id, order_id, WorkOrderNotFound, expected)
    await _check(conn, store.id, {**dict(row), **body.given}, now)
    row = await records.update(conn, TABLE, store.id, order_id, sealed(vault, store.id, order_id, body.given), now=now)
    if PLANNED_FROM & body.given.keys():
        await _follow(conn, store, vault, me, row, now)
    await audit.note(conn, me, "work_order.changed", "work_order", order_id, now=now, detail={"fields": sorted(body.given)})
    return await records.one(conn, TABLE, store.id, order_id, WorkOrderNotFound)


def sealed(vault: Vault, store_id: UUID, order_id: UUID, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values with the contact's phone as the column keeps it. Raises Invalid for what is no phone."""
    row = dict(values)
    if "contact_phone" not in row:
        return row
    text = row.pop("contact_phone")
    if text is None:
        return row | {"contact_phone": None, "contact_phone_index": None}
    try:
        phone = parse_phone(text).e164
    except InvalidPhone as fault:
        raise Invalid(f"{fault.zh} / {fault.en}", "/contact_phone") from None
    kept = vault.seal(phone, "work_orders", "contact_phone", store_id, order_id)
    return row | {"contact_phone": bytes(kept), "contact_phone_index": vault.index("phone", phone)}


async def _follow(conn: Connection, store: StoreContext, vault: Vault, me: Me, order: asyncpg.Record, now: datetime) -> None:
    """What an order changes: its place as the first, the odometer, the next maintenance, the visits."""
    order_id, vehicle_id, today = order["id"], order["vehicle_id"], store.calendar.day_of(now)
    await mark_first_services(conn, store.id, [order_id])
    if order["mileage_km"] is not None:
        on = store.calendar.day_of(order["closed_at"])
        await note_reading(conn, store.id, vehicle_id, on, order["mileage_km"], "work_order")
    await record_maintenance(conn, store, [vehicle_id])
    await refresh_maintenance(conn, store, [vehicle_id], today)
    await end_reminders(conn, store, [vehicle_id], now=now, actor=me.actor)
    facts = await facts_of_work_orders(conn, store, [order_id])
    await replan_facts(conn, store, facts, now=now, actor=me.actor, vault=vault)


async def _check(conn: Connection, store_id: UUID, order: Mapping[str, Any], now: datetime) -> None:
    await records.require(conn, "staff", store_id, order["advisor_id"], "/advisor_id")
    await records.require(conn, "staff", store_id, order["technician_id"], "/technician_id")
    if order["closed_at"] > now:
        raise Invalid("结算时间在将来 / the order closes in the future", "/closed_at")
    if order["opened_at"] and order["opened_at"] > order["closed_at"]:
        raise Invalid("进店晚于结算 / opened after it was closed", "/opened_at")
