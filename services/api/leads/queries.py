"""Reading leads: their level and their next contact as of today."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg

from services.api import records
from services.api.leads.schemas import Filters
from services.api.paging import Paging
from services.api.records import Sort, Where
from shared.db import Connection
from shared.domain.lead import POLICIES, UnknownLevel, expected_between, level_of
from shared.errors import Invalid, NotFound
from shared.planning.leads import Contact, contacts_of_leads
from shared.stores import StoreContext

TABLE, OPEN = "leads", "open"
SORTS: Mapping[str, Sort] = {
    "expected_on": Sort("coalesce(t.expected_on, DATE '9999-12-31')", "date"),
    "-created_at": Sort("t.created_at", "timestamptz", True),
    "created_at": Sort("t.created_at", "timestamptz"),
}
_PLAIN = (
    "id", "customer_id", "customer_name", "consultant_id", "model", "expected_on", "first_visit_on", "source", "level", "state",
    "lost_kind", "lost_reason", "closed_on", "reactivate_on", "next_on", "sale_id", "deal_fen", "created_at", "updated_at", "version",
)  # fmt: skip
_SELECT = """
    SELECT t.*, c.name AS customer_name FROM leads t JOIN customers c ON c.store_id = t.store_id AND c.id = t.customer_id
"""


class LeadNotFound(NotFound):
    """There is no such lead."""

    code = "lead_not_found"
    zh = "没有该意向，或您无权知道。"


async def lead(conn: Connection, store: StoreContext, lead_id: UUID, now: datetime) -> dict[str, Any]:
    """One lead as it goes out. Raises LeadNotFound."""
    row = await conn.fetchrow(f"{_SELECT} WHERE t.store_id = $1 AND t.id = $2", store.id, lead_id)
    if row is None:
        raise LeadNotFound
    return (await _leads_of(conn, store, [row], now))[0]


async def page_of_leads(
    conn: Connection, store: StoreContext, filters: Filters, sort: Sort, paging: Paging, now: datetime
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of leads as they go out. Raises Invalid for a level that the store's policy does not know."""
    where = [
        Where("t.customer_id = {}", filters.customer_id),
        Where("t.consultant_id = {}", filters.consultant_id),
        Where("t.state = {}", filters.state),
        Where("t.expected_on >= {}", filters.expected_from),
        Where("t.expected_on <= {}", filters.expected_to),
        *_of_level(filters.level, store.lead_policy, store.calendar.day_of(now)),
    ]
    rows, cursor = await records.page(conn, _SELECT, store.id, where, sort, paging)
    return await _leads_of(conn, store, rows, now), cursor


def _of_level(key: str | None, policy: str, today: date) -> list[Where]:
    if key is None:
        return []
    try:
        after, until = expected_between(key, today, policy)
    except UnknownLevel:
        known = ", ".join(level.key for level in POLICIES[policy])
        raise Invalid(f"level: {known}", "query/level") from None
    return [
        Where("t.state = {}", OPEN),
        Where("coalesce(t.expected_on, DATE '9999-12-31') > {}", after),
        Where("t.expected_on <= {}", until),
    ]


_MOVED = ("id", "lead_id", "consultant_id", "at", "from_level", "to_level", "from_state", "to_state", "reason")
_MOVEMENTS = f"SELECT {', '.join(f't.{name}' for name in _MOVED)} FROM lead_movements t"


async def movements(conn: Connection, store_id: UUID, lead_id: UUID, paging: Paging) -> tuple[list[dict[str, Any]], str | None]:
    """What became of a lead, the latest first. Raises LeadNotFound."""
    await records.one(conn, TABLE, store_id, lead_id, LeadNotFound)
    sort = Sort("t.at", "timestamptz", True)
    rows, cursor = await records.page(conn, _MOVEMENTS, store_id, [Where("t.lead_id = {}", lead_id)], sort, paging)
    return [{name: row[name] for name in _MOVED} for row in rows], cursor


async def _leads_of(conn: Connection, store: StoreContext, rows: Sequence[asyncpg.Record], now: datetime) -> list[dict[str, Any]]:
    contacts = await contacts_of_leads(conn, store, [row["id"] for row in rows])
    return [_lead_of(store, row, contacts[row["id"]], store.calendar.day_of(now)) for row in rows]


def _lead_of(store: StoreContext, row: asyncpg.Record, contact: Contact, today: date) -> dict[str, Any]:
    policy = store.lead_policy
    out = {name: row[name] for name in _PLAIN} | {"level_policy": policy, "last_contact_on": contact.last_on}
    if row["state"] != OPEN:
        return out | {"contact_every_days": None, "next_contact_on": None}
    level = level_of(row["expected_on"], today, policy)
    return out | {"level": level.key, "contact_every_days": level.every_days, "next_contact_on": contact.next_on}
