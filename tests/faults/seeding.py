"""Visits that fall due one after the other: welcome messages, calls, and customers who want a message instead of a call."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from shared.ids import new_id
from shared.wakes import wake
from tests.factories import make_programme, make_store, vault
from tests.faults.history import Connection

START = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)  # Monday, 9:00 in Shanghai
CLOSING = datetime(2026, 11, 23, 12, 29, 40, tzinfo=UTC)  # 20 s before 20:30, when nothing may be sent any more
LONG_AGO = datetime(2026, 6, 1, tzinfo=UTC)
SHARED_NUMBER = 0.03  # of the visits begin a group of four that go to one number, in whatever stores
GROUP = 4

_CUSTOMERS = (
    "store_id", "id", "kind", "name", "initials", "lifecycle", "service_preferences", "flags", "preferred_channel", "created_at",
    "updated_at", "version",
)  # fmt: skip
_POINTS = ("store_id", "id", "customer_id", "kind", "rank", "value", "value_index", "last4_index", "textable", "created_at")
_VISITS = (
    "store_id", "id", "customer_id", "programme", "programme_version", "step", "occurrence", "tier", "purposes", "role", "channel",
    "message_template", "state", "late", "due_on", "due_at", "window_start", "window_end", "trigger_type", "trigger_id",
    "trigger_at", "on_missed", "next_step", "next_at", "next_reason", "wake_at", "due_seq", "tries", "created_at", "updated_at",
    "version",
)  # fmt: skip


@dataclass(frozen=True)
class Plan:
    """How many visits, over how many seconds from when, in how many stores."""

    visits: int
    seconds: float
    start: datetime = START
    stores: int = 3
    calls: bool = True
    shared_numbers: bool = True


async def seed(conn: Connection, plan: Plan, chance: random.Random) -> list[str]:
    """Plan the visits. Out: their customers' numbers, in the order in which they fall due."""
    stores = [await _store(conn) for _ in range(plan.stores)]
    numbers = _numbers(plan, chance)
    customers: list[tuple[object, ...]] = []
    points: list[tuple[object, ...]] = []
    visits: list[tuple[Any, ...]] = []
    for place, number in enumerate(numbers):
        store_id, customer_id = chance.choice(stores), new_id()
        kind = chance.random() if plan.calls else 0.0
        due_at = plan.start + timedelta(seconds=1 + place * plan.seconds / plan.visits)
        customers.append(_customer(store_id, customer_id, "sms" if kind > 0.9 else None))
        points.append(_point(store_id, customer_id, number))
        visits.append(_visit(store_id, customer_id, due_at, message=kind < 0.8))
    for table, columns, rows in (
        ("customers", _CUSTOMERS, customers),
        ("contact_points", _POINTS, points),
        ("visits", _VISITS, visits),
    ):
        await conn.copy_records_to_table(table, columns=columns, records=rows)
    for store_id in stores:
        await wake(conn, store_id, [visit[1] for visit in visits if visit[0] == store_id])
    await conn.execute("ANALYZE")
    return numbers


def _numbers(plan: Plan, chance: random.Random) -> list[str]:
    """A number for each visit; some get four in a row, over the stores."""
    numbers: list[str] = []
    while len(numbers) < plan.visits:
        number = f"+86139{len(numbers):08d}"
        numbers += [number] * (GROUP if plan.shared_numbers and chance.random() < SHARED_NUMBER else 1)
    return numbers[: plan.visits]


async def _store(conn: Connection) -> UUID:
    store: asyncpg.Record = await make_store(conn)
    for programme in ("welcome", "after-maintenance"):
        await make_programme(conn, programme, store_id=store["id"])
    store_id: UUID = store["id"]
    return store_id


def _customer(store_id: UUID, customer_id: UUID, preferred: str | None) -> tuple[object, ...]:
    empty: Sequence[str] = []
    return (store_id, customer_id, "person", "王建国", "wjg", "owner", empty, empty, preferred, LONG_AGO, LONG_AGO, 1)


def _point(store_id: UUID, customer_id: UUID, number: str) -> tuple[object, ...]:
    row_id, keys = new_id(), vault()
    sealed = keys.seal(number, "contact_points", "value", store_id, row_id)
    last4 = keys.index("last4", number[-4:])
    return (store_id, row_id, customer_id, "phone", 1, sealed, keys.index("phone", number), last4, True, LONG_AGO)


def _visit(store_id: UUID, customer_id: UUID, due_at: datetime, *, message: bool) -> tuple[object, ...]:
    step = "sms" if message else "call"
    return (
        store_id, new_id(), customer_id, "welcome" if message else "after-maintenance", 1, "message" if message else "call", 1,
        "service", ["welcome"] if message else ["satisfaction"], None if message else "followup_specialist",
        "sms" if message else "phone", "welcome" if message else None, "planned", False, due_at.date(), due_at, due_at,
        due_at + timedelta(days=1), "work_order.first" if message else "work_order.closed", new_id(),
        due_at - timedelta(days=1), "none", step, due_at, "planned", due_at, 0, 0, LONG_AGO, LONG_AGO, 1,
    )  # fmt: skip
