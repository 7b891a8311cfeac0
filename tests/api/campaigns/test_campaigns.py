"""Campaigns: previewed, approved by a second person when large, launched, watched, stopped; nobody is reached who may not be."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import orjson
import pytest

from shared.db import Connection, Pool
from shared.events import SYSTEM
from shared.ids import new_id
from shared.planning.campaigns import plan_campaigns
from shared.stores import load_store
from tests.api.conftest import Person, Sign
from tests.factories import (
    NOBODY,
    NOW,
    TODAY,
    make_consent,
    make_customer,
    make_opt_out,
    make_staff,
    make_vehicle,
    make_work_order,
)
from tests.factories.base import insert_of_store, number


@dataclass(frozen=True)
class Office:
    """A manager with campaigns to make, the general manager, and the files they are about."""

    manager: Person
    boss: Person
    pool: Pool
    path: str
    store_id: UUID

    def body(self, **fields: Any) -> dict[str, Any]:
        message = {"mode": "message", "channel": "sms", "text": "{{ customer_name }}您好，夏季空调免费检测。"}
        calls = {"mode": "call_list", "channel": "phone", "role": "followup_specialist"}
        common = {
            "name": "空调检测",
            "segment": {"lifecycle": ["owner"]},
            "starts_on": "2026-11-23",
            "ends_on": "2026-11-27",
        }
        return {**common, **(calls if fields.get("mode") == "call_list" else message), **fields}

    async def enter(self, **fields: Any) -> dict[str, Any]:
        answer = await self.manager.http.post(self.path, json=self.body(**fields))
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    async def act(self, campaign: dict[str, Any], verb: str, by: Person | None = None, **body: Any) -> httpx.Response:
        who = by or self.manager
        return await who.http.post(f"{self.path}/{campaign['id']}/{verb}", json=body or None)

    async def ok(self, campaign: dict[str, Any], verb: str, **body: Any) -> dict[str, Any]:
        answer = await self.act(campaign, verb, **body)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def customer(self, *, consent: str | None = "all", **values: Any) -> asyncpg.Record:
        async with self.pool.acquire() as conn:
            customer = await make_customer(conn, store_id=self.store_id, **values)
            if consent:
                await make_consent(conn, customer_id=customer["id"], channel=consent)
        return customer

    async def car(self, **values: Any) -> asyncpg.Record:
        if "customer_id" not in values:
            values["customer_id"] = (await self.customer())["id"]
        async with self.pool.acquire() as conn:
            return await make_vehicle(conn, store_id=self.store_id, **values)

    async def index(self, customer: asyncpg.Record) -> bytes:
        found: bytes = await self.pool.fetchval("SELECT value_index FROM contact_points WHERE customer_id = $1", customer["id"])
        return found

    async def visits(self) -> list[asyncpg.Record]:
        return list(await self.pool.fetch("SELECT * FROM visits WHERE store_id = $1 ORDER BY due_at, id", self.store_id))

    async def setting(self, **policies: Any) -> None:
        await self.pool.execute("UPDATE stores SET policies = $2 WHERE id = $1", self.store_id, orjson.dumps(policies).decode())

    async def morning(self, day: date) -> None:
        async with self.pool.acquire() as conn, conn.transaction():
            store = await load_store(conn, self.store_id, today=day)
            await plan_campaigns(conn, store, now=store.calendar.opening(day) - timedelta(hours=4), actor=SYSTEM)


@pytest.fixture
async def office(as_staff: Sign, pool: Pool, store_id: UUID, base: str) -> Office:
    manager, boss = await as_staff("service_manager"), await as_staff("general_manager")
    async with pool.acquire() as conn:
        for _ in range(2):
            await make_staff(conn, "followup_specialist", store_id=store_id)
    return Office(manager, boss, pool, f"{base}/campaigns", store_id)


# --- preview: size, who is left out and why, sample, days, words


async def test_a_preview_says_who_is_left_out_and_why(office: Office) -> None:
    reached = await office.customer(name="李娜")
    await office.customer(consent=None)
    withdrawn = await office.customer(consent=None)
    silent, stopped, capped = await office.customer(), await office.customer(), await office.customer()
    await office.customer(phone=None)
    await office.customer(deceased_at=NOW)
    complaining = await office.customer()
    async with office.pool.acquire() as conn:
        await make_consent(conn, customer_id=withdrawn["id"], channel="all", withdrawn_at=NOW)
        await make_opt_out(conn, number_index=await office.index(stopped))
        await make_opt_out(conn, number_index=await office.index(silent), channel="all")
        await conn.execute(
            "INSERT INTO number_sends (message_id, number_index, purpose, channel, at) VALUES ($1, $2, 'marketing', 'sms', $3)",
            new_id(), await office.index(capped), NOW - timedelta(days=6),
        )  # fmt: skip
        await complain(conn, office.store_id, complaining["id"])
    campaign = await office.enter()

    preview = await office.ok(campaign, "preview")

    assert (preview["candidates"], preview["size"], preview["needs_approval"]) == (9, 1, False)
    assert preview["excluded"] == {
        "no_consent": 1, "consent_withdrawn": 1, "opted_out": 2, "no_number": 1, "deceased": 1, "complaint": 1, "cap": 1,
    }  # fmt: skip
    assert [one["customer_id"] for one in preview["sample"]] == [str(reached["id"])]
    assert preview["days"] == [{"on": "2026-11-23", "members": 1}]
    assert "王建国您好，夏季空调免费检测" in preview["text"]
    assert "拒收请回复R" in preview["text"]
    assert preview["sms_segments"] == 1


async def test_a_recall_knows_no_opt_out_and_needs_no_consent(office: Office) -> None:
    owner = await office.customer(consent=None)
    async with office.pool.acquire() as conn:
        await make_opt_out(conn, number_index=await office.index(owner), channel="all")
        await complain(conn, office.store_id, owner["id"])
    first, second = await office.car(customer_id=owner["id"]), await office.car(customer_id=owner["id"])
    missing = "LSVAA49J132047371"
    vins = [first["vin"], second["vin"], missing]
    campaign = await office.enter(purpose="recall_safety", segment={"vins": vins}, mode="call_list", a_day=10)

    preview = await office.ok(campaign, "preview")
    await office.ok(campaign, "launch")

    assert (preview["size"], preview["excluded"], preview["unknown_vins"]) == (2, {}, [missing])
    visits = await office.visits()
    assert {visit["vehicle_id"] for visit in visits} == {first["id"], second["id"]}
    assert {tuple(visit["purposes"]) for visit in visits} == {("recall_safety",)}


@pytest.mark.parametrize(
    ("segment", "names"),
    [
        ({"tier": "high_value"}, ["甲"]),
        ({"tier": "normal"}, ["乙", "丙"]),
        ({"flags": ["high_value"]}, ["甲"]),
        ({"without_flags": ["high_value"], "lifecycle": ["owner"]}, ["乙"]),
        ({"lifecycle": ["churn_risk", "churned"]}, ["丙"]),
        ({"models": ["途观 L"]}, ["甲"]),
        ({"models": ["朗逸", "途观"]}, ["甲", "乙", "丙"]),
        ({"regions": ["浦东"]}, ["甲"]),
        ({"service_preferences": ["green", "economy"]}, ["乙"]),
        ({"last_visit_before": "2026-11-01"}, ["乙"]),
        ({"last_visit_after": "2026-11-01"}, ["甲"]),
        ({"spent": {"least_fen": 1_000_000}}, ["甲"]),
        ({"spent": {"most_fen": 999_999}}, ["乙", "丙"]),
        ({"spent": {"least_fen": 1, "months": 1}}, ["甲"]),
        ({"mileage_km": {"least": 30_000}}, ["乙"]),
        ({"mileage_km": {"most": 29_999}}, []),
        ({"car_age_months": {"least": 36}}, ["乙"]),
        ({"car_age_months": {"most": 12}}, ["甲"]),
        ({"car_age_months": {"least": 24, "most": 36}}, ["乙"]),
        ({"delivered_after": "2026-01-01"}, ["甲"]),
        ({"delivered_before": "2026-01-01"}, ["乙"]),
        ({"voucher": {"kind": "birthday"}}, ["丙"]),
        ({"voucher": {"state": "expired"}}, []),
        ({"voucher": {"expires_before": "2026-12-31"}}, ["丙"]),
        ({"preferred_channels": ["wechat"]}, ["乙"]),
        ({"models": ["朗逸"], "lifecycle": ["owner"]}, ["乙"]),
    ],
)
async def test_a_segment_finds_whom_it_means(office: Office, segment: dict[str, Any], names: list[str]) -> None:
    await _three(office)
    campaign = await office.enter(segment=segment)

    preview = await office.ok(campaign, "preview")

    assert sorted(one["name"] for one in preview["sample"]) == sorted(names)


async def _three(office: Office) -> None:
    """甲: high value, new 途观 L, here a week ago; 乙: three years of 朗逸, last here in June; 丙: never here, has a voucher."""
    rich = await office.customer(name="甲", flags=["high_value"], address="上海市浦东新区世纪大道1号")
    green = await office.customer(name="乙", service_preferences=["green"], preferred_channel="wechat")
    gone = await office.customer(name="丙", lifecycle="churned")
    new = await office.car(customer_id=rich["id"], model="途观L 2.0T", purchased_on=date(2026, 1, 10))
    old = await office.car(customer_id=green["id"], model="朗逸 1.5L", purchased_on=date(2023, 11, 23))
    await office.car(customer_id=gone["id"], model="朗逸 1.5L")
    async with office.pool.acquire() as conn:
        await make_work_order(conn, vehicle_id=new["id"], closed_at=NOW - timedelta(days=7), fee_fen=1_000_000)
        await make_work_order(conn, vehicle_id=old["id"], closed_at=NOW - timedelta(days=160), fee_fen=50_000)
        reading = {"store_id": office.store_id, "vehicle_id": old["id"], "read_on": TODAY, "km": 42_000, "source": "work_order"}
        await insert_of_store(conn, "mileage_readings", reading)
        voucher = {
            "store_id": office.store_id, "code": f"CODE{number()}", "customer_id": gone["id"], "kind": "birthday", "issued_for": "x",
            "valid_from": TODAY, "valid_to": date(2026, 12, 30), "issued_at": NOW,
        }  # fmt: skip
        await insert_of_store(conn, "vouchers", voucher)


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


async def test_500_go_without_a_second_person_and_501_do_not(office: Office) -> None:
    campaign = await office.enter()
    async with office.pool.acquire() as conn:
        for _ in range(3):
            await make_customer(conn, store_id=office.store_id)

    assert not (await office.ok(campaign, "preview"))["needs_approval"]


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


def problem(answer: httpx.Response) -> str:
    found: str = answer.json()["type"].rpartition(":")[2]
    return found


async def complain(conn: Connection, store_id: UUID, customer_id: UUID) -> None:
    """An open complaint."""
    values = {
        "store_id": store_id, "customer_id": customer_id, "number": f"202611-{number():04d}", "kind": "service", "category": "other",
        "severity": "normal", "crisis": False, "crisis_reasons": [], "crisis_checklist": "{}", "source": "call", "state": "open",
        "level": 0, "text": "等待太久", "warned": [], "reopened": 0, "opened_at": NOW, "respond_by": NOW, "handle_by": NOW,
        "created_at": NOW, "updated_at": NOW, "version": 1,
    }  # fmt: skip
    await insert_of_store(conn, "complaints", values)
