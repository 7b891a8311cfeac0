"""The heart of the service: a delivery is imported, nobody answers, the ladder runs to its end; or the customer answers."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import Any
from uuid import UUID

import pytest

from tests.flows.system import Store, System, open_store
from tests.support.provider import Call

pytestmark = pytest.mark.timeout(300)

CUSTOMERS = "客户姓名,手机号码,邮箱\n{name},{phone},{email}\n"
SALES = (
    "客户姓名,联系电话,车牌号码,车架号,车型,交车日期,销售顾问,是否投保,是否上牌\n"
    "{name},{phone},{plate},{vin},途观L,{day},sales_consultant,是,是\n"
)


async def deliver(store: Store, *, name: str, phone: str, email: str, vin: str, plate: str) -> tuple[dict[str, Any], datetime]:
    """A file with the customer and one with his delivery of today; out: the second import, and the instant."""
    now = await store.system.now()
    await store.import_file("customers", "客户.csv", CUSTOMERS.format(name=name, phone=phone, email=email))
    sale = SALES.format(name=name, phone=phone, plate=plate, vin=vin, day=now.date().isoformat())
    return await store.import_file("sales", "交车.csv", sale), now


def morning(now: datetime, days: int, clock: str) -> datetime:
    hour, minute = clock.split(":")
    return (now + timedelta(days=days)).replace(hour=int(hour), minute=int(minute), second=0, microsecond=0)


async def three_calls_nobody_answers(system: System, store: Store, now: datetime) -> dict[str, Any]:
    """The thanks call of day 2, tried on three days in three parts of the day; out: the last answer of the API."""
    visit = await store.visit(step="thanks")
    assert visit["state"] == "planned"
    assert visit["due_on"] == (now + timedelta(days=2)).date().isoformat()
    answer: dict[str, Any] = {}
    expected = [(2, "09:30"), (3, "14:00"), (4, "17:00")]
    for number, (days, clock) in enumerate(expected, start=1):
        await system.to(morning(now, days, clock))
        answer = await store.call("sales_consultant", visit["id"], outcome="no_answer")
        following = answer["visit"]["next"]
        if number < 3:
            later_day, later_clock = expected[number]
            assert following["step"] == "call"
            assert datetime.fromisoformat(following["at"]) == morning(now, later_day, later_clock)
    final: dict[str, Any] = answer["visit"]
    return final


async def test_three_calls_an_sms_an_email_then_unreachable_and_why_tells_it_all(system: System) -> None:
    async with open_store(system, "sales_consultant", "sales_manager") as store:
        counts, now = await deliver(
            store, name="王建国", phone="138 0013 1234", email="wang@example.com", vin="LSVAG2180E2100001", plate="沪A12345"
        )
        assert counts["created"] == 1
        visit = await three_calls_nobody_answers(system, store, now)
        assert visit["next"]["step"] == "sms"

        await system.pass_time(timedelta(minutes=1))
        [sms] = texts_to(system, "+8613800131234")
        assert re.search(r"/s/\w{1,16}\b", sms.text)
        assert sms.body["signature"] == "沪兴汽车"

        await report(store, sms, "undelivered")
        await system.pass_time(timedelta(minutes=1))
        [mail] = mails_of_the_ladder(system, "wang@example.com")
        assert mail["List-Unsubscribe"].startswith("<http")
        assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"

        await system.pass_time(timedelta(days=3, minutes=1))
        final = await store.get(f"/visits/{visit['id']}")
        assert final["state"] == "unreachable"
        assert len(texts_to(system, "+8613800131234")) == 1
        assert len(mails_of_the_ladder(system, "wang@example.com")) == 1

        why = await store.get(f"/visits/{visit['id']}/why")
        kinds = [line["kind"] for line in why["story"]]
        assert kinds.count("attempt") == 3
        assert {"message_undelivered", "message_sent", "unreachable"} <= set(kinds)
        assert why["rule"]["programme"] == "delivery-sales"


async def test_an_answer_to_the_survey_after_the_sms_ends_the_ladder(system: System) -> None:
    async with open_store(system, "sales_consultant", "sales_manager") as store:
        _, now = await deliver(
            store, name="李娜", phone="13900139002", email="li@example.com", vin="LSVAG2180E2100002", plate="沪A12346"
        )
        visit = await three_calls_nobody_answers(system, store, now)
        await system.pass_time(timedelta(minutes=1))
        [sms] = texts_to(system, "+8613900139002")
        await report(store, sms, "delivered")
        link = re.search(r"https?://\S+/s/\w+", sms.text)
        assert link is not None

        page = await system.operator.get(link[0])
        assert page.status_code == 200
        names = re.findall(r'name="([^"]+)"[^>]*value="5"', page.text)
        answer = await system.operator.post(link[0], data=dict.fromkeys(names, "5"), follow_redirects=True)
        assert answer.status_code == 200, answer.text

        final = await store.get(f"/visits/{visit['id']}")
        assert (final["state"], final["satisfaction"]) == ("completed", 5)
        await system.pass_time(timedelta(days=5))
        sent = await system.sql("SELECT channel, state FROM messages WHERE visit_id = $1", UUID(visit["id"]))
        assert [(row["channel"], row["state"]) for row in sent] == [("sms", "delivered")]
        assert mails_of_the_ladder(system, "li@example.com") == []


def texts_to(system: System, phone: str) -> list[Call]:
    """What the gateway took for a number."""
    return [call for call in system.gateway.accepted if call.to == phone]


def mails_of_the_ladder(system: System, address: str) -> list[EmailMessage]:
    """Mails that ask for an answer by a link, unlike the thank-you letter that a delivery brings as well."""
    return [mail for mail in system.mailbox.sent_to(address) if "/s/" in plain_text(mail)]


def plain_text(mail: EmailMessage) -> str:
    """The part for those who read no HTML."""
    part = mail.get_body(("plain",))
    return str(part.get_content()) if part else ""


async def report(store: Store, sms: Call, status: str) -> None:
    """The gateway posts a receipt at the business instant."""
    address: str = (await store.get("/providers"))["sms"]["sms_hook_url"]
    receipt = {"id": sms.id, "status": status, "at": (await store.system.now()).isoformat()}
    answer = await store.system.operator.post(address, json=[receipt])
    assert answer.status_code == 200, answer.text
