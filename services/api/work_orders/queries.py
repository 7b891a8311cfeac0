"""Reading work orders: one, and pages of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg

from services.api import records
from services.api.identities import Me
from services.api.paging import Paging
from services.api.records import Sort, Where
from services.api.work_orders.schemas import Filters
from shared.crypto import Vault
from shared.db import Connection
from shared.errors import NotFound
from shared.phones import mask

TABLE = "work_orders"
SORTS: Mapping[str, Sort] = {
    "-closed_at": Sort("t.closed_at", "timestamptz", True),
    "closed_at": Sort("t.closed_at", "timestamptz"),
    "-created_at": Sort("t.created_at", "timestamptz", True),
}
_PLAIN = (
    "id", "customer_id", "vehicle_id", "number", "kind", "opened_at", "closed_at", "advisor_id", "technician_id", "items", "fee_fen",
    "mileage_km", "contact_name", "first_service", "created_at", "updated_at", "version",
)  # fmt: skip
_SELECT = f"""
    SELECT {", ".join(f"t.{name}" for name in _PLAIN)}, t.contact_phone, c.name AS customer_name, v.plate FROM work_orders t
    JOIN customers c ON c.store_id = t.store_id AND c.id = t.customer_id
    JOIN vehicles v ON v.store_id = t.store_id AND v.id = t.vehicle_id
"""
_ONE = f"{_SELECT} WHERE t.store_id = $1 AND t.id = $2"


class WorkOrderNotFound(NotFound):
    """There is no such work order."""

    code = "work_order_not_found"
    zh = "没有该工单，或您无权知道。"


async def work_order(conn: Connection, vault: Vault, me: Me, order_id: UUID) -> dict[str, Any]:
    """One order as it goes out. Raises WorkOrderNotFound."""
    row = await conn.fetchrow(_ONE, me.store_id, order_id)
    if row is None:
        raise WorkOrderNotFound
    return _order_of(row, vault, me)


async def page_of_orders(
    conn: Connection, vault: Vault, me: Me, filters: Filters, sort: Sort, paging: Paging
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of orders as they go out."""
    zone = ZoneInfo(me.timezone)
    where = [
        Where("t.customer_id = {}", filters.customer_id),
        Where("t.vehicle_id = {}", filters.vehicle_id),
        Where("t.advisor_id = {}", filters.advisor_id),
        Where("t.kind = {}", filters.kind),
        Where("t.number = {}", filters.number),
        Where("t.closed_at >= {}", filters.closed_from and _midnight(filters.closed_from, zone)),
        Where("t.closed_at < {}", filters.closed_to and _midnight(filters.closed_to + timedelta(days=1), zone)),
    ]
    rows, cursor = await records.page(conn, _SELECT, me.store_id, where, sort, paging)
    return [_order_of(row, vault, me) for row in rows], cursor


def _order_of(row: asyncpg.Record, vault: Vault, me: Me) -> dict[str, Any]:
    sealed, phone = row["contact_phone"], None
    if sealed is not None:
        whole = vault.open(sealed, TABLE, "contact_phone", me.store_id, row["id"])
        phone = whole if me.reads_pii else mask(whole)
    return {
        **{name: row[name] for name in _PLAIN},
        "customer_name": row["customer_name"],
        "plate": row["plate"],
        "contact_phone": phone,
    }


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time.min, zone).astimezone(UTC)
