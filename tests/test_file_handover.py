"""The sales office's tasks after a delivery, the letter that is posted, and warranty that runs out."""

from __future__ import annotations

from datetime import date, time, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from shared.db import Connection
from shared.events import SYSTEM
from shared.planning import default_warranty, facts_of_sales, plan_facts, replan_facts
from shared.planning.warranty_plan import plan_warranty
from shared.stores import StoreContext, load_store
from tests.factories import NOW, TODAY, make_contact_point, make_programme, make_reading, make_sale, make_staff, make_store

PROGRAMMES = ("handover", "delivery-letter", "warranty")


class Office:
    """A store with a sales clerk and somebody who follows up."""

    def __init__(self, conn: Connection, store_id: UUID) -> None:
        self.conn, self.store_id = conn, store_id

    async def store(self, today: date = TODAY) -> StoreContext:
        return await load_store(self.conn, self.store_id, today=today)

    async def sale(self, *, first_import: bool = False, email: bool = False, **values: Any) -> asyncpg.Record:
        sale = await make_sale(self.conn, **{"store_id": self.store_id, **values})
        if email:
            await make_contact_point(self.conn, customer_id=sale["customer_id"], kind="email")
        store = await self.store()
        facts = await facts_of_sales(self.conn, store, [sale["id"]])
        await plan_facts(self.conn, store, facts, now=NOW, first_import=first_import, actor=SYSTEM)
        return sale

    async def change(self, sale: asyncpg.Record, **values: Any) -> None:
        sets = ", ".join(f"{name} = ${place}" for place, name in enumerate(values, 2))
        await self.conn.execute(f"UPDATE sales SET {sets} WHERE id = $1", sale["id"], *values.values())
        store = await self.store()
        await replan_facts(self.conn, store, await facts_of_sales(self.conn, store, [sale["id"]]), now=NOW, actor=SYSTEM)

    async def tasks(self, sale: asyncpg.Record) -> dict[str, asyncpg.Record]:
        """The open tasks about a sale, by kind."""
        rows = await self.conn.fetch("SELECT * FROM tasks WHERE about_id = $1 AND done_at IS NULL", sale["id"])
        return {row["kind"]: row for row in rows}

    async def visits(self) -> list[asyncpg.Record]:
        return list(await self.conn.fetch("SELECT * FROM visits WHERE store_id = $1 ORDER BY due_at, id", self.store_id))

    async def morning(self, day: date = TODAY) -> None:
        store = await self.store(day)
        await plan_warranty(self.conn, store, now=store.calendar.at(day, time(5)), actor=SYSTEM)


@pytest.fixture
async def office(connection: asyncpg.Connection[asyncpg.Record]) -> Office:
    store_id = (await make_store(connection))["id"]
    for key in PROGRAMMES:
        await make_programme(connection, key, store_id=store_id)
    for role in ("sales_clerk", "followup_specialist"):
        await make_staff(connection, role, store_id=store_id)
    return Office(connection, store_id)


async def test_a_delivery_is_three_tasks_of_the_sales_office(office: Office) -> None:
    sale = await office.sale()
    tasks, calendar = await office.tasks(sale), (await office.store()).calendar

    assert {kind: row["role"] for kind, row in tasks.items()} == dict.fromkeys(
        ("upload_file", "hand_over_card", "letter"), "sales_clerk"
    )
    assert tasks["upload_file"]["due_at"] == calendar.end_of_day(TODAY + timedelta(days=3))
    assert tasks["hand_over_card"]["due_at"] == calendar.end_of_day(TODAY + timedelta(days=7))
    assert tasks["letter"]["due_at"] == calendar.end_of_day(TODAY + timedelta(days=3))


async def test_two_cars_of_one_customer_are_two_cards(office: Office) -> None:
    first = await office.sale()
    second = await office.sale(customer_id=first["customer_id"])

    assert set(await office.tasks(first)) == set(await office.tasks(second)) == {"upload_file", "hand_over_card", "letter"}


async def test_what_was_done_is_no_task_and_is_not_asked_for_again(office: Office) -> None:
    sale = await office.sale()
    await office.change(sale, card_handed_on=TODAY, file_uploaded_on=TODAY)
    assert set(await office.tasks(sale)) == {"letter"}

    await office.conn.execute("UPDATE tasks SET done_at = $2 WHERE about_id = $1", sale["id"], NOW)
    await office.change(sale, insured=True)
    assert await office.tasks(sale) == {}


