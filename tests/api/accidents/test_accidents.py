"""Accidents over HTTP: entered, tracked by whoever holds the file, until the claim is closed."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from shared.db import Pool
from tests.api.conftest import Person, Sign
from tests.factories import NOBODY, make_programme, make_sale, make_vehicle


@pytest.fixture
async def specialist(as_staff: Sign) -> Person:
    return await as_staff("insurance_specialist")


@pytest.fixture
async def car(pool: Pool, store_id: UUID) -> asyncpg.Record:
    async with pool.acquire() as conn:
        await make_programme(conn, "accident", store_id=store_id)
        return await make_sale(conn, store_id=store_id)


async def report(specialist: Person, base: str, car: asyncpg.Record, **body: Any) -> httpx.Response:
    given = {"vehicle_id": str(car["vehicle_id"]), "happened_on": "2026-11-23", **body}
    return await specialist.http.post(f"{base}/accidents", json=given)


async def _visits(pool: Pool, accident: dict[str, Any]) -> list[asyncpg.Record]:
    return list(await pool.fetch("SELECT * FROM visits WHERE trigger_id = $1 ORDER BY created_at, id", UUID(accident["id"])))


async def test_an_accident_is_called_about_at_once_by_whoever_holds_the_file(
    specialist: Person, base: str, car: asyncpg.Record, pool: Pool
) -> None:
    answer = await report(specialist, base, car, place="沪太路", claim_number="C-1")
    accident = answer.json()

    assert answer.status_code == 201, answer.text
    assert (accident["customer_id"], accident["claim_closed_on"]) == (str(car["customer_id"]), None)
    assert (await specialist.http.get(answer.headers["Location"])).json() == accident
    (visit,) = await _visits(pool, accident)
    assert (visit["assignee_id"], str(visit["due_on"])) == (specialist.staff_id, "2026-11-23")


async def test_a_closed_claim_ends_the_calls(specialist: Person, base: str, car: asyncpg.Record, pool: Pool) -> None:
    answer = await report(specialist, base, car)
    accident, headers = answer.json(), {"If-Match": answer.headers["ETag"]}
    where = f"{base}/accidents/{accident['id']}"
    body = {"claim_closed_on": "2026-11-23", "outcome": "全额赔付"}
    closed = await specialist.http.patch(where, json=body, headers=headers)

    assert (closed.status_code, closed.json()["outcome"]) == (200, "全额赔付")
    assert [row["state"] for row in await _visits(pool, accident)] == ["cancelled"]
    assert (await specialist.http.patch(where, json=body, headers=headers)).status_code == 412
    assert (await specialist.http.patch(where, json=body)).status_code == 428


async def test_the_claim_that_the_customer_calls_closed_is_closed(
    specialist: Person, base: str, car: asyncpg.Record, pool: Pool
) -> None:
    accident = (await report(specialist, base, car)).json()
    (visit,) = await _visits(pool, accident)
    answers = {"injured": False, "reported_to_insurer": True, "claim_closed": True}
    body = {"channel": "phone", "outcome": "reached", "reached_person": "owner", "answers": answers}
    answer = await specialist.http.post(f"{base}/visits/{visit['id']}/attempts", json=body)
    assert answer.status_code == 201, answer.text

    assert (await specialist.http.get(f"{base}/accidents/{accident['id']}")).json()["claim_closed_on"] == "2026-11-23"
    assert [row["state"] for row in await _visits(pool, accident)] == ["completed", "cancelled"]


async def test_accidents_are_listed_and_narrowed(specialist: Person, base: str, car: asyncpg.Record) -> None:
    for day in ("2026-11-20", "2026-11-22"):
        await report(specialist, base, car, happened_on=day)

    async def days(**query: Any) -> list[str]:
        answer = await specialist.http.get(f"{base}/accidents", params=query)
        assert answer.status_code == 200, answer.text
        return [item["happened_on"] for item in answer.json()["items"]]

    assert await days() == ["2026-11-22", "2026-11-20"]
    assert await days(closed="true") == []
    assert await days(closed="false", happened_from="2026-11-21") == ["2026-11-22"]
    assert await days(vehicle_id=NOBODY) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("vehicle_id", NOBODY),
        ("happened_on", "2026-11-24"),
        ("reported_at", "2026-11-24T09:00:00+08:00"),
        ("reported_at", "2026-11-20T09:00:00+08:00"),
    ],
)
async def test_what_cannot_be_names_its_field(specialist: Person, base: str, car: asyncpg.Record, field: str, value: str) -> None:
    answer = await report(specialist, base, car, **{field: value})

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, f"#/{field}")


async def test_the_sources_number_is_an_accident_once(specialist: Person, base: str, car: asyncpg.Record) -> None:
    await report(specialist, base, car, external_code="A-1")
    again = await report(specialist, base, car, external_code="A-1")

    assert (again.status_code, again.json()["code"]) == (409, "accident_exists")


async def test_an_accident_of_another_store_is_not_there(
    specialist: Person, base: str, pool: Pool, other_store_id: UUID, as_staff: Sign, car: asyncpg.Record
) -> None:
    stranger = await as_staff("insurance_specialist", store_id=other_store_id)
    accident = (await report(specialist, base, car)).json()
    async with pool.acquire() as conn:
        foreign = await make_vehicle(conn, store_id=other_store_id)

    assert (await stranger.http.get(f"{base}/accidents/{accident['id']}")).status_code == 404
    assert (await stranger.http.get(f"/v1/stores/{other_store_id}/accidents/{accident['id']}")).status_code == 404
    answer = await specialist.http.post(f"{base}/accidents", json={"vehicle_id": str(foreign["id"]), "happened_on": "2026-11-23"})
    assert answer.json()["errors"][0]["pointer"] == "#/vehicle_id"
