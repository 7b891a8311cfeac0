"""Writes of sales: the record, and in the same transaction the visits that follow from it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from services.api import audit, records
from services.api.etags import Expected
from services.api.identities import Me
from services.api.leads.door import win_by_sales
from services.api.sales.schemas import SaleIn
from shared.db import Connection
from shared.errors import Conflict, Invalid, NotFound
from shared.planning import (
    default_warranty,
    facts_of_sales,
    note_insurance_specialists,
    plan_facts,
    refresh_maintenance,
    replan_facts,
)
from shared.stores import StoreContext

TABLE = "sales"
PLANNED_FROM = frozenset({"delivered_on", "consultant_id", "insured", "plated", "card_handed_on", "file_uploaded_on", "excluded"})
_OWNER = """
    UPDATE customers SET lifecycle = 'owner', holder_id = coalesce(holder_id, $3), updated_at = $4, version = version + 1
    WHERE store_id = $1 AND id = $2 AND (lifecycle <> 'owner' OR (holder_id IS NULL AND $3::uuid IS NOT NULL))
"""
_BOUGHT = "UPDATE vehicles SET purchased_on = coalesce(purchased_on, $3) WHERE store_id = $1 AND id = $2"
_TWICE = "SELECT true FROM sales WHERE store_id = $1 AND vehicle_id = $2 AND delivered_on = $3 AND id <> $4"


class SaleNotFound(NotFound):
    """There is no such sale."""

    code = "sale_not_found"
    zh = "没有该交车记录，或您无权知道。"


class DeliveredAlready(Conflict):
    """This car has a delivery on that day already."""

    code = "delivered_already"
    zh = "该车辆当天已有交车记录。"


async def add_sale(conn: Connection, store: StoreContext, me: Me, body: SaleIn, *, now: datetime) -> asyncpg.Record:
    """A delivery with everything that follows: an owner, a won lead, planned visits. Raises Invalid, DeliveredAlready."""
    await _check(conn, store.id, body.model_dump())
    if await conn.fetchval(_TWICE, store.id, body.vehicle_id, body.delivered_on, me.store_id):
        raise DeliveredAlready
    row = await records.insert(conn, TABLE, store.id, body.model_dump(), now=now)
    if not body.excluded:
        await conn.execute(_OWNER, store.id, body.customer_id, body.consultant_id, now)
        await win_by_sales(conn, store, [row["id"]], now=now, actor=me.actor)
    await conn.execute(_BOUGHT, store.id, body.vehicle_id, body.delivered_on)
    await refresh_maintenance(conn, store, [body.vehicle_id], store.calendar.day_of(now))
    await plan_facts(conn, store, await facts_of_sales(conn, store, [row["id"]]), now=now, actor=me.actor)
    await note_insurance_specialists(conn, store, [row["id"]])
    await default_warranty(conn, store, [row["id"]], today=store.calendar.day_of(now))
    await audit.note(conn, me, "sale.created", "sale", row["id"], now=now)
    return row


async def change_sale(
    conn: Connection,
    store: StoreContext,
    me: Me,
    sale_id: UUID,
    given: Mapping[str, Any],
    expected: Expected | None,
    *,
    now: datetime,
) -> asyncpg.Record:
    """Change what was given and replan: insured and plated end the chase, another day moves what is planned.

    Raises SaleNotFound, Stale, Invalid, DeliveredAlready.
    """
    row = await records.locked(conn, TABLE, store.id, sale_id, SaleNotFound, expected)
    await _check(conn, store.id, {**dict(row), **given})
    day = given.get("delivered_on", row["delivered_on"])
    if day != row["delivered_on"] and await conn.fetchval(_TWICE, store.id, row["vehicle_id"], day, sale_id):
        raise DeliveredAlready
    row = await records.update(conn, TABLE, store.id, sale_id, given, now=now)
    if PLANNED_FROM & given.keys():
        await refresh_maintenance(conn, store, [row["vehicle_id"]], store.calendar.day_of(now))
        await replan_facts(conn, store, await facts_of_sales(conn, store, [sale_id]), now=now, actor=me.actor)
    await audit.note(conn, me, "sale.changed", "sale", sale_id, now=now, detail={"fields": sorted(given)})
    return row


async def _check(conn: Connection, store_id: UUID, sale: Mapping[str, Any]) -> None:
    """Whom and what the fields name must be of the store and fit together. Raises Invalid at the field."""
    await records.require(conn, "customers", store_id, sale["customer_id"], "/customer_id")
    await records.require(conn, "vehicles", store_id, sale["vehicle_id"], "/vehicle_id")
    for name in ("consultant_id", "insurance_specialist_id", "renewal_specialist_id"):
        await records.require(conn, "staff", store_id, sale[name], f"/{name}")
    owner = await conn.fetchval("SELECT customer_id FROM vehicles WHERE store_id = $1 AND id = $2", store_id, sale["vehicle_id"])
    if owner != sale["customer_id"]:
        raise Invalid("该车辆不属于此客户 / the car is not this customer's", "/vehicle_id")
    handed_on = sale["card_handed_on"]
    if handed_on is not None and handed_on < sale["delivered_on"]:
        raise Invalid("移交早于交车 / handed over before the delivery", "/card_handed_on")
    if sale["file_uploaded_on"] is not None and sale["file_uploaded_on"] < sale["delivered_on"]:
        raise Invalid("上传早于交车 / uploaded before the delivery", "/file_uploaded_on")
