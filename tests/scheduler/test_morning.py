"""A morning of a store under the scheduler's own rights: leads, policies, warranty and files whose month 9 has come."""

from __future__ import annotations

from datetime import date, timedelta

from services.scheduler.context import Context
from services.scheduler.jobs import run_due
from shared.db import Connection
from tests.factories import (
    NOW,
    TODAY,
    make_customer,
    make_lead,
    make_policy,
    make_programme,
    make_sale,
    make_staff,
    make_store,
    make_visit,
)
from tests.factories.base import insert_of_store, stamps

PROGRAMMES = ("lead", "renewal", "insurance", "accident", "warranty", "delivery-club", "handover", "delivery-letter")
COUNT = "SELECT count(*) FROM visits WHERE store_id = $1 AND programme = $2"


async def test_the_scheduler_plans_what_a_new_day_starts(owner: Connection, scheduler: Context) -> None:
    store_id = (await make_store(owner))["id"]
    for key in PROGRAMMES:
        await make_programme(owner, key, store_id=store_id)
    roles = ("sales_consultant", "insurance_specialist", "renewal_specialist", "followup_specialist")
    people = {role: (await make_staff(owner, role, store_id=store_id))["id"] for role in roles}
    lead = await make_lead(owner, store_id=store_id, level="later", expected_on=TODAY + timedelta(days=2))
    await make_policy(owner, store_id=store_id, expires_on=TODAY + timedelta(days=60))
    customer = await make_customer(owner, store_id=store_id, holder_id=people["insurance_specialist"])
    sale = await make_sale(
        owner, customer_id=customer["id"], delivered_on=date(2026, 2, 23), insurance_specialist_id=people["insurance_specialist"]
    )
    visit = await make_visit(
        owner, store_id=store_id, customer_id=customer["id"], vehicle_id=sale["vehicle_id"], programme="delivery-club", tier="club",
        role="insurance_specialist", assignee_id=people["insurance_specialist"], due_at=NOW + timedelta(days=9),
    )  # fmt: skip
    terms = {"name": "整车质保", "starts_on": date(2023, 12, 20), "months": 36, "km": 100_000, "version": 1}
    item = {"store_id": store_id, "vehicle_id": sale["vehicle_id"], **terms, **stamps("created_at", "updated_at")}
    await insert_of_store(owner, "warranty_items", item)

    await run_due(scheduler)

    for programme, planned in (("lead", 1), ("renewal", 4), ("warranty", 1)):
        assert await owner.fetchval(COUNT, store_id, programme) == planned, programme
    assert await owner.fetchval("SELECT level FROM leads WHERE id = $1", lead["id"]) == "within_3_days"
    assert await owner.fetchval("SELECT count(*) FROM lead_movements WHERE lead_id = $1", lead["id"]) == 1
    moved = await owner.fetchrow("SELECT role, assignee_id FROM visits WHERE id = $1", visit["id"])
    assert moved is not None
    assert tuple(moved) == ("renewal_specialist", people["renewal_specialist"])
    assert await owner.fetchval("SELECT holder_id FROM customers WHERE id = $1", customer["id"]) == people["renewal_specialist"]
    assert await owner.fetchval("SELECT count(*) FROM handovers WHERE store_id = $1", store_id) == 1
