"""Customers and how to reach them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import asyncpg

from shared.db import Connection
from shared.ids import new_id
from tests.factories.base import NOW, TODAY, insert, insert_of_store, number, stamps, store_of, vault
from tests.factories.stores import make_store


async def make_customer(conn: Connection, *, phone: str | None = "", **overrides: Any) -> asyncpg.Record:
    """An owner with a mobile of his own; `phone=None` leaves him without."""
    store_id = overrides.get("store_id") or (await make_store(conn))["id"]
    values = {
        "store_id": store_id,
        "kind": "person",
        "name": "王建国",
        "initials": "wjg",
        "gender": "male",
        "lifecycle": "owner",
        "service_preferences": [],
        "flags": [],
        "filed_on": TODAY,
        "version": 1,
        **stamps("created_at", "updated_at"),
    }
    customer = await insert_of_store(conn, "customers", values | overrides)
    if phone is not None:
        await make_contact_point(conn, customer_id=customer["id"], store_id=store_id, text=phone or a_mobile())
    return customer


def a_mobile() -> str:
    """A mobile nobody else of this run has."""
    return f"+86139{number():08d}"


async def make_contact_point(
    conn: Connection, *, customer_id: UUID, text: str = "", kind: str = "phone", **overrides: Any
) -> asyncpg.Record:
    """A phone (or, by `kind`, an e-mail address or a WeChat name) with `text` as its value, sealed and indexed."""
    store_id = overrides.get("store_id") or await store_of(conn, "customers", customer_id)
    row_id = overrides.get("id") or new_id()
    text = text or (a_mobile() if kind == "phone" else f"customer{number()}@example.com")
    values = {
        "id": row_id,
        "store_id": store_id,
        "customer_id": customer_id,
        "kind": kind,
        "rank": 1,
        "value": vault().seal(text, "contact_points", "value", store_id, row_id),
        "value_index": vault().index(kind, text),
        "last4_index": vault().index("last4", text[-4:]) if kind == "phone" else None,
        "textable": kind == "phone",
        "created_at": NOW,
    }
    return await insert_of_store(conn, "contact_points", values | overrides)


async def make_consent(conn: Connection, *, customer_id: UUID, **overrides: Any) -> asyncpg.Record:
    """Consent to marketing by SMS, given at the counter."""
    values = {
        "store_id": overrides.get("store_id") or await store_of(conn, "customers", customer_id),
        "customer_id": customer_id,
        "purpose": "marketing",
        "channel": "sms",
        "basis": "consent",
        "source": "counter",
        "granted_at": NOW,
    }
    return await insert_of_store(conn, "consents", values | overrides)


async def make_opt_out(conn: Connection, *, number_index: bytes, **overrides: Any) -> asyncpg.Record:
    """The number wants no SMS of any purpose but recall, in all stores."""
    values = {"id": new_id(), "number_index": number_index, "channel": "sms", "scope": "all", "source": "reply", "at": NOW}
    return await insert(conn, "opt_outs", values | overrides)
