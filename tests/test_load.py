"""The morning spreads what is too much for a day, and says so in the history of each visit (domain.md §10.15, §5.9)."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import pytest

from shared.db import Connection
from shared.domain.programme import PlanCounts
from shared.events import SYSTEM
from shared.planning.load import spread_load
from shared.stores import StoreContext, load_store
from tests.factories import NOW, TODAY, make_absence, make_customer, make_staff, make_store, make_store_day, make_visit

FIVE = NOW - timedelta(hours=4)  # five in the morning, before the store opens
MIDNIGHT = NOW + timedelta(hours=15)


class House:
    """A store with one person who makes three calls a day."""

    def __init__(self, conn: Connection, store_id: UUID, person_id: UUID) -> None:
        self.conn, self.store_id, self.person_id = conn, store_id, person_id

    async def store(self) -> StoreContext:
        return await load_store(self.conn, self.store_id, today=TODAY)

    async def due(self, **overrides: Any) -> asyncpg.Record:
        values = {"store_id": self.store_id, "assignee_id": self.person_id, "state": "planned"} | overrides
        return await make_visit(self.conn, **values)

    async def spread(self) -> PlanCounts:
        return await spread_load(self.conn, await self.store(), now=FIVE, actor=SYSTEM)

    async def days(self) -> Counter[date]:
        rows = await self.conn.fetch("SELECT due_on FROM visits WHERE store_id = $1 AND closed_at IS NULL", self.store_id)
        return Counter(row["due_on"] for row in rows)


@pytest.fixture
async def house(connection: asyncpg.Connection[asyncpg.Record]) -> House:
    store_id = (await make_store(connection))["id"]
    person = await make_staff(connection, "followup_specialist", store_id=store_id, capacity=3)
    return House(connection, store_id, person["id"])


async def test_eight_calls_of_three_a_day_take_three_days_inside_their_windows(house: House) -> None:
    for _ in range(8):
        await house.due()

    counts = await house.spread()

    assert counts == PlanCounts(planned=5)
    assert await house.days() == {TODAY: 3, TODAY + timedelta(days=1): 3, TODAY + timedelta(days=2): 2}
    assert await house.spread() == PlanCounts()


async def test_a_moved_visit_becomes_due_at_its_new_opening_and_says_why(house: House) -> None:
    for _ in range(3):
        await house.due(window_end=MIDNIGHT)
    late = await house.due()

    await house.spread()

    row = await house.conn.fetchrow("SELECT * FROM visits WHERE id = $1", late["id"])
    assert row is not None
    tomorrow = NOW + timedelta(days=1)
    assert (row["due_on"], row["due_at"], row["next_at"], row["wake_at"]) == (
        TODAY + timedelta(days=1), tomorrow, tomorrow, tomorrow,
    )  # fmt: skip
    event = await house.conn.fetchrow("SELECT kind, detail FROM visit_events WHERE visit_id = $1", late["id"])
    assert event is not None
    assert (event["kind"], orjson.loads(event["detail"])["shifts"]) == ("moved", ["load|2026-11-23|2026-11-24|3"])


async def test_yesterdays_backlog_that_is_due_already_is_spread_too(house: House) -> None:
    yesterday = NOW - timedelta(days=1)
    for _ in range(5):
        await house.due(state="due", due_on=TODAY - timedelta(days=1), due_at=yesterday, next_at=yesterday)

    await house.spread()

    rows = await house.conn.fetch("SELECT state FROM visits WHERE store_id = $1", house.store_id)
    assert sorted(row["state"] for row in rows) == ["due"] * 3 + ["planned"] * 2


async def test_what_finds_no_day_any_more_expires_and_the_manager_is_told_once(house: House) -> None:
    over = {"state": "due", "window_start": NOW - timedelta(days=9), "window_end": MIDNIGHT - timedelta(days=4)}
    for _ in range(5):
        await house.due(**over)

    counts = await house.spread()

    assert counts == PlanCounts(expired=2)
    rows = await house.conn.fetch(
        "SELECT state_reason, wake_at, next_step FROM visits WHERE store_id = $1 AND state = 'expired'", house.store_id
    )
    assert [tuple(row) for row in rows] == [("no_room", None, None)] * 2
    told = await house.conn.fetchval("SELECT count(*) FROM tasks WHERE store_id = $1 AND kind = 'visits_expired'", house.store_id)
    assert told == 1


async def test_promises_running_ladders_and_urgent_calls_stay(house: House) -> None:
    kept = [
        await house.due(promised_at=NOW + timedelta(hours=1)),
        await house.due(state="trying", tries=1),
        await house.due(programme="after-complaint"),
        await house.due(programme="appointment"),
        await house.due(purposes=["satisfaction", "read_reply"]),
    ]
    plain = await house.due()

    await house.spread()

    rows = await house.conn.fetch("SELECT id FROM visits WHERE store_id = $1 AND due_on > $2", house.store_id, TODAY)
    assert [row["id"] for row in rows] == [plain["id"]]
    assert len(kept) > 3  # more than a day's work, and all of it stays


async def test_an_absence_leaves_no_room(house: House) -> None:
    await make_absence(house.conn, store_id=house.store_id, staff_id=house.person_id, to_on=TODAY + timedelta(days=1))
    await house.due()

    await house.spread()

    assert await house.days() == {TODAY + timedelta(days=2): 1}


async def test_visits_of_one_call_move_together_and_take_one_place(house: House) -> None:
    customer = (await make_customer(house.conn, store_id=house.store_id))["id"]
    for _ in range(3):
        await house.due(customer_id=customer, window_end=NOW + timedelta(days=9))
    for _ in range(3):
        await house.due()

    await house.spread()

    moved = await house.conn.fetch("SELECT customer_id FROM visits WHERE store_id = $1 AND due_on > $2", house.store_id, TODAY)
    assert [row["customer_id"] for row in moved] == [customer] * 3


async def test_another_tier_of_the_same_customer_waits_a_day_and_says_for_whom(house: House) -> None:
    customer = (await make_customer(house.conn, store_id=house.store_id))["id"]
    other = await make_staff(house.conn, "insurance_specialist", store_id=house.store_id)
    await house.due(customer_id=customer)
    club = await house.due(customer_id=customer, tier="club", assignee_id=other["id"], window_end=NOW + timedelta(days=5))

    await house.spread()

    detail = orjson.loads(await house.conn.fetchval("SELECT detail FROM visit_events WHERE visit_id = $1", club["id"]))
    assert detail["shifts"] == ["other_tier|2026-11-23|2026-11-24|service"]


async def test_on_a_closed_day_nothing_is_spread(house: House) -> None:
    await make_store_day(house.conn, store_id=house.store_id, day=TODAY)
    for _ in range(5):
        await house.due()

    assert await house.spread() == PlanCounts()


async def test_messages_are_nobodys_work(house: House) -> None:
    for _ in range(5):
        await house.due(channel="sms", next_step="sms", role="system", assignee_id=None)

    assert await house.spread() == PlanCounts()


def test_five_in_the_morning_is_before_the_store_opens() -> None:
    assert datetime.fromisoformat("2026-11-23T05:00:00+08:00") == FIVE
