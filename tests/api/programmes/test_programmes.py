"""A store selects, copies and edits its programmes; a fault is named by its line and changes nothing."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from shared.packs import pack_text, shipped_packs
from tests.api.conftest import Sign
from tests.factories.base import number


@pytest.fixture
async def path(operator: httpx.AsyncClient) -> str:
    """A store made through the API."""
    made = await operator.post("/v1/stores", json={"code": f"P{number()}", "name": "方案店", "signature": "方案店"})
    assert made.status_code == 201, made.text
    return f"/v1/stores/{made.json()['id']}/programmes"


async def _put(client: httpx.AsyncClient, path: str, key: str, **body: Any) -> httpx.Response:
    return await client.put(f"{path}/{key}", json=body)


async def test_a_new_store_begins_with_every_shipped_programme(operator: httpx.AsyncClient, path: str) -> None:
    items = (await operator.get(path)).json()["items"]

    assert [item["key"] for item in items] == sorted(pack.key for pack in shipped_packs())
    sales = next(item for item in items if item["key"] == "delivery-sales")
    assert sales["steps"][0]["window"] == {"earliest": 1, "due": 2, "deadline": 3, "unit": "days"}


async def test_a_policy_is_selected_by_its_name(operator: httpx.AsyncClient, path: str) -> None:
    changed = (await _put(operator, path, "after-repair", policy="s4")).json()

    assert (changed["policy"], changed["version"]) == ("s4", 2)
    assert changed["steps"][0]["window"]["due"] == 7
    assert [row["version"] for row in (await operator.get(f"{path}/after-repair/versions")).json()] == [2, 1]


async def test_an_edited_text_becomes_the_next_version_and_the_same_text_does_not(operator: httpx.AsyncClient, path: str) -> None:
    edited = pack_text("delivery-sales").replace("due: 2, deadline: 3", "due: 3, deadline: 4", 1)
    first = (await _put(operator, path, "delivery-sales", pack=edited)).json()
    again = (await _put(operator, path, "delivery-sales", pack=edited)).json()

    assert first["steps"][0]["window"]["due"] == 3
    assert first["version"] == again["version"] == 2


async def test_a_faulty_text_is_refused_with_its_lines_and_the_old_one_stays(operator: httpx.AsyncClient, path: str) -> None:
    broken = pack_text("delivery-sales").replace("channel: phone", "channel: pigeon", 1)
    answer = await _put(operator, path, "delivery-sales", pack=broken)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["message"].startswith("line ")
    assert (await operator.get(f"{path}/delivery-sales")).json()["version"] == 1


@pytest.mark.parametrize(
    ("key", "body", "status"),
    [
        ("after-repair", {"policy": "s9"}, 422),
        ("nothing", {"enabled": False}, 404),
        ("after-repair", {}, 422),
        ("delivery-club", {"pack": pack_text("delivery-sales")}, 422),
    ],
)
async def test_what_cannot_be_is_said(
    operator: httpx.AsyncClient, path: str, key: str, body: dict[str, Any], status: int
) -> None:
    assert (await _put(operator, path, key, **body)).status_code == status


async def test_a_programme_is_switched_off_and_on(operator: httpx.AsyncClient, path: str) -> None:
    assert (await _put(operator, path, "welcome", enabled=False)).json()["enabled"] is False
    assert (await _put(operator, path, "welcome", enabled=True)).json()["version"] == 3


async def test_only_managers_change_a_programme(base: str, as_staff: Sign) -> None:
    consultant = await as_staff("sales_consultant")

    assert (await consultant.http.put(f"{base}/programmes/welcome", json={"enabled": False})).status_code == 403
