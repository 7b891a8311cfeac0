"""Churn and worth: who stays away is warned of and won back, who spends much is flagged; each morning anew."""

from __future__ import annotations

from datetime import date, timedelta

import orjson
import pytest

from shared.db import Connection
from shared.domain.calendar import add_months
from shared.events import SYSTEM
from shared.planning import end_silences, plan_follow_ons
from shared.planning.silence import plan_silences
from shared.planning.worth import flag_high_value
from tests.factories import (
    NOW,
    TODAY,
    make_attempt,
    make_staff,
)
from tests.mornings import House, make_house


@pytest.fixture
async def house(connection: Connection) -> House:
    return await make_house(connection)


# --- churn


async def test_churn_warning_comes_30_days_after_the_expected_maintenance(house: House) -> None:
    car = await house.car(next_maintenance_on=TODAY - timedelta(days=29))
    await house.came(car, TODAY - timedelta(days=200))

    await house.morning(plan_silences)

    (visit,) = await house.visits()
    assert (visit["programme"], visit["vehicle_id"], visit["due_on"]) == ("churn-warning", car["id"], TODAY + timedelta(days=1))
    assert await house.lifecycle(car) == "owner"
    await house.morning(plan_silences, TODAY + timedelta(days=1))
    assert len(await house.visits()) == 1
    assert await house.lifecycle(car) == "churn_risk"


async def test_churn_warning_by_policy_s4_comes_after_3_months_without_a_visit(house: House) -> None:
    await house.policy("churn-warning", "s4")
    car = await house.car(next_maintenance_on=TODAY + timedelta(days=90))
    await house.came(car, add_months(TODAY, -3))

    await house.morning(plan_silences)

    assert [(visit["programme"], visit["due_on"]) for visit in await house.visits()] == [("churn-warning", TODAY)]


async def test_a_silence_older_than_its_window_is_left_alone(house: House) -> None:
    car = await house.car(next_maintenance_on=TODAY - timedelta(days=45))
    await house.came(car, TODAY - timedelta(days=300))

    await house.morning(plan_silences)

    assert await house.visits() == []


@pytest.mark.parametrize(("days", "warned"), [(30, 0), (29, 1)])
async def test_the_first_import_makes_no_warning(house: House, days: int, warned: int) -> None:
    await house.conn.execute("UPDATE stores SET first_import_done_at = $2 WHERE id = $1", house.store_id, NOW)
    car = await house.car(next_maintenance_on=TODAY - timedelta(days=days))
    await house.came(car, TODAY - timedelta(days=200))

    await house.morning(plan_silences, TODAY + timedelta(days=1))

    assert len(await house.visits()) == warned


async def test_of_two_cars_only_the_silent_one_is_warned_of_and_the_owner_is_not_at_risk(house: House) -> None:
    silent = await house.car(next_maintenance_on=TODAY - timedelta(days=30))
    other = await house.car(customer_id=silent["customer_id"], next_maintenance_on=TODAY + timedelta(days=100))
    await house.came(silent, TODAY - timedelta(days=200))
    await house.came(other, TODAY - timedelta(days=80))

    await house.morning(plan_silences)

    assert [visit["vehicle_id"] for visit in await house.visits()] == [silent["id"]]
    assert await house.lifecycle(silent) == "owner"


async def test_win_back_is_one_call_to_the_customer_when_all_cars_stay_away(house: House) -> None:
    first = await house.car(next_maintenance_on=TODAY - timedelta(days=400))
    second = await house.car(customer_id=first["customer_id"], next_maintenance_on=TODAY - timedelta(days=120))
    await house.came(first, TODAY - timedelta(days=500))
    await house.came(second, TODAY - timedelta(days=300))

    await house.morning(plan_silences)

    (visit,) = await house.visits()
    assert (visit["programme"], visit["step"], visit["vehicle_id"], visit["due_on"]) == ("win-back", "call", None, TODAY)
    assert await house.lifecycle(first) == "churned"


async def test_who_comes_back_is_called_no_more_and_an_owner_again(house: House) -> None:
    car = await house.car(next_maintenance_on=TODAY - timedelta(days=30))
    await house.came(car, TODAY - timedelta(days=200))
    await house.morning(plan_silences)
    await house.came(car, TODAY)

    await end_silences(house.conn, await house.store(), [car["id"]], now=NOW, actor=SYSTEM)
    await house.morning(plan_silences, TODAY + timedelta(days=1))

    assert [(visit["state"], visit["state_reason"]) for visit in await house.visits()] == [("cancelled", "came_back")]
    assert await house.lifecycle(car) == "owner"


