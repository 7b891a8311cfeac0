"""Warranty items of a car over HTTP."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from shared.db import Pool
from tests.api.conftest import Person, Sign
from tests.factories import NOBODY, make_programme, make_reading, make_vehicle


@pytest.fixture
async def specialist(as_staff: Sign) -> Person:
    return await as_staff("followup_specialist")


@pytest.fixture
async def car(pool: Pool, store_id: UUID) -> asyncpg.Record:
    async with pool.acquire() as conn:
        await make_programme(conn, "warranty", store_id=store_id)
        return await make_vehicle(conn, store_id=store_id)


@pytest.fixture
def path(base: str, car: asyncpg.Record) -> str:
    return f"{base}/vehicles/{car['id']}/warranty-items"


async def add(specialist: Person, path: str, **body: Any) -> httpx.Response:
    return await specialist.http.post(path, json={"name": "动力总成", "starts_on": "2024-01-10", **body})


async def _visits(pool: Pool, item: dict[str, Any]) -> list[asyncpg.Record]:
    return list(await pool.fetch("SELECT * FROM visits WHERE trigger_id = $1", UUID(item["id"])))


async def test_an_item_that_ends_soon_is_called_about_at_once(specialist: Person, path: str, pool: Pool) -> None:
    answer = await add(specialist, path, months=35)
    item = answer.json()

    assert (answer.status_code, item["expected_on"]) == (201, "2026-12-10")
    (visit,) = await _visits(pool, item)
    assert (visit["programme"], str(visit["due_on"]), visit["assignee_id"]) == ("warranty", "2026-11-23", specialist.staff_id)


async def test_the_end_is_by_time_or_by_mileage_whichever_is_first(
    specialist: Person, path: str, pool: Pool, car: asyncpg.Record
) -> None:
    async with pool.acquire() as conn:
        await make_reading(conn, vehicle_id=car["id"], km=99_000)
    item = (await add(specialist, path, months=60, km=100_000)).json()

    assert "2026-11-23" < item["expected_on"] < "2026-12-31"


async def test_other_terms_move_what_is_planned(specialist: Person, path: str, pool: Pool) -> None:
    answer = await add(specialist, path, months=36)
    item, headers = answer.json(), {"If-Match": answer.headers["ETag"]}
    assert (await _visits(pool, item)) == []
    changed = await specialist.http.patch(f"{path}/{item['id']}", json={"months": 35}, headers={"If-Match": "*"})

    assert (changed.status_code, changed.json()["expected_on"]) == (200, "2026-12-10")
    assert len(await _visits(pool, item)) == 1
    assert (await specialist.http.patch(f"{path}/{item['id']}", json={"months": 34}, headers=headers)).status_code == 412


async def test_an_item_that_never_was_takes_its_call_along(specialist: Person, path: str, pool: Pool) -> None:
    item = (await add(specialist, path, months=35)).json()
    gone = await specialist.http.delete(f"{path}/{item['id']}")

    assert gone.status_code == 204
    assert (await specialist.http.get(path)).json()["items"] == []
    assert [row["state"] for row in await _visits(pool, item)] == ["cancelled"]


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({}, "#/months"),
        ({"months": 0}, "#/months"),
        ({"km": -5}, "#/km"),
        ({"months": 36, "starts_on": None}, "#/starts_on"),
        ({"months": 36, "name": " "}, "#/name"),
    ],
)
async def test_what_cannot_be_names_its_field(specialist: Person, path: str, body: dict[str, Any], where: str) -> None:
    answer = await add(specialist, path, **body)

    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["pointer"] == where


async def test_an_item_of_one_name_is_there_once(specialist: Person, path: str) -> None:
    await add(specialist, path, months=36)

    assert (await add(specialist, path, months=24)).json()["code"] == "warranty_item_exists"


async def test_a_car_or_an_item_of_another_is_not_there(
    specialist: Person, base: str, path: str, pool: Pool, other_store_id: UUID, store_id: UUID
) -> None:
    async with pool.acquire() as conn:
        foreign = await make_vehicle(conn, store_id=other_store_id)
        mine = await make_vehicle(conn, store_id=store_id)
    item = (await add(specialist, path, months=36)).json()

    assert (await specialist.http.get(f"{base}/vehicles/{foreign['id']}/warranty-items")).status_code == 404
    assert (await specialist.http.get(f"{base}/vehicles/{NOBODY}/warranty-items")).status_code == 404
    wrong_car = f"{base}/vehicles/{mine['id']}/warranty-items/{item['id']}"
    assert (await specialist.http.patch(wrong_car, json={"months": 1}, headers={"If-Match": "*"})).status_code == 404
    assert (await specialist.http.delete(wrong_car)).status_code == 404
