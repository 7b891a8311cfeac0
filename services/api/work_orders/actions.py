"""Writes of work orders: the record, and in the same transaction everything that follows from it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from services.api import audit, records
from services.api.etags import Expected
from services.api.identities import Me
from services.api.work_orders import contact
from services.api.work_orders.cars import car_of
from services.api.work_orders.follow import follow
from services.api.work_orders.queries import TABLE, WorkOrderNotFound
from services.api.work_orders.schemas import WorkOrderIn, WorkOrderPatch
from shared.crypto import Vault
from shared.db import Connection
from shared.errors import Conflict, Invalid
from shared.ids import new_id
from shared.stores import StoreContext

PLANNED_FROM = frozenset({"kind", "closed_at", "mileage_km", "advisor_id", "technician_id"})
_NAMES_THE_CAR = {"vehicle_id", "vin", "plate", "customer_id"}


class NumberTaken(Conflict):
    """There is an order with this number."""

    code = "work_order_number_taken"

    def __init__(self, number: str) -> None:
        super().__init__(f"There is a work order {number} already.")
        self.zh = f"已有工单 {number}。"
        self.errors = [{"pointer": "#/number", "message": f"已有工单 / taken: {number}"}]


async def add_order(conn: Connection, store: StoreContext, vault: Vault, me: Me, body: WorkOrderIn, *, now: datetime) -> UUID:
    """A closed order with everything that follows. Raises Invalid at a field, NumberTaken."""
    vehicle_id, customer_id = await car_of(conn, store.id, body)
    await _check(conn, store.id, body.model_dump(), now)
    order_id = new_id()
    given = {**body.model_dump(exclude=_NAMES_THE_CAR), "vehicle_id": vehicle_id, "customer_id": customer_id}
    values = await contact.kept(conn, vault, store.id, order_id, customer_id, given)
    async with records.once(conn, NumberTaken(body.number)):
        order = await records.insert(conn, TABLE, store.id, {**values, "id": order_id, "first_service": False}, now=now)
    await follow(conn, store, vault, order, None, now=now, actor=me.actor)
    await audit.note(conn, me, "work_order.created", "work_order", order_id, now=now)
    return order_id


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
) -> None:
    """Change what was given; the follow-up of another kind or day replaces the old.

    Raises WorkOrderNotFound, Stale, Invalid at a field, NumberTaken.
    """
    was = await records.locked(conn, TABLE, store.id, order_id, WorkOrderNotFound, expected)
    given = body.given
    await _check(conn, store.id, {**dict(was), **given}, now)
    values = await contact.kept(conn, vault, store.id, order_id, was["customer_id"], given)
    async with records.once(conn, NumberTaken(body.number)):
        order = await records.update(conn, TABLE, store.id, order_id, values, now=now)
    if PLANNED_FROM & given.keys():
        await follow(conn, store, vault, order, was, now=now, actor=me.actor)
    if contact.FIELDS & given.keys():
        await contact.tell_visits(conn, vault, order, now=now)
    await audit.note(conn, me, "work_order.changed", "work_order", order_id, now=now, detail={"fields": sorted(given)})


async def _check(conn: Connection, store_id: UUID, order: Mapping[str, Any], now: datetime) -> None:
    await records.require(conn, "staff", store_id, order["advisor_id"], "/advisor_id")
    await records.require(conn, "staff", store_id, order["technician_id"], "/technician_id")
    if order["closed_at"] > now:
        raise Invalid("结算时间在将来 / it closes in the future", "/closed_at")
    if order["opened_at"] and order["opened_at"] > order["closed_at"]:
        raise Invalid("进店晚于结算 / opened after it was closed", "/opened_at")
