"""Reading appointments: one, pages of them, the workshop's list of a day, the events of a feed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from services.api import records
from services.api.appointments.ics import Event
from services.api.paging import Paging
from services.api.records import Sort, Where
from shared.appointments import AppointmentNotFound
from shared.db import Connection
from shared.domain.appointment import APPOINTMENT_LABELS, AppointmentState
from shared.stores import StoreContext

TABLE = "appointments"
SORTS: Mapping[str, Sort] = {
    "starts_at": Sort("t.starts_at", "timestamptz"),
    "-starts_at": Sort("t.starts_at", "timestamptz", True),
    "-created_at": Sort("t.created_at", "timestamptz", True),
}
FEED_BACK, FEED_AHEAD = timedelta(days=30), timedelta(days=370)
FEED_LIMIT = 2000
LAST_ORDERS = 3
_PLAIN = (
    "id", "customer_id", "vehicle_id", "visit_id", "external_code", "direction", "starts_at", "minutes", "items", "quoted_fen",
    "advisor_id", "note", "state", "state_reason", "moved_to_id", "confirmed_at", "arrived_at", "closed_at", "created_by",
    "created_at", "updated_at", "version",
)  # fmt: skip
_SELECT = f"""
    SELECT {", ".join(f"t.{name}" for name in _PLAIN)}, c.name AS customer_name, v.plate, v.model, s.name AS advisor_name,
        (SELECT o.id FROM appointments o WHERE o.store_id = t.store_id AND o.customer_id = t.customer_id AND o.moved_to_id = t.id
         LIMIT 1) AS moved_from_id
    FROM appointments t JOIN customers c ON c.store_id = t.store_id AND c.id = t.customer_id
    LEFT JOIN vehicles v ON v.store_id = t.store_id AND v.id = t.vehicle_id
    LEFT JOIN staff s ON s.store_id = t.store_id AND s.id = t.advisor_id
"""
_ONE = f"{_SELECT} WHERE t.store_id = $1 AND t.id = $2"


async def appointment(conn: Connection, store_id: UUID, appointment_id: UUID) -> dict[str, Any]:
    """One appointment as it goes out. Raises AppointmentNotFound."""
    row = await conn.fetchrow(_ONE, store_id, appointment_id)
    if row is None:
        raise AppointmentNotFound
    return appointment_of(row)


def appointment_of(row: asyncpg.Record) -> dict[str, Any]:
    """An appointment as it goes out."""
    out = {name: row[name] for name in (*_PLAIN, "customer_name", "plate", "model", "advisor_name", "moved_from_id")}
    out["ends_at"] = row["starts_at"] + timedelta(minutes=row["minutes"])
    return out


async def page_of_appointments(
    conn: Connection,
    store: StoreContext,
    paging: Paging,
    sort: Sort,
    *,
    days: tuple[date | None, date | None],
    states: Sequence[AppointmentState] | None,
    advisor_id: UUID | None,
    customer_id: UUID | None,
    vehicle_id: UUID | None,
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of appointments whose hour lies on the days from first to last, both included."""
    first, last = days
    where = [
        Where("t.starts_at >= {}", store.calendar.at(first, time.min) if first else None),
        Where("t.starts_at < {}", store.calendar.end_of_day(last) if last else None),
        Where("t.state = ANY({})", [str(state) for state in states] if states else None),
        Where("t.advisor_id = {}", advisor_id),
        Where("t.customer_id = {}", customer_id),
        Where("t.vehicle_id = {}", vehicle_id),
    ]
    rows, cursor = await records.page(conn, _SELECT, store.id, where, sort, paging)
    return [appointment_of(row) for row in rows], cursor


async def preparation(conn: Connection, store: StoreContext, on: date) -> dict[str, Any]:
    """The cars of a day that are expected or already there, with what the workshop needs to know of each."""
    rows = await conn.fetch(_PREPARE, store.id, store.calendar.at(on, time.min), store.calendar.end_of_day(on))
    orders: dict[UUID, list[asyncpg.Record]] = defaultdict(list)
    for order in await conn.fetch(_ORDERS, store.id, [row["vehicle_id"] for row in rows if row["vehicle_id"]], LAST_ORDERS):
        orders[order["vehicle_id"]].append(order)
    return {
        "on": on,
        "cars": len(rows),
        "minutes": sum(row["minutes"] for row in rows),
        "items": [_line(row, orders.get(row["vehicle_id"], ()), store) for row in rows],
    }


