"""Which calls, in which order, and what stands in the way of some."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest

from shared.db import Pool
from tests.api.conftest import Person, Sign
from tests.factories import NOW, make_attempt, make_customer, make_opt_out, make_visit

DAY_END = NOW + timedelta(hours=15)  # midnight in Shanghai


@pytest.fixture
async def caller(as_staff: Sign) -> Person:
    return await as_staff("followup_specialist")


async def _list(person: Person, base: str, **query: Any) -> dict[str, Any]:
    answer = await person.http.get(f"{base}/worklist", params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def _due(
    pool: Pool, store_id: UUID, person: Person, *, customer: dict[str, Any] | None = None, **overrides: Any
) -> dict[str, Any]:
    async with pool.acquire() as conn:
        row = await make_customer(conn, store_id=store_id, **(customer or {}))
        values = {"assignee_id": person.staff_id, "state": "due", "next_reason": "due"} | overrides
        return dict(await make_visit(conn, store_id=store_id, **({"customer_id": row["id"]} | values)))


async def test_the_order_is_promises_then_past_the_deadline_then_today_then_the_rest(
    pool: Pool, store_id: UUID, base: str, caller: Person
) -> None:
    rest = await _due(pool, store_id, caller, window_end=NOW + timedelta(days=3))
    today = await _due(pool, store_id, caller, window_end=DAY_END)
    overdue = await _due(pool, store_id, caller, window_end=NOW - timedelta(hours=9))
    promised = await _due(pool, store_id, caller, window_end=NOW + timedelta(days=5), promised_at=NOW + timedelta(minutes=10))

    found = await _list(caller, base)

    assert [item["visit_ids"][0] for item in found["items"]] == [str(row["id"]) for row in (promised, overdue, today, rest)]
    assert [item["group"] for item in found["items"]] == ["promised", "overdue", "due_today", "rest"]
    assert found["counts"]["total"] == 4 == sum(count for name, count in found["counts"].items() if name != "total")


async def test_one_customers_visits_are_one_call_unless_another_tier_does_its_own(
    pool: Pool, store_id: UUID, base: str, caller: Person
) -> None:
    first = await _due(pool, store_id, caller, purposes=["satisfaction"])
    await _due(pool, store_id, caller, customer_id=first["customer_id"], purposes=["maintenance"])
    await _due(pool, store_id, caller, customer_id=first["customer_id"], tier="club", purposes=["insurance"])

    items = (await _list(caller, base))["items"]

    assert sorted(len(item["visit_ids"]) for item in items) == [1, 2]
    merged = next(item for item in items if len(item["visit_ids"]) == 2)
    assert set(merged["purposes"]) == {"satisfaction", "maintenance"}


async def test_a_second_tier_waits_a_day_unless_its_deadline_is_today(
    pool: Pool, store_id: UUID, base: str, caller: Person
) -> None:
    sales = await _due(pool, store_id, caller, tier="sales", state="trying", next_at=NOW + timedelta(days=1))
    async with pool.acquire() as conn:
        await make_attempt(conn, visit_id=sales["id"], at=NOW, outcome="no_answer")
    patient = await _due(
        pool, store_id, caller, customer_id=sales["customer_id"], tier="service", window_end=NOW + timedelta(days=3)
    )
    pressed = await _due(pool, store_id, caller, customer_id=sales["customer_id"], tier="club", window_end=DAY_END)

    items = {item["visit_ids"][0]: item for item in (await _list(caller, base))["items"]}

    assert items[str(patient["id"])]["blocked"] == {"reason": "other_tier_today", "until": "2026-11-24T09:00:00.000+08:00"}
    assert items[str(pressed["id"])]["blocked"] is None


async def test_a_blocked_call_says_why_and_until_when(pool: Pool, store_id: UUID, base: str, caller: Person) -> None:
    await _due(pool, store_id, caller, customer={"calling_hours": orjson.dumps([["14:00", "18:00"]]).decode()})
    await _due(pool, store_id, caller, customer={"phone": None})
    opted = await _due(pool, store_id, caller)
    async with pool.acquire() as conn:
        index = await conn.fetchval("SELECT value_index FROM contact_points WHERE customer_id = $1", opted["customer_id"])
        await make_opt_out(conn, number_index=index, channel="phone")

    found = await _list(caller, base)

    assert {item["blocked"]["reason"]: item["blocked"]["until"] for item in found["items"]} == {
        "customer_hours": "2026-11-23T14:00:00.000+08:00",
        "no_number": None,
        "opted_out": None,
    }
    assert found["counts"]["blocked"] == 3


async def test_the_next_try_in_another_part_of_today_waits_and_tomorrows_is_not_listed(
    pool: Pool, store_id: UUID, base: str, caller: Person
) -> None:
    await _due(pool, store_id, caller, state="trying", next_at=NOW + timedelta(hours=5))
    await _due(pool, store_id, caller, state="trying", next_at=NOW + timedelta(days=1))

    items = (await _list(caller, base))["items"]

    assert [item["blocked"]["reason"] for item in items] == ["next_try"]


async def test_the_pool_of_a_role_is_seen_by_the_role_and_by_managers(
    pool: Pool, store_id: UUID, base: str, caller: Person, as_staff: Sign
) -> None:
    await _due(pool, store_id, caller, assignee_id=None, role="followup_specialist")
    consultant = await as_staff("sales_consultant")
    manager = await as_staff("customer_manager")

    assert len((await _list(caller, base))["items"]) == 1
    assert len((await _list(consultant, base))["items"]) == 0
    assert len((await _list(manager, base))["items"]) == 1
    assert (await consultant.http.get(f"{base}/worklist", params={"assignee_id": str(caller.staff_id)})).status_code == 403


async def test_done_today_counts_customers_called(pool: Pool, store_id: UUID, base: str, caller: Person) -> None:
    visit = await _due(pool, store_id, caller)
    await caller.http.post(f"{base}/visits/{visit['id']}/attempts", json={"outcome": "reached"})

    found = await _list(caller, base)

    assert (found["done_today"], found["reached_today"], found["counts"]["total"]) == (1, 1, 0)
