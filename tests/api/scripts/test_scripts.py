"""A store's own words for a call: set, refused with line and reason, previewed, spoken in the brief, taken back (domain.md §5.2)."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from shared.db import Pool
from tests.api.conftest import Person, Sign
from tests.factories import NOBODY, NOW, make_customer, make_programme, make_vehicle, make_visit

GOOD = (
    "开场：我是{{ store_name }}的{{ staff_name }}。\n确认本人：是{{ customer_name }}吗？\n目的：聊聊{{ plate }}。\n结束：再见！"
)
QUESTION = {"key": "coffee", "zh": "喝咖啡吗", "en": "Coffee?", "type": "yes_no", "required": True}


@pytest.fixture
async def manager(pool: Pool, store_id: Any, as_staff: Sign) -> Person:
    async with pool.acquire() as conn:
        await make_programme(conn, "after-maintenance", store_id=store_id)
        await make_programme(conn, "welcome", store_id=store_id)
    return await as_staff("customer_manager")


@pytest.fixture
def path(base: str) -> str:
    return f"{base}/scripts/after-maintenance/call"


async def _set(manager: Person, path: str, **body: Any) -> httpx.Response:
    return await manager.http.put(path, json={"text": GOOD} | body)


async def test_every_step_somebody_calls_for_is_listed_with_what_may_be_named(manager: Person, base: str) -> None:
    found = (await manager.http.get(f"{base}/scripts")).json()

    assert [(item["programme"], item["step"], item["own"]) for item in found["items"]] == [("after-maintenance", "call", False)]
    assert found["parts"][0] == "开场"
    assert "appointment_at" in found["variables"]


async def test_the_stores_own_words_stand_until_they_are_taken_back(manager: Person, path: str) -> None:
    before = (await manager.http.get(path)).json()

    put = (await _set(manager, path, questions=[QUESTION])).json()

    assert (put["own"], put["text"], put["updated_by"]) == (True, GOOD, str(manager.staff_id))
    assert [question["key"] for question in put["questions"]] == ["coffee"]
    assert (await manager.http.delete(path)).status_code == 204
    assert (await manager.http.get(path)).json() == before
    assert (await manager.http.delete(path)).status_code == 404


async def test_a_script_with_faults_is_refused_by_line_and_the_old_one_stays(manager: Person, path: str) -> None:
    await _set(manager, path)

    refused = await _set(
        manager,
        path,
        text=GOOD.replace("{{ plate }}", "{{ secret }}") + "\n闲聊：天气不错。",
        questions=[QUESTION | {"type": "choice"}],
    )

    problem = refused.json()
    assert (refused.status_code, problem["code"]) == (422, "script_invalid")
    assert [(error["pointer"], error.get("line")) for error in problem["errors"]] == [
        ("#/text", 3), ("#/text", 5), ("#/questions/0/options", None),
    ]  # fmt: skip
    assert "secret" in problem["errors"][0]["message"]
    assert (await manager.http.get(path)).json()["text"] == GOOD


async def test_an_unknown_type_of_question_names_its_field(manager: Person, path: str) -> None:
    refused = await _set(manager, path, questions=[QUESTION | {"type": "stars"}])

    assert [error["pointer"] for error in refused.json()["errors"]] == ["#/questions/0/type"]


async def test_a_step_that_nobody_calls_for_or_that_is_not_there_is_404(manager: Person, base: str) -> None:
    for place in ("welcome/message", "after-maintenance/nothing", "nothing/call"):
        assert (await _set(manager, f"{base}/scripts/{place}")).status_code == 404


async def test_only_managers_set_scripts(manager: Person, path: str, as_staff: Sign) -> None:
    caller = await as_staff("followup_specialist")

    assert (await _set(caller, path)).status_code == 403
    assert (await caller.http.get(path)).status_code == 200


async def test_a_preview_is_filled_in_with_a_real_visit_and_kept_nowhere(
    manager: Person, path: str, base: str, pool: Pool, store_id: Any
) -> None:
    async with pool.acquire() as conn:
        customer = await make_customer(conn, store_id=store_id)
        vehicle = await make_vehicle(conn, store_id=store_id, customer_id=customer["id"], plate="沪A99999")
        visit = await make_visit(
            conn, store_id=store_id, customer_id=customer["id"], vehicle_id=vehicle["id"], state="due", due_at=NOW
        )
    body = {"programme": "after-maintenance", "step": "call", "text": GOOD.replace("目的：", "目的：{{ mileage_km }}，")}

    found = (await manager.http.post(f"{base}/scripts/preview", json=body | {"visit_id": str(visit["id"])})).json()
    made_up = (await manager.http.post(f"{base}/scripts/preview", json=body)).json()

    assert found["lines"][2]["text"] == "＿＿，聊聊沪A99999。"
    assert found["unfilled"] == ["mileage_km"]
    assert made_up["unfilled"] == []
    assert (await manager.http.post(f"{base}/scripts/preview", json=body | {"visit_id": NOBODY})).status_code == 404
    assert (await manager.http.get(path)).json()["own"] is False


async def test_the_brief_speaks_and_asks_the_stores_own_words(
    manager: Person, path: str, base: str, pool: Pool, store_id: Any
) -> None:
    await _set(manager, path, questions=[QUESTION])
    async with pool.acquire() as conn:
        visit = await make_visit(conn, store_id=store_id, state="due", assignee_id=manager.staff_id)

    found = (await manager.http.get(f"{base}/visits/{visit['id']}/brief")).json()

    assert found["script"][1]["text"] == "是王建国吗？"
    assert [(question["key"], question["required"], question["visit_ids"]) for question in found["questions"]] == [
        ("coffee", True, [str(visit["id"])])
    ]
