"""Entering, finding and correcting work orders."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from shared.db import Pool
from shared.ids import new_id
from tests.api.work_orders.conftest import Counter
from tests.factories import NOW, make_contact_point, make_customer, make_vehicle, make_work_order, vault


def pointer(answer: httpx.Response) -> str:
    """Where the fault of a refused body is."""
    assert answer.status_code == 422, answer.text
    place: str = answer.json()["errors"][0]["pointer"]
    return place


async def test_an_order_is_entered_and_read_again(counter: Counter) -> None:
    answer = await counter.post(items="更换机油机滤", fee_fen=68000, advisor_id=str(counter.person.staff_id), mileage_km=15200)
    order = answer.json()

    assert answer.status_code == 201
    assert (order["customer_id"], order["plate"]) == (str(counter.customer_id), counter.vehicle["plate"])
    assert order["closed_at"] == "2026-11-23T08:00:00.000+08:00"
    again = await counter.person.http.get(answer.headers["Location"])
    assert again.json() == order
    assert again.headers["ETag"] == answer.headers["ETag"] == '"1"'


@pytest.mark.parametrize("name", ["vin", "plate"])
async def test_a_car_is_found_by_what_stands_on_it(counter: Counter, name: str) -> None:
    order = await counter.enter(vehicle_id=..., **{name: f" {counter.vehicle[name].lower()} "})

    assert order["vehicle_id"] == str(counter.vehicle["id"])


async def test_the_vin_counts_where_plate_and_vin_differ(counter: Counter, pool: Pool) -> None:
    async with pool.acquire() as conn:
        other = await make_vehicle(conn, store_id=counter.store_id)
    order = await counter.enter(vehicle_id=..., vin=counter.vehicle["vin"], plate=other["plate"])
    answer = await counter.post(vehicle_id=..., vin="LSVAA49J132047371", plate=other["plate"])

    assert order["vehicle_id"] == str(counter.vehicle["id"])
    assert pointer(answer) == "#/vin"


async def test_a_plate_on_two_cars_is_told_apart_by_the_customer(counter: Counter, pool: Pool) -> None:
    async with pool.acquire() as conn:
        await make_vehicle(conn, store_id=counter.store_id, plate=counter.vehicle["plate"])
    unclear = await counter.post(vehicle_id=..., plate=counter.vehicle["plate"])
    order = await counter.enter(vehicle_id=..., plate=counter.vehicle["plate"], customer_id=str(counter.customer_id))

    assert pointer(unclear) == "#/plate"
    assert order["vehicle_id"] == str(counter.vehicle["id"])


@pytest.mark.parametrize("field", ["vehicle_id", "customer_id", "advisor_id", "technician_id"])
async def test_an_unknown_reference_names_its_field(counter: Counter, field: str) -> None:
    assert pointer(await counter.post(**{field: str(uuid4())})) == f"#/{field}"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("vin", "LSVAA49J132047370"),
        ("plate", "沪A1"),
        ("contact_phone", "12345"),
        ("closed_at", "2026-11-23T09:00:01+08:00"),
        ("opened_at", "2026-11-23T08:30:00+08:00"),
        ("kind", "wash"),
        ("fee_fen", -1),
        ("mileage_km", 9_999_999),
        ("number", ""),
    ],
)
async def test_what_cannot_be_names_its_field(counter: Counter, field: str, value: object) -> None:
    car = {"vehicle_id": ...} if field in {"vin", "plate"} else {}

    assert pointer(await counter.post(**car, **{field: value})) == f"#/{field}"


async def test_an_order_without_a_car_is_refused(counter: Counter) -> None:
    assert (await counter.post(vehicle_id=...)).status_code == 422


async def test_whoever_brings_a_car_does_not_get_it(counter: Counter, pool: Pool) -> None:
    async with pool.acquire() as conn:
        friend = await make_customer(conn, store_id=counter.store_id)

    assert pointer(await counter.post(customer_id=str(friend["id"]))) == "#/customer_id"


async def test_a_file_that_was_merged_leads_to_the_one_that_stayed(counter: Counter, pool: Pool) -> None:
    async with pool.acquire() as conn:
        old = await make_customer(conn, store_id=counter.store_id, merged_into=counter.customer_id)

    assert (await counter.enter(customer_id=str(old["id"])))["customer_id"] == str(counter.customer_id)


async def test_a_car_that_left_takes_only_orders_from_before(counter: Counter, pool: Pool) -> None:
    await pool.execute("UPDATE vehicles SET ended_at = $2 WHERE id = $1", counter.vehicle["id"], NOW.replace(day=20))

    assert pointer(await counter.post()) == "#/vehicle_id"
    assert (await counter.post(closed_at="2026-11-18T17:00:00+08:00")).status_code == 201
    assert await counter.visits() == []


async def test_the_same_number_twice_is_refused_by_name(counter: Counter) -> None:
    await counter.enter(number="RO-77")
    other = await counter.enter()
    for answer in (await counter.post(number="RO-77"), await counter.patch(other, number="RO-77")):
        problem = answer.json()
        assert (answer.status_code, problem["code"]) == (409, "work_order_number_taken")
        assert "RO-77" in problem["detail"]
        assert problem["errors"][0]["pointer"] == "#/number"


async def test_another_store_may_have_the_same_number(counter: Counter, pool: Pool, other_store_id: UUID) -> None:
    async with pool.acquire() as conn:
        await make_work_order(conn, store_id=other_store_id, number="RO-78")

    await counter.enter(number="RO-78")


async def test_an_order_of_another_store_is_not_there(counter: Counter, pool: Pool, other_store_id: UUID) -> None:
    async with pool.acquire() as conn:
        foreign = await make_work_order(conn, store_id=other_store_id)
    path = f"{counter.path}/{foreign['id']}"

    assert (await counter.person.http.get(path)).status_code == 404
    assert (await counter.person.http.patch(path, json={"items": "x"}, headers={"If-Match": "*"})).status_code == 404
    assert pointer(await counter.post(vehicle_id=str(foreign["vehicle_id"]))) == "#/vehicle_id"


async def test_who_brought_the_car_is_sealed_and_shown_masked(counter: Counter, pool: Pool) -> None:
    order = await counter.enter(contact_name="李司机", contact_phone="138 1234 5678")
    row = await pool.fetchrow("SELECT * FROM work_orders WHERE id = $1", UUID(order["id"]))

    assert order["contact_phone"] == "138****5678"
    assert row is not None
    assert b"13812345678" not in row["contact_phone"]
    assert row["contact_phone_index"] == vault().index("phone", "+8613812345678")
    visits = await counter.rows("SELECT callee_name, callee_phone_index FROM visits WHERE vehicle_id = $1")
    assert {(visit["callee_name"], visit["callee_phone_index"]) for visit in visits} == {("李司机", row["contact_phone_index"])}


async def test_the_owner_who_brought_the_car_himself_is_no_contact(counter: Counter, pool: Pool) -> None:
    async with pool.acquire() as conn:
        await make_contact_point(conn, customer_id=counter.customer_id, text="+8613911112222")
    order = await counter.enter(contact_name="王建国", contact_phone="13911112222")

    assert (order["contact_name"], order["contact_phone"]) == (None, None)


async def test_a_corrected_contact_is_who_gets_the_call(counter: Counter) -> None:
    order = await counter.enter(contact_name="李司机", contact_phone="13812345678")
    changed = (await counter.patch(order, contact_phone="13887654321")).json()
    opened = await counter.rows("SELECT id, store_id, callee_phone FROM visits WHERE vehicle_id = $1 AND state = 'planned'")

    assert changed["contact_phone"] == "138****4321"
    assert [vault().open(row["callee_phone"], "visits", "callee_phone", row["store_id"], row["id"]) for row in opened] == [
        "+8613887654321"
    ]
    await counter.patch(changed, contact_name=None, contact_phone=None)
    assert (await counter.rows("SELECT callee_phone FROM visits WHERE vehicle_id = $1"))[0]["callee_phone"] is None


async def _numbers(counter: Counter, **query: Any) -> list[str]:
    answer = await counter.person.http.get(counter.path, params=query)
    assert answer.status_code == 200, answer.text
    return [item["number"] for item in answer.json()["items"]]


async def test_orders_are_found_by_car_kind_number_and_day(counter: Counter, pool: Pool) -> None:
    await counter.enter(number="N-1", closed_at="2026-11-20T00:00:00+08:00")
    await counter.enter(number="N-2", kind="claim", closed_at="2026-11-20T23:59:59+08:00")
    await counter.enter(number="N-3", closed_at="2026-11-21T00:00:00+08:00")
    async with pool.acquire() as conn:
        other = await make_work_order(conn, store_id=counter.store_id)

    assert await _numbers(counter, closed_from="2026-11-20", closed_to="2026-11-20") == ["N-2", "N-1"]
    assert await _numbers(counter, vehicle_id=str(counter.vehicle["id"]), closed_from="2026-11-21") == ["N-3"]
    assert await _numbers(counter, customer_id=str(other["customer_id"])) == [other["number"]]
    assert await _numbers(counter, kind="claim") == ["N-2"]
    assert await _numbers(counter, number="N-1") == ["N-1"]
    assert await _numbers(counter, number="N") == []


@pytest.mark.parametrize("sort", ["closed_at", "-closed_at", "-created_at"])
async def test_pages_show_every_order_once_in_order(counter: Counter, sort: str) -> None:
    for day in (16, 18, 18, 20):
        await counter.enter(closed_at=f"2026-11-{day}T10:00:00+08:00")
    seen: list[dict[str, Any]] = []
    query: dict[str, Any] = {"limit": 2, "sort": sort}
    while True:
        page = (await counter.person.http.get(counter.path, params=query)).json()
        seen += page["items"]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    column = sort.removeprefix("-")
    values = [item[column] for item in seen]

    assert len({item["id"] for item in seen}) == len(seen) == 5
    assert values == sorted(values, reverse=sort.startswith("-"))


@pytest.mark.parametrize("query", [{"sort": "number"}, {"kind": "wash"}, {"closed_from": "0001-01-01"}, {"vehicle_id": "x"}])
async def test_a_filter_that_cannot_be_is_refused(counter: Counter, query: dict[str, str]) -> None:
    assert (await counter.person.http.get(counter.path, params=query)).status_code == 422


async def test_a_change_says_which_version_it_read(counter: Counter) -> None:
    order = await counter.enter()
    path = f"{counter.path}/{order['id']}"

    assert (await counter.person.http.patch(path, json={"items": "x"})).status_code == 428
    assert (await counter.patch(order, items="更换刹车片")).json()["version"] == 2
    assert (await counter.patch(order, items="x")).status_code == 412


async def test_a_change_is_held_to_the_same_rules(counter: Counter) -> None:
    order = await counter.enter(opened_at="2026-11-23T07:00:00+08:00")

    assert pointer(await counter.patch(order, closed_at="2026-11-23T06:00:00+08:00")) == "#/opened_at"
    assert pointer(await counter.patch(order, closed_at="2026-11-24T06:00:00+08:00")) == "#/closed_at"
    assert pointer(await counter.patch(order, closed_at=None)) == "#/closed_at"
    assert pointer(await counter.patch(order, advisor_id=str(new_id()))) == "#/advisor_id"
    assert pointer(await counter.patch(order, vehicle_id=str(new_id()))) == "#/vehicle_id"
