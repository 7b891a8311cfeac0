"""What a customer agreed to, what a number wants no more of, and who may see it whole."""

from __future__ import annotations

from uuid import UUID

import pytest

from shared.db import Pool
from shared.ids import new_id
from tests.api.conftest import Person, Sign
from tests.factories import make_customer, make_visit


@pytest.fixture
async def customer_id(pool: Pool, store_id: UUID) -> UUID:
    async with pool.acquire() as conn:
        found: UUID = (await make_customer(conn, store_id=store_id, phone="+8613811112222"))["id"]
    return found


@pytest.fixture
def path(base: str, customer_id: UUID) -> str:
    return f"{base}/customers/{customer_id}"


async def test_consent_is_given_once_and_withdrawn_without_a_reason(path: str, as_staff: Sign) -> None:
    http = (await as_staff("followup_specialist")).http
    body = {"purpose": "marketing", "channel": "sms", "source": "counter", "proof": "纸质同意书 0012"}
    first = await http.post(f"{path}/consents", json=body)
    again = await http.post(f"{path}/consents", json=body)
    assert (first.status_code, again.json()["id"]) == (201, first.json()["id"])

    (row,) = (await http.post(f"{path}/consents/marketing/withdraw")).json()["items"]
    assert row["withdrawn_at"] == "2026-11-23T09:00:00.000+08:00"

    new = await http.post(f"{path}/consents", json=body)
    assert new.json()["id"] != first.json()["id"]
    rows = (await http.get(f"{path}/consents")).json()["items"]
    assert [row["withdrawn_at"] is None for row in rows] == [True, False]


async def test_consent_is_withdrawn_for_one_channel_or_by_its_id(path: str, as_staff: Sign) -> None:
    http = (await as_staff("followup_specialist")).http
    sms = (await http.post(f"{path}/consents", json={"purpose": "marketing", "channel": "sms"})).json()
    await http.post(f"{path}/consents", json={"purpose": "marketing", "channel": "email"})
    await http.post(f"{path}/consents/{sms['id']}/withdraw")
    rows = (await http.get(f"{path}/consents")).json()["items"]
    assert {row["channel"]: row["withdrawn_at"] is None for row in rows} == {"sms": False, "email": True}
    await http.post(f"{path}/consents/marketing/withdraw", json={"channel": "email"})
    rows = (await http.get(f"{path}/consents")).json()["items"]
    assert all(row["withdrawn_at"] for row in rows)


async def test_consent_on_all_channels_withdrawn_for_one_goes_on_for_the_others(path: str, as_staff: Sign) -> None:
    http = (await as_staff("followup_specialist")).http
    await http.post(f"{path}/consents", json={"purpose": "marketing"})
    await http.post(f"{path}/consents/marketing/withdraw", json={"channel": "sms"})
    rows = (await http.get(f"{path}/consents")).json()["items"]
    assert {row["channel"] for row in rows if row["withdrawn_at"] is None} == {"email", "phone", "wechat"}


async def test_an_unknown_purpose_is_refused(path: str, as_staff: Sign) -> None:
    answer = await (await as_staff("followup_specialist")).http.post(f"{path}/consents/gossip/withdraw")
    assert answer.status_code == 422


async def test_a_refusal_of_what_was_never_granted_is_kept(path: str, as_staff: Sign) -> None:
    http = (await as_staff("followup_specialist")).http
    (row,) = (await http.post(f"{path}/consents/marketing/withdraw")).json()["items"]
    assert (row["purpose"], row["channel"], row["withdrawn_at"] is None) == ("marketing", "all", False)


async def test_a_number_opts_out_of_a_channel_and_in_again(path: str, as_staff: Sign) -> None:
    http = (await as_staff("followup_specialist")).http
    point = (await http.get(path)).json()["contact_points"][0]
    out = await http.post(f"{path}/opt-outs", json={"contact_point_id": point["id"], "channel": "sms"})
    assert out.json()["contact_points"][0]["opted_out"] == ["sms"]
    back = await http.delete(f"{path}/opt-outs/{point['id']}", params={"channel": "sms"})
    assert back.json()["contact_points"][0]["opted_out"] == []


