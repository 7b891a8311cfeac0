"""Each figure by hand-made facts: what counts, what meets the definition, what is left out and why (domain.md §8; decisions.md)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any

import pytest

from shared.domain.kpi import KPIS, Figure
from shared.domain.month import Month
from shared.reports import board, figures
from tests.factories import make_complaint, make_customer, make_message, make_sale, make_work_order
from tests.reports.world import World, at


async def count(world: World, kpi: str, **asked: Any) -> tuple[int, int]:
    """Numerator and denominator of November, seen at its end."""
    found = await figures.figures(world.conn, await world.scope(**asked), kpi, "store")
    figure = found.get("store", Figure(0, 0))
    return figure.numerator, figure.denominator


async def left_out(world: World, kpi: str, **asked: Any) -> dict[str, int]:
    """What November left out of a figure, by reason."""
    excluded: dict[str, int] = (await board.totals(world.conn, await world.scope(**asked), KPIS[kpi]))["excluded"]
    return excluded


async def two_days_and_one_reached(world: World) -> None:
    visit = await world.visit(10)
    await world.attempt(visit, "no_answer", at(10))
    await world.attempt(visit, "busy", at(10, "15:00"))
    await world.attempt(visit, "reached", at(11))


async def withdrawn(world: World) -> None:
    visit = await world.visit(10, state="due")
    await world.attempt(visit, withdrawn_at=at(10, "10:05"))


async def nobody_tried(world: World) -> None:
    await world.visit(10, state="missed")


async def user_of_the_car(world: World) -> None:
    visit = await world.visit(10)
    await world.attempt(visit, "not_owner", reached_person="user")
    await world.attempt(await world.visit(10), "not_owner", reached_person="other")


async def due_in_october_worked_in_november(world: World) -> None:
    visit = await world.visit(date(2026, 10, 31))
    await world.attempt(visit, "reached", at(2))


@pytest.mark.parametrize(
    ("facts", "expected", "excluded"),
    [
        (two_days_and_one_reached, (1, 2), {}),
        (withdrawn, (0, 0), {"not_worked": 1}),
        (nobody_tried, (0, 0), {"not_worked": 1}),
        (user_of_the_car, (1, 2), {}),
        (due_in_october_worked_in_november, (0, 0), {}),
    ],
)
async def test_success_is_visits_reached_of_visits_tried_that_day(
    world: World, facts: Callable[[World], Awaitable[None]], expected: tuple[int, int], excluded: dict[str, int]
) -> None:
    await facts(world)

    assert await count(world, "success_rate") == expected
    assert await left_out(world, "success_rate") == excluded


async def test_a_visit_due_in_october_belongs_to_october_whenever_it_was_worked(world: World) -> None:
    await due_in_october_worked_in_november(world)

    found = await figures.figures(world.conn, await world.scope(Month.read("2026-10")), "success_rate", "store")

    assert found["store"] == Figure(1, 1)


async def test_an_sms_that_was_only_sent_is_not_reached_and_covers_nobody(world: World) -> None:
    sent = await world.visit(10, None, channel="sms")
    delivered = await world.visit(10, None, channel="sms")
    await make_message(world.conn, visit_id=sent["id"], state="accepted", sent_at=at(10))
    await make_message(world.conn, visit_id=delivered["id"], state="delivered", sent_at=at(10), delivered_at=at(10, "10:01"))

    assert await count(world, "success_rate") == (0, 0)
    assert await count(world, "coverage") == (1, 2)
    assert await count(world, "phone_share") == (0, 2)


async def test_coverage_counts_customers_not_visits(world: World) -> None:
    customer = (await make_customer(world.conn, store_id=world.store_id))["id"]
    await world.worked(5, outcome="no_answer", customer_id=customer)
    await world.visit(6, state="missed", customer_id=customer)
    await world.visit(7, "wang", state="missed")

    assert await count(world, "coverage") == (1, 2)


async def test_what_leaves_every_denominator_and_why(world: World) -> None:
    gone = await make_customer(world.conn, store_id=world.store_id, deceased_at=at(20))
    await world.worked(5, customer_id=gone["id"])
    await world.visit(6, state="cancelled")
    await world.visit(7, state="expired")
    await world.visit(28, state="planned")
    await world.worked(8)
    now = at(24)

    for kpi, counted in (("success_rate", (1, 1)), ("coverage", (1, 1)), ("phone_share", (1, 1))):
        assert await count(world, kpi, now=now) == counted
        assert await left_out(world, kpi, now=now) == {"deceased": 1, "cancelled": 1, "expired": 1, "not_due_yet": 1}


async def test_results_that_no_manager_confirmed_count(world: World) -> None:
    await world.worked(5, state="declined", confirmed_at=None)

    assert await count(world, "coverage") == (1, 1)


async def test_phone_share_is_visits_by_phone_of_all_carried_out(world: World) -> None:
    await world.worked(5)
    visit = await world.visit(6)
    await world.attempt(visit, channel="wechat")
    await world.visit(7, state="missed")

    assert await count(world, "phone_share") == (1, 2)


async def test_satisfaction_counts_the_last_score_of_each_customer_who_gave_one(world: World) -> None:
    customer = (await make_customer(world.conn, store_id=world.store_id))["id"]
    await world.worked(5, customer_id=customer, satisfaction=5)
    await world.worked(9, customer_id=customer, satisfaction=3)
    await world.worked(6, satisfaction=4)
    await world.worked(7)

    assert await count(world, "satisfaction") == (1, 2)
    assert await left_out(world, "satisfaction") == {"no_answer": 1}


@pytest.mark.parametrize(
    ("reached_on", "person", "expected"),
    [
        (7, "owner", (1, 1)),
        (7, "user", (1, 1)),
        (7, "family", (0, 1)),
        (7, None, (0, 1)),
        (8, "owner", (0, 1)),
        (None, None, (0, 1)),
    ],
)
async def test_a_new_owner_is_reached_by_the_seventh_day_himself_or_who_drives(
    world: World, reached_on: int | None, person: str | None, expected: tuple[int, int]
) -> None:
    sale = await make_sale(world.conn, store_id=world.store_id, delivered_on=date(2026, 11, 2))
    if reached_on is not None:
        visit = await world.visit(3, customer_id=sale["customer_id"], vehicle_id=sale["vehicle_id"], programme="delivery-sales")
        await world.attempt(visit, "reached", at(2 + reached_on, "23:30"), reached_person=person)

    assert await count(world, "new_owner_7_day") == expected


async def test_a_delivery_counts_in_the_month_of_its_seventh_day_and_not_before_it_has_passed(world: World) -> None:
    await make_sale(world.conn, store_id=world.store_id, delivered_on=date(2026, 10, 28))
    await make_sale(world.conn, store_id=world.store_id, delivered_on=date(2026, 11, 28))
    await make_sale(world.conn, store_id=world.store_id, delivered_on=date(2026, 11, 20))
    await make_sale(world.conn, store_id=world.store_id, delivered_on=date(2026, 11, 5), excluded=True)

    assert await count(world, "new_owner_7_day", now=at(27)) == (0, 1)
    assert await left_out(world, "new_owner_7_day", now=at(27)) == {"not_due_yet": 1, "internal_or_trade": 1}
    assert await count(world, "new_owner_7_day", now=at(28)) == (0, 2)


async def test_resolution_is_of_complaints_to_be_handled_in_the_month(world: World) -> None:
    given = {"store_id": world.store_id}
    await make_complaint(world.conn, **given, opened_at=at(5), state="closed", resolved_at=at(6), closed_at=at(6))
    await make_complaint(world.conn, **given, opened_at=at(7), state="closed_unconfirmed", closed_at=at(20))
    await make_complaint(world.conn, **given, opened_at=at(8), state="handling")
    await make_complaint(world.conn, **given, opened_at=at(9), state="rejected", closed_at=at(9, "12:00"))
    await make_complaint(world.conn, **given, opened_at=at(30))
    await make_complaint(world.conn, **given, opened_at=at(31, month=10), handle_by=at(1), state="closed", resolved_at=at(1))

    assert await count(world, "complaint_resolution") == (3, 4)
    assert await left_out(world, "complaint_resolution") == {"not_valid": 1}
    assert await count(world, "complaint_count") == (5, 5)


async def test_on_time_counts_each_clock_once(world: World) -> None:
    given = {"store_id": world.store_id}
    await make_complaint(world.conn, **given, opened_at=at(5), responded_at=at(5, "10:59"), handled_at=at(6, "10:01"))
    await make_complaint(
        world.conn, **given, kind="quality", opened_at=at(7), handle_by=at(9), responded_at=at(7, "11:01"), handled_at=at(9)
    )
    await make_sale(world.conn, **given, delivered_on=date(2026, 11, 2))
    found = await board.listed(world.conn, await world.scope(), KPIS["on_time"], None, None, 50)

    assert await count(world, "on_time") == (2, 5)
    assert {(row["part"], row["met"], row["late"]) for row in found} == {
        ("response", True, False), ("handling", False, True), ("response", False, True), ("quality", True, False),
        ("new_owner", False, False),
    }  # fmt: skip


ORDERS = {
    "stayed": [date(2026, 5, 10), date(2026, 11, 12)],
    "stayed by an old order": [date(2026, 4, 1), date(2026, 10, 20)],
    "left": [date(2026, 1, 5), date(2026, 5, 20)],
    "new": [date(2026, 9, 10), date(2026, 11, 3)],
    "gone before": [date(2026, 1, 5)],
    "came only now": [date(2026, 11, 20)],
}


async def ordered(world: World) -> None:
    for days in ORDERS.values():
        car = await make_work_order(world.conn, store_id=world.store_id, closed_at=at(days[0]), created_at=at(days[0]))
        for day in days[1:]:
            await make_work_order(
                world.conn, vehicle_id=car["vehicle_id"], closed_at=at(day), created_at=at(day), advisor_id=world.staff["zhao"]
            )


async def test_retention_is_owners_at_the_end_who_were_owners_at_the_start(world: World) -> None:
    await ordered(world)

    assert await count(world, "retention") == (2, 3)
    assert await left_out(world, "retention") == {"new_customer": 1, "gone_before": 1}


async def test_repurchase_is_two_orders_of_one_in_twelve_months(world: World) -> None:
    await ordered(world)

    assert await count(world, "repurchase") == (4, 6)


async def test_internal_orders_make_no_owner(world: World) -> None:
    await make_work_order(world.conn, store_id=world.store_id, closed_at=at(5), created_at=at(5), kind="internal")

    assert await count(world, "repurchase") == (0, 0)


async def test_nothing_counted_is_null_with_a_reason(world: World) -> None:
    shown = await board.board(world.conn, await world.scope(), "store")

    for figure in shown["figures"]:
        expected = (0, None) if figure["kpi"] == "complaint_count" else (None, "no_denominator")
        assert (figure["value"], figure["reason"]) == expected
        assert figure["met"] is None


async def test_late_work_is_marked_and_stays_in_its_month_until_it_closes(world: World) -> None:
    visit = await world.visit(10, closed_at=at(20))
    await world.attempt(visit, "reached", at(20))

    found = await figures.figures(world.conn, await world.scope(), "success_rate", "store")

    assert found["store"] == Figure(1, 1, late=1)


async def test_what_comes_after_a_month_closed_counts_as_late_in_the_next(world: World) -> None:
    visit = await world.visit(28, state="completed", closed_at=at(6, month=12))
    await world.attempt(visit, "reached", at(6, month=12))
    now = at(10, month=12)

    november = await figures.of_store(world.conn, await world.scope(now=now))
    december = await board.board(world.conn, await world.scope(Month.read("2026-12"), now=now), "store")

    assert november["success_rate"] == Figure(0, 0)
    assert november["coverage"] == Figure(0, 1)
    assert december["late_work"] == {"worked": 1, "reached": 1, "done": 1}
    assert december["figures"][0]["denominator"] == 0


async def test_a_visit_planned_after_the_month_closed_is_not_in_it_though_its_day_was(world: World) -> None:
    await world.worked(9)
    await world.visit(10, state="expired", created_at=at(9, month=12), closed_at=at(9, month=12))
    await world.visit(11, state="missed", created_at=at(9, month=12), closed_at=at(9, month=12))
    now = at(10, month=12)

    assert (await figures.of_store(world.conn, await world.scope(now=now)))["coverage"] == Figure(1, 1)
    assert await count(world, "coverage", now=now) == (1, 1)
    assert await left_out(world, "coverage", now=now) == {}


async def test_before_the_month_closes_a_result_of_december_still_counts(world: World) -> None:
    visit = await world.visit(30, state="completed", closed_at=at(2, month=12))
    await world.attempt(visit, "reached", at(2, month=12))

    assert await count(world, "success_rate", now=at(3, month=12)) == (1, 1)


async def test_credit_stays_with_whoever_did_the_work(world: World) -> None:
    visit = await world.visit(10, "li")
    await world.attempt(visit, staff_id=world.staff["wang"])
    await world.visit(11, "li", state="missed")

    found = await figures.of_each(world.conn, await world.scope(), "person")

    assert found[str(world.staff["wang"])]["coverage"] == Figure(1, 1)
    assert found[str(world.staff["li"])]["coverage"] == Figure(0, 1)


async def test_a_store_sets_its_own_targets_and_references(world: World) -> None:
    await world.conn.execute(
        "UPDATE stores SET policies = $2 WHERE id = $1",
        world.store_id,
        '{"kpi_targets": {"coverage": 90.5}, "kpi_references": {"complaint_count": 3, "phone_share": 80}}',
    )

    shown = {figure["kpi"]: figure for figure in (await board.board(world.conn, await world.scope(), "store"))["figures"]}

    assert shown["coverage"]["target"] == pytest.approx(0.905)
    assert (shown["complaint_count"]["reference"], shown["phone_share"]["reference"]) == (3, 0.8)
    assert shown["satisfaction"]["target"] == 0.9


async def test_the_board_shows_the_month_before_and_twelve_months(world: World) -> None:
    await world.worked(date(2026, 10, 12), outcome="no_answer", state="unreachable")
    await world.worked(12)

    shown = (await board.board(world.conn, await world.scope(), "store"))["figures"][0]

    assert (shown["value"], shown["previous"]["value"], shown["change"]) == (1.0, 0.0, 1.0)
    assert [point["month"] for point in shown["trend"]][-3:] == ["2026-09", "2026-10", "2026-11"]
    assert [point["reason"] for point in shown["trend"]][:3] == ["no_record"] * 3
    assert len(shown["trend"]) == 12


async def test_what_drove_a_change_sums_to_it(world: World) -> None:
    for day in (5, 6):
        await world.worked(date(2026, 10, day), "li")
        await world.worked(date(2026, 10, day), "wang", outcome="no_answer", state="unreachable")
        await world.worked(day, "wang")
    await world.worked(7, "li", outcome="no_answer", state="unreachable")

    told = await board.drivers(world.conn, await world.scope(), KPIS["success_rate"], "person")

    assert told["change"] == pytest.approx(2 / 3 - 1 / 2)
    assert sum(part["contribution"] for part in told["parts"]) == pytest.approx(told["change"])
    assert {part["zh"] for part in told["parts"]} == {"李敏", "王芳"}
