"""Deliveries over HTTP: entered once, followed up at once, and the follow-up follows what becomes known."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

import httpx
import pytest

from shared.db import Pool
from tests.api.conftest import Person, Sign
from tests.factories import make_lead, make_programme, make_sale, make_vehicle


@pytest.fixture
async def car(pool: Pool, store_id: UUID) -> dict[str, Any]:
    async with pool.acquire() as conn:
        for key in ("delivery-sales", "delivery-service"):
            await make_programme(conn, key, store_id=store_id)
        lead = await make_lead(conn, store_id=store_id)
        await conn.execute("UPDATE customers SET lifecycle = 'lead' WHERE id = $1", lead["customer_id"])
        return dict(await make_vehicle(conn, customer_id=lead["customer_id"], purchased_on=None))


async def create(http: httpx.AsyncClient, base: str, car: dict[str, Any], **body: Any) -> dict[str, Any]:
    sale = {"customer_id": str(car["customer_id"]), "vehicle_id": str(car["id"]), "delivered_on": "2026-11-23", **body}
    answer = await http.post(f"{base}/sales", json=sale)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def visits(pool: Pool, car: dict[str, Any]) -> dict[tuple[str, str], Any]:
    async with pool.acquire() as conn:
        rows = await conn.fetch("SELECT * FROM visits WHERE vehicle_id = $1 ORDER BY id", car["id"])
    return {(row["programme"], row["step"]): row for row in rows}


async def test_a_delivery_makes_an_owner_wins_the_lead_and_plans_its_follow_up(
    base: str, as_staff: Sign, pool: Pool, car: dict[str, Any]
) -> None:
    consultant = await as_staff("sales_consultant")
    await create(consultant.http, base, car, consultant_id=str(consultant.staff_id))
    planned = await visits(pool, car)
    assert planned["delivery-sales", "thanks"]["assignee_id"] == consultant.staff_id
    assert str(planned["delivery-sales", "use"]["due_on"]) == "2026-11-30"
    assert ("delivery-service", "first") in planned
    async with pool.acquire() as conn:
        customer = await conn.fetchrow("SELECT lifecycle, holder_id FROM customers WHERE id = $1", car["customer_id"])
        lead = await conn.fetchval("SELECT state FROM leads WHERE customer_id = $1", car["customer_id"])
        bought = await conn.fetchrow("SELECT purchased_on, next_maintenance_on FROM vehicles WHERE id = $1", car["id"])
    assert tuple(customer or ()) == ("owner", consultant.staff_id)
    assert lead == "won"
    assert [str(day) for day in bought or ()] == ["2026-11-23", "2027-02-23"]


async def test_a_delivery_is_entered_once(base: str, as_admin: Person, car: dict[str, Any]) -> None:
    await create(as_admin.http, base, car)
    sale = {"customer_id": str(car["customer_id"]), "vehicle_id": str(car["id"]), "delivered_on": "2026-11-23"}
    answer = await as_admin.http.post(f"{base}/sales", json=sale)
    assert (answer.status_code, answer.json()["code"]) == (409, "delivered_already")


async def test_insured_and_plated_end_the_chase(base: str, as_admin: Person, pool: Pool, car: dict[str, Any]) -> None:
    sale = await create(as_admin.http, base, car, delivered_on="2026-11-10", insured=False, plated=False)
    assert (await visits(pool, car))["delivery-sales", "chase"]["state"] == "planned"
    path = f"{base}/sales/{sale['id']}"
    first = await as_admin.http.patch(path, json={"insured": True}, headers={"If-Match": '"1"'})
    assert first.json()["insured"] is True
    assert (await visits(pool, car))["delivery-sales", "chase"]["state"] == "planned"
    await as_admin.http.patch(path, json={"plated": True}, headers={"If-Match": first.headers["etag"]})
    assert (await visits(pool, car))["delivery-sales", "chase"]["state"] == "cancelled"


async def test_a_corrected_day_moves_what_is_planned(base: str, as_admin: Person, pool: Pool, car: dict[str, Any]) -> None:
    sale = await create(as_admin.http, base, car)
    path = f"{base}/sales/{sale['id']}"
    assert (await as_admin.http.patch(path, json={"delivered_on": "2026-11-22"})).status_code == 428
    await as_admin.http.patch(path, json={"delivered_on": "2026-11-22"}, headers={"If-Match": '"1"'})
    planned = await visits(pool, car)
    assert str(planned["delivery-sales", "use"]["due_on"]) == "2026-11-29"
    assert str(planned["delivery-service", "first"]["due_on"]) == "2026-12-02"


async def test_the_card_brings_the_workshops_call_forward(base: str, as_staff: Sign, pool: Pool, car: dict[str, Any]) -> None:
    clerk = await as_staff("sales_clerk")
    sale = await create(clerk.http, base, car)
    handed = await clerk.http.post(f"{base}/sales/{sale['id']}/card", json={})
    assert handed.json()["card_handed_on"] == "2026-11-23"
    assert str((await visits(pool, car))["delivery-service", "first"]["due_on"]) == "2026-11-26"


async def test_an_excluded_delivery_is_followed_up_by_nobody(
    base: str, as_admin: Person, pool: Pool, car: dict[str, Any]
) -> None:
    await create(as_admin.http, base, car, excluded=True)
    assert await visits(pool, car) == {}


@pytest.mark.parametrize(
    ("field", "value", "pointer"),
    [
        ("consultant_id", "01939a5e-7c7e-7000-8000-000000000001", "#/consultant_id"),
        ("vehicle_id", "01939a5e-7c7e-7000-8000-000000000001", "#/vehicle_id"),
        ("card_handed_on", "2026-11-01", "#/card_handed_on"),
        ("price_fen", -1, "#/price_fen"),
        ("delivered_on", "23.11.2026", "#/delivered_on"),
    ],
)
async def test_what_is_wrong_is_pointed_at(
    base: str, as_admin: Person, car: dict[str, Any], field: str, value: object, pointer: str
) -> None:
    sale = {"customer_id": str(car["customer_id"]), "vehicle_id": str(car["id"]), "delivered_on": "2026-11-23", field: value}
    answer = await as_admin.http.post(f"{base}/sales", json=sale)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


async def test_a_car_is_sold_to_its_own_customer(
    base: str, as_admin: Person, pool: Pool, store_id: UUID, car: dict[str, Any]
) -> None:
    async with pool.acquire() as conn:
        other = await make_sale(conn, store_id=store_id)
    sale = {"customer_id": str(other["customer_id"]), "vehicle_id": str(car["id"]), "delivered_on": "2026-11-23"}
    answer = await as_admin.http.post(f"{base}/sales", json=sale)
    assert answer.json()["errors"][0]["pointer"] == "#/vehicle_id"


async def test_deliveries_are_listed_by_day(base: str, as_admin: Person, pool: Pool, store_id: UUID) -> None:
    async with pool.acquire() as conn:
        for day in (3, 1, 2):
            await make_sale(conn, store_id=store_id, delivered_on=date(2026, 11, day), insured=day == 2)
    http = as_admin.http
    page = (await http.get(f"{base}/sales", params={"limit": 2})).json()
    rest = (await http.get(f"{base}/sales", params={"limit": 2, "cursor": page["next_cursor"]})).json()
    assert [sale["delivered_on"][-1] for sale in page["items"] + rest["items"]] == ["3", "2", "1"]
    found = (await http.get(f"{base}/sales", params={"delivered_from": "2026-11-02", "insured": "true"})).json()
    assert [sale["delivered_on"] for sale in found["items"]] == ["2026-11-02"]


async def test_a_repeated_post_with_a_key_plans_once(base: str, as_admin: Person, pool: Pool, car: dict[str, Any]) -> None:
    sale = {"customer_id": str(car["customer_id"]), "vehicle_id": str(car["id"]), "delivered_on": "2026-11-23"}
    answers = [
        await as_admin.http.post(f"{base}/sales", json=sale, headers={"Idempotency-Key": f"sale-{car['id']}"}) for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert len(await visits(pool, car)) == 5