async def test_another_delivery_date_moves_the_deadlines(office: Office) -> None:
    sale = await office.sale(delivered_on=TODAY - timedelta(days=2))
    await office.change(sale, delivered_on=TODAY)
    tasks, calendar = await office.tasks(sale), (await office.store()).calendar

    assert tasks["hand_over_card"]["due_at"] == calendar.end_of_day(TODAY + timedelta(days=7))


async def test_a_trade_car_is_nobodys_task(office: Office) -> None:
    sale = await office.sale()
    await office.change(sale, excluded=True)

    assert await office.tasks(sale) == {}


@pytest.mark.parametrize(
    ("days_ago", "first_import", "tasks"),
    [
        (5, False, {"upload_file", "hand_over_card", "letter"}),  # late, and still to be done
        (5, True, {"hand_over_card"}),  # history brings only what is not due yet
        (60, False, set()),
        (400, True, set()),
    ],
)
async def test_old_deliveries_bring_no_heap_of_tasks(office: Office, days_ago: int, first_import: bool, tasks: set[str]) -> None:
    sale = await office.sale(delivered_on=TODAY - timedelta(days=days_ago), first_import=first_import)

    assert set(await office.tasks(sale)) == tasks


async def test_whoever_has_an_e_mail_address_gets_the_letter_by_e_mail(office: Office) -> None:
    sale = await office.sale(email=True)

    (letter,) = await office.visits()
    assert "letter" not in await office.tasks(sale)
    assert (letter["programme"], letter["channel"], letter["message_template"]) == (
        "delivery-letter",
        "email",
        "thank_you_letter",
    )
    assert letter["due_on"] == TODAY + timedelta(days=1)


# --- warranty


async def test_a_delivery_brings_the_default_warranty_of_3_years_or_100000_km(office: Office) -> None:
    sale = await office.sale()
    for _ in range(2):
        await default_warranty(office.conn, await office.store(), [sale["id"]], today=TODAY)

    (item,) = await office.conn.fetch("SELECT * FROM warranty_items WHERE vehicle_id = $1", sale["vehicle_id"])
    assert (item["name"], item["starts_on"], item["months"], item["km"]) == ("整车质保", TODAY, 36, 100_000)
    assert item["expected_on"] == date(2029, 11, 23)


async def test_the_stores_setting_is_the_default_warranty(office: Office) -> None:
    settings = '{"warranty_months": 60, "warranty_km": 30000}'
    await office.conn.execute("UPDATE stores SET policies = $2::jsonb WHERE id = $1", office.store_id, settings)
    sale = await office.sale()
    await default_warranty(office.conn, await office.store(), [sale["id"]], today=TODAY)

    (item,) = await office.conn.fetch("SELECT * FROM warranty_items WHERE vehicle_id = $1", sale["vehicle_id"])
    assert (item["months"], item["km"]) == (60, 30_000)
    assert item["expected_on"] < date(2028, 12, 31)  # 30,000 km at 1,250 a month: two years


async def test_warranty_that_ends_is_told_30_days_before(office: Office) -> None:
    sale = await office.sale(delivered_on=date(2023, 12, 25), first_import=True)
    await default_warranty(office.conn, await office.store(), [sale["id"]], today=TODAY)
    for _ in range(2):
        await office.morning()

    (visit,) = await office.visits()
    assert (visit["programme"], visit["due_on"]) == ("warranty", date(2026, 11, 25))
    assert visit["vehicle_id"] == sale["vehicle_id"]


async def test_warranty_that_ends_by_mileage_is_told_when_the_odometer_says_so(office: Office) -> None:
    sale = await office.sale(delivered_on=TODAY - timedelta(days=365), first_import=True)
    await default_warranty(office.conn, await office.store(), [sale["id"]], today=TODAY)
    await office.morning()
    assert await office.visits() == []

    await make_reading(office.conn, vehicle_id=sale["vehicle_id"], km=91_000)  # 250 km a day: 36 days to go
    await office.morning()
    (visit,) = await office.visits()
    assert visit["due_on"] - TODAY in (timedelta(days=6), timedelta(days=7))

    await make_reading(office.conn, vehicle_id=sale["vehicle_id"], read_on=TODAY + timedelta(days=1), km=98_000)
    await office.morning(TODAY + timedelta(days=1))
    (visit,) = await office.visits()
    assert visit["due_on"] == TODAY + timedelta(days=1)


async def test_a_car_that_left_is_not_told(office: Office) -> None:
    sale = await office.sale(delivered_on=date(2023, 12, 25), first_import=True)
    await default_warranty(office.conn, await office.store(), [sale["id"]], today=TODAY)
    await office.conn.execute("UPDATE vehicles SET ended_at = $2 WHERE id = $1", sale["vehicle_id"], NOW)
    await office.morning()

    assert await office.visits() == []
