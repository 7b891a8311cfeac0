"""Messages as people see them, what they may order of one, and the wordings of a store."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import httpx
import pytest

from shared.db import Pool
from shared.ids import new_id
from tests.api.conftest import Sign
from tests.factories import NOW, make_customer, make_message, make_visit, vault

TEXT = "【张江店】王建国先生您好"


async def a_message(pool: Pool, store_id: UUID, assignee_id: UUID | None = None, **overrides: Any) -> UUID:
    message_id = new_id()
    async with pool.acquire() as conn:
        customer = await make_customer(conn, store_id=store_id, phone="+8613812345678")
        visit = await make_visit(conn, store_id=store_id, customer_id=customer["id"], assignee_id=assignee_id)
        address = vault().seal("+8613812345678", "messages", "address", store_id, message_id)
        values = {
            "id": message_id,
            "visit_id": visit["id"],
            "address": bytes(address),
            "body": TEXT,
            "template": "unreached",
            "kind": "ladder",
        }
        await make_message(conn, **values | overrides)
    return message_id


async def test_a_message_shows_its_text_and_hides_its_number(
    pool: Pool, store_id: UUID, base: str, operator: httpx.AsyncClient
) -> None:
    message_id = await a_message(pool, store_id, state="held", reason="quiet_hours")
    message = (await operator.get(f"{base}/messages/{message_id}")).json()
    assert (message["to"], message["text"], message["segments"]) == ("138****5678", TEXT, 1)
    assert (message["state"], message["reason"], message["release_at"]) == (
        "held",
        "quiet_hours",
        "2026-11-23T09:00:00.000+08:00",
    )
    listed = (await operator.get(f"{base}/messages", params={"state": ["held", "queued"], "channel": "sms"})).json()["items"]
    assert [item["id"] for item in listed] == [str(message_id)]
    assert (await operator.get(f"{base}/messages", params={"state": "delivered"})).json()["items"] == []


async def test_pages_follow_one_another(pool: Pool, store_id: UUID, base: str, operator: httpx.AsyncClient) -> None:
    made = {str(await a_message(pool, store_id)) for _ in range(5)}
    seen: list[str] = []
    cursor = None
    while True:
        page = (await operator.get(f"{base}/messages", params={"limit": 2} | ({"cursor": cursor} if cursor else {}))).json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert (len(seen), set(seen)) == (5, made)


async def test_people_see_the_messages_of_their_own_visits(pool: Pool, store_id: UUID, base: str, as_staff: Sign) -> None:
    mine, other = await as_staff("followup_specialist"), await as_staff("followup_specialist")
    message_id = await a_message(pool, store_id, mine.staff_id)
    assert (await mine.http.get(f"{base}/messages/{message_id}")).status_code == 200
    assert (await other.http.get(f"{base}/messages/{message_id}")).status_code == 404
    assert (await other.http.get(f"{base}/messages")).json()["items"] == []


async def test_why_says_what_held_it_back(pool: Pool, store_id: UUID, base: str, operator: httpx.AsyncClient) -> None:
    message_id = await a_message(pool, store_id, state="suppressed", reason="opted_out", wake_at=None)
    why = (await operator.get(f"{base}/messages/{message_id}/why", headers={"Accept-Language": "zh"})).json()
    assert (why["reason"], why["reason_text"], why["rule"]) == ("opted_out", "该号码已退订", "after-maintenance/call")
    assert [line["kind"] for line in why["story"]] == ["made", "suppressed"]


async def test_only_an_uncertain_message_is_sent_again_and_only_knowingly(
    pool: Pool, store_id: UUID, base: str, as_staff: Sign
) -> None:
    manager, caller = await as_staff("customer_manager"), await as_staff("followup_specialist")
    message_id = await a_message(pool, store_id, state="unknown", unknown_since=NOW)
    path = f"{base}/messages/{message_id}/resend"
    assert (await caller.http.post(path, json={"accept_duplicate_risk": True})).status_code == 403
    assert (await manager.http.post(path, json={})).status_code == 422
    assert (await manager.http.post(path, json={"accept_duplicate_risk": False})).status_code == 422
    answer = await manager.http.post(path, json={"accept_duplicate_risk": True, "reason": "客户说没收到"})
    assert (answer.status_code, answer.json()["kind"]) == (202, "resend")
    order = await pool.fetchrow("SELECT kind, reason, staff_id FROM message_orders WHERE message_id = $1", message_id)
    assert order is not None
    assert tuple(order) == ("resend", "客户说没收到", manager.staff_id)
    assert await pool.fetchval("SELECT count(*) FROM audit_log WHERE object_id = $1", message_id) == 1

    sent = await a_message(pool, store_id, state="delivered", wake_at=None)
    refused = await manager.http.post(f"{base}/messages/{sent}/resend", json={"accept_duplicate_risk": True})
    assert (refused.status_code, refused.json()["code"]) == (409, "not_uncertain")


async def test_what_waits_can_be_taken_out(pool: Pool, store_id: UUID, base: str, as_staff: Sign) -> None:
    manager = await as_staff("service_manager")
    message_id = await a_message(pool, store_id, state="held")
    answer = await manager.http.post(f"{base}/messages/{message_id}/hold", json={"reason": "客户在店里"})
    assert answer.status_code == 202
    gone = await a_message(pool, store_id, state="accepted")
    assert (await manager.http.post(f"{base}/messages/{gone}/hold", json={"reason": "x"})).json()["code"] == "not_waiting"


@pytest.mark.parametrize(("received", "kind"), [(True, "settle_delivered"), (False, "settle_undelivered")])
async def test_somebody_settles_it(pool: Pool, store_id: UUID, base: str, as_staff: Sign, received: bool, kind: str) -> None:
    manager = await as_staff("service_manager")
    message_id = await a_message(pool, store_id, state="unknown_final", wake_at=None)
    answer = await manager.http.post(f"{base}/messages/{message_id}/settle", json={"received": received})
    assert (answer.status_code, answer.json()["kind"]) == (202, kind)


async def test_what_is_to_come_shows_waiting_messages_and_planned_steps(
    pool: Pool, store_id: UUID, base: str, operator: httpx.AsyncClient
) -> None:
    message_id = await a_message(pool, store_id, state="held", reason="quiet_hours")
    async with pool.acquire() as conn:
        customer = await make_customer(conn, store_id=store_id)
        visit = await make_visit(
            conn, store_id=store_id, customer_id=customer["id"], channel="sms", message_template="maintenance_due"
        )
    items = (await operator.get(f"{base}/messages/upcoming")).json()["items"]
    assert {(item["kind"], item["message_id"] or item["visit_id"]) for item in items} == {
        ("message", str(message_id)),
        ("visit", str(visit["id"])),
    }


async def test_the_outbox_shows_the_latest_of_every_store(pool: Pool, store_id: UUID, operator: httpx.AsyncClient) -> None:
    message_id = await a_message(pool, store_id, state="delivered", wake_at=None)
    items = (await operator.get("/v1/dev/outbox", params={"store_id": str(store_id)})).json()["items"]
    assert [(item["id"], item["text"]) for item in items] == [(str(message_id), TEXT)]


async def test_a_store_words_a_message_in_its_own_way_and_goes_back(base: str, as_staff: Sign) -> None:
    manager = await as_staff("customer_manager")
    shipped = (await manager.http.get(f"{base}/templates")).json()["items"]
    before = next(item for item in shipped if (item["key"], item["channel"], item["language"]) == ("unreached", "sms", "zh"))
    assert (before["own"], before["version"]) == (False, 0)

    body = {"channel": "sms", "language": "zh", "body": "{{ customer_name }}您好，请点 {{ survey_url }} 评价。"}
    answer = await manager.http.put(f"{base}/templates/unreached", json=body)
    assert (answer.status_code, answer.json()["own"], answer.headers["etag"]) == (200, True, '"1"')
    stale = await manager.http.put(f"{base}/templates/unreached", json=body, headers={"If-Match": '"0"'})
    assert stale.status_code == 412

    preview = (await manager.http.post(f"{base}/templates/preview", json={"key": "unreached"})).json()
    assert preview["text"] == "【张江店】王建国您好，请点 https://example.cn/s/Ab3dEf6hIj9k 评价。回复1-5可直接评分。"
    assert preview["segments"] == 1

    back = await manager.http.put(f"{base}/templates/unreached", json=body | {"body": None})
    assert (back.json()["own"], back.json()["body"]) == (False, before["body"])


async def test_a_preview_of_nothing_is_pointed_at(base: str, as_staff: Sign) -> None:
    manager = await as_staff("customer_manager")

    for body in ({}, {"key": "birthday-cake"}):
        answer = await manager.http.post(f"{base}/templates/preview", json=body)

        assert (answer.status_code, [error["pointer"] for error in answer.json()["errors"]]) == (422, ["#/key"])


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"channel": "sms", "body": "{{ phone }}"}, "#/body"),
        ({"channel": "sms", "body": "【沪兴】"}, "#/body"),
        ({"channel": "email", "body": "您好"}, "#/subject"),
    ],
)
async def test_a_faulty_wording_is_refused_with_its_place(base: str, as_staff: Sign, body: dict[str, str], pointer: str) -> None:
    manager = await as_staff("customer_manager")
    answer = await manager.http.put(f"{base}/templates/unreached", json=body)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


async def test_there_is_no_wording_for_what_is_never_sent(base: str, as_staff: Sign) -> None:
    manager = await as_staff("customer_manager")
    assert (await manager.http.put(f"{base}/templates/nothing", json={"channel": "sms", "body": "x"})).status_code == 404
