"""Receipts in any order and number, and what customers text back."""

from __future__ import annotations

import random
from uuid import UUID

import orjson
import pytest

from services.notifier.callbacks import take_callbacks
from tests.factories import NOBODY, NOW, make_due_event, make_message, make_store, make_visit, vault
from tests.notifier.conftest import Desk

PHONE = "+8613912345678"


async def sent(desk: Desk, phone: str = PHONE) -> UUID:
    """A visit whose SMS went to the number. Out: the visit's id."""
    customer = await desk.customer(phone)
    visit = await desk.due(customer_id=customer["id"])
    await desk.work()
    visit_id: UUID = visit["id"]
    return visit_id


async def test_receipts_five_times_and_shuffled_leave_the_highest_word(desk: Desk) -> None:
    for number in range(20):
        await sent(desk, f"+86139{number:08d}")
    receipts = [
        {"id": call.id, "status": status, "at": f"2026-11-23T01:00:0{n}Z"}
        for call in desk.provider.calls
        for n, status in enumerate(["undelivered", "delivered"])
        for _ in range(5)
    ]
    random.Random(4).shuffle(receipts)
    for receipt in receipts:
        await desk.callback("sms_receipts", [receipt])
    await take_callbacks(desk.ctx)
    assert await desk.owner.fetchval("SELECT count(*) FROM messages WHERE state = 'delivered'") == 20
    assert await desk.owner.fetchval("SELECT count(*) FROM receipts") == 40
    assert await desk.owner.fetchval("SELECT count(*) FROM callbacks WHERE handled_at IS NULL") == 0


async def test_one_bad_item_spoils_none_of_ninety_nine(desk: Desk) -> None:
    for number in range(99):
        customer = await desk.customer(f"+86139{number:08d}")
        await desk.due(customer_id=customer["id"])
    await desk.work()
    receipts: list[object] = [{"id": call.id, "status": "delivered"} for call in desk.provider.calls]
    receipts.insert(50, {"id": "nonsense", "status": ["?"]})
    await desk.callback("sms_receipts", receipts)
    await take_callbacks(desk.ctx)
    assert await desk.owner.fetchval("SELECT count(*) FROM messages WHERE state = 'delivered'") == 99
    assert await desk.owner.fetchval("SELECT outcome FROM callbacks") == "receipts=99 foreign=0 bad=1"


@pytest.mark.parametrize(
    "body",
    [b"not json", b"[[[]]]", b'{"id": 5}', b"null", b"[]", b'[{"id":"' + NOBODY.encode() + b'","status":"delivered"}]'],
)
async def test_nonsense_is_set_aside_and_holds_up_nothing(desk: Desk, body: bytes) -> None:
    visit_id = await sent(desk)
    await desk.callback("sms_receipts", body)
    await desk.receipt({"id": desk.provider.calls[0].id, "status": "delivered"})
    assert (await desk.message(visit_id))["state"] == "delivered"
    assert await desk.owner.fetchval("SELECT count(*) FROM callbacks WHERE handled_at IS NULL") == 0


async def test_the_token_of_one_store_says_nothing_of_another(desk: Desk) -> None:
    visit_id = await sent(desk)
    other = await make_store(desk.owner)
    await desk.callback("sms_receipts", [{"id": desk.provider.calls[0].id, "status": "undelivered"}], store_id=other["id"])
    await take_callbacks(desk.ctx)
    assert (await desk.message(visit_id))["state"] == "accepted"


async def test_undelivered_then_delivered_keeps_the_email_at_home(desk: Desk) -> None:
    visit_id = await sent(desk)
    customer_id = (await desk.message(visit_id))["customer_id"]
    await desk.receipt({"id": desk.provider.calls[0].id, "status": "undelivered", "code": "24", "at": "2026-11-23T01:00:00Z"})
    assert (await desk.message(visit_id))["reason"] == "24"
    await make_message(desk.owner, visit_id=visit_id, customer_id=customer_id, channel="email", state="held")
    await desk.receipt({"id": desk.provider.calls[0].id, "status": "delivered", "at": "2026-11-23T01:05:00Z"})
    assert (await desk.message(visit_id))["state"] == "delivered"
    email = await desk.message(visit_id, "email")
    assert (email["state"], email["reason"]) == ("suppressed", "sms_delivered")


