"""A death stops everything (domain.md §10.8), a sold car only that car (§10.7); what was an error goes on."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from shared.db import Connection, Pool
from shared.ids import new_id
from tests.api.conftest import Person, Sign
from tests.factories import NOW, TODAY, make_customer, make_message, make_task, make_vehicle, make_visit, make_work_order
from tests.factories.base import insert_of_store, stamps

DAY = timedelta(days=1)


class Family:
    """A customer with two cars and something of every kind that waits for the first of them."""

    customer: UUID
    car: UUID
    other_car: UUID
    visit: UUID
    other_visit: UUID
    past: UUID
    appointment: UUID
    member: UUID
    message: UUID
    task: UUID


@pytest.fixture
async def caller(as_staff: Sign) -> Person:
    return await as_staff("followup_specialist")


@pytest.fixture
async def family(pool: Pool, store_id: UUID, caller: Person) -> Family:
    made = Family()
    async with pool.acquire() as conn:
        made.customer = (await make_customer(conn, store_id=store_id))["id"]
        own: dict[str, Any] = {"store_id": store_id, "customer_id": made.customer}
        made.car, made.other_car = [(await make_vehicle(conn, **own))["id"] for _ in range(2)]
        mine = {**own, "assignee_id": caller.staff_id, "state": "due"}
        made.visit = (await make_visit(conn, **mine, vehicle_id=made.car))["id"]
        made.other_visit = (await make_visit(conn, **mine, vehicle_id=made.other_car, promised_at=NOW + DAY))["id"]
        made.past = (await make_visit(conn, **mine, vehicle_id=made.car, window_end=NOW + timedelta(minutes=1)))["id"]
        made.appointment = await appointment(conn, **own, vehicle_id=made.car)
        made.member = await member(conn, store_id, made.customer, made.car)
        made.message = (await make_message(conn, customer_id=made.customer))["id"]
        made.task = (await make_task(conn, customer_id=made.customer, kind="letter"))["id"]
    return made


async def appointment(conn: Connection, **own: Any) -> UUID:
    values = {
        **own, "direction": "inbound", "starts_at": NOW + DAY, "minutes": 60, "items": [], "state": "booked", "version": 1,
        **stamps("created_at", "updated_at"),
    }  # fmt: skip
    found: UUID = (await insert_of_store(conn, "appointments", values))["id"]
    return found


async def member(conn: Connection, store_id: UUID, customer_id: UUID, vehicle_id: UUID) -> UUID:
    campaign = await insert_of_store(conn, "campaigns", {
        "store_id": store_id, "name": "召回", "purpose": "recall_safety", "mode": "message", "channel": "sms", "segment": {},
        "starts_on": TODAY, "ends_on": TODAY, "state": "running", "version": 1, **stamps("created_at", "updated_at"),
    })  # fmt: skip
    values = {
        "store_id": store_id, "campaign_id": campaign["id"], "customer_id": customer_id, "vehicle_id": vehicle_id,
        "on_day": TODAY, "state": "waiting",
    }  # fmt: skip
    found: UUID = (await insert_of_store(conn, "campaign_members", values))["id"]
    return found


async def states(pool: Pool, family: Family) -> dict[str, Any]:
    async with pool.acquire() as conn:
        visits = {row["id"]: row["state"] for row in await conn.fetch("SELECT id, state FROM visits")}
        return {
            "visit": visits[family.visit],
            "other_visit": visits[family.other_visit],
            "past": visits[family.past],
            "appointment": await conn.fetchval("SELECT state FROM appointments WHERE id = $1", family.appointment),
            "member": await conn.fetchval("SELECT state FROM campaign_members WHERE id = $1", family.member),
            "order": await conn.fetchval("SELECT kind FROM message_orders WHERE message_id = $1", family.message),
            "task_open": await conn.fetchval("SELECT done_at IS NULL FROM tasks WHERE id = $1", family.task),
            "deceased": await conn.fetchval("SELECT deceased_at IS NOT NULL FROM customers WHERE id = $1", family.customer),
            "ended": await conn.fetchval("SELECT end_reason FROM vehicles WHERE id = $1", family.car),
        }


STOPPED = {
    "visit": "cancelled",
    "other_visit": "cancelled",
    "past": "cancelled",
    "appointment": "cancelled",
    "member": "stopped",
    "order": "stop",
    "task_open": False,
    "deceased": True,
    "ended": None,
}


async def learn_of_it(family: Family, caller: Person, base: str, by: str) -> None:
    if by == "file":
        answer = await caller.http.post(f"{base}/customers/{family.customer}/deceased")
    else:
        body = {"channel": "phone", "outcome": "deceased"}
        answer = await caller.http.post(f"{base}/visits/{family.visit}/attempts", json=body)
    assert answer.status_code in (200, 201), answer.text


@pytest.mark.parametrize("by", ["file", "call"])
async def test_10_8_a_death_stops_everything_at_once(family: Family, caller: Person, pool: Pool, base: str, by: str) -> None:
    await learn_of_it(family, caller, base, by)

    assert await states(pool, family) == STOPPED


@pytest.mark.parametrize("by", ["file", "call"])
async def test_10_8_undone_by_a_manager_what_is_still_in_its_window_goes_on(
    family: Family, caller: Person, as_staff: Sign, pool: Pool, store_id: UUID, base: str, by: str
) -> None:
    manager = await as_staff("customer_manager")
    await learn_of_it(family, caller, base, by)
    await pool.execute("UPDATE visits SET window_end = $2 WHERE id = $1", family.past, NOW - DAY)
    path = f"{base}/customers/{family.customer}/deceased/undo"

    refused = await caller.http.post(path)
    done = await manager.http.post(path)
    again = await manager.http.post(path)

    assert (refused.status_code, done.status_code, again.status_code) == (403, 200, 200)
    assert await states(pool, family) == STOPPED | {
        "visit": "due",
        "other_visit": "due",
        "appointment": "booked",
        "member": "waiting",
        "task_open": True,
        "deceased": False,
    }
    promised = await pool.fetchrow("SELECT promised_at, next_at, assignee_id FROM visits WHERE id = $1", family.other_visit)
    assert tuple(promised or ()) == (NOW + DAY, NOW + DAY, caller.staff_id)
    listed = (await caller.http.get(f"{base}/worklist")).json()["items"]
    assert [call["visit_ids"][0] for call in listed] == [str(family.visit)]


async def test_10_7_a_sold_car_stops_that_car_only_and_asks_who_has_it_now(
    family: Family, caller: Person, pool: Pool, base: str
) -> None:
    body = {"channel": "phone", "outcome": "moved_or_sold"}
    answer = await caller.http.post(f"{base}/visits/{family.visit}/attempts", json=body)

    assert answer.status_code == 201, answer.text
    assert await states(pool, family) == STOPPED | {
        "other_visit": "due",
        "order": None,
        "task_open": True,
        "deceased": False,
        "ended": "sold",
    }
    tasks = (await caller.http.get(f"{base}/tasks", params={"kind": "new_owner"})).json()["items"]
    assert [(task["customer_id"], task["visit_id"]) for task in tasks] == [(str(family.customer), str(family.visit))]


async def test_10_7_the_answer_is_a_transfer_and_the_new_owner_starts_clean(
    family: Family, caller: Person, pool: Pool, store_id: UUID, base: str
) -> None:
    async with pool.acquire() as conn:
        buyer = await make_customer(conn, store_id=store_id, name="新车主")
        await make_work_order(conn, store_id=store_id, customer_id=family.customer, vehicle_id=family.car, mileage_km=9000)
        await conn.execute("UPDATE vehicles SET last_maintenance_km = 9000, colour = '红' WHERE id = $1", family.car)
    await caller.http.post(f"{base}/visits/{family.visit}/attempts", json={"channel": "phone", "outcome": "moved_or_sold"})

    made = await caller.http.post(f"{base}/vehicles/{family.car}/transfer", json={"customer_id": str(buyer["id"])})

    assert made.status_code == 201, made.text
    car = made.json()
    assert car["vin"] == await pool.fetchval("SELECT vin FROM vehicles WHERE id = $1", family.car)
    for nothing in ("last_maintenance_on", "last_maintenance_km", "purchased_on", "ended_at"):
        assert car[nothing] is None, nothing
    timeline = (await caller.http.get(f"{base}/customers/{buyer['id']}/timeline")).json()["items"]
    card = (await caller.http.get(f"{base}/customers/{buyer['id']}/card")).json()
    assert [item["kind"] for item in timeline] == []
    assert (card["work_orders"], card["visits"], [own["id"] for own in card["vehicles"]]) == ([], [], [car["id"]])
    assert (await caller.http.get(f"{base}/tasks", params={"kind": "new_owner"})).json()["items"] == []
    assert (await states(pool, family))["ended"] == "transferred"


async def test_10_7_a_transfer_by_an_old_id_goes_to_the_file_that_stayed(
    family: Family, caller: Person, pool: Pool, store_id: UUID, base: str
) -> None:
    async with pool.acquire() as conn:
        stays = await make_customer(conn, store_id=store_id)
        gone = await make_customer(conn, store_id=store_id, merged_into=stays["id"])

    made = await caller.http.post(f"{base}/vehicles/{family.car}/transfer", json={"customer_id": str(gone["id"])})
    unknown = await caller.http.post(f"{base}/vehicles/{family.other_car}/transfer", json={"customer_id": str(new_id())})

    assert made.json()["customer_id"] == str(stays["id"])
    assert unknown.json()["errors"][0]["pointer"] == "#/customer_id"
