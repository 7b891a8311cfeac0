"""Cars over HTTP: spelled one way, estimated by their readings, passed on without a trace of the old owner."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import httpx
import pytest

from shared.db import Pool
from tests.api.conftest import Person
from tests.factories import NOBODY, make_customer, make_programme, make_sale, make_vehicle, make_visit
from tests.factories.vehicles import a_vin


@pytest.fixture
async def customer_id(pool: Pool, store_id: UUID) -> UUID:
    async with pool.acquire() as conn:
        found: UUID = (await make_customer(conn, store_id=store_id))["id"]
    return found


async def create(http: httpx.AsyncClient, base: str, customer_id: UUID, **body: Any) -> dict[str, Any]:
    answer = await http.post(f"{base}/vehicles", json={"customer_id": str(customer_id), **body})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def test_a_car_is_spelled_one_way_and_found_in_any(base: str, as_admin: Person, customer_id: UUID) -> None:
    vin = a_vin()
    made = await create(as_admin.http, base, customer_id, plate="沪a·12f45", vin=vin.lower(), model="朗逸")
    assert (made["plate"], made["vin"]) == ("沪A12F45", vin)
    for query in ({"plate": "沪A 12F45"}, {"vin": vin.lower()}, {"q": "12f4"}, {"q": "朗逸"}, {"customer_id": str(customer_id)}):
        found = (await as_admin.http.get(f"{base}/vehicles", params=query)).json()["items"]
        assert [car["id"] for car in found] == [made["id"]], query


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("plate", "ABC"),
        ("vin", "LSVAA49J132047370"),
        ("interval_months", 0),
        ("purchased_on", "2026-13-01"),
        ("customer_id", NOBODY),
    ],
)
async def test_what_is_wrong_is_pointed_at(base: str, as_admin: Person, customer_id: UUID, field: str, value: object) -> None:
    answer = await as_admin.http.post(f"{base}/vehicles", json={"customer_id": str(customer_id), field: value})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == f"#/{field}"


async def test_one_vin_is_one_car_at_a_time(base: str, as_admin: Person, customer_id: UUID) -> None:
    vin = a_vin()
    await create(as_admin.http, base, customer_id, vin=vin)
    answer = await as_admin.http.post(f"{base}/vehicles", json={"customer_id": str(customer_id), "vin": vin})
    assert (answer.status_code, answer.json()["code"]) == (409, "vin_taken")


async def test_readings_bring_the_next_maintenance_forward(base: str, as_admin: Person, customer_id: UUID) -> None:
    http = as_admin.http
    car = await create(
        http, base, customer_id, last_maintenance_on="2026-08-23", last_maintenance_km=10000, purchased_on="2025-08-23"
    )
    assert car["next_maintenance_on"] == "2026-12-23"  # 5,000 km at 1,250 km a month
    path = f"{base}/vehicles/{car['id']}"
    reading = await http.post(f"{path}/readings", json={"km": 14600})
    assert (reading.status_code, reading.json()["read_on"]) == (201, "2026-11-23")
    again = (await http.post(f"{path}/readings", json={"km": 14500})).json()
    assert (again["id"], again["km"]) == (reading.json()["id"], 14600)
    assert (await http.get(path)).json()["next_maintenance_on"] == "2026-12-01"
    tomorrow = await http.post(f"{path}/readings", json={"km": 15000, "read_on": "2026-11-24"})
    assert tomorrow.json()["errors"][0]["pointer"] == "#/read_on"


async def test_another_interval_moves_the_next_maintenance(base: str, as_admin: Person, customer_id: UUID) -> None:
    http = as_admin.http
    car = await create(http, base, customer_id, last_maintenance_on="2026-08-23", purchased_on="2025-08-23")
    path = f"{base}/vehicles/{car['id']}"
    changed = await http.patch(path, json={"interval_months": 2}, headers={"If-Match": '"1"'})
    assert (changed.json()["next_maintenance_on"], changed.headers["etag"]) == ("2026-10-23", '"2"')
    assert (await http.patch(path, json={"colour": "白"}, headers={"If-Match": '"1"'})).status_code == 412
    assert (await http.patch(path, json={"colour": "白"})).status_code == 428


async def test_a_car_excluded_from_follow_up_has_its_visits_cancelled(
    base: str, as_admin: Person, pool: Pool, store_id: UUID
) -> None:
    async with pool.acquire() as conn:
        await make_programme(conn, "delivery-sales", store_id=store_id)
        sale = await make_sale(conn, store_id=store_id)
        await make_visit(
            conn,
            customer_id=sale["customer_id"],
            vehicle_id=sale["vehicle_id"],
            programme="delivery-sales",
            step="thanks",
            trigger_type="sale.delivered",
            trigger_id=sale["id"],
        )
    await as_admin.http.patch(f"{base}/vehicles/{sale['vehicle_id']}", json={"excluded": True}, headers={"If-Match": "*"})
    async with pool.acquire() as conn:
        states = await conn.fetch("SELECT state, state_reason FROM visits WHERE vehicle_id = $1", sale["vehicle_id"])
    assert [tuple(row) for row in states] == [("cancelled", "excluded")]


async def test_a_new_owner_starts_clean(base: str, as_admin: Person, pool: Pool, store_id: UUID, customer_id: UUID) -> None:
    async with pool.acquire() as conn:
        old = await make_vehicle(conn, store_id=store_id, plate="沪A00001", last_maintenance_on=None)
        await make_visit(conn, customer_id=old["customer_id"], vehicle_id=old["id"])
    path = f"{base}/vehicles/{old['id']}/transfer"
    made = await as_admin.http.post(path, json={"customer_id": str(customer_id), "plate": "沪A99999"})
    assert made.status_code == 201
    new = made.json()
    assert (new["vin"], new["plate"], new["customer_id"], new["ended_at"]) == (old["vin"], "沪A99999", str(customer_id), None)
    before = (await as_admin.http.get(f"{base}/vehicles/{old['id']}")).json()
    assert (before["end_reason"], before["ended_at"]) == ("transferred", "2026-11-23T09:00:00.000+08:00")
    async with pool.acquire() as conn:
        state = await conn.fetchval("SELECT state FROM visits WHERE vehicle_id = $1", old["id"])
    assert state == "cancelled"
    assert (await as_admin.http.post(path, json={"customer_id": str(customer_id)})).json()["code"] == "vehicle_ended"


async def test_a_car_of_another_store_is_unknown(base: str, as_admin: Person, pool: Pool, other_store_id: UUID) -> None:
    async with pool.acquire() as conn:
        foreign = await make_vehicle(conn, store_id=other_store_id)
    assert (await as_admin.http.get(f"{base}/vehicles/{foreign['id']}")).json()["code"] == "vehicle_not_found"
    mine = await as_admin.http.post(f"{base}/vehicles", json={"customer_id": str(foreign["customer_id"])})
    assert mine.json()["errors"][0]["pointer"] == "#/customer_id"
