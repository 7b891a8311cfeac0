"""What a script may name of one visit: the customer, the car, the delivery, the order, the appointment it is about."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from services.api.identities import Me
from services.api.visits.about import words_about
from services.api.visits.script import Facts
from shared.db import Connection
from shared.stores import StoreContext

APPOINTMENTS = ("appointment.booked", "appointment.missed")

_CUSTOMER = "SELECT name, gender FROM customers WHERE store_id = $1 AND id = $2"
_VEHICLE = """
    SELECT v.plate, v.model, v.next_maintenance_on, v.interval_months, v.interval_km, v.last_maintenance_km,
        (SELECT max(km) FROM mileage_readings m WHERE m.store_id = v.store_id AND m.vehicle_id = v.id) AS mileage_km
    FROM vehicles v WHERE v.store_id = $1 AND v.id = $2
"""
_SALE = """
    SELECT s.delivered_on, t.name AS consultant FROM sales s
    LEFT JOIN staff t ON t.store_id = s.store_id AND t.id = s.consultant_id
    WHERE s.store_id = $1 AND s.vehicle_id = $2 ORDER BY s.delivered_on DESC LIMIT 1
"""
_ORDER = """
    SELECT w.kind, w.closed_at, w.items, t.name AS advisor FROM work_orders w
    LEFT JOIN staff t ON t.store_id = w.store_id AND t.id = w.advisor_id WHERE w.store_id = $1 AND w.id = $2
"""
_APPOINTMENT = """
    SELECT id, starts_at, items, minutes, state, advisor_id FROM appointments
    WHERE store_id = $1 AND customer_id = $2 AND (id = $3 OR ($3::uuid IS NULL AND state IN ('booked', 'confirmed')
        AND ($4::uuid IS NULL OR vehicle_id IS NULL OR vehicle_id = $4)))
    ORDER BY starts_at LIMIT 1
"""


async def script_facts(conn: Connection, store: StoreContext, me: Me, visit: Mapping[str, Any]) -> Facts:
    """Everything a script may name of a visit."""
    vehicle = await conn.fetchrow(_VEHICLE, store.id, visit["vehicle_id"])
    return Facts(
        store=store,
        staff_name=speaker(store, me, visit),
        customer=_plain(await conn.fetchrow(_CUSTOMER, store.id, visit["customer_id"])),
        vehicle=_plain(vehicle),
        sale=_plain(await conn.fetchrow(_SALE, store.id, visit["vehicle_id"])),
        order=_plain(await conn.fetchrow(_ORDER, store.id, visit["trigger"]["id"])),
        trigger_at=visit["trigger"]["at"],
        appointment=_plain(await appointment_of(conn, store.id, visit)),
        about=await words_about(conn, store, visit),
    )


async def appointment_of(conn: Connection, store_id: UUID, visit: Mapping[str, Any]) -> asyncpg.Record | None:
    """The appointment a visit is about, else the next one the customer is expected for."""
    about = visit["trigger"]["id"] if visit["trigger"]["type"] in APPOINTMENTS else None
    return await conn.fetchrow(_APPOINTMENT, store_id, visit["customer_id"], about, visit["vehicle_id"])


def speaker(store: StoreContext, me: Me, visit: Mapping[str, Any]) -> str:
    """Who introduces himself: the caller, else whose visit it is."""
    assignee = store.staff.get(visit["assignee_id"]) if visit["assignee_id"] else None
    return me.name or (assignee.name if assignee else "")


def made_up(store: StoreContext, now: datetime) -> Facts:
    """A customer nobody has, for a preview without a visit."""
    day = store.calendar.day_of(now)
    return Facts(
        store=store,
        staff_name="李敏",
        customer={"name": "王建国", "gender": "male"},
        vehicle={
            "plate": "沪A12345", "model": "途观L", "mileage_km": 32150, "interval_months": 6, "interval_km": 5000,
            "last_maintenance_km": 30000, "next_maintenance_on": day + timedelta(days=20),
        },
        sale={"delivered_on": day - timedelta(days=7), "consultant": "陈刚"},
        order={"kind": "repair", "closed_at": now - timedelta(days=2), "items": "更换前刹车片", "advisor": "张伟"},
        trigger_at=now - timedelta(days=2),
        appointment={"starts_at": store.calendar.opening(day + timedelta(days=1)) + timedelta(hours=1), "items": ["保养"]},
    )  # fmt: skip


def _plain(row: asyncpg.Record | None) -> dict[str, Any]:
    return dict(row) if row else {}
