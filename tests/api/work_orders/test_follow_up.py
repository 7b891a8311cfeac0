"""What is planned from an order, and how it moves when the order is corrected."""

from __future__ import annotations

from asyncio import gather
from datetime import date, timedelta
from typing import Any

import pytest

from shared.db import Pool
from tests.api.work_orders.conftest import Counter
from tests.factories import NOW, TODAY, make_customer, make_reading, make_sale, make_vehicle, make_visit

PLANNED, CANCELLED = "planned", "cancelled"


async def test_a_maintenance_is_followed_up_in_the_same_transaction(counter: Counter) -> None:
    order = await counter.enter(kind="maintenance")
    visits = await counter.rows("SELECT * FROM visits WHERE vehicle_id = $1")

    assert [(visit["programme"], visit["due_on"]) for visit in visits] == [("after-maintenance", date(2026, 11, 26))]
    assert (str(visits[0]["trigger_id"]), visits[0]["trigger_type"]) == (order["id"], "work_order.closed")


async def test_an_order_that_is_refused_plans_nothing(counter: Counter) -> None:
    await counter.enter(number="RO-1", kind="internal")
    await counter.post(number="RO-1")

    assert await counter.visits() == []


async def test_the_first_service_is_told_from_all_later_ones(counter: Counter, pool: Pool) -> None:
    async with pool.acquire() as conn:
        new = await make_vehicle(conn, store_id=counter.store_id)
    first = await counter.enter(vehicle_id=str(new["id"]))
    second = await counter.enter(vehicle_id=str(new["id"]))

    assert (first["first_service"], second["first_service"]) == (True, False)
    rows = await pool.fetch("SELECT programme FROM visits WHERE vehicle_id = $1 ORDER BY programme", new["id"])
    assert [row["programme"] for row in rows] == ["first-service", "welcome"]


async def test_an_earlier_order_entered_later_becomes_the_first(counter: Counter, pool: Pool) -> None:
    async with pool.acquire() as conn:
        new = await make_vehicle(conn, store_id=counter.store_id)
    later = await counter.enter(vehicle_id=str(new["id"]))
    earlier = await counter.enter(vehicle_id=str(new["id"]), closed_at="2026-11-21T15:00:00+08:00")

    assert earlier["first_service"] is True
    assert (await counter.person.http.get(f"{counter.path}/{later['id']}")).json()["first_service"] is False
    rows = await pool.fetch(
        "SELECT trigger_id, programme FROM visits WHERE vehicle_id = $1 AND state = 'planned' ORDER BY programme", new["id"]
    )
    assert [(str(row["trigger_id"]), row["programme"]) for row in rows] == [
        (later["id"], "after-maintenance"),
        (earlier["id"], "first-service"),
    ]


async def test_two_orders_of_a_day_are_one_call_about_the_weightier(counter: Counter) -> None:
    await counter.enter(kind="maintenance")
    await counter.enter(kind="repair")

    assert await counter.visits() == [("after-maintenance", CANCELLED), ("after-repair", PLANNED)]


async def test_two_orders_entered_at_one_moment_are_one_call_too(counter: Counter) -> None:
    await gather(*(counter.enter(kind="repair") for _ in range(4)))

    assert await counter.visits() == [("after-repair", PLANNED)]


async def test_an_order_of_another_kind_has_another_follow_up(counter: Counter) -> None:
    order = await counter.enter(kind="maintenance")
    changed = (await counter.patch(order, kind="repair")).json()

    assert await counter.visits() == [("after-maintenance", CANCELLED), ("after-repair", PLANNED)]
    await counter.patch(changed, kind="internal")
    assert await counter.visits() == [("after-maintenance", CANCELLED), ("after-repair", CANCELLED)]


async def test_a_corrected_day_moves_what_is_planned(counter: Counter) -> None:
    order = await counter.enter(closed_at="2026-11-23T08:00:00+08:00")
    await counter.patch(order, closed_at="2026-11-22T08:00:00+08:00")

    assert [row["due_on"] for row in await counter.rows("SELECT due_on FROM visits WHERE vehicle_id = $1")] == [
        date(2026, 11, 25)
    ]


async def test_a_correction_of_the_text_moves_nothing(counter: Counter) -> None:
    order = await counter.enter()
    before = await counter.rows("SELECT id, version FROM visits WHERE vehicle_id = $1")
    await counter.patch(order, items="更换空调滤芯", fee_fen=12000)

    assert await counter.rows("SELECT id, version FROM visits WHERE vehicle_id = $1") == before


