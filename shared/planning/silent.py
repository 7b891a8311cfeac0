"""The facts of churn: since when a car has not come, and since when none of a customer's cars has. Writes nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from uuid import UUID

import asyncpg

from shared.db import Connection
from shared.domain.churn import EXPECTED_ON, LAST_VISIT_ON, Silence, silence_of, together
from shared.domain.programme import INTERVAL, Fact, Trigger
from shared.planning.maintenance import interval_number
from shared.stores import StoreContext

# The silence of a car runs from its last order with this customer, else from its delivery; one never seen here is not missed.
_CARS = """
    SELECT v.id, v.customer_id, v.next_maintenance_on, w.advisor_id, c.lifecycle,
           greatest(w.day, s.delivered_on) AS last_on, v.excluded OR v.ended_at IS NOT NULL AS excluded,
           EXISTS (SELECT FROM appointments a WHERE a.store_id = v.store_id AND a.customer_id = v.customer_id
                   AND a.state IN ('booked', 'confirmed')) AS appointment
    FROM vehicles v
    JOIN customers c ON c.store_id = v.store_id AND c.id = v.customer_id
    LEFT JOIN LATERAL (
        SELECT (closed_at AT TIME ZONE $2)::date AS day, advisor_id FROM work_orders
        WHERE store_id = v.store_id AND vehicle_id = v.id AND customer_id = v.customer_id AND kind <> 'internal'
        ORDER BY closed_at DESC LIMIT 1) w ON true
    LEFT JOIN LATERAL (
        SELECT delivered_on FROM sales WHERE store_id = v.store_id AND vehicle_id = v.id AND customer_id = v.customer_id
        ORDER BY delivered_on DESC LIMIT 1) s ON true
    WHERE v.store_id = $1 AND c.deceased_at IS NULL AND c.merged_into IS NULL AND (w.day IS NOT NULL OR s.delivered_on IS NOT NULL)
"""
_LIVE = f"{_CARS} AND v.ended_at IS NULL AND NOT v.excluded"
_OF_CARS = f"{_CARS} AND v.id = ANY($3)"
_OF_CUSTOMERS = f"{_CARS} AND v.customer_id = ANY($3)"


async def live_cars(conn: Connection, store: StoreContext) -> list[asyncpg.Record]:
    """Every car that may come, with its owner's lifecycle, when it was last here and when it is expected."""
    return list(await conn.fetch(_LIVE, store.id, store.timezone))


async def facts_of_silent_cars(conn: Connection, store: StoreContext, ids: Collection[UUID]) -> list[Fact]:
    """The silence of each of these cars, as it stands now."""
    rows = await conn.fetch(_OF_CARS, store.id, store.timezone, list(ids))
    return [silent_car(row, silence_of_car(row), store) for row in rows]


async def facts_of_lost(conn: Connection, store: StoreContext, ids: Collection[UUID]) -> list[Fact]:
    """The silence of each of these customers with all their cars, as it stands now."""
    rows = await conn.fetch(_OF_CUSTOMERS, store.id, store.timezone, list(ids))
    return [lost_customer(last, silence, store) for last, silence in silences_of_owners(rows)]


def silence_of_car(row: asyncpg.Record) -> Silence:
    """Since when a car has not come."""
    return silence_of(row["last_on"], row["next_maintenance_on"])


def silences_of_owners(rows: Iterable[asyncpg.Record]) -> list[tuple[asyncpg.Record, Silence]]:
    """Of each customer who has a car that may come: the car seen last, and the silence of all."""
    cars: Mapping[UUID, list[asyncpg.Record]] = defaultdict(list)
    for row in rows:
        if not row["excluded"]:
            cars[row["customer_id"]].append(row)
    return [
        (owned[0], silence_of_car(owned[0]))
        if len(owned) == 1
        else (max(owned, key=lambda row: (row["last_on"], row["id"])), together([silence_of_car(row) for row in owned]))
        for owned in cars.values()
    ]


def silent_car(row: asyncpg.Record, silence: Silence, store: StoreContext) -> Fact:
    """The silence of one car."""
    return _fact(Trigger.SILENT, row["id"], row, silence, store, vehicle_id=row["id"], excluded=row["excluded"])


def lost_customer(last: asyncpg.Record, silence: Silence, store: StoreContext) -> Fact:
    """The silence of a customer; the advisor is that of the car seen last."""
    return _fact(Trigger.LOST, last["customer_id"], last, silence, store, vehicle_id=None, excluded=False)


def _fact(
    trigger: Trigger,
    id_: UUID,
    row: asyncpg.Record,
    silence: Silence,
    store: StoreContext,
    *,
    vehicle_id: UUID | None,
    excluded: bool,
) -> Fact:
    attrs = {
        INTERVAL: str(interval_number(silence.last_visit_on)),
        LAST_VISIT_ON: silence.last_visit_on.isoformat(),
        EXPECTED_ON: silence.expected_on.isoformat(),
        "appointment": "yes" if row["appointment"] else "no",
    }
    day = silence.last_visit_on
    return Fact(
        type=trigger,
        id=id_,
        on=day,
        at=store.calendar.opening(day),
        customer_id=row["customer_id"],
        vehicle_id=vehicle_id,
        person_staff_id=row["advisor_id"],
        excluded=excluded,
        attrs=attrs,
    )
