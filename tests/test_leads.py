"""Leads become contacts: the level is the day's, each movement is kept, the next contact moves along (domain.md §2)."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from shared.db import Connection
from shared.events import SYSTEM
from shared.planning import plan_follow_ons, plan_leads, settle_leads
from shared.stores import StoreContext, load_store
from tests.factories import NOW, TODAY, make_attempt, make_customer, make_lead, make_programme, make_staff, make_store, make_visit


class Showroom:
    """A store with one consultant, whose mornings are planned by hand."""

    def __init__(self, conn: Connection, store_id: UUID, consultant_id: UUID) -> None:
        self.conn, self.store_id, self.consultant_id = conn, store_id, consultant_id

    async def store(self, today: date = TODAY) -> StoreContext:
        return await load_store(self.conn, self.store_id, today=today)

    async def lead(self, *, now: datetime = NOW, **values: Any) -> asyncpg.Record:
        given = {"store_id": self.store_id, "consultant_id": self.consultant_id, **values}
        row = await make_lead(self.conn, **given)
        await self.settle(row, now=now)
        return row

    async def settle(self, lead: asyncpg.Record, *, now: datetime = NOW, reason: str | None = None) -> None:
        await settle_leads(self.conn, await self.store(), [lead["id"]], now=now, actor=SYSTEM, reason=reason)

    async def morning(self, day: date) -> None:
        store = await self.store(day)
        await plan_leads(self.conn, store, now=store.calendar.at(day, time(5)), actor=SYSTEM)

    async def visits(self, lead: asyncpg.Record, **where: object) -> list[asyncpg.Record]:
        rows = await self.conn.fetch("SELECT * FROM visits WHERE trigger_id = $1 ORDER BY occurrence, step", lead["id"])
        return [row for row in rows if all(row[name] == value for name, value in where.items())]

    async def movements(self, lead: asyncpg.Record) -> list[tuple[object, ...]]:
        rows = await self.conn.fetch("SELECT * FROM lead_movements WHERE lead_id = $1 ORDER BY at, id", lead["id"])
        return [(row["from_level"], row["to_level"], row["from_state"], row["to_state"], row["reason"]) for row in rows]

    async def change(self, lead: asyncpg.Record, **values: Any) -> None:
        sets = ", ".join(f"{name} = ${place}" for place, name in enumerate(values, 2))
        await self.conn.execute(f"UPDATE leads SET {sets} WHERE id = $1", lead["id"], *values.values())

    async def close(self, visit: asyncpg.Record, at: datetime, state: str = "completed") -> None:
        await self.conn.execute(
            "UPDATE visits SET state = $2, closed_at = $3, next_step = NULL, next_at = NULL, wake_at = NULL WHERE id = $1",
            visit["id"], state, at,
        )  # fmt: skip
        await plan_follow_ons(self.conn, await self.store(), [visit["id"]], now=at, actor=SYSTEM)


@pytest.fixture
async def showroom(connection: asyncpg.Connection[asyncpg.Record]) -> Showroom:
    store_id = (await make_store(connection))["id"]
    await make_programme(connection, "lead", store_id=store_id)
    consultant = await make_staff(connection, "sales_consultant", store_id=store_id)
    await make_staff(connection, "sales_consultant", store_id=store_id)
    return Showroom(connection, store_id, consultant["id"])


async def _by_letters(showroom: Showroom) -> None:
    await showroom.conn.execute("UPDATE programmes SET policy = 'abc' WHERE store_id = $1", showroom.store_id)


@pytest.mark.parametrize(
    ("policy", "expected", "level", "due"),
    [
        ("by-days", 0, "within_3_days", 1),  # within 3 days → every day
        ("by-days", 7, "within_7_days", 3),  # within 7 → every 3 days
        ("by-days", 15, "within_15_days", 5),  # within 15 → every 5 days
        ("by-days", 30, "within_a_month", 7),  # within a month → every 7 days
        ("by-days", 120, "later", 30),  # later → by default 30 days
        ("abc", 7, "A", 2),  # A, within a week → every 2 days
        ("abc", 30, "B", 7),  # B, within a month → every 7 days
        ("abc", 120, "C", 30),  # C, later → every 30 days
    ],
)
async def test_a_lead_is_contacted_at_the_pace_of_its_level_by_whoever_opened_the_file(
    showroom: Showroom, policy: str, expected: int, level: str, due: int
) -> None:
    if policy == "abc":
        await _by_letters(showroom)
    lead = await showroom.lead(expected_on=TODAY + timedelta(days=expected))

    (visit,) = await showroom.visits(lead)
    assert visit["due_on"] == TODAY + timedelta(days=due)
    assert (visit["programme"], visit["step"], visit["assignee_id"]) == ("lead", "contact", showroom.consultant_id)
    assert await showroom.movements(lead) == [(None, level, None, "open", None)]
    assert await showroom.conn.fetchval("SELECT level FROM leads WHERE id = $1", lead["id"]) == level


async def test_settling_again_writes_nothing(showroom: Showroom) -> None:
    lead = await showroom.lead()
    before = await showroom.visits(lead)
    await showroom.settle(lead)

    assert await showroom.visits(lead) == before
    assert len(await showroom.movements(lead)) == 1


async def test_another_expected_date_is_another_level_and_the_next_due_date_moves_with_it(showroom: Showroom) -> None:
    lead = await showroom.lead(expected_on=date(2027, 6, 1))
    await showroom.change(lead, expected_on=TODAY + timedelta(days=20))
    await showroom.settle(lead, reason="expected_on_changed")

    (visit,) = await showroom.visits(lead)
    # a week on it is within 15 days, and five days have passed then
    assert (visit["due_on"], visit["occurrence"]) == (TODAY + timedelta(days=5), 1)
    assert (await showroom.movements(lead))[-1] == ("later", "within_a_month", "open", "open", "expected_on_changed")
    moved = "SELECT detail->>'to' FROM visit_events WHERE visit_id = $1 AND kind = 'moved'"
    assert await showroom.conn.fetchval(moved, visit["id"]) == visit["due_on"].isoformat()


async def test_the_level_follows_as_the_date_approaches(showroom: Showroom) -> None:
    lead = await showroom.lead(expected_on=TODAY + timedelta(days=16))
    for day in range(1, 17):
        await showroom.morning(TODAY + timedelta(days=day))

    levels = [to for _, to, *_ in await showroom.movements(lead)]
    assert levels == ["within_a_month", "within_15_days", "within_7_days", "within_3_days"]
    assert len(await showroom.visits(lead)) == 1  # nobody has called yet: there is one contact to be made, not four


async def test_a_contact_that_was_made_is_followed_by_the_next(showroom: Showroom) -> None:
    lead = await showroom.lead(expected_on=TODAY + timedelta(days=7))
    (first,) = await showroom.visits(lead)
    await showroom.close(first, NOW + timedelta(days=3))

    first, second = await showroom.visits(lead)
    assert (second["occurrence"], second["follows_visit_id"]) == (2, first["id"])
    assert second["due_on"] == TODAY + timedelta(days=4)  # four days before the purchase: every day now
    assert second["assignee_id"] == showroom.consultant_id


@pytest.mark.parametrize("state", ["unreachable", "missed", "cancelled"])
async def test_a_contact_that_came_to_nothing_is_followed_too(showroom: Showroom, state: str) -> None:
    lead = await showroom.lead(expected_on=date(2027, 6, 1))
    (first,) = await showroom.visits(lead)
    await showroom.close(first, NOW + timedelta(days=33), state)

    assert [row["due_on"] for row in await showroom.visits(lead, state="planned")] == [TODAY + timedelta(days=63)]


async def test_whoever_does_not_want_to_be_called_is_left_alone_until_the_consultant_sets_a_date(showroom: Showroom) -> None:
    lead = await showroom.lead(expected_on=date(2027, 6, 1))
    (first,) = await showroom.visits(lead)
    await showroom.close(first, NOW + timedelta(days=30), "declined")
    await showroom.morning(TODAY + timedelta(days=31))
    assert await showroom.visits(lead, state="planned") == []

    await showroom.change(lead, next_on=TODAY + timedelta(days=60))
    await showroom.morning(TODAY + timedelta(days=31))
    assert [row["due_on"] for row in await showroom.visits(lead, state="planned")] == [TODAY + timedelta(days=60)]


async def test_a_promise_stands_whatever_the_level(showroom: Showroom) -> None:
    lead = await showroom.lead(expected_on=date(2027, 6, 1))
    (first,) = await showroom.visits(lead)
    promised = NOW + timedelta(days=10, hours=2)
    await make_attempt(showroom.conn, visit_id=first["id"], outcome="reached", at=NOW, next_at=promised)
    await showroom.close(first, NOW, "incomplete")
    await showroom.change(lead, expected_on=TODAY + timedelta(days=2))
    await showroom.settle(lead)

    (kept,) = await showroom.visits(lead, state="planned")
    assert (kept["promised_at"], kept["due_on"]) == (promised, TODAY + timedelta(days=10))


async def test_a_later_lead_is_contacted_on_the_date_the_consultant_set(showroom: Showroom) -> None:
    lead = await showroom.lead(expected_on=date(2027, 6, 1), next_on=TODAY + timedelta(days=12))

    assert [row["due_on"] for row in await showroom.visits(lead)] == [TODAY + timedelta(days=12)]


async def test_won_stops_the_contacts(showroom: Showroom) -> None:
    lead = await showroom.lead()
    await showroom.change(lead, state="won", closed_on=TODAY)
    await showroom.settle(lead)

    assert [(row["state"], row["state_reason"]) for row in await showroom.visits(lead)] == [("cancelled", "reason_gone")]
    assert (await showroom.movements(lead))[-1][2:4] == ("open", "won")


async def test_lost_keeps_its_reason_and_is_called_once_after_90_days(showroom: Showroom) -> None:
    lead = await showroom.lead()
    await showroom.change(lead, state="lost", lost_kind="price", closed_on=TODAY)
    await showroom.settle(lead)
    await showroom.settle(lead)

    (contact,) = await showroom.visits(lead, step="contact")
    (again,) = await showroom.visits(lead, step="reactivation")
    assert (contact["state"], again["state"]) == ("cancelled", "planned")
    assert (again["due_on"], again["assignee_id"]) == (TODAY + timedelta(days=90), showroom.consultant_id)
    assert (await showroom.movements(lead))[-1][2:] == ("open", "lost", "price")

    await showroom.close(again, NOW + timedelta(days=90))
    await showroom.settle(lead, now=NOW + timedelta(days=91))
    assert len(await showroom.visits(lead, step="reactivation")) == 1


async def test_a_lead_taken_up_again_is_contacted_anew_and_lost_again_called_again(showroom: Showroom) -> None:
    lead = await showroom.lead(expected_on=date(2027, 6, 1))
    await showroom.change(lead, state="lost", lost_kind="price", closed_on=TODAY)
    await showroom.settle(lead)
    later = NOW + timedelta(days=10)
    await showroom.change(lead, state="open", closed_on=None)
    await showroom.settle(lead, now=later, reason="reactivated")

    assert [row["due_on"] for row in await showroom.visits(lead, state="planned")] == [TODAY + timedelta(days=30)]
    await showroom.change(lead, state="lost", closed_on=TODAY + timedelta(days=11))
    await showroom.settle(lead, now=later + timedelta(days=1))
    due = {row["due_on"] for row in await showroom.visits(lead, state="planned", step="reactivation")}
    assert due == {TODAY + timedelta(days=101)}


async def test_a_lead_lost_before_we_knew_him_is_not_called(showroom: Showroom) -> None:
    lead = await showroom.lead(state="lost", lost_reason="价格")

    assert await showroom.visits(lead) == []


async def test_a_call_by_hand_counts_as_contact_and_one_about_his_old_car_does_not(showroom: Showroom) -> None:
    customer = await make_customer(showroom.conn, store_id=showroom.store_id)
    lead = await make_lead(
        showroom.conn, customer_id=customer["id"], consultant_id=showroom.consultant_id,
        first_visit_on=TODAY - timedelta(days=20), expected_on=date(2027, 6, 1),
    )  # fmt: skip
    for programme, days in (("by-hand", 3), ("after-maintenance", 0)):
        visit = await make_visit(showroom.conn, customer_id=customer["id"], programme=programme, state="completed")
        await make_attempt(showroom.conn, visit_id=visit["id"], outcome="reached", at=NOW - timedelta(days=days))
    await showroom.settle(lead)

    assert [row["due_on"] for row in await showroom.visits(lead)] == [TODAY + timedelta(days=27)]


async def test_a_lead_that_nobody_planned_is_found_in_the_morning_and_due_today(showroom: Showroom) -> None:
    lead = await make_lead(
        showroom.conn, store_id=showroom.store_id, first_visit_on=TODAY - timedelta(days=400), expected_on=None, level="later"
    )
    await showroom.morning(TODAY)

    assert [(row["state"], row["due_on"]) for row in await showroom.visits(lead)] == [("planned", TODAY)]
