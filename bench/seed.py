"""The data that is worked on: stores, customers with sealed numbers, cars, visits; made once and copied for each run."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import TypeAlias
from uuid import UUID

import asyncpg

from shared.crypto import Vault
from shared.db import asyncpg_url
from shared.ids import new_id
from shared.settings import load_settings
from tests.factories import make_programme, make_staff, make_store

DUE = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)  # Monday, the stores open: 9:00 in Shanghai
DAY = date(2026, 11, 23)
LONG_AGO = datetime(2026, 6, 1, tzinfo=UTC)
STORES = 10

_CUSTOMERS = [
    "store_id",
    "id",
    "kind",
    "name",
    "initials",
    "lifecycle",
    "service_preferences",
    "flags",
    "created_at",
    "updated_at",
    "version",
]
_POINTS = ["store_id", "id", "customer_id", "kind", "rank", "value", "value_index", "last4_index", "textable", "created_at"]
_VEHICLES = ["store_id", "id", "customer_id", "plate", "vin", "model", "excluded", "created_at", "updated_at", "version"]
_ORDERS = [
    "store_id", "id", "customer_id", "vehicle_id", "number", "kind", "closed_at", "advisor_id", "first_service", "created_at",
    "updated_at", "version",
]  # fmt: skip
_VISITS = [
    "store_id", "id", "customer_id", "vehicle_id", "programme", "programme_version", "step", "occurrence", "tier", "purposes",
    "role", "channel", "message_template", "state", "late", "due_on", "due_at", "window_start", "window_end", "trigger_type",
    "trigger_id", "trigger_at", "on_missed", "next_step", "next_at", "next_reason", "wake_at", "due_seq", "tries", "created_at",
    "updated_at", "version",
]  # fmt: skip
_BARE = """
    CREATE SCHEMA bare;
    CREATE TABLE bare.visits (store_id uuid, id uuid, customer_id uuid NOT NULL, due_at timestamptz NOT NULL, state text NOT NULL,
        due_seq int NOT NULL DEFAULT 0, PRIMARY KEY (store_id, id));
    CREATE TABLE bare.messages (store_id uuid, id uuid, visit_id uuid NOT NULL, customer_id uuid NOT NULL, channel text NOT NULL,
        step_no int NOT NULL, state text NOT NULL, created_at timestamptz NOT NULL, PRIMARY KEY (store_id, id),
        UNIQUE (store_id, visit_id, channel, step_no));
    INSERT INTO bare.visits SELECT store_id, id, customer_id, due_at, state FROM visits;
    CREATE INDEX ON bare.visits (store_id, due_at) WHERE state = 'planned';
"""
# An entry of its own for each visit, as when they were planned one by one: what costs most to take.
_WAKES = "INSERT INTO visit_wakes SELECT store_id, gen_random_uuid(), wake_at, ARRAY[id] FROM visits"

Instant = Callable[[int], datetime]
Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


async def seed(url: str, visits: int, *, stores: int = STORES, due: Instant = lambda _: DUE, channel: str = "sms") -> None:
    """`visits` planned visits over the stores, each after an order of a car: a welcome message (`sms`), or a call (`phone`)."""
    conn = await asyncpg.connect(asyncpg_url(url))
    try:
        share = visits // stores
        for number in range(stores):
            store_id, advisor_id = await _store(conn)
            await _fill(conn, store_id, advisor_id, range(number * share, (number + 1) * share), due, channel)
        await conn.execute(_WAKES)
        await conn.execute(_BARE)
        await conn.execute("VACUUM ANALYZE")
    finally:
        await conn.close()


async def _store(conn: Connection) -> tuple[UUID, UUID]:
    store = await make_store(conn)
    for programme in ("welcome", "after-maintenance"):
        await make_programme(conn, programme, store_id=store["id"])
    advisor = await make_staff(conn, "service_advisor", store_id=store["id"], phone="+862164001234")
    return store["id"], advisor["id"]


async def _fill(conn: Connection, store_id: UUID, advisor_id: UUID, numbers: range, due: Instant, channel: str) -> None:
    vault = Vault.of(load_settings())
    people = [(new_id(), new_id(), new_id(), number) for number in numbers]
    customers: list[tuple[object, ...]] = [
        (store_id, person, "person", f"王{number}", f"w{number}", "owner", [], [], LONG_AGO, LONG_AGO, 1)
        for person, _, _, number in people
    ]
    await conn.copy_records_to_table("customers", columns=_CUSTOMERS, records=customers)
    points = [_point(vault, store_id, person, number) for person, _, _, number in people]
    await conn.copy_records_to_table("contact_points", columns=_POINTS, records=points)
    cars = [
        (store_id, car, person, f"沪A{number % 100000:05d}", None, "朗逸 1.5L", False, LONG_AGO, LONG_AGO, 1)
        for person, car, _, number in people
    ]
    await conn.copy_records_to_table("vehicles", columns=_VEHICLES, records=cars)
    orders = [
        (store_id, order, person, car, f"RO{number}", "maintenance", LONG_AGO, advisor_id, True, LONG_AGO, LONG_AGO, 1)
        for person, car, order, number in people
    ]
    await conn.copy_records_to_table("work_orders", columns=_ORDERS, records=orders)
    planned = [_visit(store_id, person, car, order, due(number), channel) for person, car, order, number in people]
    await conn.copy_records_to_table("visits", columns=_VISITS, records=planned)


def _point(vault: Vault, store_id: UUID, customer_id: UUID, number: int) -> tuple[object, ...]:
    row_id, phone = new_id(), f"+86139{number:08d}"
    return (
        store_id, row_id, customer_id, "phone", 1, vault.seal(phone, "contact_points", "value", store_id, row_id),
        vault.index("phone", phone), vault.index("last4", phone[-4:]), True, LONG_AGO,
    )  # fmt: skip


def _visit(
    store_id: UUID, customer_id: UUID, vehicle_id: UUID, order_id: UUID, due_at: datetime, channel: str
) -> tuple[object, ...]:
    message = channel == "sms"
    return (
        store_id, new_id(), customer_id, vehicle_id, "welcome" if message else "after-maintenance", 1,
        "message" if message else "call", 1, "service", ["welcome"] if message else ["satisfaction"],
        None if message else "followup_specialist", channel, "welcome" if message else None, "planned", False, DAY, due_at, due_at,
        due_at + timedelta(days=1), "work_order.first" if message else "work_order.closed", order_id, due_at - timedelta(days=1),
        "none", channel if message else "call", due_at, "planned", due_at, 0, 0, LONG_AGO, LONG_AGO, 1,
    )  # fmt: skip
