"""What each morning starts beside maintenance: occasions, churn, high value; and the vouchers that come with visits."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import pytest

from shared.db import Connection
from shared.domain.calendar import add_months
from shared.events import SYSTEM
from shared.planning import end_silences, facts_of_work_orders, plan_facts, plan_follow_ons, replan_vehicles
from shared.planning.occasions import plan_anniversaries, plan_birthdays, plan_festivals
from shared.planning.silence import plan_silences
from shared.planning.worth import flag_high_value
from shared.stores import StoreContext, load_store
from shared.vouchers import held_for, issue
from tests.factories import (
    NOW,
    TODAY,
    make_attempt,
    make_consent,
    make_customer,
    make_opt_out,
    make_programme,
    make_sale,
    make_staff,
    make_store,
    make_vehicle,
    make_work_order,
)

PROGRAMMES = ("birthday", "anniversary", "holiday", "churn-warning", "win-back", "first-service", "new-customer-offer")


class House:
    """A store whose mornings are planned by hand."""

    def __init__(self, conn: Connection, store_id: UUID) -> None:
        self.conn, self.store_id = conn, store_id

    async def store(self, today: date = TODAY) -> StoreContext:
        return await load_store(self.conn, self.store_id, today=today)

    async def morning(self, planner: Any, day: date = TODAY) -> None:
        store = await self.store(day)
        await planner(self.conn, store, now=store.calendar.at(day, time(5)), actor=SYSTEM)

    async def visits(self, **where: object) -> list[asyncpg.Record]:
        rows = await self.conn.fetch("SELECT * FROM visits WHERE store_id = $1 ORDER BY due_at, step, id", self.store_id)
        return [row for row in rows if all(row[name] == value for name, value in where.items())]

    async def vouchers(self) -> list[asyncpg.Record]:
        return list(await self.conn.fetch("SELECT * FROM vouchers WHERE store_id = $1 ORDER BY id", self.store_id))

    async def customer(self, **values: Any) -> asyncpg.Record:
        return await make_customer(self.conn, store_id=self.store_id, **values)

    async def car(self, **values: Any) -> asyncpg.Record:
        if "customer_id" not in values:
            values["customer_id"] = (await self.customer())["id"]
        return await make_vehicle(self.conn, store_id=self.store_id, **values)

    async def came(self, car: asyncpg.Record, on: date, **values: Any) -> asyncpg.Record:
        closed_at = datetime(on.year, on.month, on.day, 7, tzinfo=NOW.tzinfo)
        return await make_work_order(self.conn, store_id=self.store_id, vehicle_id=car["id"], closed_at=closed_at, **values)

    async def policy(self, key: str, policy: str) -> None:
        await self.conn.execute("UPDATE programmes SET policy = $3 WHERE store_id = $1 AND key = $2", self.store_id, key, policy)

    async def lifecycle(self, car: asyncpg.Record) -> str:
        word: str = await self.conn.fetchval("SELECT lifecycle FROM customers WHERE id = $1", car["customer_id"])
        return word


@pytest.fixture
async def house(connection: Connection) -> House:
    store = await make_store(connection)
    for key in PROGRAMMES:
        await make_programme(connection, key, store_id=store["id"])
    await make_staff(connection, "followup_specialist", store_id=store["id"])
    return House(connection, store["id"])


# --- birthdays, anniversaries, festivals


async def test_a_birthday_is_planned_once_with_a_voucher_of_50_yuan(house: House) -> None:
    customer = await house.customer(birthday=date(1985, 11, 25))

    await house.morning(plan_birthdays)
    await house.morning(plan_birthdays, TODAY + timedelta(days=1))

    (visit,) = await house.visits()
    assert (visit["programme"], visit["customer_id"], visit["vehicle_id"]) == ("birthday", customer["id"], None)
    assert (visit["due_on"], visit["occurrence"], visit["channel"]) == (date(2026, 11, 25), 2026, "sms")
    (voucher,) = await house.vouchers()
    assert (voucher["kind"], voucher["value_fen"], voucher["visit_id"]) == ("birthday", 5000, visit["id"])
    assert (voucher["valid_from"], voucher["valid_to"]) == (date(2026, 11, 25), date(2027, 2, 25))


@pytest.mark.parametrize(("today", "on"), [(date(2027, 2, 27), date(2027, 2, 28)), (date(2028, 2, 27), date(2028, 2, 29))])
async def test_those_born_on_29_february_are_greeted_each_year(house: House, today: date, on: date) -> None:
    await house.customer(birthday=date(1992, 2, 29))

    await house.morning(plan_birthdays, today)

    assert [visit["due_on"] for visit in await house.visits()] == [on]


@pytest.mark.parametrize(
    "who",
    [
        {"kind": "organisation"},
        {"lifecycle": "prospect"},
        {"deceased_at": NOW},
        {"phone": None},
    ],
)
async def test_nobody_else_has_a_birthday(house: House, who: dict[str, Any]) -> None:
    await house.customer(birthday=date(1985, 11, 24), **who)

    await house.morning(plan_birthdays)

    assert await house.visits() == []


async def test_at_the_turn_of_the_year_the_next_years_birthdays_are_ahead(house: House) -> None:
    await house.customer(birthday=date(1985, 1, 2))

    await house.morning(plan_birthdays, date(2026, 12, 31))

    assert [(visit["due_on"], visit["occurrence"]) for visit in await house.visits()] == [(date(2027, 1, 2), 2027)]


@pytest.mark.parametrize(
    ("policy", "delivered", "comes"), [("every", 2025, 1), ("every", 2023, 3), ("first", 2025, 1), ("first", 2023, None)]
)
async def test_an_anniversary_counts_the_years_from_the_delivery(
    house: House, policy: str, delivered: int, comes: int | None
) -> None:
    await house.policy("anniversary", policy)
    car = await house.car()
    await make_sale(house.conn, store_id=house.store_id, vehicle_id=car["id"], delivered_on=date(delivered, 11, 24))

    await house.morning(plan_anniversaries)

    visits = await house.visits()
    assert [(visit["vehicle_id"], visit["occurrence"]) for visit in visits] == ([(car["id"], comes)] if comes else [])
    assert [voucher["kind"] for voucher in await house.vouchers()] == (["anniversary"] if comes else [])


async def test_a_car_that_left_has_no_anniversary(house: House) -> None:
    await house.car(purchased_on=date(2025, 11, 24), ended_at=NOW)

    await house.morning(plan_anniversaries)

    assert await house.visits() == []


async def test_a_car_excluded_meanwhile_loses_its_anniversary(house: House) -> None:
    car = await house.car(purchased_on=date(2025, 11, 24))
    await house.morning(plan_anniversaries)
    await house.conn.execute("UPDATE vehicles SET excluded = true WHERE id = $1", car["id"])

    await replan_vehicles(house.conn, await house.store(), [car["id"]], now=NOW, actor=SYSTEM)

    assert [(visit["state"], visit["state_reason"]) for visit in await house.visits()] == [("cancelled", "excluded")]


@pytest.mark.parametrize(
    ("today", "festival", "due"),
    [
        (date(2027, 1, 29), 20270206, date(2027, 1, 30)),  # Spring Festival on 6 February
        (date(2026, 9, 17), 20260925, date(2026, 9, 18)),  # Mid-Autumn on 25 September
        (date(2026, 9, 24), 20261001, date(2026, 9, 24)),  # National Day
    ],
)
async def test_owners_are_greeted_a_week_before_a_festival(house: House, today: date, festival: int, due: date) -> None:
    await house.customer()
    await house.customer(lifecycle="prospect")

    await house.morning(plan_festivals, today)

    greetings = [(visit["occurrence"], visit["due_on"]) for visit in await house.visits() if visit["occurrence"] == festival]
    assert greetings == [(festival, due)]


async def test_only_festivals_of_the_stores_list_are_greeted_for(house: House) -> None:
    own = [{"key": "our_day", "zh": "店庆", "en": "Our day", "calendar": "solar", "month": 12, "day": 1}]
    policies = orjson.dumps({"festivals": own}).decode()
    await house.conn.execute("UPDATE stores SET policies = $2 WHERE id = $1", house.store_id, policies)
    await house.customer()

    await house.morning(plan_festivals, date(2026, 11, 24))

    assert [visit["occurrence"] for visit in await house.visits()] == [20261201]


async def test_festivals_on_one_day_are_one_greeting(house: House) -> None:
    await house.customer()

    await house.morning(plan_festivals, date(2031, 9, 24))  # Mid-Autumn and National Day, 1 October 2031

    assert [visit["occurrence"] for visit in await house.visits()] == [20311001]


@pytest.mark.parametrize(
    ("consent", "opted_out", "called"),
    [("all", False, 1), ("phone", False, 1), ("sms", False, 0), (None, False, 0), ("all", True, 0)],
)
async def test_a_greeting_by_telephone_asks_for_consent_before_it_stands_in_a_list(
    house: House, consent: str | None, opted_out: bool, called: int
) -> None:
    await house.policy("holiday", "call")
    customer = await house.customer()
    if consent:
        await make_consent(house.conn, customer_id=customer["id"], channel=consent)
    if opted_out:
        index = await house.conn.fetchval("SELECT value_index FROM contact_points WHERE customer_id = $1", customer["id"])
        await make_opt_out(house.conn, number_index=index, channel="phone")

    await house.morning(plan_festivals, date(2027, 1, 30))

    assert [visit["role"] for visit in await house.visits()] == ["followup_specialist"] * called


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


# --- vouchers


async def test_the_new_customers_vouchers_run_3_months_from_the_first_order(house: House) -> None:
    car = await house.car()
    order = await house.came(car, TODAY)
    store = await house.store()

    for _ in range(2):
        facts = await facts_of_work_orders(house.conn, store, [order["id"]])
        await plan_facts(house.conn, store, facts, now=NOW, actor=SYSTEM)

    vouchers = await house.vouchers()
    assert {row["kind"]: row["percent_off"] for row in vouchers} == {"new_customer": 10, "screen_wash": None, "tyre_check": None}
    assert {(row["valid_from"], row["valid_to"]) for row in vouchers} == {(TODAY, date(2027, 2, 23))}
    (visit,) = await house.visits(programme="new-customer-offer")
    held = await held_for(house.conn, house.store_id, [visit["id"]])
    assert held[visit["id"]].kind == "new_customer"


async def test_a_voucher_is_issued_once_for_an_occasion(house: House) -> None:
    customer, store = await house.customer(), await house.store()

    codes = {
        await issue(house.conn, store, kind="birthday", customer_id=customer["id"], issued_for=occasion, now=NOW)
        for occasion in ("2026", "2026", "2027")
    }

    assert len(codes) == len(await house.vouchers()) == 2
    assert all(len(code) == 10 and not set(code) & set("01IO") for code in codes)
