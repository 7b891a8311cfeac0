"""The sales office's tasks over HTTP: a card handed over, a file uploaded, a letter printed."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from shared.db import Pool
from tests.api.conftest import Person, Sign
from tests.factories import make_programme, make_vehicle


@pytest.fixture
async def clerk(as_staff: Sign) -> Person:
    return await as_staff("sales_clerk")


@pytest.fixture
async def sale(clerk: Person, base: str, pool: Pool, store_id: UUID, as_staff: Sign) -> dict[str, Any]:
    await as_staff("general_manager", name="周建国")
    async with pool.acquire() as conn:
        for key in ("handover", "delivery-letter", "delivery-service"):
            await make_programme(conn, key, store_id=store_id)
        car = await make_vehicle(conn, store_id=store_id, model="途观 L")
    body = {"customer_id": str(car["customer_id"]), "vehicle_id": str(car["id"]), "delivered_on": "2026-11-20"}
    answer = await clerk.http.post(f"{base}/sales", json=body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def _tasks(clerk: Person, base: str) -> dict[str, dict[str, Any]]:
    answer = await clerk.http.get(f"{base}/tasks")
    return {item["kind"]: item for item in answer.json()["items"]}


async def test_finishing_the_card_starts_the_workshops_first_call(
    clerk: Person, base: str, sale: dict[str, Any], pool: Pool
) -> None:
    first = "SELECT due_on FROM visits WHERE trigger_id = $1 AND programme = 'delivery-service' AND step = 'first'"
    assert str(await pool.fetchval(first, UUID(sale["id"]))) == "2026-11-30"  # at the latest by day 7: three days after it
    task = (await _tasks(clerk, base))["hand_over_card"]
    done = await clerk.http.post(f"{base}/tasks/{task['id']}/done", json={})

    assert (done.status_code, task["about_id"]) == (200, sale["id"])
    assert (await clerk.http.get(f"{base}/sales/{sale['id']}")).json()["card_handed_on"] == "2026-11-23"
    assert str(await pool.fetchval(first, UUID(sale["id"]))) == "2026-11-26"


async def test_entering_the_day_finishes_the_task(clerk: Person, base: str, sale: dict[str, Any]) -> None:
    assert {"hand_over_card", "upload_file"} <= (await _tasks(clerk, base)).keys()
    await clerk.http.post(f"{base}/sales/{sale['id']}/card", json={"handed_on": "2026-11-22"})
    filed = await clerk.http.post(f"{base}/sales/{sale['id']}/file", json={})

    assert filed.json()["file_uploaded_on"] == "2026-11-23"
    assert set(await _tasks(clerk, base)) == {"letter"}


async def test_a_file_is_not_uploaded_before_the_delivery(clerk: Person, base: str, sale: dict[str, Any]) -> None:
    answer = await clerk.http.post(f"{base}/sales/{sale['id']}/file", json={"uploaded_on": "2026-11-19"})

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "#/file_uploaded_on")


async def test_the_letter_can_be_printed_and_the_general_manager_signs_it(clerk: Person, base: str, sale: dict[str, Any]) -> None:
    tasks = await _tasks(clerk, base)
    letter = (await clerk.http.get(f"{base}/tasks/{tasks['letter']['id']}/letter")).json()

    assert letter["to"] == "王建国"
    assert "尊敬的王建国先生" in letter["body"]
    assert "途观 L" in letter["body"]
    assert letter["body"].endswith("总经理 周建国")
    other = await clerk.http.get(f"{base}/tasks/{tasks['upload_file']['id']}/letter")
    assert (other.status_code, other.json()["code"]) == (404, "no_letter")


async def test_the_letter_is_shown_to_those_who_see_the_task(
    as_staff: Sign, clerk: Person, base: str, sale: dict[str, Any]
) -> None:
    technician = await as_staff("technician")
    task = (await _tasks(clerk, base))["letter"]

    assert (await technician.http.get(f"{base}/tasks/{task['id']}/letter")).status_code == 404
