"""Which calls, in which order, and what stands in the way of some."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest

from shared.db import Pool
from shared.domain.confirmation import to_confirm
from shared.domain.visit import State
from tests.api.conftest import Person, Sign
from tests.factories import NOW, make_attempt, make_customer, make_opt_out, make_vehicle, make_visit
from tests.factories.complaints import make_complaint

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


async def test_an_organisations_one_call_lists_its_cars(pool: Pool, store_id: UUID, base: str, caller: Person) -> None:
    async with pool.acquire() as conn:
        fleet = await make_customer(conn, store_id=store_id, kind="organisation", name="通达物流")
        cars = [await make_vehicle(conn, store_id=store_id, customer_id=fleet["id"]) for _ in range(3)]
    for car in cars:
        await _due(pool, store_id, caller, customer_id=fleet["id"], vehicle_id=car["id"])

    (call,) = (await _list(caller, base))["items"]

    assert {car["plate"] for car in call["vehicles"]} == {car["plate"] for car in cars}
    assert (len(call["visit_ids"]), call["customer"]["kind"]) == (3, "organisation")


async def test_who_brought_the_car_is_another_call_than_the_owner(pool: Pool, store_id: UUID, base: str, caller: Person) -> None:
    first = await _due(pool, store_id, caller)
    await _due(pool, store_id, caller, customer_id=first["customer_id"], callee_name="李师傅", callee_phone_index=b"li")

    items = (await _list(caller, base))["items"]

    assert [item["callee_name"] for item in items] in ([None, "李师傅"], ["李师傅", None])
    assert len({item["call_id"] for item in items}) == 2


async def test_crisis_calls_come_before_complaint_calls_and_both_after_promises(
    pool: Pool, store_id: UUID, base: str, caller: Person
) -> None:
    overdue = await _due(pool, store_id, caller, window_end=NOW - timedelta(hours=9))
    complaint = await _due(pool, store_id, caller, programme="after-complaint", window_end=DAY_END)
    crisis = await _due(pool, store_id, caller, programme="after-complaint", window_end=NOW + timedelta(days=2))
    promised = await _due(pool, store_id, caller, promised_at=NOW + timedelta(minutes=10))
    await _complained(pool, store_id, crisis["customer_id"], crisis=True)

    found = await _list(caller, base)

    assert [item["visit_ids"][0] for item in found["items"]] == [str(row["id"]) for row in (promised, crisis, complaint, overdue)]


async def test_of_one_deadline_high_value_goes_first_then_the_earliest_trigger(
    pool: Pool, store_id: UUID, base: str, caller: Person
) -> None:
    plain = await _due(pool, store_id, caller)
    older = await _due(pool, store_id, caller, trigger_at=NOW - timedelta(days=9))
    valued = await _due(pool, store_id, caller, customer={"flags": ["high_value"]})

    items = (await _list(caller, base))["items"]

    assert [item["visit_ids"][0] for item in items] == [str(row["id"]) for row in (valued, older, plain)]


async def test_an_open_complaint_blocks_marketing_and_nothing_else(pool: Pool, store_id: UUID, base: str, caller: Person) -> None:
    offer = await _due(pool, store_id, caller, programme="win-back", purposes=["win_back_offer"])
    renewal = await _due(
        pool, store_id, caller, customer_id=offer["customer_id"], programme="renewal", purposes=["renewal"], tier="club"
    )
    await _complained(pool, store_id, offer["customer_id"])

    items = {item["visit_ids"][0]: item for item in (await _list(caller, base))["items"]}

    assert items[str(offer["id"])]["blocked"] == {"reason": "complaint_open", "until": None}
    assert items[str(renewal["id"])]["blocked"] is None


async def test_capacity_says_how_much_of_the_day_is_left(pool: Pool, store_id: UUID, base: str, caller: Person) -> None:
    visit = await _due(pool, store_id, caller)
    await caller.http.post(f"{base}/visits/{visit['id']}/attempts", json={"outcome": "no_answer"})

    assert (await _list(caller, base))["capacity"] == {"limit": 60, "left": 59}


async def test_a_listed_try_says_until_when_and_of_how_many(pool: Pool, store_id: UUID, base: str, caller: Person) -> None:
    await _due(pool, store_id, caller, state="trying", tries=1, next_at=NOW, next_reason="no_answer_1")

    (item,) = (await _list(caller, base))["items"]

    assert (item["next"]["until"], item["next"]["of"]) == ("2026-11-23T12:00:00.000+08:00", 3)


async def test_a_manager_sees_how_many_results_wait_for_his_word_and_which(
    pool: Pool, store_id: UUID, base: str, caller: Person, as_staff: Sign
) -> None:
    manager = await as_staff("customer_manager")
    declined = await _due(pool, store_id, caller, state="declined", role="followup_specialist")
    low = await _due(pool, store_id, caller, state="completed", satisfaction=2, role="followup_specialist")
    await _due(pool, store_id, caller, state="unreachable", role="followup_specialist")

    path = f"{base}/visits"
    listed = (await manager.http.get(path, params={"to_confirm": "true"})).json()["items"]
    assert {item["id"]: item["to_confirm"] for item in listed} == {str(declined["id"]): "declined", str(low["id"]): "low_score"}
    assert (await _list(manager, base))["to_confirm"] == 2
    await manager.http.post(f"{path}/{low['id']}/confirm")
    assert (await _list(manager, base))["to_confirm"] == 1
    assert (await _list(caller, base))["to_confirm"] is None


async def test_the_sample_in_the_database_is_the_sample_of_the_rule(
    pool: Pool, store_id: UUID, base: str, caller: Person, as_staff: Sign
) -> None:
    manager = await as_staff("customer_manager")
    rows = [await _due(pool, store_id, caller, state="completed", satisfaction=5, role="followup_specialist") for _ in range(80)]

    answer = await manager.http.get(f"{base}/visits", params={"to_confirm": "true", "limit": 200})

    expected = {str(row["id"]) for row in rows if to_confirm(row["id"], State.COMPLETED, 5)}
    assert {item["id"] for item in answer.json()["items"]} == expected


async def _complained(pool: Pool, store_id: UUID, customer_id: UUID, **overrides: Any) -> None:
    async with pool.acquire() as conn:
        await make_complaint(conn, store_id=store_id, customer_id=customer_id, **overrides)
