"""Facts by set, as the domain takes them: deliveries with the hand-over of the card, closed orders, one for a car and day."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime
from functools import lru_cache
from uuid import UUID

import asyncpg

from shared.db import Connection
from shared.domain.mileage import (
    DEFAULT_KM_PER_MONTH,
    FIRST_INTERVAL_KM,
    FIRST_INTERVAL_MONTHS,
    LastService,
    maintenance_due,
)
from shared.domain.programme import Fact, Trigger, card_fact, one_per_car_and_day
from shared.stores import StoreContext

INTERNAL = "internal"
_YES = {
    "maintenance_done": "maintained",
    "appointment": "booked",
    "email": "has_email",
    "card_handed": "card_handed_on",
    "file_uploaded": "file_uploaded_on",
}
_SPECIALISTS = ("insurance_specialist_id", "renewal_specialist_id")
_GONE = "c.deceased_at IS NOT NULL OR c.merged_into IS NOT NULL OR v.ended_at IS NOT NULL OR v.excluded"

_SALES = f"""
    SELECT s.id, s.customer_id, s.vehicle_id, s.delivered_on, s.consultant_id, s.insured, s.plated, s.card_handed_on,
           s.excluded OR {_GONE} AS excluded, v.interval_months, v.interval_km,
           EXISTS (SELECT FROM work_orders w WHERE w.store_id = s.store_id AND w.vehicle_id = s.vehicle_id
                   AND w.kind = 'maintenance') AS maintained,
           EXISTS (SELECT FROM appointments p WHERE p.store_id = s.store_id AND p.customer_id = s.customer_id
                   AND p.vehicle_id = s.vehicle_id AND p.state IN ('booked', 'confirmed')) AS booked,
           s.file_uploaded_on, s.insurance_specialist_id, s.renewal_specialist_id,
           EXISTS (SELECT FROM contact_points m WHERE m.store_id = s.store_id AND m.customer_id = s.customer_id
                   AND m.kind = 'email' AND m.wrong_at IS NULL) AS has_email
    FROM sales s
    JOIN vehicles v ON v.store_id = s.store_id AND v.id = s.vehicle_id
    JOIN customers c ON c.store_id = s.store_id AND c.id = s.customer_id
    WHERE s.store_id = $1 AND s.id = ANY($2)
"""

# All orders of the cars on the days in question: an order may join a visit that another order of the day has started.
_ORDERS = f"""
    WITH days AS (
        SELECT DISTINCT vehicle_id, (closed_at AT TIME ZONE $3)::date AS day
        FROM work_orders WHERE store_id = $1 AND id = ANY($2)
    )
    SELECT w.id, w.customer_id, w.vehicle_id, w.closed_at, w.kind, w.advisor_id, w.technician_id, {_GONE} AS excluded,
           w.kind <> 'internal' AND NOT EXISTS (
               SELECT FROM work_orders e WHERE e.store_id = w.store_id AND e.vehicle_id = w.vehicle_id
               AND e.customer_id = w.customer_id AND e.kind <> 'internal' AND (e.closed_at, e.id) < (w.closed_at, w.id)
           ) AS first_service
    FROM days d
    JOIN work_orders w ON w.store_id = $1 AND w.vehicle_id = d.vehicle_id AND (w.closed_at AT TIME ZONE $3)::date = d.day
    JOIN vehicles v ON v.store_id = w.store_id AND v.id = w.vehicle_id
    JOIN customers c ON c.store_id = w.store_id AND c.id = w.customer_id
"""
_STARTED = "SELECT DISTINCT trigger_id FROM visits WHERE store_id = $1 AND trigger_id = ANY($2)"
_MARK_FIRST = """
    UPDATE work_orders w SET first_service = true
    WHERE w.store_id = $1 AND w.id = ANY($2) AND w.kind <> 'internal' AND NOT w.first_service AND NOT EXISTS (
        SELECT FROM work_orders e WHERE e.store_id = w.store_id AND e.vehicle_id = w.vehicle_id
        AND e.customer_id = w.customer_id AND e.kind <> 'internal' AND (e.closed_at, e.id) < (w.closed_at, w.id)
    )
