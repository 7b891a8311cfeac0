"""A month is written down once: form 6 on its last day, everything else on the 5th at 6:00; what comes later changes neither."""

from __future__ import annotations

import asyncio
from datetime import datetime

import orjson
import pytest

from services.scheduler.context import Context
from services.scheduler.jobs import CLOSING, FORM_6, run_due
from shared.clock import Clock, start_clock
from shared.db import Connection
from shared.domain.kpi import KPIS
from shared.reports import board, catalogue, figures
from shared.reports.excel import workbook
from tests.factories import make_complaint, make_sale, make_staff, make_work_order
from tests.reports.world import World, at, make_world
from tests.scheduler.conftest import Make

LAST_EVENING, FIFTH = at(30, "23:00"), at(5, "06:00", month=12)
KEPT = {report.name for report in catalogue.REPORTS.values() if report.frozen} | {"kpis"} | {f"kpi-rows.{kpi}" for kpi in KPIS}


@pytest.fixture
async def november(owner: Connection) -> World:
    """A store with some work in November, a manager and a general manager."""
    world = await make_world(owner)
    world.staff["zhou"] = (await make_staff(owner, "customer_manager", store_id=world.store_id, name="周经理"))["id"]
    await world.worked(5, satisfaction=5)
    await world.worked(6, "wang", outcome="no_answer", state="unreachable")
    await make_complaint(
        owner, store_id=world.store_id, opened_at=at(10), kind="attitude", cause="等待太久", measure="加一名接待"
    )
    await make_sale(owner, store_id=world.store_id, delivered_on=at(2).date())
    await make_work_order(owner, store_id=world.store_id, closed_at=at(12), created_at=at(12))
    return world


async def run_at(owner: Connection, make: Make, instant: datetime, count: int = 1) -> None:
    await owner.execute("UPDATE business_clock SET machine_at = $1, business_at = $1, speed = 0", instant)
    clock: Clock = await start_clock(owner, f"{instant.isoformat()}@step")
    schedulers: list[Context] = [await make(clock=clock) for _ in range(count)]
    await asyncio.gather(*(run_due(scheduler) for scheduler in schedulers))


async def reports(owner: Connection, world: World, month: str = "2026-11") -> set[str]:
    rows = await owner.fetch("SELECT name FROM frozen_reports WHERE store_id = $1 AND month = $2", world.store_id, month)
    return {row["name"] for row in rows}


async def notices(owner: Connection, world: World, month: str) -> list[tuple[str, str]]:
    rows = await owner.fetch(
        "SELECT s.name, n.report_name FROM staff_notices n JOIN staff s ON s.store_id = n.store_id AND s.id = n.staff_id"
        " WHERE n.store_id = $1 AND n.report_month = $2 ORDER BY 1, 2",
        world.store_id,
        month,
    )
    return [(row["name"], row["report_name"]) for row in rows]


async def test_form_6_is_written_on_the_last_evening_and_sent_to_those_who_lead(
    owner: Connection, november: World, make_scheduler: Make
) -> None:
    await run_at(owner, make_scheduler, LAST_EVENING, count=3)
    await run_at(owner, make_scheduler, at(1, month=12), count=2)

    assert await reports(owner, november) == {"form-6"}
    assert await notices(owner, november, "2026-11") == [("周经理", "form-6"), ("陈总", "form-6")]
    next_at = await owner.fetchval("SELECT next_at FROM scheduled_jobs WHERE name = $1", f"{FORM_6}:{november.store_id}")
    assert next_at == at(31, "23:00", month=12)


async def test_form_6_of_the_scheduler_has_causes_and_measures(owner: Connection, november: World, make_scheduler: Make) -> None:
    await run_at(owner, make_scheduler, LAST_EVENING)

    content = orjson.loads(await owner.fetchval("SELECT content FROM frozen_reports WHERE name = 'form-6' AND month = '2026-11'"))

    rows = next(table for table in content["tables"] if table["key"] == "causes")["rows"]
    assert [(row["cause"], row["measure"]) for row in rows] == [("等待太久", "加一名接待")]
    assert workbook("form-6", content).startswith(b"PK")


