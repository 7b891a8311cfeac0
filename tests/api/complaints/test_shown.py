"""Where complaints show besides their own list: timeline, brief, the story of a visit; and the settings of their clocks."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.api.complaints.conftest import Counter, place
from tests.api.conftest import Person, Sign
from tests.factories import make_visit


async def test_the_timeline_shows_it_and_its_words_to_owner_and_managers(counter: Counter) -> None:
    opened = await counter.open(counter.manager)

    async def line(by: Person) -> dict[str, Any]:
        url = f"{counter.base}/customers/{counter.customer_id}/timeline"
        [item] = (await by.http.get(url, params={"kind": "complaint"})).json()["items"]
        detail: dict[str, Any] = item["detail"]
        return detail

    theirs, managers = await line(counter.follow_up), await line(counter.manager)
    assert (theirs["number"], theirs["state"], theirs["text"]) == (opened["number"], "open", None)
    assert managers["text"] == "等了两个小时没人理"


async def test_10_12_brief_and_story_say_that_a_survey_call_waits(counter: Counter) -> None:
    async with counter.pool.acquire() as conn:
        values = {"store_id": counter.store_id, "customer_id": counter.customer_id, "assignee_id": counter.follow_up.staff_id}
        survey = await make_visit(conn, **values, state="due", purposes=["satisfaction"])
        renewal = await make_visit(conn, **values, state="due", programme="renewal", purposes=["renewal"])
    told = await counter.told()

    async def asked(visit_id: object) -> tuple[Any, list[str]]:
        brief = (await counter.general.http.get(f"{counter.base}/visits/{visit_id}/brief")).json()
        why = (await counter.general.http.get(f"{counter.base}/visits/{visit_id}/why")).json()
        return brief["blocked"], [line["detail"]["reason"] for line in why["story"] if line["kind"] == "frozen"]

    assert await asked(survey["id"]) == ({"reason": "complaint_open", "until": None}, ["complaint_open"])
    assert (await asked(renewal["id"]))[1] == []

    await counter.do(told, "reopen", reason="未解决")
    await counter.do(told, "reject", counter.manager, reason="已解释")
    now = counter.house.clock.now()
    blocked, reasons = await asked(survey["id"])
    assert reasons == ["complaint_gap"]
    assert blocked["until"].startswith(f"{now + timedelta(days=7):%Y-%m-%d}")
    await counter.later(days=7)
    assert (await asked(survey["id"]))[1] == []


@pytest.mark.parametrize(
    ("policies", "pointer"),
    [
        ({"complaints": {"clock": "sometimes"}}, "/policies"),
        ({"complaints": {"respond_minutes": 0}}, "/policies"),
        ({"complaints": {"speed": 1}}, "/policies"),
        ({"contact": {"gap_after_complaint_days": -1}}, "/policies"),
        ({"contact": {"marketing_hours": ["20:00", "09:00"]}}, "/policies"),
    ],
)
async def test_settings_out_of_bounds_are_refused(
    counter: Counter, as_admin: Person, policies: dict[str, Any], pointer: str
) -> None:
    answer = await as_admin.http.patch(counter.base, json={"policies": policies}, headers={"If-Match": "*"})
    assert (answer.status_code, place(answer).startswith(pointer)) == (422, True)


async def test_a_store_sets_its_clocks_through_the_api(counter: Counter, as_admin: Person) -> None:
    body = {"policies": {"complaints": {"clock": "around_the_clock", "respond_minutes": 30}}}
    answer = await as_admin.http.patch(counter.base, json=body, headers={"If-Match": "*"})
    assert answer.status_code == 200, answer.text
    assert (await counter.open())["clocks"][0]["way"] == "always"


async def test_staff_have_an_address_for_escalations(counter: Counter, as_admin: Person, as_staff: Sign) -> None:
    made = await as_admin.http.post(
        f"{counter.base}/staff", json={"name": "周经理", "roles": ["service_manager"], "email": "zhou@dealer.example"}
    )
    assert made.json()["email"] == "zhou@dealer.example"
    here, headers = f"{counter.base}/staff/{made.json()['id']}", {"If-Match": "*"}
    gone = await as_admin.http.patch(here, json={"email": None}, headers=headers)
    assert gone.json()["email"] is None
    wrong = await as_admin.http.patch(here, json={"email": "zhou at dealer"}, headers=headers)
    assert (wrong.status_code, place(wrong)) == (422, "/email")
