"""Vouchers: found by code, redeemed once with an order of the customer, never after the last day; issued by managers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from shared.db import Pool
from shared.vouchers import Gift, issue_all
from tests.api.conftest import Person, Sign
from tests.factories import NOBODY, NOW, TODAY, make_customer, make_vehicle, make_visit, make_work_order


@dataclass(frozen=True)
class Desk:
    """An advisor, a manager, a customer with a car and an order of today."""

    advisor: Person
    manager: Person
    pool: Pool
    path: str
    store_id: UUID
    customer: asyncpg.Record
    car: asyncpg.Record
    order: asyncpg.Record

    async def gift(self, kind: str = "birthday", start: date = TODAY, occasion: str = "2026") -> dict[str, Any]:
        async with self.pool.acquire() as conn:
            gift = Gift(kind, self.customer["id"], occasion, start, self.car["id"])
            await issue_all(conn, self.store_id, [gift], now=NOW)
        answer = await self.advisor.http.get(self.path, params={"kind": kind, "customer_id": str(self.customer["id"])})
        found: dict[str, Any] = answer.json()["items"][0]
        return found

    async def redeem(self, voucher: dict[str, Any], order_id: object = None) -> httpx.Response:
        body = {"work_order_id": str(order_id or self.order["id"])}
        return await self.advisor.http.post(f"{self.path}/{voucher['id']}/redeem", json=body)


@pytest.fixture
async def desk(as_staff: Sign, pool: Pool, store_id: UUID, base: str) -> Desk:
    async with pool.acquire() as conn:
        customer = await make_customer(conn, store_id=store_id)
        car = await make_vehicle(conn, store_id=store_id, customer_id=customer["id"])
        order = await make_work_order(conn, store_id=store_id, vehicle_id=car["id"])
    advisor, manager = await as_staff("service_advisor"), await as_staff("service_manager")
    return Desk(advisor, manager, pool, f"{base}/vouchers", store_id, customer, car, order)


async def test_a_voucher_is_found_by_the_code_as_it_is_read_out(desk: Desk) -> None:
    voucher = await desk.gift()
    spoken = f"{voucher['code'][:5].lower()} - {voucher['code'][5:]}"

    found = (await desk.advisor.http.get(desk.path, params={"code": spoken})).json()["items"]

    assert [one["id"] for one in found] == [voucher["id"]]
    assert (found[0]["state"], found[0]["value_fen"], found[0]["text"]) == ("open", 5000, "50 yuan off a repair")
    assert (await desk.advisor.http.get(desk.path, params={"code": "NOSUCHCODE"})).json()["items"] == []


async def test_a_voucher_is_redeemed_once_with_an_order(desk: Desk) -> None:
    voucher = await desk.gift()

    first, second = await desk.redeem(voucher), await desk.redeem(voucher)

    assert (first.status_code, first.json()["state"]) == (200, "redeemed")
    assert (first.json()["work_order_id"], first.json()["redeemed_by"]) == (str(desk.order["id"]), str(desk.advisor.staff_id))
    assert (second.status_code, second.json()["type"].rpartition(":")[2]) == (409, "voucher_redeemed")


@pytest.mark.parametrize(
    ("start", "code"),
    [(TODAY - timedelta(days=93), "voucher_expired"), (TODAY + timedelta(days=1), "voucher_not_yet_valid")],
)
async def test_a_voucher_is_good_from_its_first_to_its_last_day(desk: Desk, start: date, code: str) -> None:
    answer = await desk.redeem(await desk.gift(start=start))

    assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (409, code)


async def test_on_its_last_day_it_is_still_good(desk: Desk) -> None:
    voucher = await desk.gift("maintenance_20", start=date(2026, 10, 23))

    assert voucher["valid_to"] == "2026-11-23"
    assert (await desk.redeem(voucher)).status_code == 200


async def test_a_voucher_is_not_for_the_order_of_another(desk: Desk) -> None:
    async with desk.pool.acquire() as conn:
        other = await make_work_order(conn, store_id=desk.store_id)
    voucher = await desk.gift()

    for order_id, says in ((other["id"], "another customer"), (NOBODY, "no such work order")):
        answer = await desk.redeem(voucher, order_id)
        assert answer.status_code == 422
        (error,) = answer.json()["errors"]
        assert (error["pointer"], says in error["message"]) == ("#/work_order_id", True)


async def test_the_new_customers_offer_is_for_the_next_visit(desk: Desk) -> None:
    voucher = await desk.gift("new_customer", occasion=f"work_order.closed:{desk.order['id']}:1")

    assert "next visit" in (await desk.redeem(voucher)).text


async def test_a_manager_issues_by_hand_and_cancels_with_a_reason(desk: Desk) -> None:
    body = {"customer_id": str(desk.customer["id"]), "kind": "goodwill", "value_fen": 5000, "reason": "等待时间过长"}

    made = await desk.manager.http.post(desk.path, json=body)
    cancelled = await desk.manager.http.post(f"{made.headers['Location']}/cancel", json={"reason": "误发"})

    assert (made.status_code, made.json()["state"], made.json()["text"]) == (201, "open", "50 yuan off")
    assert made.json()["issued_by"] == str(desk.manager.staff_id)
    assert (cancelled.json()["state"], cancelled.json()["cancel_reason"]) == ("cancelled", "误发")
    assert (await desk.redeem(made.json())).status_code == 409
    assert (await desk.manager.http.post(f"{made.headers['Location']}/cancel", json={"reason": "again"})).status_code == 409
    actions = await desk.pool.fetch("SELECT action FROM audit_log WHERE object_id = $1 ORDER BY id", UUID(made.json()["id"]))
    assert [row["action"] for row in actions] == ["voucher.issued", "voucher.cancelled"]


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"kind": "goodwill"}, "#/value_fen"),
        ({"kind": "goodwill", "value_fen": 1, "percent_off": 10}, "#/value_fen"),
        ({"kind": "birthday", "percent_off": 10}, "#/percent_off"),
        ({"kind": "birthday", "valid_to": "2026-11-22"}, "#/valid_to"),
        ({"kind": "birthday", "vehicle_id": NOBODY}, "#/vehicle_id"),
        ({"kind": "birthday", "customer_id": NOBODY}, "#/customer_id"),
        ({"kind": "gold"}, "#/kind"),
        ({"kind": "goodwill", "percent_off": 101}, "#/percent_off"),
        ({"kind": "goodwill", "value_fen": 10**12}, "#/value_fen"),
    ],
)
async def test_a_wrong_voucher_is_refused_at_the_field(desk: Desk, fields: dict[str, Any], pointer: str) -> None:
    body = {"customer_id": str(desk.customer["id"]), "reason": "x", **fields}

    answer = await desk.manager.http.post(desk.path, json=body)

    assert (answer.status_code, [error["pointer"] for error in answer.json()["errors"]]) == (422, [pointer])


@pytest.mark.parametrize(
    ("state", "kinds"), [("open", ["anniversary"]), ("expired", ["birthday"]), ("redeemed", ["free_repair"]), ("cancelled", [])]
)
async def test_a_list_is_narrowed_by_the_state_of_today(desk: Desk, state: str, kinds: list[str]) -> None:
    await desk.gift("birthday", start=TODAY - timedelta(days=200))
    await desk.gift("anniversary")
    await desk.redeem(await desk.gift("free_repair"))

    found = (await desk.advisor.http.get(desk.path, params={"state": state})).json()["items"]

    assert [one["kind"] for one in found] == kinds


async def test_advisors_do_not_issue_and_another_store_sees_nothing(desk: Desk, as_staff: Sign, other_store_id: UUID) -> None:
    voucher = await desk.gift()
    stranger = await as_staff("service_advisor", store_id=other_store_id)

    issued = await desk.advisor.http.post(
        desk.path, json={"customer_id": str(desk.customer["id"]), "kind": "birthday", "reason": "x"}
    )
    read = await stranger.http.get(f"/v1/stores/{other_store_id}/vouchers/{voucher['id']}")
    used = await stranger.http.post(
        f"/v1/stores/{other_store_id}/vouchers/{voucher['id']}/redeem", json={"work_order_id": str(desk.order["id"])}
    )

    assert (issued.status_code, read.status_code, used.status_code) == (403, 404, 404)


async def test_the_brief_and_the_timeline_show_vouchers(desk: Desk) -> None:
    voucher = await desk.gift()
    await desk.gift("anniversary", start=TODAY - timedelta(days=200))
    async with desk.pool.acquire() as conn:
        visit = await make_visit(
            conn, store_id=desk.store_id, customer_id=desk.customer["id"], assignee_id=desk.advisor.staff_id, state="due"
        )
    store = f"/v1/stores/{desk.store_id}"

    brief = (await desk.advisor.http.get(f"{store}/visits/{visit['id']}/brief")).json()
    await desk.redeem(voucher)
    timeline = await desk.advisor.http.get(f"{store}/customers/{desk.customer['id']}/timeline", params={"kind": "voucher"})

    assert [(one["code"], one["text"], one["valid_to"]) for one in brief["vouchers"]] == [
        (voucher["code"], "50 yuan off a repair", "2027-02-23")
    ]
    happened = sorted((item["detail"]["kind"], item["detail"]["happened"]) for item in timeline.json()["items"])
    assert happened == [("anniversary", "issued"), ("birthday", "issued"), ("birthday", "redeemed")]
