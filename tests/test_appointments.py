"""Booking holds the capacity of an hour whatever comes at once, and what follows from a booking follows by itself (domain.md §7)."""

from __future__ import annotations

import asyncio
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from shared.appointments import AlreadyBooked, AppointmentOver, Booking, SlotFull, become, book, slots_between
from shared.db import Connection, Pool, open_pool, store_transaction
from shared.domain.appointment import AppointmentState
from shared.errors import Invalid
from shared.events import SYSTEM
from shared.planning import plan_maintenance
from shared.planning.arrivals import plan_appointments, recognise_arrivals
from shared.progress import progress
from shared.stores import StoreContext, load_store
from tests.factories import (
    NOW,
    TODAY,
    make_attempt,
    make_customer,
    make_programme,
    make_staff,
    make_store,
    make_store_day,
    make_vehicle,
    make_work_order,
)

FRIDAY = date(2026, 11, 27)
SHANGHAI = timedelta(hours=8)


def _at(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute), NOW.tzinfo) - SHANGHAI


class House:
    """A store with its programmes, an advisor, one customer with a car."""

    def __init__(self, conn: Connection, store_id: UUID, advisor_id: UUID, vehicle: asyncpg.Record) -> None:
        self.conn, self.store_id, self.advisor_id, self.vehicle = conn, store_id, advisor_id, vehicle

    async def store(self) -> StoreContext:
        return await load_store(self.conn, self.store_id, today=TODAY)

    async def book(self, starts_at: datetime, *, now: datetime = NOW, **more: Any) -> UUID:
        values = {
            "customer_id": self.vehicle["customer_id"],
            "vehicle_id": self.vehicle["id"],
            "advisor_id": self.advisor_id,
        } | more
        return await book(self.conn, await self.store(), Booking(starts_at=starts_at, **values), now=now, actor=SYSTEM)

    async def become(self, appointment_id: UUID, to: AppointmentState, *, now: datetime = NOW) -> bool:
        return await become(self.conn, await self.store(), appointment_id, to, now=now, actor=SYSTEM)

    async def visits(self, **where: object) -> list[asyncpg.Record]:
        rows = await self.conn.fetch("SELECT * FROM visits WHERE store_id = $1 ORDER BY due_at, step", self.store_id)
        return [row for row in rows if all(row[name] == value for name, value in where.items())]

    async def state(self, appointment_id: UUID) -> str:
        found: str = await self.conn.fetchval("SELECT state FROM appointments WHERE id = $1", appointment_id)
        return found


@pytest.fixture
async def house(connection: asyncpg.Connection[asyncpg.Record]) -> House:
    store_id = (await make_store(connection))["id"]
    for key in ("appointment", "appointment-missed", "maintenance", "after-maintenance"):
        await make_programme(connection, key, store_id=store_id)
    advisor = await make_staff(connection, "service_advisor", store_id=store_id)
    await make_staff(connection, "followup_specialist", store_id=store_id)
    customer = await make_customer(connection, store_id=store_id)
    vehicle = await make_vehicle(connection, store_id=store_id, customer_id=customer["id"])
    return House(connection, store_id, advisor["id"], vehicle)


async def test_fifty_bookings_at_once_take_exactly_as_many_places_as_there_are(fresh_database_url: str) -> None:
    async with await open_pool(fresh_database_url, "tests", largest=20) as pool:
        store_id, customers = await _fifty_customers(pool)

        async def one(customer_id: UUID) -> str:
            async with store_transaction(pool, store_id) as conn:
                store = await load_store(conn, store_id, today=TODAY)
                booking = Booking(customer_id=customer_id, starts_at=_at(FRIDAY, 10, 20))
                try:
                    await book(conn, store, booking, now=NOW, actor=SYSTEM)
                except SlotFull:
                    return "full"
                return "booked"

        said = await asyncio.gather(*(one(customer_id) for customer_id in customers))

        assert (said.count("booked"), said.count("full")) == (4, 46)
        assert await pool.fetchval("SELECT count(*) FROM appointments") == 4


