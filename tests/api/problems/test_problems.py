"""§5.8: a problem raised on a call is pending at once, its department acts within 24 hours, the customer is told, then resolved."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from tests.api.complaints.conftest import Counter, at, counter, place
from tests.api.conftest import START, Sign
from tests.factories import NOBODY, make_visit, make_work_order

__all__ = ["counter"]  # the fixture

TEXT = "约好九点，十点才接车"


@pytest.fixture
def path(base: str) -> str:
    return f"{base}/problems"


async def raised(counter: Counter, path: str, **fields: Any) -> dict[str, Any]:
    body = {"customer_id": str(counter.customer_id), "type": "efficiency", "text": TEXT} | fields
    answer = await counter.follow_up.http.post(path, json=body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def recorded(counter: Counter, **fields: Any) -> tuple[UUID, httpx.Response]:
    """A call of the follow-up specialist about a repair."""
    async with counter.pool.acquire() as conn:
        order = await make_work_order(
            conn, store_id=counter.store_id, customer_id=counter.customer_id, vehicle_id=counter.vehicle_id,
            advisor_id=counter.advisor.staff_id,
        )  # fmt: skip
        visit = await make_visit(
            conn, store_id=counter.store_id, customer_id=counter.customer_id, vehicle_id=counter.vehicle_id, state="due",
            assignee_id=counter.follow_up.staff_id, trigger_id=order["id"], trigger_type="work_order.closed",
        )  # fmt: skip
    body = {"outcome": "reached"} | fields
    answer = await counter.follow_up.http.post(f"{counter.base}/visits/{visit['id']}/attempts", json=body)
    assert answer.status_code == 201, answer.text
    return visit["id"], answer


async def of_visit(counter: Counter, path: str, visit_id: UUID) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await counter.manager.http.get(path, params={"visit_id": str(visit_id)})).json()["items"]
    return items


async def test_what_is_named_on_a_call_is_pending_at_once_with_the_department_of_the_visit(counter: Counter, path: str) -> None:
    visit_id, answer = await recorded(counter, problem_type="efficiency", note=TEXT, satisfaction=4)
    [problem] = await of_visit(counter, path, visit_id)
    assert (problem["state"], problem["department"], problem["head_id"]) == ("pending", "service", str(counter.manager.staff_id))
    assert (problem["text"], problem["attempt_id"]) == (TEXT, answer.json()["id"])
    assert at(problem["act_by"]) == START + timedelta(hours=24)
    task = await counter.pool.fetchrow("SELECT kind, assignee_id FROM tasks WHERE about_id = $1", UUID(problem["id"]))
    assert task is not None
    assert tuple(task) == ("problem_act", counter.manager.staff_id)


async def test_the_answer_to_the_question_for_feedback_is_its_text(counter: Counter, path: str) -> None:
    visit_id, _ = await recorded(counter, problem_type="price", note="客户在忙", answers={"feedback": "工时费偏高"})
    assert [problem["text"] for problem in await of_visit(counter, path, visit_id)] == ["工时费偏高"]


async def test_a_type_without_a_word_is_no_problem_to_act_on(counter: Counter, path: str) -> None:
    visit_id, _ = await recorded(counter, problem_type="price")
    assert await of_visit(counter, path, visit_id) == []


async def test_10_13_a_score_of_two_by_call_is_a_complaint_and_not_a_problem_besides(counter: Counter, path: str) -> None:
    visit_id, _ = await recorded(counter, problem_type="quality", note="修了两次", satisfaction=2)
    assert await of_visit(counter, path, visit_id) == []
    [complaint] = (await counter.manager.http.get(counter.path)).json()["items"]
    assert (complaint["kind"], complaint["source"], complaint["category"], complaint["level"]) == (
        "service", "score", "service_quality", 1,
    )  # fmt: skip
    assert (complaint["owner_id"], complaint["text"]) == (str(counter.manager.staff_id), "修了两次")


async def test_10_13_one_complaint_for_each_visit_however_often_it_is_scored(counter: Counter, path: str) -> None:
    visit_id, _ = await recorded(counter, satisfaction=1, outcome="reached", note="不满意")
    await counter.pool.execute("UPDATE visits SET state = 'due', closed_at = NULL WHERE id = $1", visit_id)
    await counter.follow_up.http.post(
        f"{counter.base}/visits/{visit_id}/attempts", json={"outcome": "reached", "satisfaction": 2}
    )
    assert await counter.pool.fetchval("SELECT count(*) FROM complaints WHERE visit_id = $1", visit_id) == 1


async def test_10_13_no_answer_is_not_a_zero(counter: Counter, path: str) -> None:
    visit_id, _ = await recorded(counter, outcome="no_answer")
    assert await counter.pool.fetchval("SELECT count(*) FROM complaints WHERE visit_id = $1", visit_id) == 0


async def test_a_complaint_is_registered_with_the_attempt(counter: Counter, path: str) -> None:
    said = {"kind": "attitude", "category": "reception", "text": "前台态度恶劣", "crisis_reasons": ["may_reach_media"]}
    visit_id, _ = await recorded(counter, complaint=said, note="客户很生气")
    [complaint] = (await counter.manager.http.get(counter.path)).json()["items"]
    assert (complaint["kind"], complaint["crisis"], complaint["visit_id"]) == ("attitude", True, str(visit_id))
    assert (complaint["source"], complaint["owner_id"]) == ("call", str(counter.general.staff_id))


async def test_a_withdrawn_attempt_takes_its_complaint_and_its_problem_back(counter: Counter, path: str) -> None:
    low, first = await recorded(counter, satisfaction=1, note="不满意")
    other, second = await recorded(counter, problem_type="price", note="偏贵")
    for visit_id, answer in ((low, first), (other, second)):
        withdrawn = await counter.follow_up.http.post(f"{counter.base}/visits/{visit_id}/attempts/{answer.json()['id']}/withdraw")
        assert withdrawn.status_code == 200, withdrawn.text
    [complaint] = (await counter.manager.http.get(counter.path)).json()["items"]
    [problem] = await of_visit(counter, path, other)
    assert (complaint["state"], complaint["invalid_reason"]) == ("rejected", "attempt_withdrawn")
    assert (problem["state"], problem["action"]) == ("resolved", "attempt_withdrawn")


async def test_acted_on_told_resolved(counter: Counter, path: str) -> None:
    problem = await raised(counter, path)
    here = f"{path}/{problem['id']}"
    early = await counter.manager.http.post(f"{here}/tell")
    assert (early.status_code, early.json()["type"].rpartition(":")[2]) == (409, "problem_wrong_state")
    acted = (await counter.advisor.http.post(f"{here}/act", json={"action": "优化预约流程"})).json()
    assert (acted["state"], acted["action"], at(acted["acted_at"])) == ("acted", "优化预约流程", START)
    assert (await counter.manager.http.post(f"{here}/resolve")).status_code == 409
    told = (await counter.advisor.http.post(f"{here}/tell")).json()
    resolved = (await counter.advisor.http.post(f"{here}/resolve")).json()
    assert (told["state"], resolved["state"], at(resolved["resolved_at"])) == ("told", "resolved", START)
    assert (
        await counter.pool.fetchval("SELECT count(*) FROM tasks WHERE about_id = $1 AND done_at IS NULL", UUID(problem["id"]))
        == 0
    )


async def test_it_may_become_a_complaint(counter: Counter, path: str) -> None:
    problem = await raised(counter, path)
    answer = await counter.manager.http.post(
        f"{path}/{problem['id']}/complaint", json={"kind": "quality", "category": "technical"}
    )
    complaint = answer.json()
    assert (answer.status_code, complaint["kind"], complaint["text"], complaint["source"]) == (201, "quality", TEXT, "problem")
    after = (await counter.manager.http.get(f"{path}/{problem['id']}")).json()
    assert (after["state"], after["complaint_id"]) == ("complaint", complaint["id"])
    assert (await counter.manager.http.post(f"{path}/{problem['id']}/complaint")).status_code == 409


async def test_another_department_or_person_while_nothing_was_done(counter: Counter, path: str, as_staff: Sign) -> None:
    sales = await as_staff("sales_manager")
    problem = await raised(counter, path)
    headers = {"If-Match": f'"{problem["version"]}"'}
    body = {"department": "sales", "head_id": str(sales.staff_id)}
    moved = (await counter.manager.http.patch(f"{path}/{problem['id']}", json=body, headers=headers)).json()
    assert (moved["department"], moved["head_id"]) == ("sales", str(sales.staff_id))
    wrong = await counter.manager.http.patch(
        f"{path}/{problem['id']}", json={"head_id": NOBODY}, headers={"If-Match": f'"{moved["version"]}"'}
    )
    assert (wrong.status_code, place(wrong)) == (422, "/head_id")


async def test_who_may_and_what_is_not_there(counter: Counter, path: str, as_staff: Sign, other_store_id: UUID) -> None:
    problem = await raised(counter, path)
    consultant = await as_staff("sales_consultant")
    assert (await consultant.http.post(f"{path}/{problem['id']}/act", json={"action": "x"})).status_code == 403
    stranger = await as_staff("general_manager", store_id=other_store_id)
    assert (await stranger.http.get(f"/v1/stores/{other_store_id}/problems/{problem['id']}")).status_code == 404
    wrong = await counter.follow_up.http.post(path, json={"customer_id": NOBODY, "type": "price", "text": "贵"})
    assert (wrong.status_code, place(wrong)) == (422, "/customer_id")


async def test_lists_are_narrowed(counter: Counter, path: str) -> None:
    first = await raised(counter, path)
    second = await raised(counter, path, type="price", text="偏贵")
    await counter.advisor.http.post(f"{path}/{second['id']}/act", json={"action": "解释"})
    await counter.later(hours=25)

    async def ids(**query: Any) -> list[str]:
        return [item["id"] for item in (await counter.manager.http.get(path, params=query)).json()["items"]]

    assert await ids(overdue="true") == [first["id"]]
    assert await ids(overdue="false") == [second["id"]]
    assert await ids(state=["acted"]) == [second["id"]]
    assert await ids(type="price", department="service") == [second["id"]]
    assert await ids(customer_id=str(counter.customer_id), sort="-opened_at") == [second["id"], first["id"]]