def _line(row: asyncpg.Record, orders: Sequence[asyncpg.Record], store: StoreContext) -> dict[str, Any]:
    last = [
        {name: order[name] for name in ("number", "kind", "items", "mileage_km")}
        | {"closed_on": store.calendar.day_of(order["closed_at"])}
        for order in orders
    ]
    return {**dict(row), "last_orders": last}


async def events(conn: Connection, store: StoreContext, staff_id: UUID, now: datetime) -> list[Event]:
    """What a person's calendar shows: an advisor his own and what is nobody's yet, others all; a month back, a year ahead."""
    person = store.staff.get(staff_id)
    own = person is not None and "service_advisor" in person.roles
    rows = await conn.fetch(_EVENTS, store.id, now - FEED_BACK, now + FEED_AHEAD, staff_id if own else None, FEED_LIMIT)
    return [_event(row) for row in rows]


def _event(row: asyncpg.Record) -> Event:
    car = " ".join(filter(None, (row["plate"], row["model"])))
    work = "、".join(row["items"]) or "预约"
    state = APPOINTMENT_LABELS[AppointmentState(row["state"])].zh
    return Event(
        uid=f"{row['id']}@huifang",
        sequence=row["version"],
        changed_at=row["updated_at"],
        starts_at=row["starts_at"],
        minutes=row["minutes"],
        summary=f"{car} {work}".strip(),
        description=f"{state}，预计 {row['minutes']} 分钟",
        state=row["state"],
    )


_PREPARE = """
    SELECT a.id AS appointment_id, a.starts_at, a.minutes, a.state, a.items, a.quoted_fen, a.note, a.vehicle_id,
        c.name AS customer_name, c.flags, c.service_preferences, v.plate, v.model, v.vin, s.name AS advisor_name,
        (SELECT max(km) FROM mileage_readings m WHERE m.store_id = a.store_id AND m.vehicle_id = a.vehicle_id) AS mileage_km,
        EXISTS (SELECT FROM complaints p WHERE p.store_id = a.store_id AND p.customer_id = a.customer_id AND p.closed_at IS NULL)
            AS open_complaint
    FROM appointments a JOIN customers c ON c.store_id = a.store_id AND c.id = a.customer_id
    LEFT JOIN vehicles v ON v.store_id = a.store_id AND v.id = a.vehicle_id
    LEFT JOIN staff s ON s.store_id = a.store_id AND s.id = a.advisor_id
    WHERE a.store_id = $1 AND a.starts_at >= $2 AND a.starts_at < $3 AND a.state IN ('booked', 'confirmed', 'arrived')
    ORDER BY a.starts_at, a.id
"""
_ORDERS = """
    SELECT w.vehicle_id, w.number, w.kind, w.closed_at, w.items, w.mileage_km
    FROM unnest($2::uuid[]) AS u(vehicle_id) CROSS JOIN LATERAL (
        SELECT vehicle_id, number, kind, closed_at, items, mileage_km FROM work_orders
        WHERE store_id = $1 AND vehicle_id = u.vehicle_id ORDER BY closed_at DESC, id LIMIT $3
    ) w
"""
_EVENTS = """
    SELECT a.id, a.version, a.updated_at, a.starts_at, a.minutes, a.items, a.state, v.plate, v.model
    FROM appointments a LEFT JOIN vehicles v ON v.store_id = a.store_id AND v.id = a.vehicle_id
    WHERE a.store_id = $1 AND a.starts_at >= $2 AND a.starts_at < $3 AND ($4::uuid IS NULL OR a.advisor_id = $4 OR a.advisor_id IS NULL)
    ORDER BY a.starts_at, a.id LIMIT $5
"""
