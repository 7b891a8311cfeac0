"""Numbers (domain.md §5.7, §10.6, §11.2): a wrong one warns everywhere, a corrected one lets go on what may go on."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from shared.db import Pool
from tests.api.conftest import Person, Sign
from tests.factories import NOW, make_contact_point, make_customer, make_opt_out, make_task, make_visit
from tests.factories.customers import a_mobile

CALL = {"channel": "phone", "direction": "out"}


@pytest.fixture
async def caller(as_staff: Sign) -> Person:
    return await as_staff("followup_specialist")


async def visit_of(pool: Pool, store_id: UUID, caller: Person, phone: str, **overrides: Any) -> tuple[UUID, UUID]:
    """A customer with that number and a visit that is due: (customer, visit)."""
    async with pool.acquire() as conn:
        customer = await make_customer(conn, store_id=store_id, phone=phone)
        visit = await make_visit(
            conn, store_id=store_id, customer_id=customer["id"], assignee_id=caller.staff_id, state="due", **overrides
        )
    return customer["id"], visit["id"]


async def say(caller: Person, base: str, visit_id: UUID, outcome: str, **more: Any) -> Any:
    answer = await caller.http.post(f"{base}/visits/{visit_id}/attempts", json={**CALL, "outcome": outcome, **more})
    assert answer.status_code == 201, answer.text
    return answer.json()


@pytest.mark.parametrize(("outcome", "reason"), [("wrong_number", "wrong"), ("number_invalid", "invalid")])
async def test_10_6_wrong_number_evidence_warns_on_every_file_with_that_number_in_all_stores(
    pool: Pool, store_id: UUID, other_store_id: UUID, as_staff: Sign, caller: Person, base: str, outcome: str, reason: str
) -> None:
    phone = a_mobile()
    mine, visit = await visit_of(pool, store_id, caller, phone)
    same, same_visit = await visit_of(pool, store_id, caller, phone)
    stranger = await as_staff("followup_specialist", store_id=other_store_id)
    theirs, _ = await visit_of(pool, other_store_id, stranger, phone)

    await say(caller, base, visit, outcome)

    [own] = (await caller.http.get(f"{base}/customers/{mine}")).json()["contact_points"]
    [other] = (await caller.http.get(f"{base}/customers/{same}")).json()["contact_points"]
    away = await stranger.http.get(f"/v1/stores/{other_store_id}/customers/{theirs}")
    [elsewhere] = away.json()["contact_points"]
    assert (own["wrong_reason"], own["warned_at"]) == (reason, None)
    for point in (other, elsewhere):
        assert (point["wrong_at"], point["warned_reason"]) == (None, reason)
    assert str(store_id) not in away.text
    assert str(mine) not in away.text
    brief = (await caller.http.get(f"{base}/visits/{same_visit}/brief")).json()
    assert "number_doubtful" in brief["flags"]
    assert [number["warned"] for number in brief["callee"]["numbers"]] == [True]


async def test_10_6_an_opt_out_belongs_to_the_number_in_all_stores(
    pool: Pool, other_store_id: UUID, store_id: UUID, caller: Person, base: str
) -> None:
    phone = a_mobile()
    customer, visit = await visit_of(pool, store_id, caller, phone)
    async with pool.acquire() as conn:
        index = await conn.fetchval("SELECT value_index FROM contact_points WHERE customer_id = $1", customer)
        await make_opt_out(conn, number_index=index, channel="phone", store_id=other_store_id)

    refused = await caller.http.post(f"{base}/visits/{visit}/attempts", json={**CALL, "outcome": "no_answer"})

    assert (refused.status_code, refused.json()["code"]) == (409, "opted_out")


async def test_5_7_a_wrong_number_gets_nothing_more_and_a_task_asks_for_another(
    pool: Pool, store_id: UUID, caller: Person, base: str
) -> None:
    customer, visit = await visit_of(pool, store_id, caller, a_mobile())

    done = await say(caller, base, visit, "wrong_number")

    tasks = (await caller.http.get(f"{base}/tasks", params={"customer_id": str(customer)})).json()["items"]
    assert done["visit"]["state"] == "invalid"
    assert [task["kind"] for task in tasks] == ["correct_file"]


@pytest.mark.parametrize("by", ["file", "call"])
async def test_5_7_a_corrected_number_revives_what_may_go_on(
    pool: Pool, store_id: UUID, caller: Person, base: str, by: str
) -> None:
    customer, visit = await visit_of(pool, store_id, caller, a_mobile())
    async with pool.acquire() as conn:
        own = {"store_id": store_id, "customer_id": customer, "assignee_id": caller.staff_id}
        too_late = (await make_visit(conn, **own, state="invalid", window_end=NOW))["id"]
        other = (await make_visit(conn, **own, state="due", step="other"))["id"]
    await say(caller, base, visit, "wrong_number")

    if by == "file":
        await caller.http.post(f"{base}/customers/{customer}/contact-points", json={"kind": "phone", "value": "13911112222"})
    else:
        await say(caller, base, other, "reached", direction="in", corrections={"phone": "13911112222"})

    rows = {row["id"]: row for row in await pool.fetch("SELECT * FROM visits WHERE customer_id = $1", customer)}
    assert (rows[visit]["state"] in ("due", "trying"), rows[visit]["next_step"]) == (True, "call")
    assert rows[too_late]["state"] == "invalid"
    assert (await caller.http.get(f"{base}/tasks", params={"customer_id": str(customer)})).json()["items"] == []
    why = (await caller.http.get(f"{base}/visits/{visit}/why")).text
    assert "reopened" in why


@pytest.mark.parametrize("by", ["reached", "task", "corrected"])
async def test_11_2_confirm_the_number_at_the_next_visit_is_cleared_when_it_is_confirmed(
    pool: Pool, store_id: UUID, caller: Person, base: str, by: str
) -> None:
    customer, visit = await visit_of(pool, store_id, caller, a_mobile())
    await pool.execute("UPDATE customers SET flags = '{confirm_number,vip}' WHERE id = $1", customer)
    async with pool.acquire() as conn:
        task = (await make_task(conn, store_id=store_id, customer_id=customer, kind="confirm_number"))["id"]

    if by == "reached":
        await say(caller, base, visit, "reached", reached_person="owner")
    elif by == "task":
        await caller.http.post(f"{base}/tasks/{task}/done")
    else:
        await caller.http.post(f"{base}/customers/{customer}/contact-points", json={"kind": "phone", "value": "13911113333"})

    assert await pool.fetchval("SELECT flags FROM customers WHERE id = $1", customer) == ["vip"]
    assert await pool.fetchval("SELECT done_by FROM tasks WHERE id = $1", task) == caller.staff_id


async def test_10_6_a_number_thought_dead_lives_when_somebody_answers_it(
    pool: Pool, store_id: UUID, caller: Person, base: str
) -> None:
    customer, visit = await visit_of(pool, store_id, caller, a_mobile())
    async with pool.acquire() as conn:
        second = await make_contact_point(conn, store_id=store_id, customer_id=customer, rank=2)
        await conn.execute(
            "INSERT INTO numbers (number_index, wrong_at, wrong_reason) VALUES ($1, $2, 'invalid')", second["value_index"], NOW
        )

    await say(caller, base, visit, "reached", contact_point_id=str(second["id"]))

    assert await pool.fetchval("SELECT wrong_at FROM numbers WHERE number_index = $1", second["value_index"]) is None