async def test_a_second_silence_is_warned_of_again(house: House) -> None:
    car = await house.car(next_maintenance_on=TODAY - timedelta(days=30))
    await house.came(car, TODAY - timedelta(days=200))
    await house.morning(plan_silences)
    await house.came(car, TODAY)
    later = TODAY + timedelta(days=230)
    await house.conn.execute("UPDATE vehicles SET next_maintenance_on = $2 WHERE id = $1", car["id"], later - timedelta(days=30))

    await house.morning(plan_silences, later)

    assert [visit["state"] for visit in await house.visits()] == ["cancelled", "planned"]


async def test_a_car_never_seen_here_is_not_missed(house: House) -> None:
    await house.car(purchased_on=date(2020, 1, 1), next_maintenance_on=TODAY - timedelta(days=30))

    await house.morning(plan_silences)

    assert await house.visits() == []


@pytest.mark.parametrize(
    ("reason", "step", "voucher", "value"),
    [("quality", "apology", "free_repair", None), ("price", "offer", "maintenance_20", 20)],
)
async def test_win_back_brings_what_the_reason_asks_for(
    house: House, reason: str, step: str, voucher: str, value: int | None
) -> None:
    await _answered(house, reason)

    (offer,) = await house.visits(step=step)
    assert (offer["programme"], offer["due_on"], offer["state"]) == ("win-back", TODAY, "planned")
    (issued,) = await house.vouchers()
    assert (issued["kind"], issued["percent_off"], issued["visit_id"]) == (voucher, value, offer["id"])
    months = {"free_repair": 3, "maintenance_20": 1}[voucher]
    assert (issued["valid_from"], issued["valid_to"]) == (TODAY, add_months(TODAY, months))


async def test_convenience_opens_the_task_of_a_pick_up(house: House) -> None:
    await _answered(house, "convenience")

    rows = await house.conn.fetch("SELECT kind, role FROM tasks WHERE store_id = $1", house.store_id)
    assert [tuple(row) for row in rows] == [("pick_up_service", "service_advisor")]
    assert await house.vouchers() == []


async def _answered(house: House, reason: str) -> None:
    """The reason call is made and the customer says why."""
    car = await house.car(next_maintenance_on=TODAY - timedelta(days=120))
    await house.came(car, TODAY - timedelta(days=300))
    await house.morning(plan_silences)
    (call,) = await house.visits(step="call")
    answers = orjson.dumps({"reason": reason}).decode()
    await make_attempt(house.conn, visit_id=call["id"], outcome="reached", answers=answers)
    await house.conn.execute("UPDATE visits SET state = 'completed', closed_at = $2 WHERE id = $1", call["id"], NOW)
    for _ in range(2):  # asked twice, nothing is added
        await plan_follow_ons(house.conn, await house.store(), [call["id"]], now=NOW, actor=SYSTEM)


# --- high value


@pytest.mark.parametrize(("fees", "high"), [((600_000, 400_000), False), ((600_000, 400_001), True), ((1_500_000,), True)])
async def test_high_value_is_more_than_10000_yuan_in_12_months(house: House, fees: tuple[int, ...], high: bool) -> None:
    car = await house.car()
    for count, fee in enumerate(fees):
        await house.came(car, TODAY - timedelta(days=10 + count), fee_fen=fee)
    await house.came(car, add_months(TODAY, -12) - timedelta(days=1), fee_fen=9_000_000)
    await house.came(car, TODAY - timedelta(days=5), fee_fen=9_000_000, kind="internal")

    await house.morning(flag_high_value)

    flags = await house.conn.fetchval("SELECT flags FROM customers WHERE id = $1", car["customer_id"])
    assert flags == (["high_value"] if high else [])


async def test_high_value_gets_a_dedicated_advisor_and_goes_when_the_year_has_passed(house: House) -> None:
    advisor = await make_staff(house.conn, "service_advisor", store_id=house.store_id)
    car = await house.car()
    await house.came(car, TODAY - timedelta(days=1), fee_fen=1_000_001, advisor_id=advisor["id"])

    await house.morning(flag_high_value)
    await house.morning(flag_high_value)

    row = await house.conn.fetchrow("SELECT * FROM customers WHERE id = $1", car["customer_id"])
    assert row is not None
    assert (row["holder_id"], row["flags"], row["version"]) == (advisor["id"], ["high_value"], 2)
    await house.morning(flag_high_value, add_months(TODAY, 12) + timedelta(days=1))
    assert await house.conn.fetchval("SELECT flags FROM customers WHERE id = $1", car["customer_id"]) == []


async def test_an_advisor_who_holds_the_file_stays_its_holder(house: House) -> None:
    holder, other = [await make_staff(house.conn, "service_advisor", store_id=house.store_id) for _ in range(2)]
    customer = await house.customer(holder_id=holder["id"])
    car = await house.car(customer_id=customer["id"])
    await house.came(car, TODAY - timedelta(days=1), fee_fen=1_000_001, advisor_id=other["id"])

    await house.morning(flag_high_value)

    assert await house.conn.fetchval("SELECT holder_id FROM customers WHERE id = $1", customer["id"]) == holder["id"]
