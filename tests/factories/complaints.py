"""Complaints, problems, movements of leads, appointments: what reports count besides visits."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import asyncpg

from shared.db import Connection
from tests.factories.base import NOW, insert_of_store, number, stamps, store_of
from tests.factories.customers import make_customer


async def make_complaint(conn: Connection, **overrides: Any) -> asyncpg.Record:
    """A complaint about a repair, opened now: an hour to respond, a day to handle it."""
    opened = overrides.get("opened_at", NOW)
    values = {
        **await _customer(conn, overrides),
        "number": f"202611-{number():06d}",
        "kind": "service",
        "category": "repair_quality",
        "severity": "normal",
        "crisis": False,
        "crisis_reasons": [],
        "crisis_checklist": "{}",
        "source": "call",
        "department": "service",
        "text": "修了两次异响还在",
        "state": "open",
        "level": 0,
        "opened_at": opened,
        "respond_by": opened + timedelta(hours=1),
        "handle_by": opened + timedelta(days=1),
        "warned": [],
        "reopened": 0,
        "version": 1,
        **stamps("created_at", "updated_at"),
    }
    return await insert_of_store(conn, "complaints", values | overrides)


async def make_problem(conn: Connection, **overrides: Any) -> asyncpg.Record:
    """A problem of waiting too long, raised now, with the service department."""
    opened = overrides.get("opened_at", NOW)
    values = {
        **await _customer(conn, overrides),
        "type": "efficiency",
        "department": "service",
        "text": "等待时间过长",
        "state": "pending",
        "opened_at": opened,
        "act_by": opened + timedelta(days=1),
        "updated_at": NOW,
        "version": 1,
    }
    return await insert_of_store(conn, "problems", values | overrides)


async def make_movement(conn: Connection, *, lead_id: Any, **overrides: Any) -> asyncpg.Record:
    """A lead that became open now."""
    store_id = overrides.get("store_id") or await store_of(conn, "leads", lead_id)
    values = {"store_id": store_id, "lead_id": lead_id, "at": NOW, "to_state": "open"}
    return await insert_of_store(conn, "lead_movements", values | overrides)


async def _customer(conn: Connection, overrides: dict[str, Any]) -> dict[str, Any]:
    if "customer_id" in overrides:
        store_id = overrides.get("store_id") or await store_of(conn, "customers", overrides["customer_id"])
        return {"store_id": store_id, "customer_id": overrides["customer_id"]}
    made = await make_customer(conn, **({"store_id": overrides["store_id"]} if "store_id" in overrides else {}))
    return {"store_id": made["store_id"], "customer_id": made["id"]}
