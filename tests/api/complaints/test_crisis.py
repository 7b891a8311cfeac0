"""A crisis: the general manager at once, contact within the hour around the clock, checklist and log, calls on day 1, 3, 7 after."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.domain.complaint import CHECKLIST, CrisisReason
from tests.api.complaints.conftest import Counter, at, place
from tests.api.conftest import START

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


async def test_the_general_manager_knows_at_once_and_the_hour_runs_through_the_night(counter: Counter) -> None:
    now = await counter.later(hours=13)  # ten in the evening
    opened = await counter.open(crisis_reasons=["incident_in_workshop"])

    assert (opened["crisis"], opened["level"], opened["owner_id"]) == (True, 3, str(counter.general.staff_id))
    assert (at(opened["respond_by"]), opened["clocks"][0]["way"]) == (now + HOUR, "always")
    assert {
        ("complaint_crisis", counter.general.staff_id),
        ("regional_report", counter.general.staff_id),
    } <= await counter.notices(opened)
    assert {"complaint_crisis", "regional_report", "complaint_respond"} <= await counter.tasks(opened)


@pytest.mark.parametrize("reason", list(CrisisReason))
async def test_each_reason_makes_it_one(counter: Counter, reason: CrisisReason) -> None:
    opened = await counter.open(crisis_reasons=[str(reason)])
    assert (opened["crisis"], opened["level"]) == (True, 3)


async def test_one_that_becomes_a_crisis_later_is_contacted_within_an_hour_from_then(counter: Counter) -> None:
    opened = await counter.open()
    await counter.do(opened, "responses", text="已联系")
    now = await counter.later(hours=3)
    crisis = await counter.do(opened, "crisis", reasons=["lawyer", "media"], note="客户称已联系电视台")

    assert (crisis["crisis"], crisis["crisis_reasons"], crisis["level"]) == (True, ["lawyer", "media"], 3)
    assert crisis["owner_id"] == str(counter.advisor.staff_id)  # one person from the first contact to the follow-up
    contact = next(clock for clock in crisis["clocks"] if clock["name"] == "contact")
    assert (at(contact["by"]), contact["done_at"]) == (now + HOUR, None)
    await counter.do(opened, "responses", text="总经理已致电")
    done = next(clock for clock in (await counter.get(opened))["clocks"] if clock["name"] == "contact")
    assert at(done["done_at"]) == now
    assert "complaint_crisis" not in await counter.tasks(opened)


async def test_each_item_says_who_did_it_and_when(counter: Counter) -> None:
    opened = await counter.open(crisis_reasons=["safety"])
    before = (await counter.general.http.get(f"{counter.path}/{opened['id']}/checklist")).json()
    assert [item["key"] for item in before["items"]] == [item.key for item in CHECKLIST]
    assert [item["key"] for item in before["items"] if item["done_at"]] == ["general_manager"]
    assert at(before["contact_by"]) == START + HOUR

    now = await counter.later(minutes=10)
    done = await counter.do(opened, "checklist", counter.general, item="truth", note="已如实说明")
    truth = next(item for item in done["items"] if item["key"] == "truth")
    assert (at(truth["done_at"]), truth["done_by"], truth["note"]) == (now, str(counter.general.staff_id), "已如实说明")
    undone = await counter.do(opened, "checklist", counter.general, item="truth", done=False)
    assert next(item for item in undone["items"] if item["key"] == "truth")["done_at"] is None
    wrong = await counter.send(counter.general, f"/{opened['id']}/checklist", item="nothing")
    assert (wrong.status_code, place(wrong)) == (422, "/item")
    assert (await counter.history(opened))[-2:] == ["checklist", "checklist"]


async def test_what_is_no_crisis_has_no_checklist_to_work_on(counter: Counter) -> None:
    opened = await counter.open()
    assert (await counter.send(counter.manager, f"/{opened['id']}/checklist", item="truth")).status_code == 409


async def test_calls_on_day_1_3_and_7_after(counter: Counter) -> None:
    told = await counter.told(crisis_reasons=["large_damage"])
    calls = await counter.visits(told)
    first = at(told["told_at"])
    assert [visit["due_on"] - first.date() for visit in calls] == [DAY, 3 * DAY, 7 * DAY]
    assert {visit["assignee_id"] for visit in calls} == {counter.general.staff_id}


async def test_the_report_to_the_regional_office_is_asked_for_and_made(counter: Counter) -> None:
    opened = await counter.open()
    await counter.do(opened, "regional", reason="需要厂家技术支持")
    assert "regional_report" in await counter.tasks(opened)
    reported = await counter.do(opened, "regional", counter.manager, reported=True)
    assert at(reported["regional_at"]) == START
    assert "regional_report" not in await counter.tasks(opened)
    assert (await counter.history(opened))[-2:] == ["regional_asked", "regional_reported"]
