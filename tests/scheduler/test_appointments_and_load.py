"""The morning under the scheduler's own role: who did not come is asked after, what is too much for a day is spread."""

from __future__ import annotations

from datetime import timedelta

from services.scheduler.context import Context
from services.scheduler.jobs import run_due
from shared.db import Connection
from tests.factories import (
    NOW,
    TODAY,
    make_customer,
    make_programme,
    make_staff,
    make_store,
    make_vehicle,
    make_visit,
    make_work_order,
)
from tests.factories.base import insert_of_store


async def test_the_morning_finds_no_shows_and_arrivals(owner: Connection, scheduler: Context) -> None:
    store_id = (await make_store(owner))["id"]
    for key in ("appointment", "appointment-missed", "maintenance"):
        await make_programme(owner, key, store_id=store_id)
    yesterday = NOW - timedelta(days=1)
    states = []
    for came in (True, False):
        customer = await make_customer(owner, store_id=store_id)
        vehicle = await make_vehicle(owner, store_id=store_id, customer_id=customer["id"])
        row = {
            "store_id": store_id, "customer_id": customer["id"], "vehicle_id": vehicle["id"], "direction": "inbound",
            "starts_at": yesterday, "minutes": 60, "items": ["保养"], "state": "booked", "created_at": yesterday - timedelta(days=3),
            "updated_at": yesterday, "version": 1,
        }  # fmt: skip
        states.append((await insert_of_store(owner, "appointments", row))["id"])
        if came:
            await make_work_order(owner, store_id=store_id, vehicle_id=vehicle["id"], opened_at=yesterday, closed_at=yesterday)

    await run_due(scheduler)

    found = {row["id"]: row["state"] for row in await owner.fetch("SELECT id, state FROM appointments")}
    assert [found[appointment_id] for appointment_id in states] == ["arrived", "no_show"]
    assert await owner.fetchval("SELECT count(*) FROM visits WHERE programme = 'appointment-missed'") == 1


async def test_the_morning_spreads_what_is_too_much(owner: Connection, scheduler: Context) -> None:
    store_id = (await make_store(owner))["id"]
    person = await make_staff(owner, "followup_specialist", store_id=store_id, capacity=3)
    over = {"state": "due", "window_start": NOW - timedelta(days=9), "window_end": NOW - timedelta(days=4)}
    for more in (*[{}] * 5, over):
        values = {"store_id": store_id, "assignee_id": person["id"], **more}
        await make_visit(owner, **values)

    await run_due(scheduler)

    rows = await owner.fetch("SELECT due_on, state FROM visits WHERE closed_at IS NULL ORDER BY due_on")
    assert sorted((row["due_on"] - TODAY).days for row in rows) == [0, 0, 0, 1, 1, 1]
