"""Reading, planning by hand, promising, moving, cancelling, giving away, confirming; brief and why."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from shared.db import Pool
from tests.api.conftest import Sign
from tests.api.visits.conftest import Desk
from tests.factories import make_visit


async def test_a_visit_goes_out_in_the_shape_of_the_contract(desk: Desk) -> None:
    visit = (await desk.person.http.get(desk.path)).json()

    assert {"id", "store_id", "customer_id", "vehicle_id", "programme", "step", "purposes", "role", "assignee_id"} <= set(visit)
    assert {"channel", "state", "follows_visit_id", "due_on", "window_start", "window_end", "promised_at"} <= set(visit)
    assert set(visit["trigger"]) == {"type", "id", "at"}
    assert visit["window_start"] == "2026-11-23T09:00:00.000+08:00"


async def test_visits_are_listed_a_page_at_a_time_and_filtered(desk: Desk, pool: Pool) -> None:
    async with pool.acquire() as conn:
        for _ in range(3):
            await make_visit(conn, store_id=desk.store_id, customer_id=desk.customer_id, assignee_id=desk.person.staff_id)
    seen, cursor = [], None
    while True:
        query: dict[str, Any] = {"limit": 2, "state": ["due", "planned"]} | ({"cursor": cursor} if cursor else {})
        page = (await desk.person.http.get(f"{desk.base}/visits", params=query)).json()
        seen += [visit["id"] for visit in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break

    assert len(seen) == len(set(seen)) == 4
    completed = (await desk.person.http.get(f"{desk.base}/visits", params={"state": "completed"})).json()
    assert completed["items"] == []


async def test_a_follow_up_can_be_planned_by_hand(desk: Desk) -> None:
    body = {"customer_id": str(desk.customer_id), "purposes": ["referral"], "due_on": "2026-11-25"}
    answer = await desk.person.http.post(f"{desk.base}/visits", json=body)

    visit = answer.json()
    assert answer.status_code == 201
    assert (visit["state"], visit["due_on"], visit["assignee_id"]) == ("planned", "2026-11-25", str(desk.person.staff_id))
    assert visit["next"]["at"] == "2026-11-25T09:00:00.000+08:00"


async def test_a_follow_up_by_hand_for_an_unknown_customer_names_the_field(desk: Desk) -> None:
    body = {"customer_id": str(uuid4()), "purposes": ["referral"], "due_on": "2026-11-25"}
    answer = await desk.person.http.post(f"{desk.base}/visits", json=body)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "#/customer_id"


async def _patch(desk: Desk, body: dict[str, object], etag: str | None = None) -> tuple[int, dict[str, object]]:
    if etag is None:
        etag = (await desk.person.http.get(desk.path)).headers["ETag"]
    answer = await desk.person.http.patch(desk.path, json=body, headers={"If-Match": etag})
    return answer.status_code, answer.json()


async def test_a_cancellation_wants_a_reason(desk: Desk) -> None:
    status, _ = await _patch(desk, {"state": "cancelled"})
    assert status == 422

    status, visit = await _patch(desk, {"state": "cancelled", "reason": "客户已在店内当面沟通"})
    assert (status, visit["state"], visit["next"]) == (200, "cancelled", None)


async def test_a_change_against_an_old_version_is_refused(desk: Desk) -> None:
    etag = (await desk.person.http.get(desk.path)).headers["ETag"]
    await _patch(desk, {"promised_at": "2026-11-23T15:00:00+08:00"}, etag)
    status, problem = await _patch(desk, {"state": "cancelled", "reason": "x"}, etag)

    assert (status, problem["code"]) == (412, "stale")
    assert (await desk.person.http.patch(desk.path, json={"due_on": "2026-11-26"})).status_code == 428


async def test_a_manager_gives_a_visit_away_and_confirms_its_result(desk: Desk, as_staff: Sign) -> None:
    manager = await as_staff("customer_manager")
    colleague = await as_staff("followup_specialist")
    given = await manager.http.post(f"{desk.path}/reassign", json={"assignee_id": str(colleague.staff_id), "reason": "请假"})
    assert given.json()["assignee_id"] == str(colleague.staff_id)

    assert (await manager.http.post(f"{desk.path}/confirm")).status_code == 409
    await colleague.http.post(f"{desk.path}/attempts", json={"outcome": "reached"})
    confirmed = (await manager.http.post(f"{desk.path}/confirm")).json()
    assert confirmed["confirmed_by"] == str(manager.staff_id)


async def test_a_visit_is_not_given_to_somebody_who_is_not_there(desk: Desk, as_staff: Sign) -> None:
    manager = await as_staff("customer_manager")
    answer = await manager.http.post(f"{desk.path}/reassign", json={"assignee_id": str(uuid4())})

    assert answer.status_code == 422


async def test_for_a_customer_who_prefers_wechat_the_brief_has_a_text_to_copy(desk: Desk, pool: Pool) -> None:
    async with pool.acquire() as conn:
        await conn.execute("UPDATE customers SET preferred_channel = 'wechat'")

    brief = (await desk.person.http.get(f"{desk.path}/brief")).json()

    assert brief["wechat_text"].startswith("您好")
    assert "确认本人" not in brief["wechat_text"]


async def test_the_brief_tells_all_there_is_to_know_and_no_number(desk: Desk, pool: Pool) -> None:
    answer = await desk.person.http.get(f"{desk.path}/brief")
    brief = answer.json()

    assert answer.status_code == 200, answer.text
    assert brief["customer"]["name"] == "王建国"
    assert brief["callee"]["numbers"][0]["masked"].count("*") == 4
    assert "+86" not in answer.text
    assert brief["script"][0]["part"] == "开场"
    assert any("王建国" in line["text"] for line in brief["script"])
    assert brief["questions"]
    assert brief["callable"] is True
    assert brief["wechat_text"] is None


async def test_why_tells_the_story_from_the_rule_to_the_next_step(desk: Desk) -> None:
    await desk.record(outcome="no_answer")
    why = (await desk.person.http.get(f"{desk.path}/why", headers={"Accept-Language": "zh"})).json()

    assert why["rule"]["programme"] == "after-maintenance"
    assert [line["text"] for line in why["story"] if line["kind"] == "attempt"] == ["电话：无人接"]
    assert why["next"]["reason"] == "no_answer_1"


async def test_another_stores_visit_is_the_same_404(desk: Desk, other_store_id: UUID, as_staff: Sign) -> None:
    stranger = await as_staff("admin", store_id=other_store_id)
    foreign = await stranger.http.get(desk.path)
    unknown = await desk.person.http.get(f"{desk.base}/visits/{uuid4()}")

    assert foreign.status_code == unknown.status_code == 404