async def test_an_opt_out_stands_in_every_store(path: str, as_staff: Sign, pool: Pool, other_store_id: UUID) -> None:
    async with pool.acquire() as conn:
        relative = await make_customer(conn, store_id=other_store_id, phone="+8613811112222")
    http = (await as_staff("followup_specialist")).http
    point = (await http.get(path)).json()["contact_points"][0]
    await http.post(f"{path}/opt-outs", json={"contact_point_id": point["id"]})
    elsewhere = await as_staff("followup_specialist", store_id=other_store_id)
    seen = await elsewhere.http.get(f"/v1/stores/{other_store_id}/customers/{relative['id']}")
    assert seen.json()["contact_points"][0]["opted_out"] == ["all"]
    await http.delete(f"{path}/opt-outs/{point['id']}")


async def test_a_number_is_shown_to_the_assignee_the_holder_and_a_manager_and_recorded(
    path: str, customer_id: UUID, as_staff: Sign, pool: Pool
) -> None:
    stranger, assignee = await as_staff("followup_specialist"), await as_staff("followup_specialist")
    holder, manager = await as_staff("sales_consultant"), await as_staff("service_manager")
    async with pool.acquire() as conn:
        await make_visit(conn, customer_id=customer_id, assignee_id=assignee.staff_id)
        await conn.execute("UPDATE customers SET holder_id = $2 WHERE id = $1", customer_id, holder.staff_id)
    assert (await stranger.http.post(f"{path}/reveal", json={"purpose": "call"})).status_code == 403
    assert (await assignee.http.post(f"{path}/reveal", json={})).status_code == 422
    for person in (assignee, holder, manager):
        answer = await person.http.post(f"{path}/reveal", json={"purpose": "call"})
        assert answer.json()["value"] == "+8613811112222"
        assert answer.headers["cache-control"] == "no-store"
    async with pool.acquire() as conn:
        seen = await conn.fetch(
            "SELECT actor_id FROM audit_log WHERE object_id = $1 AND action = 'customer.revealed'", customer_id
        )
    assert {row["actor_id"] for row in seen} == {assignee.staff_id, holder.staff_id, manager.staff_id}


async def test_the_assignee_of_a_closed_visit_sees_no_number_any_more(
    path: str, customer_id: UUID, as_staff: Sign, pool: Pool
) -> None:
    person = await as_staff("followup_specialist")
    async with pool.acquire() as conn:
        await make_visit(conn, customer_id=customer_id, assignee_id=person.staff_id, state="completed")
    assert (await person.http.post(f"{path}/reveal", json={"purpose": "call"})).status_code == 403


async def test_a_file_without_a_number_has_nothing_to_reveal(base: str, as_admin: Person) -> None:
    made = (await as_admin.http.post(f"{base}/customers", json={"name": "李红"})).json()
    answer = await as_admin.http.post(f"{base}/customers/{made['id']}/reveal", json={"purpose": "call"})
    assert (answer.status_code, answer.json()["code"]) == (404, "contact_point_not_found")


async def test_consultants_do_not_read_what_the_club_heard_about_them(
    path: str, base: str, as_staff: Sign, pool: Pool, customer_id: UUID, store_id: UUID
) -> None:
    consultant, specialist = await as_staff("sales_consultant"), await as_staff("insurance_specialist")
    async with pool.acquire() as conn:
        facts = {"store_id": store_id, "customer_id": customer_id, "state": "due"}
        club = {"programme": "delivery-club", "tier": "club", "role": "insurance_specialist"}
        heard = await make_visit(conn, **facts, **club, assignee_id=specialist.staff_id, trigger_id=new_id())
        own = await make_visit(conn, **facts, tier="sales", role="sales_consultant", assignee_id=consultant.staff_id)
    told = {"outcome": "reached", "satisfaction": 3, "note": "顾问没有来过电话"}
    assert (await specialist.http.post(f"{base}/visits/{heard['id']}/attempts", json=told)).status_code == 201

    async def read(person: Person) -> str:
        brief = "" if person is specialist else (await person.http.get(f"{base}/visits/{own['id']}/brief")).text
        return (await person.http.get(f"{path}/card")).text + (await person.http.get(f"{path}/timeline")).text + brief

    assert "顾问没有来过电话" in await read(specialist)
    assert "顾问没有来过电话" not in await read(consultant)
    assert "delivery-club" not in await read(consultant)
