"""Insurance of cars: renewal calls, the message where nobody calls, accidents, and the file that moves in month 9 (domain.md §3)."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import pytest

from shared.db import Connection
from shared.domain.renewal import moves_on
from shared.events import SYSTEM
from shared.planning import facts_of_sales, note_insurance_specialists, plan_facts, plan_follow_ons, replan_facts, replan_policies
from shared.planning.insurance import facts_of_accidents
from shared.planning.renewal_move import move_to_renewal
from shared.planning.renewals import plan_policies
from shared.stores import StoreContext, load_store
from tests.factories import NOW, TODAY, make_customer, make_policy, make_programme, make_sale, make_staff, make_store, make_visit
from tests.factories.base import insert_of_store, stamps

PROGRAMMES = ("renewal", "insurance", "accident", "delivery-club")


class Club:
    """A store with an insurance and a renewal specialist."""

    def __init__(self, conn: Connection, store_id: UUID, people: dict[str, UUID]) -> None:
        self.conn, self.store_id, self.people = conn, store_id, people

    async def store(self, today: date = TODAY) -> StoreContext:
        return await load_store(self.conn, self.store_id, today=today)

    async def policy(self, days: int, **values: Any) -> asyncpg.Record:
        return await make_policy(self.conn, **{"store_id": self.store_id, "expires_on": TODAY + timedelta(days=days), **values})

    async def morning(self, planner: Any, day: date = TODAY) -> None:
        store = await self.store(day)
        await planner(self.conn, store, now=store.calendar.at(day, time(5)), actor=SYSTEM)

    async def visits(self, **where: object) -> list[asyncpg.Record]:
        rows = await self.conn.fetch("SELECT * FROM visits WHERE store_id = $1 ORDER BY due_at, step, id", self.store_id)
        return [row for row in rows if all(row[name] == value for name, value in where.items())]

    async def accident(self, **values: Any) -> asyncpg.Record:
        given = {"happened_on": TODAY, "reported_at": NOW, "version": 1, **stamps("created_at", "updated_at"), **values}
        row = await insert_of_store(self.conn, "accidents", given | {"store_id": self.store_id})
        await self.replan_accident(row)
        return row

    async def replan_accident(self, row: asyncpg.Record, now: datetime = NOW) -> None:
        store = await self.store()
        await replan_facts(self.conn, store, await facts_of_accidents(self.conn, store, [row["id"]]), now=now, actor=SYSTEM)

    async def close(self, visit: asyncpg.Record, at: datetime, state: str = "completed") -> None:
        await self.conn.execute(
            "UPDATE visits SET state = $2, closed_at = $3, next_step = NULL, next_at = NULL, wake_at = NULL WHERE id = $1",
            visit["id"], state, at,
        )  # fmt: skip
        await plan_follow_ons(self.conn, await self.store(), [visit["id"]], now=at, actor=SYSTEM)


@pytest.fixture
async def club(connection: asyncpg.Connection[asyncpg.Record]) -> Club:
    store_id = (await make_store(connection))["id"]
    for key in PROGRAMMES:
        await make_programme(connection, key, store_id=store_id)
    roles = ("sales_consultant", "insurance_specialist", "renewal_specialist")
    people = {role: (await make_staff(connection, role, store_id=store_id))["id"] for role in roles}
    return Club(connection, store_id, people)


# --- renewal


@pytest.mark.parametrize(("days", "planned"), [(68, 4), (69, 0), (365, 0)])
async def test_renewal_is_planned_when_the_end_comes_within_reach(club: Club, days: int, planned: int) -> None:
    policy = await club.policy(days)
    await club.morning(plan_policies)
    await club.morning(plan_policies)

    found = await club.visits(programme="renewal", trigger_id=policy["id"])
    assert len(found) == planned
    assert [policy["expires_on"] - row["due_on"] for row in found] == [timedelta(days=n) for n in (60, 30, 15, 7)][:planned]
    assert {row["assignee_id"] for row in found} <= {club.people["renewal_specialist"]}


@pytest.mark.parametrize("result", ["renewed", "lost"])
async def test_a_result_on_the_policy_ends_the_ladder(club: Club, result: str) -> None:
    policy = await club.policy(60)
    await club.morning(plan_policies)
    await club.conn.execute("UPDATE insurance_policies SET result = $2 WHERE id = $1", policy["id"], result)
    await replan_policies(club.conn, await club.store(), [policy["id"]], now=NOW, actor=SYSTEM)

    assert {row["state"] for row in await club.visits(programme="renewal")} == {"cancelled"}


async def test_the_policy_that_follows_ends_the_ladder_of_the_one_before(club: Club) -> None:
    policy = await club.policy(60)
    await club.morning(plan_policies)
    following = await club.policy(425, vehicle_id=policy["vehicle_id"])
    await replan_policies(club.conn, await club.store(), [policy["id"], following["id"]], now=NOW, actor=SYSTEM)

    assert {row["state"] for row in await club.visits(programme="renewal")} == {"cancelled"}


async def test_a_policy_known_late_has_its_past_calls_expired_with_the_reason(club: Club) -> None:
    await club.policy(12)
    await club.morning(plan_policies)

    states = {row["step"]: (row["state"], row["state_reason"]) for row in await club.visits(programme="renewal")}
    assert states["d15"][0] == states["d7"][0] == "planned"
    assert states["d30"] == ("expired", "window_closed")
    assert "d60" not in states  # closed for longer than 30 days


async def test_another_expiry_date_moves_the_calls(club: Club) -> None:
    policy = await club.policy(66)
    await club.morning(plan_policies)
    await club.conn.execute("UPDATE insurance_policies SET expires_on = expires_on + 2 WHERE id = $1", policy["id"])
    await replan_policies(club.conn, await club.store(), [policy["id"]], now=NOW, actor=SYSTEM)

    assert next(row["due_on"] for row in await club.visits(programme="renewal")) == TODAY + timedelta(days=8)


async def test_the_insurance_message_goes_only_where_no_renewal_visit_is_open(club: Club) -> None:
    called, left_alone = await club.policy(9), await club.policy(9)
    await club.morning(plan_policies)
    assert await club.visits(programme="insurance") == []

    for visit in await club.visits(programme="renewal", trigger_id=left_alone["id"], state="planned"):
        await club.close(visit, NOW, "declined")
    await club.morning(plan_policies)

    (message,) = await club.visits(programme="insurance")
    assert (message["trigger_id"], message["message_template"]) == (left_alone["id"], "insurance_due")
    assert message["due_on"] == left_alone["expires_on"] - timedelta(days=7)
    assert called["id"] != message["trigger_id"]


async def test_without_the_renewal_programme_everybody_gets_the_message(club: Club) -> None:
    await club.conn.execute("UPDATE programmes SET enabled = false WHERE key = 'renewal' AND store_id = $1", club.store_id)
    await club.policy(9)
    await club.morning(plan_policies)

    assert len(await club.visits(programme="insurance")) == 1
    assert await club.visits(programme="renewal") == []


# --- accident


@pytest.mark.parametrize(
    ("delivered_on", "role"),
    [(TODAY - timedelta(days=100), "insurance_specialist"), (TODAY - timedelta(days=400), "renewal_specialist")],
)
async def test_an_accident_is_tracked_by_whoever_holds_the_file(club: Club, delivered_on: date, role: str) -> None:
    sale = await make_sale(club.conn, store_id=club.store_id, delivered_on=delivered_on)
    await club.accident(customer_id=sale["customer_id"], vehicle_id=sale["vehicle_id"])

    (visit,) = await club.visits(programme="accident")
    assert (visit["role"], visit["assignee_id"], visit["due_on"]) == (role, club.people[role], TODAY)


async def test_an_accident_is_tracked_every_2_days_until_the_claim_is_closed(club: Club) -> None:
    sale = await make_sale(club.conn, store_id=club.store_id, delivered_on=TODAY - timedelta(days=100))
    accident = await club.accident(customer_id=sale["customer_id"], vehicle_id=sale["vehicle_id"])
    (first,) = await club.visits(programme="accident")
    await club.close(first, NOW)
    (second,) = await club.visits(programme="accident", state="planned")
    await club.close(second, NOW + timedelta(days=2), "unreachable")
    (third,) = await club.visits(programme="accident", state="planned")
    assert (second["due_on"], third["due_on"]) == (TODAY + timedelta(days=2), TODAY + timedelta(days=4))

    await club.conn.execute("UPDATE accidents SET claim_closed_on = $2 WHERE id = $1", accident["id"], TODAY)
    await club.replan_accident(accident, NOW + timedelta(days=3))
    assert await club.visits(programme="accident", state="planned") == []


@pytest.mark.parametrize(("days_ago", "tracked"), [(10, 1), (40, 0)])
async def test_an_accident_in_the_insurance_period_is_tracked(club: Club, days_ago: int, tracked: int) -> None:
    policy = await club.policy(365, starts_on=TODAY - timedelta(days=30))
    happened_on = TODAY - timedelta(days=days_ago)
    await club.accident(customer_id=policy["customer_id"], vehicle_id=policy["vehicle_id"], happened_on=happened_on)

    assert len(await club.visits(programme="accident")) == tracked


# --- month 9


async def _sold(club: Club, delivered_on: date, **values: Any) -> asyncpg.Record:
    sale = await make_sale(club.conn, store_id=club.store_id, delivered_on=delivered_on, **values)
    store = await club.store(delivered_on)
    await plan_facts(
        club.conn,
        store,
        await facts_of_sales(club.conn, store, [sale["id"]]),
        now=store.calendar.opening(delivered_on),
        actor=SYSTEM,
    )
    await note_insurance_specialists(club.conn, store, [sale["id"]])
    return sale


async def test_the_first_club_call_says_who_holds_the_file(club: Club) -> None:
    sale = await _sold(club, TODAY)

    holder = await club.conn.fetchval("SELECT insurance_specialist_id FROM sales WHERE id = $1", sale["id"])
    assert holder == club.people["insurance_specialist"]


async def test_month_9_moves_the_file_and_all_open_visits_and_promises_once(club: Club) -> None:
    delivered_on = date(2026, 2, 23)
    sale = await _sold(club, delivered_on, insured=False)
    promised_at = NOW + timedelta(days=30)
    promise = await make_visit(
        club.conn, store_id=club.store_id, customer_id=sale["customer_id"], vehicle_id=sale["vehicle_id"], programme="delivery-club",
        step="next", tier="club", role="insurance_specialist", assignee_id=club.people["insurance_specialist"], promised_at=promised_at,
    )  # fmt: skip
    of_sales = await make_visit(
        club.conn, store_id=club.store_id, customer_id=sale["customer_id"], vehicle_id=sale["vehicle_id"], programme="delivery-sales",
        step="use", tier="sales", role="sales_consultant", assignee_id=club.people["sales_consultant"],
    )  # fmt: skip
    await club.conn.execute(
        "UPDATE customers SET holder_id = $2 WHERE id = $1", sale["customer_id"], club.people["insurance_specialist"]
    )
    await club.morning(move_to_renewal, TODAY - timedelta(days=1))
    assert await club.conn.fetchval("SELECT renewal_moved_on FROM sales WHERE id = $1", sale["id"]) is None

    for _ in range(2):  # idempotent
        await club.morning(move_to_renewal)

    row = await club.conn.fetchrow("SELECT renewal_moved_on, renewal_specialist_id FROM sales WHERE id = $1", sale["id"])
    assert row is not None
    assert tuple(row) == (TODAY, club.people["renewal_specialist"])
    open_ones = [visit for visit in await club.visits(tier="club") if visit["closed_at"] is None]
    assert open_ones
    assert {(v["role"], v["assignee_id"]) for v in open_ones} == {("renewal_specialist", club.people["renewal_specialist"])}
    kept = next(visit for visit in open_ones if visit["id"] == promise["id"])
    assert kept["promised_at"] == promised_at
    (untouched,) = await club.visits(id=of_sales["id"])
    assert untouched["assignee_id"] == club.people["sales_consultant"]
    assert (
        await club.conn.fetchval("SELECT holder_id FROM customers WHERE id = $1", sale["customer_id"])
        == club.people["renewal_specialist"]
    )

    (handover,) = await club.conn.fetch("SELECT staff_id, reason, moves FROM handovers WHERE store_id = $1", club.store_id)
    moves = orjson.loads(handover["moves"])
    assert (handover["staff_id"], handover["reason"]) == (club.people["insurance_specialist"], "month_9")
    assert str(promise["id"]) in moves["visits"]
    assert moves["files"] == {str(sale["customer_id"]): str(club.people["renewal_specialist"])}


@pytest.mark.parametrize("delivered_on", [date(2025, 5, 31), date(2025, 5, 29), date(2026, 1, 31), date(2026, 3, 30)])
async def test_postgresql_and_the_domain_agree_on_month_9(club: Club, delivered_on: date) -> None:
    sale = await make_sale(club.conn, store_id=club.store_id, delivered_on=delivered_on)
    moved = "SELECT renewal_moved_on FROM sales WHERE id = $1"
    day = moves_on(delivered_on)
    await club.morning(move_to_renewal, day - timedelta(days=1))
    assert await club.conn.fetchval(moved, sale["id"]) is None
    await club.morning(move_to_renewal, day)
    assert await club.conn.fetchval(moved, sale["id"]) == day


async def test_files_of_one_day_are_shared_among_those_who_are_there(club: Club) -> None:
    second = (await make_staff(club.conn, "renewal_specialist", store_id=club.store_id))["id"]
    await make_staff(club.conn, "renewal_specialist", store_id=club.store_id, active=False)
    for _ in range(6):
        await make_sale(club.conn, store_id=club.store_id, delivered_on=TODAY - timedelta(days=300))
    await club.morning(move_to_renewal)

    given = await club.conn.fetch(
        "SELECT renewal_specialist_id AS id, count(*) AS n FROM sales WHERE store_id = $1 GROUP BY 1", club.store_id
    )
    assert {row["id"]: row["n"] for row in given} == {club.people["renewal_specialist"]: 3, second: 3}


async def test_a_file_whose_renewal_specialist_is_named_goes_to_him(club: Club) -> None:
    named = (await make_staff(club.conn, "renewal_specialist", store_id=club.store_id))["id"]
    sale = await make_sale(
        club.conn, store_id=club.store_id, delivered_on=TODAY - timedelta(days=300), renewal_specialist_id=named
    )
    await club.morning(move_to_renewal)

    assert await club.conn.fetchval("SELECT renewal_specialist_id FROM sales WHERE id = $1", sale["id"]) == named


async def test_where_nobody_renews_the_work_goes_to_the_pool_of_the_role(club: Club) -> None:
    await club.conn.execute("UPDATE staff SET active = false WHERE id = $1", club.people["renewal_specialist"])
    sale = await make_sale(club.conn, store_id=club.store_id, delivered_on=TODAY - timedelta(days=300))
    customer = await make_customer(club.conn, store_id=club.store_id)
    assert customer["id"] != sale["customer_id"]
    await make_visit(
        club.conn, store_id=club.store_id, customer_id=sale["customer_id"], vehicle_id=sale["vehicle_id"], programme="accident",
        tier="club", role="insurance_specialist", assignee_id=club.people["insurance_specialist"],
    )  # fmt: skip
    await club.morning(move_to_renewal)

    (visit,) = await club.visits(programme="accident")
    assert (visit["role"], visit["assignee_id"]) == ("renewal_specialist", None)
