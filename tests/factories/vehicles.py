"""Vehicles and what happened to them."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

import asyncpg

from shared.db import Connection
from shared.domain.vin import check_digit
from tests.factories.base import NOW, TODAY, insert_of_store, number, stamps, store_of
from tests.factories.customers import make_customer


def a_vin() -> str:
    """A VIN with a right check digit that no other row of this run has."""
    draft = f"LSVAA49J0{number():08d}"
    return draft[:8] + check_digit(draft) + draft[9:]


async def make_vehicle(conn: Connection, **overrides: Any) -> asyncpg.Record:
    """A car of a customer, who is made along with it unless given."""
    owner = await _owner(conn, overrides)
    values = {
        **owner,
        "plate": f"沪A{number():05d}",
        "vin": a_vin(),
        "model": "朗逸 1.5L",
        "excluded": False,
        "version": 1,
        **stamps("created_at", "updated_at"),
    }
    return await insert_of_store(conn, "vehicles", values | overrides)


async def make_reading(conn: Connection, *, vehicle_id: UUID, **overrides: Any) -> asyncpg.Record:
    """5,000 km today."""
    store_id = overrides.get("store_id") or await store_of(conn, "vehicles", vehicle_id)
    values = {"store_id": store_id, "vehicle_id": vehicle_id, "read_on": TODAY, "km": 5000, "source": "work_order"}
    return await insert_of_store(conn, "mileage_readings", values | overrides)


async def make_sale(conn: Connection, **overrides: Any) -> asyncpg.Record:
    """A car delivered today, insured and plated."""
    values = {
        **await _car(conn, overrides),
        "delivered_on": TODAY,
        "insured": True,
        "plated": True,
        "excluded": False,
        "version": 1,
        **stamps("created_at", "updated_at"),
    }
    return await insert_of_store(conn, "sales", values | overrides)


async def make_policy(conn: Connection, **overrides: Any) -> asyncpg.Record:
    """An insurance policy that runs for a year from today."""
    values = {
        **await _car(conn, overrides),
        "insurer": "平安保险",
        "starts_on": TODAY,
        "expires_on": date(TODAY.year + 1, TODAY.month, TODAY.day),
        "version": 1,
        **stamps("created_at", "updated_at"),
    }
    return await insert_of_store(conn, "insurance_policies", values | overrides)


async def make_work_order(conn: Connection, **overrides: Any) -> asyncpg.Record:
    """A maintenance closed just now."""
    values = {
        **await _car(conn, overrides),
        "number": f"RO{number():08d}",
        "kind": "maintenance",
        "opened_at": NOW,
        "closed_at": NOW,
        "items": "常规保养",
        "fee_fen": 68000,
        "first_service": False,
        "version": 1,
        **stamps("created_at", "updated_at"),
    }
    return await insert_of_store(conn, "work_orders", values | overrides)


async def make_lead(conn: Connection, **overrides: Any) -> asyncpg.Record:
    """Somebody who wants a car within the month."""
    values = {
        **await _owner(conn, overrides, lifecycle="lead"),
        "model": "途观 L",
        "expected_on": date(TODAY.year, 12, 15),
        "first_visit_on": TODAY,
        "state": "open",
        "version": 1,
        **stamps("created_at", "updated_at"),
    }
    return await insert_of_store(conn, "leads", values | overrides)


async def _owner(conn: Connection, overrides: dict[str, Any], **customer: Any) -> dict[str, UUID]:
    if "customer_id" in overrides:
        store_id = overrides.get("store_id") or await store_of(conn, "customers", overrides["customer_id"])
        return {"store_id": store_id, "customer_id": overrides["customer_id"]}
    if "store_id" in overrides:
        customer["store_id"] = overrides["store_id"]
    made = await make_customer(conn, **customer)
    return {"store_id": made["store_id"], "customer_id": made["id"]}


async def _car(conn: Connection, overrides: dict[str, Any]) -> dict[str, UUID]:
    """The car of a row and its owner, from what the test gave."""
    if "vehicle_id" in overrides:
        row = await conn.fetchrow("SELECT store_id, customer_id, id FROM vehicles WHERE id = $1", overrides["vehicle_id"])
        assert row is not None
    else:
        row = await make_vehicle(conn, **{name: overrides[name] for name in ("store_id", "customer_id") if name in overrides})
    return {"store_id": row["store_id"], "customer_id": row["customer_id"], "vehicle_id": row["id"]}
