"""Facts become visits: by set, once, with their people and their why; they move and end as facts change."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import pytest

from shared.db import Connection
from shared.events import SYSTEM
from shared.planning import (
    PlanCounts,
    cancel_open,
    end_reminders,
    facts_of_sales,
    facts_of_work_orders,
    mark_first_services,
    plan_facts,
    plan_follow_ons,
    plan_maintenance,
    record_maintenance,
    refresh_maintenance,
    replan_facts,
    replan_vehicles,
)
from shared.stores import StoreCache, StoreContext, bump_store, load_store
from tests.factories import (
    NOW,
    TODAY,
    make_absence,
    make_attempt,
    make_customer,
    make_programme,
    make_reading,
    make_sale,
    make_staff,
    make_store,
    make_vehicle,
    make_visit,
    make_work_order,
    vault,
)

PROGRAMMES = (
    "delivery-sales",
    "delivery-service",
    "first-service",
    "after-maintenance",
    "after-repair",
    "welcome",
    "maintenance",
)


class House:
    """A store with some programmes, and one person in each role that plans ask for."""

    def __init__(self, conn: Connection, store_id: UUID, people: dict[str, UUID]) -> None:
        self.conn, self.store_id, self.people = conn, store_id, people

    async def store(self) -> StoreContext:
        return await load_store(self.conn, self.store_id, today=TODAY)

    async def visits(self, **where: object) -> list[asyncpg.Record]:
        rows = await self.conn.fetch("SELECT * FROM visits WHERE store_id = $1 ORDER BY due_at, step", self.store_id)
        return [row for row in rows if all(row[name] == value for name, value in where.items())]

    async def plan_sale(self, sale: asyncpg.Record, *, now: datetime = NOW, first_import: bool = False) -> PlanCounts:
        store = await self.store()
        facts = await facts_of_sales(self.conn, store, [sale["id"]])
        return await plan_facts(self.conn, store, facts, now=now, first_import=first_import, actor=SYSTEM)

    async def plan_order(self, order: asyncpg.Record, **more: Any) -> PlanCounts:
        store = await self.store()
        facts = await facts_of_work_orders(self.conn, store, [order["id"]])
        return await plan_facts(self.conn, store, facts, now=NOW, actor=SYSTEM, **more)


@pytest.fixture
async def house(connection: asyncpg.Connection[asyncpg.Record]) -> House:
    store_id = (await make_store(connection))["id"]
    for key in PROGRAMMES:
        await make_programme(connection, key, store_id=store_id)
    roles = ("sales_consultant", "followup_specialist", "service_advisor", "technician")
    people = {role: (await make_staff(connection, role, store_id=store_id))["id"] for role in roles}
    return House(connection, store_id, people)


async def test_a_delivery_is_planned_for_the_consultant_and_the_workshop(house: House) -> None:
    sale = await make_sale(house.conn, store_id=house.store_id, consultant_id=house.people["sales_consultant"])

    counts = await house.plan_sale(sale)

    planned = {(row["programme"], row["step"]): row for row in await house.visits()}
    assert counts == PlanCounts(planned=5)
    thanks = planned["delivery-sales", "thanks"]
    assert (thanks["due_on"], thanks["assignee_id"]) == (date(2026, 11, 25), house.people["sales_consultant"])
    assert (thanks["next_step"], thanks["next_at"], thanks["wake_at"]) == ("call", thanks["due_at"], thanks["due_at"])
    assert thanks["purposes"] == ["thanks", "use", "insurance", "plates"]
    assert planned["delivery-sales", "use"]["due_on"] == date(2026, 11, 30)
    first = planned["delivery-service", "first"]
    assert (first["due_on"], first["assignee_id"]) == (date(2026, 12, 3), house.people["followup_specialist"])
    assert ("delivery-sales", "chase") not in planned


async def test_the_same_delivery_is_planned_once(house: House) -> None:
    sale = await make_sale(house.conn, store_id=house.store_id)
    await house.plan_sale(sale)
    assert await house.plan_sale(sale) == PlanCounts()


async def test_why_tells_rule_trigger_shifts_and_person(house: House) -> None:
    sale = await make_sale(house.conn, store_id=house.store_id, consultant_id=house.people["sales_consultant"])
    await house.plan_sale(sale)
    (thanks,) = await house.visits(step="thanks")
    event = await house.conn.fetchrow("SELECT kind, actor_kind, detail FROM visit_events WHERE visit_id = $1", thanks["id"])
    assert event is not None
    detail = orjson.loads(event["detail"])
    assert (event["kind"], event["actor_kind"]) == ("planned", "system")
    assert detail["rule"] | {"occurrence": 1} == {
        "programme": "delivery-sales",
        "step": "thanks",
        "occurrence": 1,
        "version": 1,
        "policy": "s0",
    }
    assert detail["trigger"]["id"] == str(sale["id"])
    assert detail["assigned"] == {"to": str(house.people["sales_consultant"]), "why": "trigger_person"}


async def test_excluded_cars_and_internal_orders_trigger_nothing(house: House) -> None:
    sale = await make_sale(house.conn, store_id=house.store_id, excluded=True)
    trade = await make_vehicle(house.conn, store_id=house.store_id, excluded=True)
    internal = await make_work_order(house.conn, store_id=house.store_id, kind="internal")
    assert await house.plan_sale(sale) == PlanCounts()
    assert await house.plan_sale(await make_sale(house.conn, vehicle_id=trade["id"])) == PlanCounts()
    assert await house.plan_order(internal) == PlanCounts()


async def test_a_late_fact_is_expired_with_the_reason_and_an_old_one_only_counted_on_a_first_import(house: House) -> None:
    late = await make_work_order(house.conn, store_id=house.store_id, kind="repair", closed_at=NOW - timedelta(days=20))
    await make_work_order(house.conn, vehicle_id=late["vehicle_id"], closed_at=NOW - timedelta(days=300))
    old = await make_work_order(house.conn, store_id=house.store_id, kind="repair", closed_at=NOW - timedelta(days=200))
    await make_work_order(house.conn, vehicle_id=old["vehicle_id"], closed_at=NOW - timedelta(days=400))

    assert await house.plan_order(late, first_import=True) == PlanCounts(expired=1)
    assert await house.plan_order(old, first_import=True) == PlanCounts(skipped_past=1)

    (row,) = await house.visits()
    assert (row["state"], row["state_reason"], row["wake_at"], row["next_step"]) == ("expired", "window_closed", None, None)


async def test_the_first_service_replaces_the_call_after_the_order(house: House) -> None:
    order = await make_work_order(house.conn, store_id=house.store_id, advisor_id=house.people["service_advisor"])
    await house.plan_order(order)
    rows = await house.visits()
    assert {row["programme"] for row in rows} == {"welcome", "first-service"}
    assert {row["programme"]: row["assignee_id"] for row in rows} == {
        "welcome": None,
        "first-service": house.people["service_advisor"],
    }
    assert {row["next_step"] for row in rows} == {"sms", "call"}


async def test_only_the_first_order_of_customer_and_car_is_the_first_service(house: House) -> None:
    first = await make_work_order(house.conn, store_id=house.store_id, closed_at=NOW - timedelta(days=90))
    second = await make_work_order(house.conn, vehicle_id=first["vehicle_id"])
    await mark_first_services(house.conn, house.store_id, [first["id"], second["id"]])
    rows = await house.conn.fetch("SELECT id FROM work_orders WHERE store_id = $1 AND first_service", house.store_id)
    assert [row["id"] for row in rows] == [first["id"]]


async def test_several_orders_of_a_car_on_one_day_are_one_visit(house: House) -> None:
    earlier = await make_work_order(house.conn, store_id=house.store_id, closed_at=NOW - timedelta(days=90))
    one = await make_work_order(house.conn, vehicle_id=earlier["vehicle_id"], kind="repair", closed_at=NOW - timedelta(hours=2))
    two = await make_work_order(house.conn, vehicle_id=earlier["vehicle_id"], kind="bodywork", closed_at=NOW - timedelta(hours=1))
    assert (await house.plan_order(two)).planned == 1
    assert await house.plan_order(one) == PlanCounts()
    (row,) = await house.visits()
    assert (row["programme"], row["trigger_id"]) == ("after-repair", one["id"])


async def test_an_order_that_joins_the_day_later_changes_the_visit_but_adds_none(house: House) -> None:
    earlier = await make_work_order(house.conn, store_id=house.store_id, closed_at=NOW - timedelta(days=90))
    one = await make_work_order(house.conn, vehicle_id=earlier["vehicle_id"], closed_at=NOW - timedelta(hours=1))
    await house.plan_order(one)
    two = await make_work_order(house.conn, vehicle_id=earlier["vehicle_id"], kind="repair", closed_at=NOW - timedelta(hours=2))

    store = await house.store()
    facts = await facts_of_work_orders(house.conn, store, [two["id"]])
    await replan_facts(house.conn, store, facts, now=NOW, actor=SYSTEM)

    assert {(row["programme"], row["state"]) for row in await house.visits()} == {
        ("after-maintenance", "cancelled"),
        ("after-repair", "planned"),
    }


async def test_who_brought_the_car_is_called(house: House) -> None:
    order = await make_work_order(house.conn, store_id=house.store_id, contact_name="李师傅", contact_phone_index=b"index")
    sealed = bytes(vault().seal("+8613900001111", "work_orders", "contact_phone", house.store_id, order["id"]))
    await house.conn.execute("UPDATE work_orders SET contact_phone = $2 WHERE id = $1", order["id"], sealed)
    await house.plan_order(order, vault=vault())
    (row,) = await house.visits(programme="first-service")
    assert row["callee_name"] == "李师傅"
    assert vault().open(row["callee_phone"], "visits", "callee_phone", house.store_id, row["id"]) == "+8613900001111"


async def test_somebody_on_leave_is_stood_in_for_and_work_is_spread(house: House) -> None:
    other = await make_staff(house.conn, "followup_specialist", store_id=house.store_id)
    await make_absence(house.conn, store_id=house.store_id, staff_id=other["id"], to_on=TODAY + timedelta(days=60))
    third = await make_staff(house.conn, "followup_specialist", store_id=house.store_id)
    sales = [await make_sale(house.conn, store_id=house.store_id) for _ in range(4)]
    store = await house.store()
    facts = await facts_of_sales(house.conn, store, [sale["id"] for sale in sales])
    await plan_facts(house.conn, store, facts, now=NOW, actor=SYSTEM)
    people = [row["assignee_id"] for row in await house.visits(programme="delivery-service")]
    assert sorted(people) == sorted([house.people["followup_specialist"], third["id"]] * 4)


async def test_a_role_that_nobody_has_goes_to_the_pool(house: House) -> None:
    await house.conn.execute("UPDATE staff SET active = false WHERE store_id = $1", house.store_id)
    await house.plan_sale(await make_sale(house.conn, store_id=house.store_id))
    assert {row["assignee_id"] for row in await house.visits()} == {None}


async def test_the_card_handed_over_brings_the_workshops_call_forward(house: House) -> None:
    sale = await make_sale(house.conn, store_id=house.store_id)
    await house.plan_sale(sale)
    await house.conn.execute("UPDATE sales SET card_handed_on = $2 WHERE id = $1", sale["id"], TODAY + timedelta(days=1))
    store = await house.store()
    await replan_facts(house.conn, store, await facts_of_sales(house.conn, store, [sale["id"]]), now=NOW, actor=SYSTEM)
    (first,) = await house.visits(programme="delivery-service", step="first")
    assert first["due_on"] == date(2026, 11, 27)
    kinds = [
        r["kind"] for r in await house.conn.fetch("SELECT kind FROM visit_events WHERE visit_id = $1 ORDER BY id", first["id"])
    ]
    assert kinds == ["planned", "moved"]


async def test_a_correction_brings_up_nothing_that_a_first_import_left_out(house: House) -> None:
    sale = await make_sale(house.conn, store_id=house.store_id, delivered_on=date(2023, 1, 5), insured=None)
    await house.plan_sale(sale, first_import=True)
    before = [row["step"] for row in await house.visits()]
    store = await house.store()
    await replan_facts(house.conn, store, await facts_of_sales(house.conn, store, [sale["id"]]), now=NOW, actor=SYSTEM)
    assert [row["step"] for row in await house.visits()] == before == ["relationship"]


async def test_what_was_promised_or_tried_does_not_move(house: House) -> None:
    sale = await make_sale(house.conn, store_id=house.store_id)
    await house.plan_sale(sale)
    await house.conn.execute("UPDATE visits SET promised_at = $2 WHERE store_id = $1 AND step = 'thanks'", house.store_id, NOW)
    await house.conn.execute("UPDATE sales SET delivered_on = $2 WHERE id = $1", sale["id"], TODAY - timedelta(days=1))
    store = await house.store()
    await replan_facts(house.conn, store, await facts_of_sales(house.conn, store, [sale["id"]]), now=NOW, actor=SYSTEM)
    dates = {row["step"]: row["due_on"] for row in await house.visits(programme="delivery-sales")}
    assert dates["thanks"] == date(2026, 11, 25)
    assert dates["use"] == date(2026, 11, 29)


async def close(house: House, visit_id: UUID, state: str = "completed", at: datetime = NOW) -> None:
    await house.conn.execute(
        "UPDATE visits SET state = $2, closed_at = $3, next_step = NULL, wake_at = NULL WHERE id = $1", visit_id, state, at
    )


async def test_a_car_that_is_not_insured_is_chased_until_it_is(house: House) -> None:
    consultant = house.people["sales_consultant"]
    sale = await make_sale(house.conn, store_id=house.store_id, insured=False, consultant_id=consultant)
    await house.plan_sale(sale)
    (use,) = await house.visits(step="use")
    (thanks,) = await house.visits(step="thanks")
    then = NOW + timedelta(days=7)
    await close(house, thanks["id"], at=NOW + timedelta(days=2))
    await close(house, use["id"], at=then)

    store = await house.store()
    assert await plan_follow_ons(house.conn, store, [use["id"]], now=then, actor=SYSTEM) == 1
    assert await plan_follow_ons(house.conn, store, [use["id"]], now=then, actor=SYSTEM) == 0
    (chase,) = await house.visits(step="chase")
    assert (chase["due_on"], chase["follows_visit_id"], chase["assignee_id"]) == (date(2026, 12, 3), use["id"], consultant)

    await house.conn.execute("UPDATE sales SET insured = true WHERE id = $1", sale["id"])
    await replan_facts(house.conn, store, await facts_of_sales(house.conn, store, [sale["id"]]), now=then, actor=SYSTEM)
    (chase,) = await house.visits(step="chase")
    assert (chase["state"], chase["state_reason"], chase["wake_at"]) == ("cancelled", "reason_gone", None)


async def test_the_next_date_of_a_result_is_a_promise_of_the_same_person(house: House) -> None:
    order = await make_work_order(house.conn, store_id=house.store_id, kind="repair")
    await make_work_order(house.conn, vehicle_id=order["vehicle_id"], closed_at=NOW - timedelta(days=100))
    await house.plan_order(order)
    (visit,) = await house.visits()
    who = (await make_staff(house.conn, "followup_specialist", store_id=house.store_id))["id"]
    await house.conn.execute("UPDATE visits SET assignee_id = $2 WHERE id = $1", visit["id"], who)
    promised = datetime.fromisoformat("2026-12-01T10:00:00+08:00")
    await make_attempt(house.conn, visit_id=visit["id"], outcome="reached", next_at=promised)
    await close(house, visit["id"], "incomplete")

    store = await house.store()
    assert await plan_follow_ons(house.conn, store, [visit["id"]], now=NOW, actor=SYSTEM) == 1
    assert await plan_follow_ons(house.conn, store, [visit["id"]], now=NOW, actor=SYSTEM) == 0
    (following,) = await house.visits(state="planned")
    assert (following["promised_at"], following["assignee_id"], following["occurrence"]) == (promised, who, 2)
    assert following["wake_at"] == promised


async def test_a_visit_made_by_hand_has_its_next_date_too(house: House) -> None:
    customer = await make_customer(house.conn, store_id=house.store_id)
    visit = await make_visit(
        house.conn, customer_id=customer["id"], programme="by-hand", trigger_type="by_hand", state="incomplete"
    )
    await make_attempt(house.conn, visit_id=visit["id"], outcome="reached", next_at=NOW + timedelta(days=3))
    assert await plan_follow_ons(house.conn, await house.store(), [visit["id"]], now=NOW, actor=SYSTEM) == 1
    (following,) = await house.visits(state="planned")
    assert (following["programme"], following["due_on"], following["occurrence"]) == ("by-hand", TODAY + timedelta(days=3), 2)


async def test_an_order_that_turns_out_internal_ends_its_follow_up(house: House) -> None:
    order = await make_work_order(house.conn, store_id=house.store_id, kind="repair")
    await house.plan_order(order)
    await house.conn.execute("UPDATE work_orders SET kind = 'internal' WHERE id = $1", order["id"])
    store = await house.store()
    await replan_facts(house.conn, store, await facts_of_work_orders(house.conn, store, [order["id"]]), now=NOW, actor=SYSTEM)
    assert {row["state"] for row in await house.visits()} == {"cancelled"}


async def test_maintenance_is_reminded_once_an_interval_and_ends_when_the_car_comes(house: House) -> None:
    car = await make_vehicle(house.conn, store_id=house.store_id, purchased_on=TODAY - timedelta(days=300))
    served = TODAY - timedelta(days=174)
    await make_work_order(house.conn, vehicle_id=car["id"], closed_at=NOW - timedelta(days=174), mileage_km=3000)
    await make_reading(house.conn, vehicle_id=car["id"], read_on=served, km=3000)
    await make_reading(house.conn, vehicle_id=car["id"], km=3400)
    store = await house.store()
    await record_maintenance(house.conn, store, [car["id"]])
    await refresh_maintenance(house.conn, store, [car["id"]], TODAY)

    assert await plan_maintenance(house.conn, store, now=NOW) == PlanCounts(planned=2)
    await make_reading(house.conn, vehicle_id=car["id"], read_on=TODAY - timedelta(days=1), km=3390)
    assert await plan_maintenance(house.conn, store, now=NOW) == PlanCounts()
    rows = await house.visits(programme="maintenance")
    assert {(row["trigger_id"], row["channel"]) for row in rows} == {(car["id"], "sms"), (car["id"], "phone")}

    await make_work_order(house.conn, vehicle_id=car["id"], mileage_km=3500)
    assert await end_reminders(house.conn, store, [car["id"]], now=NOW, actor=SYSTEM) == 2
    assert {row["state_reason"] for row in await house.visits(programme="maintenance")} == {"maintenance_done"}


async def test_a_car_without_any_date_is_left_alone(house: House) -> None:
    await make_vehicle(house.conn, store_id=house.store_id)
    assert await plan_maintenance(house.conn, await house.store(), now=NOW) == PlanCounts()


async def test_a_car_excluded_later_has_its_visits_cancelled(house: House) -> None:
    sale = await make_sale(house.conn, store_id=house.store_id)
    order = await make_work_order(house.conn, vehicle_id=sale["vehicle_id"])
    await house.plan_sale(sale)
    await house.plan_order(order)
    await house.conn.execute("UPDATE vehicles SET excluded = true WHERE id = $1", sale["vehicle_id"])
    await replan_vehicles(house.conn, await house.store(), [sale["vehicle_id"]], now=NOW, actor=SYSTEM)
    assert {row["state"] for row in await house.visits()} == {"cancelled"}


async def test_everything_of_a_customer_can_be_stopped(house: House) -> None:
    sale = await make_sale(house.conn, store_id=house.store_id)
    await house.plan_sale(sale)
    count = await cancel_open(house.conn, house.store_id, "customer_id", sale["customer_id"], "deceased", now=NOW, actor=SYSTEM)
    assert count == len(await house.visits(state="cancelled")) == 5


async def test_a_thousand_facts_are_planned_in_few_statements(house: House) -> None:
    customer = await make_customer(house.conn, store_id=house.store_id)
    cars = [await make_vehicle(house.conn, customer_id=customer["id"], vin=None) for _ in range(200)]
    sales = [await make_sale(house.conn, vehicle_id=car["id"]) for car in cars]
    store = await house.store()
    facts = await facts_of_sales(house.conn, store, [sale["id"] for sale in sales])
    asked: list[object] = []
    with house.conn.query_logger(asked.append):
        counts = await plan_facts(house.conn, store, facts, now=NOW, actor=SYSTEM)
    assert counts.planned == 1000
    assert len(asked) < 10


async def test_a_store_is_read_with_its_calendar_people_and_settings(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    row = await make_store(
        connection,
        weekly_hours='{"0": [["08:30", "12:00"], ["13:30", "18:00"]]}',
        policies='{"ladder": {"max_calls": 2, "sms_from": "09:30"}, "km_per_month": 900}',
    )
    person = await make_staff(connection, "technician", store_id=row["id"])
    await make_absence(connection, store_id=row["id"], staff_id=person["id"])
    store = await load_store(connection, row["id"], today=TODAY)
    assert store.calendar.is_open(TODAY)
    assert not store.calendar.is_open(TODAY + timedelta(days=1))
    assert (store.ladder.max_calls, str(store.ladder.sms_from), store.setting("km_per_month", 1250)) == (2, "09:30:00", 900)
    assert store.staff[person["id"]].absent == ((TODAY, TODAY + timedelta(days=6), None),)


async def test_the_cache_reads_anew_when_the_version_moves(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    store_id = (await make_store(connection))["id"]
    cache = StoreCache(0)
    first = await cache.get(connection, store_id, today=TODAY)
    assert await cache.get(connection, store_id, today=TODAY) is first
    await make_programme(connection, "welcome", store_id=store_id)
    await bump_store(connection, store_id)
    assert "welcome" in (await cache.get(connection, store_id, today=TODAY)).programmes
