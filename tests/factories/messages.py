"""Messages and surveys."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import asyncpg

from shared.db import Connection
from tests.factories.base import NOW, insert_of_store, stamps
from tests.factories.customers import make_customer
from tests.factories.visits import make_visit


async def make_message(conn: Connection, **overrides: Any) -> asyncpg.Record:
    """An SMS about a visit, queued, to the customer's first phone; without a visit it needs a `customer_id`."""
    visit = await _visit(conn, overrides)
    phone = await conn.fetchrow(
        "SELECT id, value_index FROM contact_points WHERE customer_id = $1 AND kind = 'phone' ORDER BY rank LIMIT 1",
        visit["customer_id"],
    )
    values = {
        **visit,
        "kind": "visit",
        "purpose": "satisfaction",
        "channel": "sms",
        "step_no": 1,
        "template": "ladder_sms",
        "language": "zh",
        "contact_point_id": phone["id"] if phone else None,
        "number_index": phone["value_index"] if phone else None,
        "state": "queued",
        "tries": 0,
        "fence": 0,
        "wake_at": NOW,
        **stamps("created_at", "updated_at"),
    }
    return await insert_of_store(conn, "messages", values | overrides)


async def make_survey(conn: Connection, **overrides: Any) -> asyncpg.Record:
    """A survey about a visit, not yet answered."""
    values = {
        **await _visit(conn, overrides),
        "language": "zh",
        "questions": "[]",
        "created_at": NOW,
        "expires_at": NOW + timedelta(days=30),
        "wants_call": False,
    }
    return await insert_of_store(conn, "surveys", values | overrides)


async def _visit(conn: Connection, overrides: dict[str, Any]) -> dict[str, Any]:
    if overrides.get("visit_id") is not None:
        row = await conn.fetchrow("SELECT store_id, customer_id, id FROM visits WHERE id = $1", overrides["visit_id"])
        assert row is not None
        return {"store_id": row["store_id"], "customer_id": row["customer_id"], "visit_id": row["id"]}
    if "customer_id" in overrides:
        row = await conn.fetchrow("SELECT store_id, id FROM customers WHERE id = $1", overrides["customer_id"])
        assert row is not None
        return {"store_id": row["store_id"], "customer_id": row["id"], "visit_id": None}
    given = {"store_id": overrides["store_id"]} if "store_id" in overrides else {}
    customer = await make_customer(conn, **given)
    visit = await make_visit(conn, customer_id=customer["id"], channel="sms", next_step="sms")
    return {"store_id": customer["store_id"], "customer_id": customer["id"], "visit_id": visit["id"]}
