"""What lies behind a call: complaints and claims, problems, accidents, warranty, insurance, appointments (domain.md §5.1; S1, S4)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import asyncpg

from services.api.identities import Me
from shared.db import Connection
from shared.stores import StoreContext

WARRANTY_AHEAD = timedelta(days=90)
ENDS_SOON = timedelta(days=30)
"""Who calls in this time says what will run out of warranty."""

_DONE = frozenset({"closed", "closed_unconfirmed", "rejected"})


async def background(conn: Connection, store: StoreContext, me: Me, visit: Mapping[str, Any], today: date) -> dict[str, Any]:
    """Everything about the customer and the car that a caller must not be surprised by.

    That a complaint exists, its kind and state, is for everybody who calls; its text for its owner and for managers.
    """
    customer_id, vehicle_id = visit["customer_id"], visit["vehicle_id"]
    complaints = await conn.fetch(_COMPLAINTS, store.id, customer_id)
    warranty = await conn.fetch(_WARRANTY, store.id, vehicle_id, today - WARRANTY_AHEAD, today + WARRANTY_AHEAD)
    insurance = await conn.fetchrow(_INSURANCE, store.id, vehicle_id)
    return {
        "complaints": [_complaint(row, me) for row in complaints],
        "claims": [dict(row) for row in await conn.fetch(_CLAIMS, store.id, customer_id)],
        "problems": [dict(row) for row in await conn.fetch(_PROBLEMS, store.id, customer_id)],
        "accidents": [dict(row) for row in await conn.fetch(_ACCIDENTS, store.id, customer_id)],
        "warranty": [{**dict(row), "ends_soon": today <= row["expected_on"] <= today + ENDS_SOON} for row in warranty],
        "insurance": dict(insurance) if insurance else None,
        "appointments": [dict(row) for row in await conn.fetch(_APPOINTMENTS, store.id, customer_id)],
        "vehicles": [dict(row) for row in await conn.fetch(_VEHICLES, store.id, customer_id)],
    }


def background_flags(known: Mapping[str, Any]) -> list[str]:
    """What stands in the head of the page: open complaint, crisis, open accident, warranty ending, missed or expected appointment."""
    standing = [complaint for complaint in known["complaints"] if complaint["state"] not in _DONE]
    tests = (
        ("crisis", any(complaint["crisis"] for complaint in standing)),
        ("open_complaint", bool(standing)),
        ("open_accident", any(row["claim_closed_on"] is None for row in known["accidents"])),
        ("warranty_ending", any(row["ends_soon"] for row in known["warranty"])),
        ("appointment", any(row["state"] in ("booked", "confirmed") for row in known["appointments"])),
        ("appointment_missed", any(row["state"] == "no_show" for row in known["appointments"][:1])),
    )
    return [flag for flag, holds in tests if holds]


def _complaint(row: asyncpg.Record, me: Me) -> dict[str, Any]:
    """As much of it as the caller may know."""
    out = dict(row)
    if not (me.is_manager or row["owner_id"] == me.staff_id):
        out["text"] = None
    return out


_COMPLAINTS = """
    SELECT id, number, kind, category, severity, crisis, state, owner_id, opened_at, handle_by, closed_at, text FROM complaints
    WHERE store_id = $1 AND customer_id = $2 ORDER BY (closed_at IS NULL) DESC, opened_at DESC LIMIT 10
"""
_CLAIMS = """
    SELECT id, number, vehicle_id, closed_at, items FROM work_orders
    WHERE store_id = $1 AND customer_id = $2 AND kind = 'claim' ORDER BY closed_at DESC LIMIT 5
"""
_PROBLEMS = """
    SELECT id, type, department, state, text, action, act_by, opened_at FROM problems
    WHERE store_id = $1 AND customer_id = $2 ORDER BY (resolved_at IS NULL) DESC, opened_at DESC LIMIT 5
"""
_ACCIDENTS = """
    SELECT id, vehicle_id, happened_on, place, insurer, claim_closed_on, outcome FROM accidents
    WHERE store_id = $1 AND customer_id = $2 ORDER BY happened_on DESC LIMIT 5
"""
_WARRANTY = """
    SELECT name, starts_on, months, km, expected_on FROM warranty_items
    WHERE store_id = $1 AND vehicle_id = $2 AND expected_on BETWEEN $3 AND $4 ORDER BY expected_on, name
"""
_INSURANCE = """
    SELECT id, insurer, expires_on FROM insurance_policies
    WHERE store_id = $1 AND vehicle_id = $2 ORDER BY expires_on DESC LIMIT 1
"""
_APPOINTMENTS = """
    SELECT id, vehicle_id, starts_at, minutes, items, state FROM appointments
    WHERE store_id = $1 AND customer_id = $2 AND state IN ('booked', 'confirmed', 'no_show', 'arrived')
    ORDER BY starts_at DESC LIMIT 5
"""
_VEHICLES = """
    SELECT id, plate, model FROM vehicles WHERE store_id = $1 AND customer_id = $2 AND ended_at IS NULL ORDER BY created_at LIMIT 20
"""
