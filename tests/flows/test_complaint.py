"""A complaint's story through all services: nobody responds, it climbs; the scheduler dies between; the customer closes it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.flows.system import Store, System, open_store

pytestmark = pytest.mark.timeout(300)

ROLES = ("service_advisor", "service_manager", "customer_manager", "general_manager", "followup_specialist")


async def address(store: Store, role: str) -> str:
    """Give the one person of a role an address for escalations."""
    [person] = (await store.get("/staff", role=role))["items"]
    where = f"{role}@dealer.example"
    answer = await store.system.operator.patch(
        f"{store.base}/staff/{person['id']}", json={"email": where}, headers={"If-Match": "*"}
    )
    assert answer.status_code == 200, answer.text
    return where


async def do(store: Store, role: str, complaint: dict[str, Any], verb: str, **body: Any) -> dict[str, Any]:
    answer = await store.people[role].post(f"{store.base}/complaints/{complaint['id']}/{verb}", json=body)
    assert answer.status_code == 200, answer.text
    done: dict[str, Any] = answer.json()
    return done


async def test_from_a_complaint_at_1750_to_the_customers_own_word(system: System) -> None:
    async with open_store(system, *ROLES) as store:
        advisor, manager, head = [
            await address(store, role) for role in ("service_advisor", "service_manager", "customer_manager")
        ]
        now = await system.now()
        await system.to((now + timedelta(days=3)).replace(hour=17, minute=50, second=0, microsecond=0))  # a Monday
        customer = await store.post("/customers", {"name": "王建国", "phone": "13800131299"})
        body = {"customer_id": customer["id"], "kind": "service", "category": "reception", "text": "等了两个小时没人理"}
        opened = (await store.people["service_advisor"].post(f"{store.base}/complaints", json=body)).json()
        due = datetime.fromisoformat(opened["respond_by"])
        assert (due.hour, due.minute, due.date()) == (9, 50, (now + timedelta(days=4)).date())  # §10.1

        await system.processes["scheduler"].kill()
        await system.processes["scheduler"].start()
        await system.to(due)
        late = await store.get(f"/complaints/{opened['id']}")
        assert (late["level"], late["owner_id"]) == (1, opened["owner_id"])
        assert len(system.mailbox.sent_to(advisor)) == 4  # it is his; half and four fifths of the hour; half of the day
        assert sum("升级" in str(mail["Subject"]) for mail in system.mailbox.sent_to(manager)) == 1

        await system.to(datetime.fromisoformat(opened["handle_by"]))
        assert (await store.get(f"/complaints/{opened['id']}"))["level"] == 2
        assert sum("升级" in str(mail["Subject"]) for mail in system.mailbox.sent_to(head)) == 1

        await do(store, "service_advisor", opened, "responses", text="致歉")
        told = await do(store, "service_advisor", opened, "resolve", result="已安排专人接待，赠送保养一次")
        call = await store.visit(programme="after-complaint")
        assert datetime.fromisoformat(call["window_start"]) <= datetime.fromisoformat(told["told_at"])

        await system.to(datetime.fromisoformat(told["told_at"]) + timedelta(days=1))
        await store.call("service_advisor", call["id"], outcome="reached", answers={"complaint_settled": False})
        again = await store.get(f"/complaints/{opened['id']}")
        assert (again["state"], again["level"], again["reopened"]) == ("open", 3, 1)

        told = await do(store, "general_manager", opened, "resolve", result="总经理当面致歉并补偿")
        calls = (await store.get("/visits", programme="after-complaint", limit=50))["items"]
        call = next(visit for visit in calls if visit["state"] == "planned")
        await system.to(datetime.fromisoformat(told["told_at"]) + timedelta(days=1))
        await store.call("general_manager", call["id"], outcome="reached", answers={"complaint_settled": True}, satisfaction=5)
        closed = await store.get(f"/complaints/{opened['id']}")
        assert (closed["state"], closed["confirmed_at"] is not None, closed["reopened"]) == ("closed", True, 1)
