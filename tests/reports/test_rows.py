"""Every figure opens to exactly the rows it counts: over any month, for the store, each person, each programme."""

from __future__ import annotations

import random
from datetime import date, timedelta

import pytest

from shared.domain.kpi import KPIS, NOTHING, Figure, Split, what_changed
from shared.reports import board, figures
from shared.reports.rows import rows_sql
from shared.reports.scope import Scope, fetch
from shared.reports.together import visit_figures
from tests.factories import make_complaint, make_customer, make_message, make_sale, make_work_order
from tests.reports.world import World, at

STATES = ("completed", "completed", "incomplete", "declined", "unreachable", "missed", "cancelled", "expired", "due", "planned")
OUTCOMES = ("reached", "reached", "no_answer", "busy", "rejected", "wrong_number", "not_owner")
PEOPLE = ("li", "wang", "zhang", None)
PROGRAMMES = ("after-maintenance", "delivery-sales", "lead")


async def any_month(world: World, seed: int) -> None:
    """Customers, visits, attempts, messages, orders, deliveries, complaints by chance: the same for the same seed."""
    chance = random.Random(seed)
    customers = [
        (await make_customer(world.conn, store_id=world.store_id, deceased_at=at(15) if number == 0 else None))["id"]
        for number in range(8)
    ]
    for _ in range(45):
        day = date(2026, 10, 25) + timedelta(days=chance.randrange(45))
        state = chance.choice(STATES)
        given = {"score": chance.choice((None, None, 1, 3, 4, 5)), "days": chance.randrange(9)}
        closed = None if state in ("due", "planned") else at(day + timedelta(days=given["days"] or 0), "11:00")
        visit = await world.visit(
            day, chance.choice(PEOPLE), state=state, customer_id=chance.choice(customers), programme=chance.choice(PROGRAMMES),
            satisfaction=given["score"], closed_at=closed,
        )  # fmt: skip
        for number in range(chance.randrange(4)):
            when = at(day + timedelta(days=number // 2 + chance.randrange(2)), f"{10 + number}:00")
            await world.attempt(
                visit, chance.choice(OUTCOMES), when, channel=chance.choice(("phone", "phone", "wechat")),
                staff_id=chance.choice([visit["assignee_id"], world.staff["wang"]]),
                reached_person=chance.choice(("owner", "user", "other")),
                withdrawn_at=when if chance.random() < 0.1 else None,
            )  # fmt: skip
        if chance.random() < 0.3:
            delivered = chance.random() < 0.5
            await make_message(
                world.conn, visit_id=visit["id"], state="delivered" if delivered else "accepted", sent_at=at(day),
                delivered_at=at(day, "10:01") if delivered else None,
            )  # fmt: skip
    for number, customer in enumerate(customers):
        await make_sale(world.conn, customer_id=customer, delivered_on=date(2026, 10, 26) + timedelta(days=number * 4))
        for months in range(number % 4):
            on = date(2026, 11 - 3 * months, 3 + number)
            await make_work_order(
                world.conn, customer_id=customer, closed_at=at(on), created_at=at(on), advisor_id=world.staff["zhao"]
            )
        opened = at(date(2026, 10, 30) + timedelta(days=number * 4))
        done = opened + timedelta(hours=chance.randrange(72))
        await make_complaint(
            world.conn, customer_id=customer, opened_at=opened, kind=chance.choice(("quality", "attitude", "service")),
            owner_id=chance.choice((world.staff["zhao"], None)), responded_at=done, handled_at=chance.choice((done, None)),
            state=chance.choice(("open", "closed", "rejected")), closed_at=done, resolved_at=chance.choice((done, None)),
        )  # fmt: skip


async def by_hand(world: World, scope: Scope, kpi: str, split: Split | None) -> dict[str, Figure]:
    """A figure counted in Python from the rows behind it."""
    found: dict[str, Figure] = {}
    for row in await fetch(world.conn, scope, rows_sql(kpi, scope, split)):
        if row["reason"] is None:
            key = {"person": str(row["staff_id"] or "none"), "programme": row["programme"] or "none"}.get(split or "", "store")
            was = found.get(key, NOTHING)
            found[key] = Figure(was.numerator + row["met"], was.denominator + 1, was.late + row["late"])
    return found


@pytest.mark.parametrize("seed", range(6))
async def test_figures_are_the_counts_of_their_rows(world: World, seed: int) -> None:
    await any_month(world, seed)

    for now in (at(20), at(1, month=12), at(20, month=12)):
        scope = await world.scope(now=now)
        splits: tuple[Split, ...] = ("store", "person", "programme")
        together = {split: await visit_figures(world.conn, scope, split) for split in splits}
        for kpi in KPIS:
            for split in splits:
                expected = await by_hand(world, scope, kpi, split)
                assert await figures.figures(world.conn, scope, kpi, split) in (expected, expected or {"store": NOTHING})
                if kpi in figures.together(scope, split):
                    quick = {key: one[kpi] for key, one in together[split].items() if one[kpi].denominator}
                    assert quick == {key: one for key, one in expected.items() if one.denominator}, (kpi, split)


@pytest.mark.parametrize("seed", range(3))
async def test_the_board_the_totals_and_the_list_agree(world: World, seed: int) -> None:
    await any_month(world, seed)
    staff = world.staff["wang"]

    for asked in ({}, {"staff_id": staff}, {"programme": "after-maintenance"}):
        scope = await world.scope(**asked)
        shown = await board.board(world.conn, scope, "store")
        for figure in shown["figures"]:
            kpi = KPIS[figure["kpi"]]
            counts = await board.totals(world.conn, scope, kpi)
            counted = await board.listed(world.conn, scope, kpi, "counted", None, 500)
            excluded = await board.listed(world.conn, scope, kpi, "excluded", None, 500)
            assert (figure["numerator"], figure["denominator"]) == (counts["numerator"], counts["denominator"])
            assert (len(counted), sum(row["met"] for row in counted)) == (figure["denominator"], figure["numerator"])
            assert len(excluded) == sum(counts["excluded"].values())


@pytest.mark.parametrize("seed", range(3))
async def test_parts_make_up_the_whole_and_their_contributions_the_change(world: World, seed: int) -> None:
    await any_month(world, seed)
    scope = await world.scope()
    earlier = scope.of(scope.month.plus(-1)) if scope.month else scope

    for key, kpi in KPIS.items():
        whole = await figures.figures(world.conn, scope, key, "store")
        parts = await figures.parts(world.conn, scope, key, "person")
        assert sum(part.denominator for part in parts.values()) == whole.get("store", NOTHING).denominator
        change = what_changed(kpi, await figures.parts(world.conn, earlier, key, "person"), parts)
        assert change.change is None or sum(part.contribution for part in change.parts) == change.change
