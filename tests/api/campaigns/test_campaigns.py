"""Campaigns: checked, approved by a second person when large, launched, watched, stopped; nobody is reached who may not be."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from shared.domain.campaign import APPROVAL_ABOVE
from tests.api.campaigns.conftest import Office, problem
from tests.api.conftest import Sign
from tests.factories import (
    NOBODY,
    NOW,
    TODAY,
    make_opt_out,
)

# --- what is entered is checked


@pytest.mark.parametrize(
    ("fields", "pointers"),
    [
        ({"segment": {"lifecycle": ["king"]}}, ["#/segment/lifecycle/0"]),
        ({"segment": {"colour": ["red"], "tier": "gold"}}, ["#/segment/colour", "#/segment/tier"]),
        ({"segment": {}}, ["#/segment"]),
        ({"segment": {"flags": ["x"]}, "purpose": "recall_safety"}, ["#/segment"]),
        ({"segment": {"vins": ["LSVAA49J132047372"]}}, ["#/segment/vins/0"]),
        ({"ends_on": "2026-11-22"}, ["#/ends_on"]),
        ({"starts_on": "2026-11-01", "ends_on": "2026-11-22"}, ["#/ends_on"]),
        ({"channel": "phone"}, ["#/channel"]),
        ({"mode": "call_list", "channel": "sms"}, ["#/channel"]),
        ({"mode": "call_list", "role": None}, ["#/role"]),
        ({"mode": "call_list", "text": "x"}, ["#/text"]),
        ({"template": "maintenance_due"}, ["#/text"]),
        ({"text": None}, ["#/text"]),
        ({"text": None, "template": "nothing"}, ["#/template"]),
        ({"text": "{{ bank_account }}"}, ["#/text"]),
        ({"text": "【假冒】您好"}, ["#/text"]),
        ({"mode": "call_list", "script": "目的：{{ bank_account }}"}, ["#/script", "#/script"]),
        ({"voucher_kind": "gold"}, ["#/voucher_kind"]),
        ({"a_day": 0}, ["#/a_day"]),
    ],
)
async def test_a_fault_is_refused_where_it_stands(office: Office, fields: dict[str, Any], pointers: list[str]) -> None:
    answer = await office.manager.http.post(office.path, json=office.body(**fields))

    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == pointers
    assert all(error["message"] for error in answer.json()["errors"])


async def test_a_change_with_faults_leaves_the_old_one(office: Office) -> None:
    campaign = await office.enter()
    url, headers = f"{office.path}/{campaign['id']}", {"If-Match": f'"{campaign["version"]}"'}

    refused = await office.manager.http.patch(url, json={"segment": {"tier": "gold"}}, headers=headers)
    stale = await office.manager.http.patch(url, json={"name": "x"}, headers={"If-Match": '"9"'})
    changed = await office.manager.http.patch(url, json={"name": "冬季检测"}, headers=headers)

    assert (refused.status_code, stale.status_code, changed.status_code) == (422, 412, 200)
    assert (changed.json()["name"], changed.json()["segment"]) == ("冬季检测", {"lifecycle": ["owner"]})


# --- approval


async def test_above_the_size_a_second_person_must_approve(office: Office) -> None:
    await office.setting(campaign_approval_size=1)
    for _ in range(2):
        await office.customer()
    campaign = await office.enter()

    refused = await office.act(campaign, "launch")
    own = await office.act(campaign, "approve")
    approved = await office.act(campaign, "approve", by=office.boss)
    launched = await office.act(campaign, "launch")

    assert (await office.ok(await office.enter(), "preview"))["needs_approval"]
    assert (refused.status_code, problem(refused)) == (409, "approval_needed")
    assert (own.status_code, problem(own)) == (409, "own_campaign")
    assert (approved.json()["state"], approved.json()["approved_by"]) == ("approved", str(office.boss.staff_id))
    assert (launched.json()["state"], launched.json()["size"]) == ("running", 2)


@pytest.mark.parametrize(("size", "second_person"), [(2, True), (3, False)])
async def test_a_campaign_of_just_that_size_needs_nobody_else(office: Office, size: int, second_person: bool) -> None:
    await office.setting(campaign_approval_size=size)
    for _ in range(3):
        await office.customer()
    campaign = await office.enter()

    preview = await office.ok(campaign, "preview")

    assert (preview["size"], preview["needs_approval"]) == (3, second_person)


def test_the_size_is_500_unless_the_store_says_another() -> None:
    assert APPROVAL_ABOVE == 500


async def test_a_change_makes_an_approval_void(office: Office) -> None:
    campaign = await office.enter()
    approved = (await office.act(campaign, "approve", by=office.boss)).json()

    headers = {"If-Match": f'"{approved["version"]}"'}
    changed = await office.manager.http.patch(f"{office.path}/{campaign['id']}", json={"a_day": 5}, headers=headers)

    assert (changed.json()["state"], changed.json()["approved_by"]) == ("draft", None)


# --- launch and progress


async def test_a_call_list_is_spread_over_days_and_people(office: Office) -> None:
    for _ in range(5):
        await office.customer()
    campaign = await office.enter(mode="call_list", a_day=2)

    launched = await office.ok(campaign, "launch")

    assert launched["counts"]["members"] == {"planned": 2, "waiting": 3}
    await office.morning(TODAY + timedelta(days=1))
    await office.morning(TODAY + timedelta(days=1))
    visits = await office.visits()
    assert [visit["due_on"] for visit in visits] == [TODAY] * 2 + [TODAY + timedelta(days=1)] * 2
    assert len({visit["assignee_id"] for visit in visits}) == 2
    assert all(visit["window_end"].date() == date(2026, 11, 27) for visit in visits)
    found = (await office.manager.http.get(f"{office.path}/{campaign['id']}")).json()
    assert (found["counts"]["members"], found["counts"]["visits"]) == ({"planned": 4, "waiting": 1}, {"planned": 4})


async def test_members_tell_what_came_of_each(office: Office) -> None:
    reached, left = await office.customer(name="李娜"), await office.customer(name="张伟", consent=None)
    campaign = await office.enter(mode="call_list", voucher_kind="tyre_check")
    await office.ok(campaign, "launch")

    url = f"{office.path}/{campaign['id']}/members"
    members = {one["customer_id"]: one for one in (await office.manager.http.get(url)).json()["items"]}
    waiting = (await office.manager.http.get(url, params={"state": "waiting"})).json()["items"]

    (visit,) = await office.visits()
    assert members[str(reached["id"])]["visit_id"] == str(visit["id"])
    assert (visit["trigger_type"], visit["trigger_id"]) == ("campaign.launched", UUID(members[str(reached["id"])]["id"]))
    assert (members[str(left["id"])]["state"], members[str(left["id"])]["reason"]) == ("excluded", "no_consent")
    assert waiting == []
    vouchers = await office.pool.fetch("SELECT kind, visit_id FROM vouchers WHERE store_id = $1", office.store_id)
    assert [tuple(row) for row in vouchers] == [("tyre_check", visit["id"])]


async def test_a_message_keeps_its_own_words_where_the_notifier_finds_them(office: Office) -> None:
    await office.customer()
    campaign = await office.enter()

    await office.ok(campaign, "launch")

    (visit,) = await office.visits()
    assert (visit["channel"], visit["message_template"]) == ("sms", f"campaign-{campaign['id']}")
    body = await office.pool.fetchval("SELECT body FROM message_templates WHERE key = $1", f"campaign-{campaign['id']}")
    assert body == "{{ customer_name }}您好，夏季空调免费检测。"
    templates = (await office.manager.http.get(f"/v1/stores/{office.store_id}/templates")).json()["items"]
    assert not [one for one in templates if one["key"].startswith("campaign")]


async def test_who_opts_out_before_his_day_is_left_out(office: Office) -> None:
    customer = await office.customer()
    campaign = await office.enter(mode="call_list", starts_on="2026-11-24")
    await office.ok(campaign, "launch")
    async with office.pool.acquire() as conn:
        await make_opt_out(conn, number_index=await office.index(customer), channel="phone")

    await office.morning(date(2026, 11, 24))

    found = (await office.manager.http.get(f"{office.path}/{campaign['id']}")).json()
    assert (found["counts"]["excluded"], found["state"], await office.visits()) == ({"opted_out": 1}, "done", [])


async def test_days_that_do_not_hold_them_are_refused(office: Office) -> None:
    for _ in range(3):
        await office.customer()
    campaign = await office.enter(mode="call_list", a_day=1, ends_on="2026-11-24")

    preview, answer = await office.ok(campaign, "preview"), await office.act(campaign, "launch")

    assert (preview["fits"], preview["days"]) == (False, [])
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "#/a_day")
    assert "only 2 of 3" in answer.json()["errors"][0]["message"]


async def test_a_campaign_of_nobody_is_not_launched(office: Office) -> None:
    answer = await office.act(await office.enter(), "launch")

    assert (answer.status_code, problem(answer)) == (409, "campaign_empty")


async def test_what_runs_is_neither_changed_nor_launched_again(office: Office) -> None:
    await office.customer()
    campaign = await office.enter()
    running = await office.ok(campaign, "launch")

    again = await office.act(campaign, "launch")
    headers = {"If-Match": f'"{running["version"]}"'}
    changed = await office.manager.http.patch(f"{office.path}/{campaign['id']}", json={"name": "x"}, headers=headers)

    assert [problem(again), problem(changed)] == ["campaign_not_open"] * 2
    assert len(await office.visits()) == 1


async def test_the_script_of_a_campaign_stands_in_the_brief(office: Office) -> None:
    await office.customer(name="李娜")
    await office.ok(await office.enter(mode="call_list"), "launch")
    (visit,) = await office.visits()

    brief = (await office.boss.http.get(f"/v1/stores/{office.store_id}/visits/{visit['id']}/brief")).json()

    assert "空调检测" in "".join(line["text"] for line in brief["script"])
    assert [question["key"] for question in brief["questions"]] == ["interested", "feedback"]


# --- stop


async def test_stopping_cancels_what_was_not_called_and_keeps_what_was_done(office: Office) -> None:
    for _ in range(3):
        await office.customer()
    campaign = await office.enter(mode="call_list", a_day=2)
    await office.ok(campaign, "launch")
    first, second = await office.visits()
    await office.pool.execute("UPDATE visits SET state = 'completed', closed_at = $2 WHERE id = $1", first["id"], NOW)

    stopped = await office.ok(campaign, "stop", reason="活动取消")

    assert (stopped["state"], stopped["stop_reason"], stopped["stopped_by"]) == (
        "stopped",
        "活动取消",
        str(office.manager.staff_id),
    )
    assert stopped["counts"]["visits"] == {"completed": 1, "cancelled": 1}
    assert stopped["counts"]["members"] == {"planned": 2, "stopped": 1}
    assert await office.pool.fetchval("SELECT state_reason FROM visits WHERE id = $1", second["id"]) == "campaign_stopped"
    assert problem(await office.act(campaign, "stop", reason="again")) == "campaign_not_running"
    actions = await office.pool.fetch("SELECT action FROM audit_log WHERE object_id = $1 ORDER BY id", UUID(campaign["id"]))
    assert [row["action"] for row in actions] == ["campaign.created", "campaign.launched", "campaign.stopped"]


async def test_a_reason_is_needed_and_a_draft_is_not_stopped(office: Office) -> None:
    campaign = await office.enter()

    assert (await office.act(campaign, "stop")).status_code == 422
    assert problem(await office.act(campaign, "stop", reason="x")) == "campaign_not_running"


# --- who may


async def test_callers_do_not_make_campaigns_and_another_store_knows_of_none(
    office: Office, as_staff: Sign, other_store_id: UUID
) -> None:
    campaign = await office.enter()
    caller = await as_staff("followup_specialist")
    stranger = await as_staff("general_manager", store_id=other_store_id)
    other = f"/v1/stores/{other_store_id}/campaigns/{campaign['id']}"

    refused = [
        (await caller.http.post(office.path, json=office.body())).status_code,
        *[
            (await caller.http.post(f"{office.path}/{campaign['id']}/{verb}", json={})).status_code
            for verb in ("launch", "approve", "stop", "preview")
        ],
    ]
    unknown = [
        (await stranger.http.get(other)).status_code,
        (await stranger.http.get(f"{other}/members")).status_code,
        *[(await stranger.http.post(f"{other}/{verb}")).status_code for verb in ("launch", "approve", "preview")],
        (await stranger.http.post(f"{other}/stop", json={"reason": "x"})).status_code,
        (await office.manager.http.get(f"{office.path}/{NOBODY}")).status_code,
    ]

    assert (set(refused), set(unknown)) == ({403}, {404})
    assert (await caller.http.get(office.path)).json()["items"][0]["id"] == campaign["id"]