async def test_a_month_closes_on_the_5th_at_6_and_not_before(owner: Connection, november: World, make_scheduler: Make) -> None:
    await run_at(owner, make_scheduler, at(5, "05:59", month=12))
    assert await reports(owner, november) == {"form-6"}

    await run_at(owner, make_scheduler, FIFTH, count=3)

    assert await reports(owner, november) == KEPT
    assert ("陈总", "retention-monthly") in await notices(owner, november, "2026-11")
    assert len(await notices(owner, november, "2026-11")) == 4
    next_at = await owner.fetchval("SELECT next_at FROM scheduled_jobs WHERE name = $1", f"{CLOSING}:{november.store_id}")
    assert next_at == datetime.fromisoformat("2027-01-05T06:00:00+08:00")


async def test_a_closed_month_stays_as_it_was(owner: Connection, november: World, make_scheduler: Make) -> None:
    late = await november.visit(28, state="unreachable")
    await run_at(owner, make_scheduler, FIFTH)
    now = at(8, month=12)
    before = await catalogue.make(owner, await november.scope(now=now), "followup-statistics")
    await november.attempt(late, "reached", at(7, month=12))
    await owner.execute(
        "UPDATE visits SET state = 'completed', late = true, closed_at = $2 WHERE id = $1", late["id"], at(7, month=12)
    )
    await november.visit(29, state="missed")  # entered afterwards for a day of the closed month

    scope = await november.scope(now=now)
    after = await catalogue.make(owner, scope, "followup-statistics")
    shown = await board.board(owner, scope, "person")

    assert after == before
    assert after["frozen_at"] == "2026-12-05T06:00:00.000+08:00"
    assert (shown["closed"], shown["frozen_at"]) == (True, FIFTH)
    for figure in shown["figures"]:
        counts = await board.totals(owner, scope, KPIS[figure["kpi"]])
        assert (figure["numerator"], figure["denominator"]) == (counts["numerator"], counts["denominator"])
        rows = await board.listed(owner, scope, KPIS[figure["kpi"]], "counted", None, 100)
        assert len(rows) == figure["denominator"]


async def test_a_scheduler_that_was_down_closes_every_month_it_missed_as_of_its_5th(
    owner: Connection, november: World, make_scheduler: Make
) -> None:
    await november.attempt(await november.visit(29, state="unreachable"), "reached", at(9, month=12))

    await run_at(owner, make_scheduler, datetime.fromisoformat("2027-01-20T09:00:00+08:00"))

    kept = await owner.fetch("SELECT month, content FROM frozen_reports WHERE name = 'kpis' ORDER BY month")
    assert [row["month"] for row in kept] == ["2026-09", "2026-10", "2026-11", "2026-12"]
    november_figures = figures.read(orjson.loads(kept[2]["content"])["figures"]["store"])
    assert (november_figures["success_rate"].numerator, november_figures["success_rate"].denominator) == (1, 2)
    assert await notices(owner, november, "2026-11") == []
    assert {report for _, report in await notices(owner, november, "2026-12")} == {"form-6", "retention-monthly"}


async def test_the_trend_of_closed_months_is_that_of_their_closing(
    owner: Connection, november: World, make_scheduler: Make
) -> None:
    await run_at(owner, make_scheduler, FIFTH)
    await november.visit(29, state="missed")

    scope = await november.scope(now=at(8, month=12))
    shown = await board.board(owner, scope.of(scope.month.plus(1)) if scope.month else scope, "store")

    coverage = next(figure for figure in shown["figures"] if figure["kpi"] == "coverage")
    assert (coverage["previous"]["numerator"], coverage["previous"]["denominator"]) == (2, 2)


async def test_a_complaint_after_form_6_is_in_the_next_one(owner: Connection, november: World, make_scheduler: Make) -> None:
    await run_at(owner, make_scheduler, LAST_EVENING)
    await make_complaint(owner, store_id=november.store_id, opened_at=at(30, "23:30"), number="late-one")

    await run_at(owner, make_scheduler, at(31, "23:00", month=12))

    content = orjson.loads(await owner.fetchval("SELECT content FROM frozen_reports WHERE name = 'form-6' AND month = '2026-12'"))
    after = next(table for table in content["tables"] if table["key"] == "after")
    assert [row["number"] for row in after["rows"]] == ["late-one"]
