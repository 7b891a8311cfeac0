"""Insurance policies: entered once, renewed or lost."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from shared.db import Pool
from tests.api.conftest import Person, Sign
from tests.factories import NOBODY, make_customer, make_policy, make_vehicle

Post = Callable[..., Awaitable[httpx.Response]]


@pytest.fixture
def path(base: str) -> str:
    return f"{base}/policies"


@pytest.fixture
async def specialist(as_staff: Sign) -> Person:
    return await as_staff("renewal_specialist")


@pytest.fixture
async def car(pool: Pool, store_id: UUID) -> asyncpg.Record:
    async with pool.acquire() as conn:
        return await make_vehicle(conn, store_id=store_id)


@pytest.fixture
def post(specialist: Person, path: str, car: asyncpg.Record) -> Post:
    async def send(**fields: Any) -> httpx.Response:
        body = {"vehicle_id": str(car["id"]), "insurer": "平安保险", "expires_on": "2027-11-22"}
        return await specialist.http.post(path, json=body | fields)

    return send


def pointer(answer: httpx.Response) -> str:
    """Where the fault of a refused body is."""
    assert answer.status_code == 422, answer.text
    place: str = answer.json()["errors"][0]["pointer"]
    return place


async def test_a_policy_belongs_to_the_owner_of_its_car(post: Post, specialist: Person, car: asyncpg.Record) -> None:
    answer = await post(number="P-1", starts_on="2026-11-23")
    policy = answer.json()

    assert answer.status_code == 201, answer.text
    assert (policy["customer_id"], policy["plate"]) == (str(car["customer_id"]), car["plate"])
    assert (policy["expires_on"], policy["result"]) == ("2027-11-22", None)
    assert (await specialist.http.get(answer.headers["Location"])).json() == policy


async def test_a_policy_is_entered_once(post: Post) -> None:
    await post()
    again = await post(insurer="太平洋保险")

    assert (again.status_code, again.json()["code"]) == (409, "policy_exists")
    assert (await post(expires_on="2028-11-22")).status_code == 201


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("vehicle_id", NOBODY),
        ("customer_id", NOBODY),
        ("starts_on", "2027-11-23"),
        ("expires_on", None),
        ("expires_on", "0001-01-01"),
        ("result", "maybe"),
        ("insurer", ""),
    ],
)
async def test_what_cannot_be_names_its_field(post: Post, field: str, value: object) -> None:
    assert pointer(await post(**{field: value})) == f"#/{field}"


async def test_a_policy_of_somebody_elses_car_is_refused(post: Post, pool: Pool, store_id: UUID) -> None:
    async with pool.acquire() as conn:
        other = await make_customer(conn, store_id=store_id)

    assert pointer(await post(customer_id=str(other["id"]))) == "#/customer_id"


async def test_the_renewal_ends_in_a_result(post: Post, specialist: Person) -> None:
    created = await post()
    where, etag = created.headers["Location"], created.headers["ETag"]
    renewed = await specialist.http.patch(where, json={"result": "renewed"}, headers={"If-Match": etag})

    assert (renewed.json()["result"], renewed.headers["ETag"]) == ("renewed", '"2"')
    assert (await specialist.http.patch(where, json={"result": None}, headers={"If-Match": etag})).status_code == 412
    assert (await specialist.http.patch(where, json={"result": None})).status_code == 428


async def test_a_change_is_held_to_the_same_rules(post: Post, specialist: Person) -> None:
    await post()
    where = (await post(expires_on="2028-11-22", starts_on="2027-11-23")).headers["Location"]

    async def patch(**fields: object) -> httpx.Response:
        return await specialist.http.patch(where, json=fields, headers={"If-Match": "*"})

    assert (await patch(expires_on="2027-11-22", starts_on=None)).json()["code"] == "policy_exists"
    assert pointer(await patch(expires_on="2027-01-01")) == "#/starts_on"
    assert pointer(await patch(expires_on=None)) == "#/expires_on"
    assert pointer(await patch(vehicle_id=str(uuid4()))) == "#/vehicle_id"


async def test_policies_are_found_by_car_day_and_result(specialist: Person, path: str, pool: Pool, store_id: UUID) -> None:
    async with pool.acquire() as conn:
        for day, result in ((1, None), (2, "renewed"), (3, "lost")):
            policy = await make_policy(conn, store_id=store_id, result=result, number=f"P{day}")
            await conn.execute(
                "UPDATE insurance_policies SET expires_on = make_date(2027, 1, $2) WHERE id = $1", policy["id"], day
            )

    async def numbers(**query: Any) -> list[str]:
        answer = await specialist.http.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return [item["number"] for item in answer.json()["items"]]

    assert await numbers() == ["P1", "P2", "P3"]
    assert await numbers(sort="-expires_on") == ["P3", "P2", "P1"]
    assert await numbers(expires_from="2027-01-02", expires_to="2027-01-02") == ["P2"]
    assert await numbers(result="open") == ["P1"]
    assert await numbers(number="P3") == ["P3"]
    assert await numbers(vehicle_id=str(policy["vehicle_id"]), customer_id=str(policy["customer_id"])) == ["P3"]
    first = (await specialist.http.get(path, params={"limit": 2})).json()
    assert await numbers(limit=2, cursor=first["next_cursor"]) == ["P3"]


async def test_a_policy_of_another_store_is_not_there(specialist: Person, path: str, pool: Pool, other_store_id: UUID) -> None:
    async with pool.acquire() as conn:
        foreign = await make_policy(conn, store_id=other_store_id)
    where = f"{path}/{foreign['id']}"

    assert (await specialist.http.get(where)).status_code == 404
    assert (await specialist.http.patch(where, json={}, headers={"If-Match": "*"})).status_code == 404
