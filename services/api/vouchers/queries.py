"""Reading vouchers: one, and pages of them; their state is that of a day of the store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg

from services.api import records
from services.api.identities import Me
from services.api.paging import Paging
from services.api.records import Sort, Where
from shared.db import Connection
from shared.domain.voucher import KINDS, read_code, state_on, wording
from shared.errors import NotFound

TABLE = "vouchers"
SORTS: Mapping[str, Sort] = {
    "-issued_at": Sort("t.issued_at", "timestamptz", True),
    "valid_to": Sort("t.valid_to", "date"),
}
_SELECT = """
    SELECT t.*, c.name AS customer_name, v.plate FROM vouchers t
    JOIN customers c ON c.store_id = t.store_id AND c.id = t.customer_id
    LEFT JOIN vehicles v ON v.store_id = t.store_id AND v.id = t.vehicle_id
"""
_ONE = f"{_SELECT} WHERE t.store_id = $1 AND t.id = $2"
_STATES = {
    "open": "t.redeemed_at IS NULL AND t.cancelled_at IS NULL AND t.valid_to >= {}",
    "expired": "t.redeemed_at IS NULL AND t.cancelled_at IS NULL AND t.valid_to < {}",
    "redeemed": "t.redeemed_at IS NOT NULL AND {}::date IS NOT NULL",
    "cancelled": "t.cancelled_at IS NOT NULL AND t.redeemed_at IS NULL AND {}::date IS NOT NULL",
}


class VoucherNotFound(NotFound):
    """There is no such voucher."""

    code = "voucher_not_found"
    zh = "没有该优惠券，或您无权知道。"


@dataclass(frozen=True)
class Filters:
    """What a list of vouchers is narrowed by."""

    code: str | None = None
    customer_id: UUID | None = None
    kind: str | None = None
    state: str | None = None


async def voucher(conn: Connection, me: Me, voucher_id: UUID, now: datetime, language: str) -> dict[str, Any]:
    """One voucher as it goes out. Raises VoucherNotFound."""
    row = await conn.fetchrow(_ONE, me.store_id, voucher_id)
    if row is None:
        raise VoucherNotFound
    return voucher_of(row, day_of(me, now), language)


async def page_of_vouchers(
    conn: Connection, me: Me, filters: Filters, sort: Sort, paging: Paging, now: datetime, language: str
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of vouchers as they go out."""
    today = day_of(me, now)
    where = [
        Where("t.code = {}", read_code(filters.code) if filters.code is not None else None),
        Where("t.customer_id = {}", filters.customer_id),
        Where("t.kind = {}", filters.kind),
        *([Where(_STATES[filters.state], today)] if filters.state else []),
    ]
    rows, cursor = await records.page(conn, _SELECT, me.store_id, where, sort, paging)
    return [voucher_of(row, today, language) for row in rows], cursor


def voucher_of(row: asyncpg.Record, today: date, language: str) -> dict[str, Any]:
    """A row as it goes out."""
    found: dict[str, Any] = {name: value for name, value in row.items() if name not in ("store_id", "sort_key")}
    state = state_on(today, row["valid_to"], redeemed=row["redeemed_at"] is not None, cancelled=row["cancelled_at"] is not None)
    text = wording(KINDS[row["kind"]], language, row["value_fen"], row["percent_off"])
    return {**found, "state": str(state), "text": text}


def day_of(me: Me, now: datetime) -> date:
    """The store's day."""
    return now.astimezone(ZoneInfo(me.timezone)).date()