async def test_an_order_of_long_ago_fires_no_call_today(counter: Counter) -> None:
    await counter.enter(closed_at="2026-10-01T10:00:00+08:00")

    assert await counter.visits() == [("after-maintenance", "expired")]


async def _readings(counter: Counter) -> list[tuple[date, int]]:
    rows = await counter.rows("SELECT read_on, km FROM mileage_readings WHERE vehicle_id = $1 ORDER BY read_on")
    return [(row["read_on"], row["km"]) for row in rows]


async def test_the_odometer_is_read_from_orders_and_corrected_with_them(counter: Counter) -> None:
    order = await counter.enter(mileage_km=152000)
    assert await _readings(counter) == [(TODAY, 152000)]

    order = (await counter.patch(order, mileage_km=15200)).json()
    assert await _readings(counter) == [(TODAY, 15200)]

    order = (await counter.patch(order, closed_at="2026-11-21T08:00:00+08:00")).json()
    assert await _readings(counter) == [(date(2026, 11, 21), 15200)]

    await counter.patch(order, mileage_km=None)
    assert await _readings(counter) == []


async def test_of_two_orders_of_a_day_the_higher_reading_stands(counter: Counter) -> None:
    await counter.enter(mileage_km=15200)
    await counter.enter(mileage_km=15190)

    assert await _readings(counter) == [(TODAY, 15200)]


async def test_what_the_customer_read_out_is_not_overwritten(counter: Counter, pool: Pool) -> None:
    async with pool.acquire() as conn:
        await make_reading(conn, vehicle_id=counter.vehicle["id"], km=15300, source="call")
    await counter.enter(mileage_km=15200)

    assert await _readings(counter) == [(TODAY, 15300)]


async def _car(counter: Counter) -> dict[str, Any]:
    return dict((await counter.rows("SELECT * FROM vehicles WHERE id = $1"))[0])


async def test_a_maintenance_starts_the_next_interval_and_ends_its_reminder(counter: Counter, pool: Pool) -> None:
    async with pool.acquire() as conn:
        await make_visit(
            conn,
            store_id=counter.store_id,
            customer_id=counter.customer_id,
            vehicle_id=counter.vehicle["id"],
            programme="maintenance",
            trigger_type="maintenance.due",
            trigger_id=counter.vehicle["id"],
        )
    await counter.enter(mileage_km=15200)
    car = await _car(counter)

    assert (car["last_maintenance_on"], car["last_maintenance_km"]) == (TODAY, 15200)
    assert car["next_maintenance_on"] > TODAY + timedelta(days=60)
    assert ("maintenance", CANCELLED) in await counter.visits()


async def test_what_was_no_maintenance_after_all_gives_the_interval_back(counter: Counter) -> None:
    order = await counter.enter(kind="maintenance", mileage_km=15200)
    await counter.patch(order, kind="repair")
    car = await _car(counter)

    assert car["last_maintenance_on"] == (NOW - timedelta(days=700)).date()
    assert car["last_maintenance_km"] is None


async def test_a_maintenance_ends_the_reminder_of_the_first_one(counter: Counter, pool: Pool) -> None:
    await pool.execute("UPDATE work_orders SET kind = 'repair' WHERE vehicle_id = $1", counter.vehicle["id"])
    async with pool.acquire() as conn:
        sale = await make_sale(conn, vehicle_id=counter.vehicle["id"], delivered_on=TODAY - timedelta(days=40))
        await make_visit(
            conn,
            store_id=counter.store_id,
            customer_id=counter.customer_id,
            vehicle_id=counter.vehicle["id"],
            programme="delivery-service",
            step="first_maintenance",
            trigger_type="card.handed_over",
            trigger_id=sale["id"],
        )
    await counter.enter(kind="maintenance")

    assert ("delivery-service", CANCELLED) in await counter.visits()


@pytest.mark.parametrize(
    ("lifecycle", "kind", "then"),
    [("churned", "repair", "owner"), ("prospect", "maintenance", "owner"), ("churn_risk", "internal", "churn_risk")],
)
async def test_who_comes_to_the_workshop_is_an_owner(counter: Counter, pool: Pool, lifecycle: str, kind: str, then: str) -> None:
    async with pool.acquire() as conn:
        customer = await make_customer(conn, store_id=counter.store_id, lifecycle=lifecycle)
        car = await make_vehicle(conn, customer_id=customer["id"])
    await counter.enter(vehicle_id=str(car["id"]), kind=kind)

    assert await pool.fetchval("SELECT lifecycle FROM customers WHERE id = $1", customer["id"]) == then
