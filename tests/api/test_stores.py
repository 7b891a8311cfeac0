"""Stores over HTTP; the pattern of every feature's tests."""

from __future__ import annotations

from uuid import UUID

import httpx

from tests.api.conftest import Person, Sign
from tests.factories.base import number


async def test_the_operator_adds_a_store_and_finds_it_again(operator: httpx.AsyncClient) -> None:
    made = await operator.post("/v1/stores", json={"code": f"T{number()}", "name": "通达汽车城东店"})

    assert made.status_code == 201, made.text
    found = await operator.get(made.headers["Location"])
    assert found.json() == made.json()
    assert found.headers["ETag"] == '"1"'
    assert found.json()["created_at"] == "2026-11-23T09:00:00.000+08:00"


async def test_a_second_store_with_the_same_code_is_refused(operator: httpx.AsyncClient) -> None:
    body = {"code": f"T{number()}", "name": "一店"}
    await operator.post("/v1/stores", json=body)

    again = await operator.post("/v1/stores", json=body)

    assert again.status_code == 409
    assert again.json()["code"] == "store_code_taken"


async def test_an_administrator_changes_the_hours_of_the_store_that_was_read(as_admin: Person, base: str) -> None:
    tag = (await as_admin.http.get(base)).headers["ETag"]

    changed = await as_admin.http.patch(base, json={"weekly_hours": {"0": [["08:30", "20:00"]]}}, headers={"If-Match": tag})
    stale = await as_admin.http.patch(base, json={"name": "新名"}, headers={"If-Match": tag})
    blind = await as_admin.http.patch(base, json={"name": "新名"})

    assert changed.json()["weekly_hours"] == {"0": [["08:30", "20:00"]]}
    assert (stale.status_code, blind.status_code) == (412, 428)


async def test_a_consultant_reads_the_store_and_may_not_change_it(as_staff: Sign, base: str) -> None:
    consultant = await as_staff("sales_consultant")

    read = await consultant.http.get(base)
    change = await consultant.http.patch(base, json={"name": "我的店"}, headers={"If-Match": "*"})

    assert (read.status_code, change.status_code) == (200, 403)


async def test_somebody_of_another_store_learns_nothing(as_staff: Sign, other_store_id: UUID, base: str) -> None:
    stranger = await as_staff("admin", store_id=other_store_id)

    assert (await stranger.http.get(base)).status_code == 404
    assert base.rpartition("/")[2] not in {store["id"] for store in (await stranger.http.get("/v1/stores")).json()["items"]}