async def _fifty_customers(pool: Pool) -> tuple[UUID, list[UUID]]:
    async with pool.acquire() as conn:
        store_id = (await make_store(conn))["id"]
        return store_id, [(await make_customer(conn, store_id=store_id))["id"] for _ in range(50)]


async def test_a_full_hour_names_the_next_free_ones(house: House) -> None:
    for _ in range(4):
        customer = await make_customer(house.conn, store_id=house.store_id)
        await house.book(_at(FRIDAY, 14), customer_id=customer["id"], vehicle_id=None)

    with pytest.raises(SlotFull) as refused:
        await house.book(_at(FRIDAY, 14, 30))

    assert refused.value.more["slots"] == [
        {"starts_at": "2026-11-27T13:00:00.000+08:00", "free": 4, "total": 4},
        {"starts_at": "2026-11-27T15:00:00.000+08:00", "free": 4, "total": 4},
        {"starts_at": "2026-11-27T16:00:00.000+08:00", "free": 4, "total": 4},
    ]
    assert "13:00 余4" in refused.value.zh


@pytest.mark.parametrize(
    ("starts_at", "reason"),
    [
        (_at(TODAY, 8), "past"),
        (_at(FRIDAY, 20), "closed"),
        (_at(date(2027, 2, 1), 10), "ahead"),
        (_at(date(2027, 1, 1), 10), "closed"),  # New Year's Day
    ],
)
async def test_an_hour_that_cannot_be_had_names_the_field(house: House, starts_at: datetime, reason: str) -> None:
    with pytest.raises(Invalid, match=reason) as refused:
        await house.book(starts_at)

    assert refused.value.pointer == "/starts_at"


async def test_one_car_has_one_appointment_a_day(house: House) -> None:
    first = await house.book(_at(FRIDAY, 10))

    with pytest.raises(AlreadyBooked) as refused:
        await house.book(_at(FRIDAY, 15))

    assert refused.value.more == {"appointment_id": str(first)}


async def test_an_external_code_books_once(house: House) -> None:
    assert await house.book(_at(FRIDAY, 10), external_code="W-7") == await house.book(_at(FRIDAY, 11), external_code="W-7")


async def test_the_advisor_confirms_by_telephone_on_the_open_day_before(house: House) -> None:
    await make_store_day(house.conn, store_id=house.store_id, day=date(2026, 11, 26))  # closed on Thursday

    await house.book(_at(FRIDAY, 10))

    (confirm,) = await house.visits(programme="appointment")
    assert (confirm["due_on"], confirm["channel"], confirm["assignee_id"]) == (date(2026, 11, 25), "phone", house.advisor_id)
    assert confirm["window_end"] == _at(date(2026, 11, 26), 0)
    assert confirm["on_missed"] == "sms"


@pytest.mark.parametrize(("days", "confirmed"), [(0, False), (1, False), (2, True)])
async def test_who_has_just_been_spoken_to_is_not_rung_again(house: House, days: int, confirmed: bool) -> None:
    await house.book(_at(TODAY + timedelta(days=days), 16))

    assert bool(await house.visits(programme="appointment")) is confirmed


async def test_a_confirmation_nobody_answered_is_an_sms_on_the_same_day(house: House) -> None:
    await house.book(_at(FRIDAY, 10))
    (confirm,) = await house.visits(programme="appointment")
    called = _at(date(2026, 11, 26), 9, 30)
    await progress(house.conn, await house.store(), [confirm["id"]], now=_at(date(2026, 11, 26), 9), actor=SYSTEM)
    await make_attempt(house.conn, visit_id=confirm["id"], at=called, created_at=called)

    (went_on,) = await progress(house.conn, await house.store(), [confirm["id"]], now=called, actor=SYSTEM)

    assert went_on.next is not None
    assert (went_on.next.step, went_on.next.at) == ("sms", called)
    assert confirm["message_template"] == "appointment_reminder"


@pytest.mark.parametrize("to", ["arrived", "cancelled"])
async def test_an_appointment_that_is_over_needs_no_confirmation(house: House, to: str) -> None:
    appointment_id = await house.book(_at(FRIDAY, 10))

    await house.become(appointment_id, AppointmentState(to))

    assert [row["state"] for row in await house.visits(programme="appointment")] == ["cancelled"]


