"""Whom a campaign would reach: what each condition finds, who is left out and why, a recall."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from shared.ids import new_id
from tests.api.campaigns.conftest import Office, complain
from tests.factories import (
    NOW,
    TODAY,
    make_consent,
    make_opt_out,
    make_work_order,
)
from tests.factories.base import insert_of_store, number

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