"""


async def facts_of_sales(conn: Connection, store: StoreContext, ids: Collection[UUID]) -> list[Fact]:
    """Two facts for each sale: the car was delivered, and its card was (or at the latest will be) handed to after-sales.

    Internal, test and trade cars, cars that left and customers who died or were merged away give excluded facts.
    """
    rows = await conn.fetch(_SALES, store.id, list(ids))
    delivered = [_delivery(row, store) for row in rows]
    cards = [card_fact(fact, row["card_handed_on"]) for fact, row in zip(delivered, rows, strict=True)]
    return [*delivered, *cards]


async def facts_of_work_orders(conn: Connection, store: StoreContext, ids: Collection[UUID]) -> list[Fact]:
    """One fact for each car and day on which one of the orders closed, whichever other orders of the day there are.

    Internal orders and excluded cars give excluded facts, which start nothing and end what was started before. A day that has
    visits already keeps the order that started them.
    """
    rows = await conn.fetch(_ORDERS, store.id, list(ids), store.timezone)
    orders = [_closed_order(row, store) for row in rows]
    left_out = [replace(order, excluded=True) for order in orders if order.excluded or order.kind == INTERNAL]
    facts = one_per_car_and_day(orders)
    grouped = [fact for fact in facts if "work_order_ids" in fact.attrs]
    if not grouped:
        return [*facts, *left_out]
    members = {UUID(text): fact.id for fact in grouped for text in fact.attrs["work_order_ids"].split(",")}
    started = await conn.fetch(_STARTED, store.id, list(members))
    starters = {members[row["trigger_id"]]: row["trigger_id"] for row in started}
    return [*(replace(fact, id=starters.get(fact.id, fact.id)) for fact in facts), *left_out]


async def mark_first_services(conn: Connection, store_id: UUID, ids: Sequence[UUID]) -> None:
    """Set `first_service` on those of the orders that are the first of their customer with their car."""
    await conn.execute(_MARK_FIRST, store_id, list(ids))


def first_interval(store: StoreContext, months: int | None, km: int | None) -> tuple[int, int]:
    """Months and km to the first maintenance: the model's own interval when it is shorter, else the store's setting."""
    first_months = store.setting("first_interval_months", FIRST_INTERVAL_MONTHS)
    first_km = store.setting("first_interval_km", FIRST_INTERVAL_KM)
    return min(months or first_months, first_months), min(km or first_km, first_km)


def ids_of(facts: Iterable[Fact]) -> list[UUID]:
    """The trigger ids of facts, once each."""
    return list({fact.id: None for fact in facts})


def _delivery(row: asyncpg.Record, store: StoreContext) -> Fact:
    day = row["delivered_on"]
    months, km = first_interval(store, row["interval_months"], row["interval_km"])
    per_month = store.setting("km_per_month", DEFAULT_KM_PER_MONTH)
    attrs = {"delivered_on": day.isoformat(), "first_maintenance_on": _first_maintenance(day, months, km, per_month)}
    attrs["month_end_on"] = day.replace(day=monthrange(day.year, day.month)[1]).isoformat()
    attrs |= {name: "yes" for name, column in _YES.items() if row[column]}
    attrs |= {name: str(row[name]) for name in _SPECIALISTS if row[name] is not None}
    return Fact(
        type=Trigger.SALE_DELIVERED,
        id=row["id"],
        on=day,
        at=_opening(store, day),
        customer_id=row["customer_id"],
        vehicle_id=row["vehicle_id"],
        person_staff_id=row["consultant_id"],
        insured=row["insured"],
        plated=row["plated"],
        excluded=row["excluded"],
        attrs=attrs,
    )


def _opening(store: StoreContext, day: date) -> datetime:
    return store.calendar.opening(day)


@lru_cache(maxsize=20_000)
def _first_maintenance(day: date, months: int, km: int, km_per_month: int) -> str:
    """Nobody has read the odometer of a new car: the store's own pace counts."""
    return maintenance_due((), LastService(day, 0), months, km, day, km_per_month).isoformat()


def _closed_order(row: asyncpg.Record, store: StoreContext) -> Fact:
    technician = {"technician_id": str(row["technician_id"])} if row["technician_id"] else {}
    return Fact(
        type=Trigger.WORK_ORDER_CLOSED,
        id=row["id"],
        on=store.calendar.day_of(row["closed_at"]),
        at=row["closed_at"],
        customer_id=row["customer_id"],
        vehicle_id=row["vehicle_id"],
        person_staff_id=row["advisor_id"],
        kind=row["kind"],
        first_service=row["first_service"],
        excluded=row["excluded"],
        attrs=technician,
    )
