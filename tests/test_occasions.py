"""What each morning starts beside maintenance: birthdays, anniversaries, festivals; and the vouchers that come with visits."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import orjson
import pytest

from shared.db import Connection
from shared.events import SYSTEM
from shared.planning import facts_of_work_orders, plan_facts, replan_vehicles
from shared.planning.occasions import plan_anniversaries, plan_birthdays, plan_festivals
from shared.vouchers import held_for, issue
from tests.factories import (
    NOW,
    TODAY,
    make_consent,
    make_opt_out,
    make_sale,
)
from tests.mornings import House, make_house


@pytest.fixture
async def house(connection: Connection) -> House:
    return await make_house(connection)


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


async def test_whoever_has_a_car_on_file_has_a_birthday_before_the_first_order(house: House) -> None:
    customer = await house.customer(birthday=date(1985, 11, 24), lifecycle="prospect")
    await house.car(customer_id=customer["id"])

    await house.morning(plan_birthdays)

    assert [visit["customer_id"] for visit in await house.visits()] == [customer["id"]]


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
