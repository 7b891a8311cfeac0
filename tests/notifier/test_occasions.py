"""Greetings, offers and campaigns as the customer reads them: voucher, festival, years; consent, opt-out and caps before each."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import asyncpg
import pytest

from tests.factories import NOW, TODAY, make_consent, make_due_event, make_opt_out, make_programme, make_visit
from tests.factories.base import insert_of_store, number
from tests.notifier.conftest import Desk

PHONE = "+8613812345678"


async def occasion(
    desk: Desk, programme: str, step: str, purposes: list[str], *, consent: bool = True, **visit: Any
) -> asyncpg.Record:
    """A message of an occasion that has come due, with the customer's consent unless told otherwise."""
    customer = await desk.customer(PHONE)
    if consent:
        await make_consent(desk.owner, customer_id=customer["id"], channel="all")
    if not await desk.owner.fetchval("SELECT true FROM programmes WHERE key = $1", programme) and programme != "campaign":
        await make_programme(desk.owner, programme, store_id=desk.store_id)
    car = await desk.car(customer["id"], model="途观L")
    values = {"channel": "sms", "state": "due", "tries": 0, "role": "system", "vehicle_id": car["id"], **visit}
    return await due(desk, customer_id=customer["id"], programme=programme, step=step, purposes=purposes, **values)


async def due(desk: Desk, **visit: Any) -> asyncpg.Record:
    made = await make_visit(desk.owner, store_id=desk.store_id, **visit)
    await make_due_event(desk.owner, visit_id=made["id"], store_id=desk.store_id, step="sms", due_at=desk.clock.at)
    return made


async def give(desk: Desk, visit: asyncpg.Record, kind: str, **values: Any) -> str:
    code = f"CODE{number():06d}"
    row = {
        "store_id": desk.store_id, "code": code, "customer_id": visit["customer_id"], "visit_id": visit["id"], "kind": kind,
        "issued_for": kind, "valid_from": TODAY, "valid_to": date(2027, 2, 23), "issued_at": NOW,
    }  # fmt: skip
    await insert_of_store(desk.owner, "vouchers", row | values)
    return code


async def test_a_birthday_message_names_the_voucher_and_its_last_day(desk: Desk) -> None:
    visit = await occasion(desk, "birthday", "message", ["birthday", "voucher"], message_template="birthday")
    code = await give(desk, visit, "birthday", value_fen=5000)

    await desk.work()

    message = await desk.message(visit["id"])
    assert (message["purpose"], message["state"]) == ("marketing", "accepted")
    assert f"送您50元维修券，券码{code}，2027年2月23日前到店可用" in message["body"]
    assert message["body"].endswith("拒收请回复R")


async def test_of_several_vouchers_the_one_of_worth_is_named(desk: Desk) -> None:
    purposes = ["new_customer_offer", "voucher"]
    visit = await occasion(desk, "new-customer-offer", "message", purposes, message_template="new_customer")
    await give(desk, visit, "screen_wash")
    code = await give(desk, visit, "new_customer", percent_off=10)

    await desk.work()

    assert f"下次到店9折，券码{code}" in (await desk.message(visit["id"]))["body"]


@pytest.mark.parametrize(
    ("day", "name"), [(20270206, "春节"), (20260925, "中秋节"), (20261001, "国庆节"), (20311001, "中秋节、国庆节")]
)
async def test_a_greeting_names_the_festival(desk: Desk, day: int, name: str) -> None:
    trigger: dict[str, Any] = {"trigger_type": "store.holiday", "occurrence": day}
    visit = await occasion(desk, "holiday", "greeting", ["holiday"], message_template="holiday", **trigger)

    await desk.work()

    body = (await desk.message(visit["id"]))["body"]
    assert f"祝您{name}快乐！" in body
    assert "400-800-1234" in body or "4008001234" in body


async def test_an_anniversary_names_the_years(desk: Desk) -> None:
    trigger: dict[str, Any] = {"trigger_type": "vehicle.anniversary", "occurrence": 3}
    visit = await occasion(desk, "anniversary", "message", ["anniversary", "voucher"], message_template="anniversary", **trigger)

    await desk.work()

    assert "途观L已陪伴您3年" in (await desk.message(visit["id"]))["body"]


@pytest.mark.parametrize(
    ("programme", "step", "purposes", "template"),
    [
        ("birthday", "message", ["birthday", "voucher"], "birthday"),
        ("anniversary", "message", ["anniversary", "voucher"], "anniversary"),
        ("holiday", "greeting", ["holiday"], "holiday"),
        ("win-back", "offer", ["win_back_offer", "voucher"], "win_back_price"),
        ("win-back", "apology", ["win_back_offer", "voucher"], "win_back_quality"),
        ("new-customer-offer", "message", ["new_customer_offer", "voucher"], "new_customer"),
        ("campaign", "message", ["campaign"], "maintenance_due"),
    ],
)
async def test_marketing_without_a_consent_row_is_not_sent_and_says_why(
    desk: Desk, programme: str, step: str, purposes: list[str], template: str
) -> None:
    visit = await occasion(desk, programme, step, purposes, consent=False, message_template=template)

    await desk.work()

    message = await desk.message(visit["id"])
    assert (message["purpose"], message["state"], message["reason"]) == ("marketing", "suppressed", "no_consent")
    assert desk.provider.calls == []


async def test_the_first_survey_needs_no_consent(desk: Desk) -> None:
    visit = await occasion(desk, "first-survey", "message", ["satisfaction"], consent=False, message_template="survey")

    await desk.work()

    message = await desk.message(visit["id"])
    assert (message["purpose"], message["state"]) == ("satisfaction", "accepted")
    assert "https://hf.example/s/" in message["body"]


async def test_a_recall_goes_to_who_opted_out_and_never_consented(desk: Desk) -> None:
    visit = await occasion(desk, "campaign", "message", ["recall_safety"], consent=False, message_template="maintenance_due")
    index = await desk.owner.fetchval("SELECT value_index FROM contact_points WHERE customer_id = $1", visit["customer_id"])
    await make_opt_out(desk.owner, number_index=index, channel="all")

    await desk.work()

    message = await desk.message(visit["id"])
    assert (message["purpose"], message["state"]) == ("recall_safety", "accepted")
    assert "拒收" not in message["body"]


async def test_two_greetings_within_a_week_are_held_by_the_cap(desk: Desk) -> None:
    first = await occasion(desk, "birthday", "message", ["birthday"], message_template="birthday")
    await desk.work()
    trigger: dict[str, Any] = {"trigger_type": "store.holiday", "occurrence": 20270206, "window_end": NOW + timedelta(days=30)}
    later = await due(
        desk,
        customer_id=first["customer_id"], programme="holiday", step="greeting", purposes=["holiday"], channel="sms", state="due",
        tries=0, message_template="holiday", **trigger,
    )  # fmt: skip

    await desk.work()

    message = await desk.message(later["id"])
    assert (message["state"], message["reason"]) == ("held", "cap_marketing")


async def test_a_campaign_goes_in_its_own_words(desk: Desk) -> None:
    visit = await occasion(desk, "campaign", "message", ["campaign"], message_template="campaign-x")
    own = {"key": "campaign-x", "channel": "sms", "language": "zh", "body": "{{ customer_name }}您好，夏季空调免费检测。"}
    await insert_of_store(desk.owner, "message_templates", {"store_id": desk.store_id, **own, "updated_at": NOW, "version": 1})

    await desk.work()

    assert "王建国您好，夏季空调免费检测。" in (await desk.message(visit["id"]))["body"]