async def test_a_second_click_changes_nothing_and_what_is_over_stays_over(house: House) -> None:
    appointment_id = await house.book(_at(FRIDAY, 10))

    assert await house.become(appointment_id, AppointmentState.ARRIVED) is True
    assert await house.become(appointment_id, AppointmentState.ARRIVED) is False
    with pytest.raises(AppointmentOver):
        await house.become(appointment_id, AppointmentState.NO_SHOW)


async def test_who_did_not_come_is_rung_by_the_advisor(house: House) -> None:
    appointment_id = await house.book(_at(TODAY, 10))

    await house.become(appointment_id, AppointmentState.NO_SHOW, now=_at(TODAY, 11))

    (call,) = await house.visits(programme="appointment-missed")
    assert (call["due_on"], call["assignee_id"], call["state"]) == (TODAY, house.advisor_id, "planned")


async def test_the_next_morning_finds_those_nobody_said_anything_of(house: House) -> None:
    yesterdays = await house.book(_at(TODAY, 10))
    tomorrows = await house.book(_at(FRIDAY, 10))
    morning = _at(date(2026, 11, 24), 5)

    counts = await plan_appointments(house.conn, await house.store(), now=morning, actor=SYSTEM)
    again = await plan_appointments(house.conn, await house.store(), now=morning, actor=SYSTEM)

    assert (await house.state(yesterdays), await house.state(tomorrows)) == ("no_show", "booked")
    assert (counts.planned, again.planned) == (1, 0)


async def test_a_work_order_of_the_day_shows_the_arrival_and_ends_the_question(house: House) -> None:
    appointment_id = await house.book(_at(TODAY, 10))
    await house.become(appointment_id, AppointmentState.NO_SHOW, now=_at(TODAY, 18))
    came = {"opened_at": _at(TODAY, 14), "closed_at": _at(date(2026, 11, 24), 16)}
    await make_work_order(house.conn, store_id=house.store_id, vehicle_id=house.vehicle["id"], **came)

    found = await recognise_arrivals(
        house.conn, await house.store(), [house.vehicle["id"]], now=_at(date(2026, 11, 24), 17), actor=SYSTEM
    )

    row = await house.conn.fetchrow("SELECT * FROM appointments WHERE id = $1", appointment_id)
    assert row is not None
    assert (found, row["state"], row["arrived_at"]) == (1, "arrived", _at(TODAY, 14))
    assert [visit["state"] for visit in await house.visits(programme="appointment-missed")] == ["cancelled"]


async def test_an_order_of_another_day_or_of_the_house_itself_is_no_arrival(house: House) -> None:
    await house.book(_at(TODAY, 10))
    car = {"store_id": house.store_id, "vehicle_id": house.vehicle["id"]}
    earlier = _at(date(2026, 11, 22), 10)
    await make_work_order(house.conn, **car, opened_at=earlier, closed_at=earlier)
    await make_work_order(house.conn, **car, closed_at=_at(TODAY, 10), kind="internal")

    assert await recognise_arrivals(house.conn, await house.store(), now=_at(TODAY, 18), actor=SYSTEM) == 0


async def test_a_booked_car_is_not_reminded_of_its_maintenance(house: House) -> None:
    await house.conn.execute("UPDATE vehicles SET last_maintenance_on = $2 WHERE id = $1", house.vehicle["id"], date(2026, 7, 30))
    await plan_maintenance(house.conn, await house.store(), now=NOW)
    reminded = await house.visits(programme="maintenance")

    await house.book(_at(FRIDAY, 10))

    assert {row["step"] for row in reminded} == {"message", "call"}
    assert {row["state"] for row in await house.visits(programme="maintenance")} == {"cancelled"}
    assert (await plan_maintenance(house.conn, await house.store(), now=NOW)).planned == 0


async def test_slots_say_how_many_places_are_held(house: House) -> None:
    await house.book(_at(FRIDAY, 10, 30))

    slots = await slots_between(house.conn, await house.store(), FRIDAY, FRIDAY)

    assert [(one.taken, one.free) for one in slots][:3] == [(0, 4), (1, 3), (0, 4)]
