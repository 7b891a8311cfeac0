"""How renewals end over HTTP: the calls stop, a renewed policy has the next one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from shared.db import Pool
from tests.api.conftest import Person, Sign
from tests.factories import TODAY, make_policy, make_programme

ENDS = TODAY + timedelta(days=60)


@pytest.fixture
async def specialist(as_staff: Sign) -> Person:
    return await as_staff("renewal_specialist")


@pytest.fixture
async def policy(pool: Pool, store_id: UUID, specialist: Person, base: str) -> dict[str, Any]:
    async with pool.acquire() as conn:
        await make_programme(conn, "renewal", store_id=store_id)
        old = await make_policy(conn, store_id=store_id, expires_on=TODAY - timedelta(days=305))
    body = {"vehicle_id": str(old["vehicle_id"]), "insurer": "平安保险", "expires_on": ENDS.isoformat()}
    answer = await specialist.http.post(f"{base}/policies", json=body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def _settle(specialist: Person, base: str, policy: dict[str, Any], **body: Any) -> httpx.Response:
    return await specialist.http.post(f"{base}/policies/{policy['id']}/result", json=body)


async def _visits(pool: Pool, policy: dict[str, Any]) -> list[asyncpg.Record]:
    return list(await pool.fetch("SELECT * FROM visits WHERE trigger_id = $1 ORDER BY due_at", UUID(policy["id"])))


async def test_a_policy_that_ends_within_reach_is_planned_at_once(policy: dict[str, Any], pool: Pool, specialist: Person) -> None:
    visits = await _visits(pool, policy)

    assert [(ENDS - row["due_on"]).days for row in visits] == [60, 30, 15, 7]
    assert {row["assignee_id"] for row in visits} == {specialist.staff_id}


async def test_renewed_ends_the_calls_and_enters_the_next_policy(
    policy: dict[str, Any], pool: Pool, specialist: Person, base: str
) -> None:
    answer = await _settle(specialist, base, policy, result="renewed", next={"number": "P-2"})

    renewed = answer.json()
    assert (answer.status_code, renewed["result"], renewed["result_on"]) == (200, "renewed", "2026-11-23")
    following = (await specialist.http.get(f"{base}/policies/{renewed['next_policy_id']}")).json()
    assert (following["insurer"], following["number"], following["starts_on"]) == ("平安保险", "P-2", ENDS.isoformat())
    assert following["expires_on"] == ENDS.replace(year=ENDS.year + 1).isoformat()
    assert {row["state"] for row in await _visits(pool, policy)} == {"cancelled"}

    again = await _settle(specialist, base, policy, result="renewed")
    assert (again.status_code, again.json()["next_policy_id"]) == (200, renewed["next_policy_id"])
    assert (await _settle(specialist, base, policy, result="lost")).json()["code"] == "policy_settled"


async def test_renewed_finds_the_next_policy_that_is_there(policy: dict[str, Any], specialist: Person, base: str) -> None:
    body = {"vehicle_id": policy["vehicle_id"], "expires_on": ENDS.replace(year=ENDS.year + 1).isoformat()}
    there = (await specialist.http.post(f"{base}/policies", json=body)).json()
    renewed = (await _settle(specialist, base, policy, result="renewed")).json()

    assert renewed["next_policy_id"] == there["id"]


async def test_lost_ends_the_calls_and_keeps_the_reason(
    policy: dict[str, Any], pool: Pool, specialist: Person, base: str
) -> None:
    lost = (await _settle(specialist, base, policy, result="lost", lost_reason="别家便宜")).json()

    assert (lost["result"], lost["lost_reason"], lost["next_policy_id"]) == ("lost", "别家便宜", None)
    assert {row["state"] for row in await _visits(pool, policy)} == {"cancelled"}


async def test_what_the_customer_says_on_the_call_is_the_result(
    policy: dict[str, Any], pool: Pool, specialist: Person, base: str
) -> None:
    first, *_ = await _visits(pool, policy)
    body = {"channel": "phone", "outcome": "reached", "reached_person": "owner", "answers": {"renewal_result": "renewed"}}
    answer = await specialist.http.post(f"{base}/visits/{first['id']}/attempts", json=body)
    assert answer.status_code == 201, answer.text

    after = (await specialist.http.get(f"{base}/policies/{policy['id']}")).json()
    assert after["result"] == "renewed"
    assert after["next_policy_id"] is not None
    assert [row["state"] for row in await _visits(pool, policy)] == ["completed", "cancelled", "cancelled", "cancelled"]


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({}, "#/result"),
        ({"result": "maybe"}, "#/result"),
        ({"result": "lost", "on": "2026-11-24"}, "#/on"),
        ({"result": "renewed", "lost_reason": "x"}, "#/lost_reason"),
        ({"result": "lost", "next": {"number": "P-2"}}, "#/next"),
        ({"result": "renewed", "next": {"expires_on": "2027-02-01", "starts_on": "2027-01-22"}}, "#/next/expires_on"),
        ({"result": "renewed", "next": {"expires_on": "2028-01-01", "starts_on": "2028-02-01"}}, "#/next/starts_on"),
    ],
)
async def test_what_cannot_be_names_its_field(
    policy: dict[str, Any], specialist: Person, base: str, body: dict[str, Any], where: str
) -> None:
    answer = await _settle(specialist, base, policy, **body)

    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["pointer"] == where


async def test_a_policy_of_another_store_is_not_there(specialist: Person, base: str, pool: Pool, other_store_id: UUID) -> None:
    async with pool.acquire() as conn:
        foreign = await make_policy(conn, store_id=other_store_id)

    assert (await specialist.http.post(f"{base}/policies/{foreign['id']}/result", json={"result": "lost"})).status_code == 404
