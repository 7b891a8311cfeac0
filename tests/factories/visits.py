"""Programmes, visits, attempts, due-contact events, tasks."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg

from shared.db import Connection
from shared.ids import new_id
from shared.packs import pack_text
from shared.wakes import wake
from tests.factories.base import NOW, TODAY, insert_of_store, stamps, store_of
from tests.factories.customers import make_customer


async def make_programme(conn: Connection, key: str, *, store_id: UUID, **overrides: Any) -> asyncpg.Record:
    """A shipped programme in force."""
    values = {
        "store_id": store_id,
        "key": key,
        "version": 1,
        "policy": None,
        "enabled": True,
        "source": pack_text(key) if "source" not in overrides else "",
        "created_at": NOW,
    }
    return await insert_of_store(conn, "programmes", values | overrides)


async def make_visit(conn: Connection, **overrides: Any) -> asyncpg.Record:
    """An after-maintenance call, planned, whose window opens now and closes at the end of the second day."""
    values = {
        **await _customer(conn, overrides),
        "vehicle_id": None,
        "programme": "after-maintenance",
        "programme_version": 1,
        "step": "call",
        "occurrence": 1,
        "tier": "service",
        "purposes": ["satisfaction", "use"],
        "role": "followup_specialist",
        "channel": "phone",
        "state": "planned",
        "late": False,
        "due_on": TODAY,
        "due_at": NOW,
        "window_start": NOW,
        "window_end": NOW + timedelta(hours=63),
        "trigger_type": "work_order.closed",
        "trigger_id": new_id(),
        "trigger_at": NOW - timedelta(days=3),
        "on_missed": "none",
        "next_step": "call",
        "next_at": NOW,
        "next_reason": "planned",
        "wake_at": NOW,
        "due_seq": 0,
        "tries": 0,
        "version": 1,
        **stamps("created_at", "updated_at"),
    }
    if overrides.get("state", "planned") not in ("planned", "due", "trying"):
        values |= {"next_step": None, "next_at": None, "next_reason": None, "wake_at": None, "closed_at": NOW}
    made = await insert_of_store(conn, "visits", values | overrides)
    await wake(conn, made["store_id"], [made["id"]])
    return made


async def make_attempt(conn: Connection, *, visit_id: UUID, **overrides: Any) -> asyncpg.Record:
    """A call nobody answered, just now."""
    seq = await conn.fetchval("SELECT count(*) + 1 FROM attempts WHERE visit_id = $1", visit_id)
    values = {
        "store_id": overrides.get("store_id") or await store_of(conn, "visits", visit_id),
        "visit_id": visit_id,
        "seq": seq,
        "channel": "phone",
        "outcome": "no_answer",
        "direction": "out",
        "at": NOW,
        "late": False,
        "created_at": NOW,
    }
    return await insert_of_store(conn, "attempts", values | overrides)


async def make_due_event(conn: Connection, *, visit_id: UUID, **overrides: Any) -> asyncpg.Record:
    """The first due-contact event of a visit: an SMS, due now, not yet rung."""
    values = {
        "store_id": overrides.get("store_id") or await store_of(conn, "visits", visit_id),
        "visit_ids": [visit_id],
        "visit_id": visit_id,
        "due_seq": 1,
        "step": "sms",
        "due_at": NOW,
        "created_at": NOW,
    }
    return await insert_of_store(conn, "due_contact_events", values | overrides)


async def make_task(conn: Connection, **overrides: Any) -> asyncpg.Record:
    """A task to correct a customer's file."""
    values = {**await _customer(conn, overrides), "kind": "correct_file", "detail": "{}", "created_at": NOW}
    return await insert_of_store(conn, "tasks", values | overrides)


async def _customer(conn: Connection, overrides: dict[str, Any]) -> dict[str, UUID]:
    if "customer_id" in overrides:
        store_id = overrides.get("store_id") or await store_of(conn, "customers", overrides["customer_id"])
        return {"store_id": store_id, "customer_id": overrides["customer_id"]}
    made = await make_customer(conn, **({"store_id": overrides["store_id"]} if "store_id" in overrides else {}))
    return {"store_id": made["store_id"], "customer_id": made["id"]}
