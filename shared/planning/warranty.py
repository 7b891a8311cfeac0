"""Warranty items of cars as facts: each ends on a day or at a mileage, whichever is expected first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import date
from uuid import UUID

import asyncpg

from shared.db import Connection
from shared.domain.mileage import DEFAULT_KM_PER_MONTH, Reading
from shared.domain.programme import Fact, Trigger
from shared.domain.warranty import DEFAULT_KM, DEFAULT_MONTHS, DEFAULT_NAME, Term, expected_end
from shared.ids import new_id
from shared.stores import StoreContext

_GONE = "c.deceased_at IS NOT NULL OR c.merged_into IS NOT NULL OR v.ended_at IS NOT NULL OR v.excluded"
_ITEMS = f"""
    SELECT w.id, w.vehicle_id, w.name, w.expected_on, v.customer_id, {_GONE} AS excluded
    FROM warranty_items w
    JOIN vehicles v ON v.store_id = w.store_id AND v.id = w.vehicle_id
    JOIN customers c ON c.store_id = v.store_id AND c.id = v.customer_id
    WHERE w.store_id = $1 AND w.id = ANY($2) AND w.expected_on IS NOT NULL
"""
_TERMS = "SELECT id, vehicle_id, starts_on, months, km, expected_on FROM warranty_items WHERE store_id = $1 AND id = ANY($2)"
_READINGS = "SELECT vehicle_id, read_on, km FROM mileage_readings WHERE store_id = $1 AND vehicle_id = ANY($2)"
_SET = """
    UPDATE warranty_items w SET expected_on = n.day, updated_at = $2, version = w.version + 1
    FROM unnest($3::uuid[], $4::date[]) AS n(id, day)
    WHERE w.store_id = $1 AND w.id = n.id AND w.expected_on IS DISTINCT FROM n.day
"""
_OF_SALES = "SELECT vehicle_id, delivered_on FROM sales WHERE store_id = $1 AND id = ANY($2) AND NOT excluded"
_DEFAULT = """
    INSERT INTO warranty_items (store_id, id, vehicle_id, name, starts_on, months, km, created_at, updated_at, version)
    SELECT $1, d.id, d.vehicle_id, $2, d.day, $3, $4, $5, $5, 1 FROM unnest($6::uuid[], $7::uuid[], $8::date[]) AS d(id, vehicle_id, day)
    ON CONFLICT (store_id, vehicle_id, name) DO NOTHING RETURNING id
"""


async def facts_of_warranty(conn: Connection, store: StoreContext, ids: Collection[UUID]) -> list[Fact]:
    """One fact for each item whose end is known: it ends on that day."""
    return [_fact(row, store) for row in await conn.fetch(_ITEMS, store.id, list(ids))]


async def refresh_warranty(conn: Connection, store: StoreContext, ids: Sequence[UUID], *, today: date) -> None:
    """Compute the expected end of items from their terms and the readings of their cars. Writes only what differs."""
    items = await conn.fetch(_TERMS, store.id, list(ids))
    readings: dict[UUID, list[Reading]] = defaultdict(list)
    for row in await conn.fetch(_READINGS, store.id, list({item["vehicle_id"] for item in items})):
        readings[row["vehicle_id"]].append(Reading(row["read_on"], row["km"]))
    pace = store.setting("km_per_month", DEFAULT_KM_PER_MONTH)
    ends = [
        expected_end(Term(i["starts_on"], i["months"], i["km"]), readings.get(i["vehicle_id"], ()), today, pace) for i in items
    ]
    changed = [(item["id"], end) for item, end in zip(items, ends, strict=True) if end != item["expected_on"]]
    if changed:
        await conn.execute(_SET, store.id, store.calendar.opening(today), *zip(*changed, strict=True))


async def default_warranty(conn: Connection, store: StoreContext, sale_ids: Sequence[UUID], *, today: date) -> None:
    """The whole-car warranty that a delivery brings, by the store's settings; for the api, which owns cars. Once for a car."""
    sales = await conn.fetch(_OF_SALES, store.id, list(sale_ids))
    if not sales:
        return
    months, km = store.setting("warranty_months", DEFAULT_MONTHS), store.setting("warranty_km", DEFAULT_KM)
    rows = zip(*((new_id(), sale["vehicle_id"], sale["delivered_on"]) for sale in sales), strict=True)
    made = await conn.fetch(_DEFAULT, store.id, DEFAULT_NAME, months, km, store.calendar.opening(today), *rows)
    await refresh_warranty(conn, store, [row["id"] for row in made], today=today)


def _fact(row: asyncpg.Record, store: StoreContext) -> Fact:
    return Fact(
        type=Trigger.WARRANTY_ENDS,
        id=row["id"],
        on=row["expected_on"],
        at=store.calendar.opening(row["expected_on"]),
        customer_id=row["customer_id"],
        vehicle_id=row["vehicle_id"],
        excluded=row["excluded"],
    )
