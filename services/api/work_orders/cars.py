"""Which car an order is of, and whose: by id, by VIN, by plate."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import asyncpg

from services.api import records
from services.api.work_orders.schemas import WorkOrderIn
from shared.db import Connection
from shared.domain.plate import PlateFault, normalise_plate
from shared.domain.vin import VinFault, normalise_vin
from shared.errors import Invalid

_BY_ID = "SELECT id, customer_id, ended_at FROM vehicles WHERE store_id = $1 AND id = $2"
_BY_VIN = "SELECT id, customer_id, ended_at FROM vehicles WHERE store_id = $1 AND vin = $2 AND ended_at IS NULL"
# A plate moves from car to car, a VIN does not: where both sides have a VIN, only the VIN counts.
_BY_PLATE = """
    SELECT id, customer_id, ended_at FROM vehicles
    WHERE store_id = $1 AND plate = $2 AND ended_at IS NULL AND ($3::uuid IS NULL OR customer_id = $3) AND (vin IS NULL OR NOT $4)
    LIMIT 2
"""


async def car_of(conn: Connection, store_id: UUID, body: WorkOrderIn) -> tuple[UUID, UUID]:
    """The car and its owner. Raises Invalid at the field that names no car, several, or somebody else's."""
    customer_id = None
    if body.customer_id is not None:
        customer_id = await records.customer(conn, store_id, body.customer_id, "/customer_id")
    car = await _named(conn, store_id, body, customer_id)
    if customer_id is not None and car["customer_id"] != customer_id:
        raise Invalid(
            "车辆属于另一客户，送修人请填 contact_name / another customer's car; contact_name is who brought it", "/customer_id"
        )
    if _had_left(car["ended_at"], body.closed_at):
        raise Invalid("结算时该车已不属于此客户 / the car had left this customer by then", "/vehicle_id")
    return car["id"], car["customer_id"]


def _had_left(ended_at: datetime | None, closed_at: datetime) -> bool:
    return ended_at is not None and closed_at > ended_at


async def _named(conn: Connection, store_id: UUID, body: WorkOrderIn, customer_id: UUID | None) -> asyncpg.Record:
    if body.vehicle_id is not None:
        return _found(await conn.fetch(_BY_ID, store_id, body.vehicle_id), "/vehicle_id")
    rows: list[asyncpg.Record] = []
    if body.vin is not None:
        rows = await conn.fetch(_BY_VIN, store_id, _vin(body.vin))
    if not rows and body.plate is not None:
        rows = await conn.fetch(_BY_PLATE, store_id, _plate(body.plate), customer_id, body.vin is not None)
    return _found(rows, "/vin" if body.vin is not None else "/plate")


def _found(rows: list[asyncpg.Record], pointer: str) -> asyncpg.Record:
    if not rows:
        raise Invalid("没有该车辆，请先登记 / no such car; add it first", pointer)
    if len(rows) > 1:
        raise Invalid("有多辆车使用该车牌，请用 vehicle_id / several cars have this plate; use vehicle_id", pointer)
    return rows[0]


def _vin(text: str) -> str:
    try:
        return normalise_vin(text)
    except VinFault as fault:
        raise Invalid(f"不是有效的 VIN / not a VIN: {fault.code}", "/vin") from None


def _plate(text: str) -> str:
    try:
        return normalise_plate(text)
    except PlateFault as fault:
        raise Invalid(f"不是有效的车牌 / not a plate: {fault.code}", "/plate") from None
