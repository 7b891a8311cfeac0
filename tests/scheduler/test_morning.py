"""A whole morning under the scheduler's own role: everything that the calendar starts is within its rights."""

from __future__ import annotations

from datetime import timedelta

import orjson

from services.scheduler.context import Context
from services.scheduler.jobs import run_due
from shared.db import Connection
from shared.ids import new_id
from shared.packs import shipped_packs
from tests.factories import (
    NOW,
    TODAY,
    make_consent,
    make_customer,
    make_programme,
    make_staff,
    make_store,
    make_vehicle,
    make_work_order,
)
from tests.factories.base import insert_of_store


async def test_a_morning_plans_occasions_churn_high_value_and_campaigns(owner: Connection, scheduler: Context) -> None:
    store = await make_store(owner, policies=orjson.dumps({"festivals": [_fair()]}).decode())
    for pack in shipped_packs():
        await make_programme(owner, pack.key, store_id=store["id"], policy=pack.programme.policy)
    advisor = await make_staff(owner, "service_advisor", store_id=store["id"])
    customer = await make_customer(owner, store_id=store["id"], birthday=TODAY.replace(year=1985))
    await make_consent(owner, customer_id=customer["id"], channel="all")
    car = await make_vehicle(
        owner, customer_id=customer["id"], purchased_on=TODAY.replace(year=2024), next_maintenance_on=TODAY - timedelta(days=120)
    )
    order = {"vehicle_id": car["id"], "closed_at": NOW - timedelta(days=300), "fee_fen": 2_000_000, "advisor_id": advisor["id"]}
    await make_work_order(owner, **order)
    campaign = await _running(owner, store["id"], customer["id"])

    await run_due(scheduler)

    rows = await owner.fetch("SELECT programme, step, state FROM visits WHERE customer_id = $1", customer["id"])
    assert {row["programme"] for row in rows} >= {"birthday", "anniversary", "holiday", "win-back", "campaign"}
    kinds = await owner.fetch("SELECT kind FROM vouchers WHERE customer_id = $1 ORDER BY kind", customer["id"])
    assert [row["kind"] for row in kinds] == ["anniversary", "birthday", "screen_wash"]
    now = await owner.fetchrow("SELECT * FROM customers WHERE id = $1", customer["id"])
    assert now is not None
    assert (now["lifecycle"], now["flags"], now["holder_id"]) == ("churned", ["high_value"], advisor["id"])
    member = await owner.fetchrow("SELECT state, reason FROM campaign_members WHERE campaign_id = $1", campaign)
    assert member is not None
    assert tuple(member) == ("planned", None)


def _fair() -> dict[str, object]:
    return {"key": "fair", "zh": "店庆", "en": "Our day", "calendar": "solar", "month": 11, "day": 30}


async def _running(owner: Connection, store_id: object, customer_id: object) -> object:
    campaign = {
        "store_id": store_id, "name": "冬季检测", "purpose": "campaign", "mode": "message", "channel": "sms",
        "segment": {"lifecycle": ["owner"]}, "text": "您好", "voucher_kind": "screen_wash", "starts_on": TODAY,
        "ends_on": TODAY + timedelta(days=3), "state": "running", "launched_at": NOW, "created_at": NOW, "updated_at": NOW, "version": 1,
    }  # fmt: skip
    row = await insert_of_store(owner, "campaigns", campaign)
    member = {"store_id": store_id, "campaign_id": row["id"], "customer_id": customer_id, "on_day": TODAY, "state": "waiting"}
    await insert_of_store(owner, "campaign_members", {"id": new_id(), **member})
    return row["id"]