async def test_a_bounce_is_known_by_its_message_id_and_a_complaint_stops_marketing(desk: Desk) -> None:
    visit_id = await sent(desk)
    await desk.owner.execute("UPDATE messages SET channel = 'email'")
    attempt = desk.provider.calls[0].id
    await desk.callback("email", [{"message_id": f"<{attempt}@dealer.example>", "status": "complained"}])
    await take_callbacks(desk.ctx)
    opt_out = await desk.owner.fetchrow("SELECT channel, scope, source FROM opt_outs")
    assert opt_out is not None
    assert tuple(opt_out) == ("email", "marketing", "complaint")
    assert (await desk.message(visit_id, "email"))["state"] == "delivered"


@pytest.mark.parametrize("text", ["R", "td", "Ｔ", " 退订 ", "N", "取消", "stop", "TD了还发？"])
async def test_a_stop_is_honoured_at_once_over_all_stores(desk: Desk, text: str) -> None:
    visit_id = await sent(desk)
    await desk.reply("13912345678", text)
    opt_out = await desk.owner.fetchrow("SELECT number_index, channel, scope, store_id FROM opt_outs")
    assert opt_out is not None
    assert tuple(opt_out) == (vault().index("phone", PHONE), "sms", "all", None)
    assert await desk.signals(visit_id) & {"opt_out", "reply"}

    other = await make_store(desk.owner)
    customer = await desk.customer(PHONE, store_id=other["id"])
    visit = await make_visit(desk.owner, store_id=other["id"], customer_id=customer["id"], state="trying", tries=3)
    await make_due_event(desk.owner, visit_id=visit["id"], store_id=other["id"])
    await desk.work()
    assert (await desk.message(visit["id"]))["reason"] == "opted_out"
    assert len(desk.provider.calls) == 1


async def test_an_opt_out_of_a_stranger_is_honoured_too(desk: Desk) -> None:
    await desk.reply("+8613711112222", "退订")
    assert await desk.owner.fetchval("SELECT count(*) FROM opt_outs") == 1
    assert await desk.owner.fetchval("SELECT outcome FROM callbacks") == "opt_out_of_nobody bad=0"


@pytest.mark.parametrize(("text", "score"), [("5", 5), ("１", 1), ("3分", 3), ("回复4", 4)])
async def test_one_digit_is_the_score(desk: Desk, text: str, score: int) -> None:
    visit_id = await sent(desk)
    await desk.reply(PHONE, text)
    survey = await desk.owner.fetchrow("SELECT score, channel, answered_at FROM surveys")
    assert survey is not None
    assert tuple(survey) == (score, "sms", NOW)
    assert f"answer_{score}" in await desk.signals(visit_id)
    assert await desk.owner.fetchval("SELECT count(*) FROM tasks") == 0


async def test_words_go_to_a_person_and_to_the_ladder(desk: Desk) -> None:
    visit_id = await sent(desk)
    await desk.reply(PHONE, "明天下午给我打电话")
    task = await desk.owner.fetchrow("SELECT kind, visit_id, detail FROM tasks")
    reply = await desk.owner.fetchrow("SELECT * FROM replies")
    assert task is not None
    assert reply is not None
    assert (task["kind"], task["visit_id"]) == ("read_reply", visit_id)
    assert orjson.loads(task["detail"]) == {"reply_id": str(reply["id"]), "certain": True}
    assert vault().open(reply["body"], "replies", "body", desk.store_id, reply["id"]) == "明天下午给我打电话"
    assert "reply" in await desk.signals(visit_id)
    assert await desk.owner.fetchval("SELECT count(*) FROM opt_outs") == 0


@pytest.mark.parametrize("text", ["5", "好的"])
async def test_a_number_that_several_customers_share_goes_to_a_person(desk: Desk, text: str) -> None:
    visit_id = await sent(desk)
    await desk.customer(PHONE, name="李女士")
    await desk.reply(PHONE, text)
    assert await desk.owner.fetchval("SELECT count(*) FROM tasks WHERE kind = 'read_reply'") == 1
    assert await desk.owner.fetchval("SELECT score FROM surveys") is None
    assert not await desk.signals(visit_id) & {"reply", "answer_5"}


async def test_a_score_without_a_survey_goes_to_a_person(desk: Desk) -> None:
    await desk.customer(PHONE)
    await desk.reply(PHONE, "5")
    assert await desk.owner.fetchval("SELECT count(*) FROM tasks WHERE kind = 'read_reply' AND visit_id IS NULL") == 1
