"""Each report's figures from hand-made facts (domain.md §2, §8)."""

from __future__ import annotations

from datetime import date
from typing import Any

import orjson
import pytest

from shared.domain.month import Month
from shared.events import SYSTEM
from shared.planning import settle_leads
from shared.reports import catalogue
from tests.factories import (
    make_complaint,
    make_lead,
    make_movement,
    make_problem,
    make_programme,
    make_sale,
    make_survey,
    make_visit,
    make_work_order,
)
from tests.reports.world import World, at


async def report(world: World, name: str, **asked: Any) -> dict[str, Any]:
    """A report of November, seen on 1 December."""
    return await catalogue.make(world.conn, await world.scope(**asked), name)


def rows_of(content: dict[str, Any], key: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = next(table["rows"] for table in content["tables"] if table["key"] == key)
    return rows


async def a_month_of_li(world: World) -> None:
    await world.worked(2)
    await world.worked(3, closed_at=at(20))
    await world.worked(4, state="incomplete")
    await world.worked(5, outcome="no_answer", state="unreachable")
    await world.worked(6, outcome="rejected", state="declined")
    await world.visit(7, state="missed")
    await world.worked(8, outcome="wrong_number", state="invalid")
    await world.visit(9, state="cancelled")
    await world.visit(10, state="expired")
    await world.visit(11, state="due")
    await world.worked(date(2026, 10, 30), closed_at=at(10))
    await world.worked(12, "wang", programme="delivery-sales")


LI = {
    "due": 8, "done": 3, "reached": 3, "unreachable": 1, "refused": 1, "missed": 1, "invalid": 1, "still_open": 1, "on_time": 2, "late": 1,
    "from_earlier": 1, "cancelled": 1, "expired": 1, "deceased": 0, "not_due_yet": 0,
}  # fmt: skip


async def test_form_1_counts_each_person_and_programme(world: World) -> None:
    await a_month_of_li(world)

    content = await report(world, "followup-statistics")

    rows = {(row["person"], row["programme"]["value"]): row for row in rows_of(content, "statistics")}
    assert {key: rows["李敏", "after-maintenance"][key] for key in LI} == LI
    assert (rows["王芳", "delivery-sales"]["due"], rows["王芳", "delivery-sales"]["on_time"]) == (1, 1)
    assert content["tables"][0]["total"]["due"] == 9
    assert content["title"]["zh"] == "2026年11月回访统计表"


@pytest.mark.parametrize(
    ("by", "keys"),
    [("person", {"李敏", "王芳"}), ("programme", {"保养后回访", "交车后销售顾问回访"}), ("department", {"客服部"})],
)
async def test_form_1_folds_to_what_is_asked_for(world: World, by: str, keys: set[str]) -> None:
    await a_month_of_li(world)

    folded = (await report(world, "followup-statistics", by=by))["tables"][0]

    named = {row["person"] if by == "person" else row[by]["zh"] for row in folded["rows"]}
    assert len(named) == len(keys)
    assert sum(row["due"] for row in folded["rows"]) == folded["total"]["due"] == 9


async def test_an_answered_survey_is_reached_and_a_sent_one_is_not(world: World) -> None:
    answered, sent = await world.visit(5), await world.visit(6, state="unreachable")
    await make_survey(world.conn, visit_id=answered["id"], answered_at=at(5), score=4, channel="sms")
    await make_survey(world.conn, visit_id=sent["id"])

    assert (await report(world, "followup-statistics"))["tables"][0]["total"]["reached"] == 1


async def test_the_seven_day_record_lists_each_delivery_with_its_result(world: World) -> None:
    sale = await make_sale(
        world.conn, store_id=world.store_id, delivered_on=date(2026, 11, 2), consultant_id=world.staff["zhang"]
    )
    await make_sale(world.conn, store_id=world.store_id, delivered_on=date(2026, 11, 3))
    visit = await world.visit(5, "zhang", customer_id=sale["customer_id"], vehicle_id=sale["vehicle_id"])
    await world.attempt(visit, reached_person="owner")

    content = await report(world, "seven-day")

    assert [(row["result"]["value"], row["days"], row["person"]) for row in rows_of(content, "deliveries")] == [
        ("in_time", 3, "张强"), ("not_reached", None, None),
    ]  # fmt: skip
    assert rows_of(content, "summary") == [{"deliveries": 2, "reached": 1, "share": 0.5}]


async def test_a_consultants_week_has_the_columns_of_the_source(world: World) -> None:
    for outcome in ("reached", "no_answer", "reached"):
        await world.worked(9, "zhang", outcome=outcome, purposes=["referral"])
    await make_sale(
        world.conn,
        store_id=world.store_id,
        delivered_on=date(2026, 11, 10),
        consultant_id=world.staff["zhang"],
        price_fen=18_000_00,
    )

    content = await report(world, "daily-activity", by="sales")

    week = next(row for row in rows_of(content, "sales") if row["row"] == "week")
    assert {key: week[key] for key in ("calls", "reached", "referrals", "deals", "deal_fen")} == {
        "calls": 3, "reached": 2, "referrals": 2, "deals": 1, "deal_fen": 1_800_000,
    }  # fmt: skip
    assert [head["zh"] for head in content["tables"][0]["columns"]][3:9] == [
        "拨打电话数", "实际完成数", "约见次数", "推荐次数", "销售笔数", "销售金额（元）",
    ]  # fmt: skip
    assert week["deal_share"] is None


async def test_follow_up_staff_have_total_successful_and_complaints_found(world: World) -> None:
    visit = await world.worked(9)
    await world.worked(9, outcome="busy", state="due")
    await make_complaint(world.conn, customer_id=visit["customer_id"], visit_id=visit["id"], opened_at=at(9))

    row = rows_of(await report(world, "daily-activity"), "follow_up")[0]

    assert (row["visits"], row["successful"], row["complaints"], row["day"]) == (2, 1, 1, "2026-11-09")


async def test_the_d_table_follows_each_prospect_through_the_month(world: World) -> None:
    zhang, before = world.staff["zhang"], at(20, month=10)
    given = {"store_id": world.store_id, "consultant_id": zhang}
    moving = await make_lead(world.conn, **given, created_at=before, level="within_3_days")
    won = await make_lead(world.conn, **given, created_at=before, level="within_7_days", state="won", model="朗逸")
    await make_lead(world.conn, **given, created_at=at(12), level="later", expected_on=None)
    for lead, level in ((moving, "later"), (won, "within_7_days")):
        await make_movement(world.conn, lead_id=lead["id"], at=before, to_level=level, consultant_id=zhang)
    await make_movement(
        world.conn,
        lead_id=moving["id"],
        at=at(8),
        from_level="later",
        to_level="within_3_days",
        from_state="open",
        consultant_id=zhang,
    )
    await make_movement(
        world.conn, lead_id=won["id"], at=at(9), from_level="within_7_days", to_level="within_7_days", from_state="open", to_state="won",
        consultant_id=zhang,
    )  # fmt: skip

    content = await report(world, "d-table")

    rows = {
        row["level"]["value"]: {key: value for key, value in row.items() if isinstance(value, int) and value}
        for row in rows_of(content, "levels")
    }
    assert rows == {
        "within_3_days": {"moved_in": 1, "end": 1},
        "within_7_days": {"start": 1, "won": 1},
        "later": {"start": 1, "moved_out": 1, "new": 1, "end": 1},
    }
    for row in rows_of(content, "levels"):
        assert row["end"] == row["start"] + row["new"] + row["moved_in"] - row["moved_out"] - row["won"] - row["lost"]
    assert rows_of(content, "months")[-1]["all"] == 2


async def test_a_prospect_entered_at_the_instant_of_the_report_counts(world: World) -> None:
    lead = await make_lead(
        world.conn, store_id=world.store_id, consultant_id=world.staff["zhang"], created_at=at(20), level="later"
    )
    await make_movement(world.conn, lead_id=lead["id"], at=at(20), to_level="later", consultant_id=world.staff["zhang"])

    content = await report(world, "d-table", now=at(20))

    assert [row["new"] for row in rows_of(content, "levels")] == [1]
    assert [row["count"] for row in rows_of(content, "movements")] == [1]
    assert rows_of(content, "months")[-1]["all"] == 1


@pytest.mark.parametrize(
    ("setting", "programme", "level"), [("abc", "by-days", "B"), ("by-days", "abc", "within_15_days"), (None, "abc", "B")]
)
async def test_work_and_report_tell_levels_apart_alike_and_the_setting_goes_before_the_programme(
    world: World, setting: str | None, programme: str, level: str
) -> None:
    await make_programme(world.conn, "lead", store_id=world.store_id)
    await world.conn.execute("UPDATE programmes SET policy = $2 WHERE store_id = $1 AND key = 'lead'", world.store_id, programme)
    policies = orjson.dumps({"lead_policy": setting} if setting else {}).decode()
    await world.conn.execute("UPDATE stores SET policies = $2 WHERE id = $1", world.store_id, policies)
    given = {"store_id": world.store_id, "consultant_id": world.staff["zhang"], "created_at": at(12)}
    lead = await make_lead(world.conn, **given, level="new", expected_on=date(2026, 12, 4))

    await settle_leads(world.conn, await world.store(), [lead["id"]], now=at(20), actor=SYSTEM)

    assert await world.conn.fetchval("SELECT level FROM leads WHERE id = $1", lead["id"]) == level
    content = await report(world, "d-table", now=at(20))
    assert {"new", "end"} <= {key for row in rows_of(content, "levels") if row["level"]["value"] == level for key in row}
    assert rows_of(content, "months")[-1][level] == 1


async def test_the_registers_of_complaints_hold_their_kinds(world: World) -> None:
    for kind in ("quality", "attitude", "service"):
        await make_complaint(world.conn, store_id=world.store_id, opened_at=at(9), kind=kind, handle_by=at(11), handled_at=at(10))

    assert [row["in_time"]["value"] for row in rows_of(await report(world, "quality-complaints"), "register")] == ["yes"]
    assert len(rows_of(await report(world, "attitude-complaints"), "register")) == 1
    assert len(rows_of(await report(world, "complaint-report"), "register")) == 3
    assert [one["value"] for one in (await report(world, "attitude-slip"))["fields"] if one["key"] == "text"] == [
        "修了两次异响还在"
    ]


async def test_form_6_counts_forms_3_and_4_with_causes_and_measures(world: World) -> None:
    given = {"store_id": world.store_id, "opened_at": at(9)}
    await make_complaint(
        world.conn,
        **given,
        kind="quality",
        category="vehicle_quality",
        state="closed",
        closed_at=at(10),
        cause="插头",
        measure="检查",
    )
    await make_complaint(world.conn, **given, kind="attitude", category="reception")
    await make_complaint(world.conn, **given | {"opened_at": at(9, month=10)}, kind="quality")

    content = await report(world, "form-6")

    summary = next(table for table in content["tables"] if table["key"] == "summary")
    assert summary["total"] == {"quality": 1, "attitude": 1, "service": 0, "all": 2, "resolved": 1, "unconfirmed": 0, "late": 1}
    assert [(row["cause"], row["measure"]) for row in rows_of(content, "causes")] == [("插头", "检查"), (None, None)]
    assert len(rows_of(content, "carried")) == 1


async def test_satisfaction_by_department_person_programme_and_advisor(world: World) -> None:
    order = await make_work_order(world.conn, store_id=world.store_id, advisor_id=world.staff["zhao"])
    await world.worked(9, satisfaction=5, trigger_id=order["id"], trigger_type="work_order.closed")
    await world.worked(9, satisfaction=2)
    await world.worked(9, "wang", satisfaction=4)
    await world.worked(9)

    content = await report(world, "satisfaction")

    people = {row["person"]["zh"]: (row["answers"], row["satisfied"], row["mean"]) for row in rows_of(content, "person")}
    assert people == {"李敏": (2, 1, 3.5), "王芳": (1, 1, 4.0)}
    assert [(row["advisor"]["zh"], row["score_5"]) for row in rows_of(content, "advisor")] == [("赵磊", 1)]
    assert [one["value"] for one in content["fields"]] == [3, 2, pytest.approx(2 / 3)]


async def test_opinions_by_type_department_and_person(world: World) -> None:
    visit = await world.worked(9, problem_type="efficiency")
    await make_problem(world.conn, customer_id=visit["customer_id"], visit_id=visit["id"], opened_at=at(9), state="resolved")
    await world.worked(9, "wang", problem_type="price")

    content = await report(world, "opinions")

    assert {row["type"]["value"]: row["all"] for row in rows_of(content, "type")} == {
        "efficiency": 1, "quality": 0, "price": 1, "environment": 0, "other": 0,
    }  # fmt: skip
    assert {row["department"]["zh"]: row["all"] for row in rows_of(content, "department")} == {"售后服务部": 2}
    assert {row["person"]["zh"]: row["all"] for row in rows_of(content, "person")} == {"李敏": 1, "王芳": 1}


async def test_an_owners_card_has_everything_about_him(world: World) -> None:
    sale = await make_sale(world.conn, store_id=world.store_id, consultant_id=world.staff["zhang"])
    await make_work_order(world.conn, vehicle_id=sale["vehicle_id"], customer_id=sale["customer_id"])
    await world.worked(9, customer_id=sale["customer_id"], vehicle_id=sale["vehicle_id"], satisfaction=5)
    await world.worked(9)

    content = await report(world, "owner-card", customer_id=sale["customer_id"])

    assert content["title"]["zh"] == "保有客户管理卡"
    assert [len(rows_of(content, key)) for key in ("vehicles", "work_orders", "record")] == [1, 1, 1]
    assert len(rows_of(await report(world, "owner-card"), "record")) == 2


async def test_a_consultant_does_not_read_what_the_club_heard(world: World) -> None:
    visit = await world.worked(9, tier="club")

    seen = await report(world, "owner-card", customer_id=visit["customer_id"], closed_tiers=("club",))

    assert rows_of(seen, "record") == []


async def test_the_c_card_has_the_prospect_and_what_was_done(world: World) -> None:
    lead = await make_lead(world.conn, store_id=world.store_id, consultant_id=world.staff["zhang"], level="within_a_month")
    await make_visit(world.conn, customer_id=lead["customer_id"], store_id=world.store_id, programme="lead", state="completed")

    content = await report(world, "c-card", customer_id=lead["customer_id"])

    assert content["title"]["zh"] == "途观 L车型潜在客户管理卡（C表）"
    assert [(row["consultant"], row["level"]["zh"]) for row in rows_of(content, "prospects")] == [("张强", "一个月内")]
    assert len(rows_of(content, "record")) == 1


async def test_the_monthly_report_has_figures_trend_and_what_drove_them(world: World) -> None:
    await world.worked(date(2026, 10, 9), "li")
    await world.worked(9, "wang", outcome="no_answer", state="unreachable")

    content = await report(world, "retention-monthly")

    row = rows_of(content, "figures")[0]
    assert (row["value"], row["previous"], row["change"], row["met"]["value"]) == ("0.0%", "100.0%", "-100.0", "no")
    assert rows_of(content, "figures")[2]["value"] == "无数据"
    assert [line["month"] for line in rows_of(content, "trend")][-1] == "2026-11"
    assert {line["who"]["zh"] for line in rows_of(content, "drivers") if line["by"]["value"] == "person"} == {"王芳"}


async def test_the_months_of_another_year_are_empty_not_wrong(world: World) -> None:
    await world.worked(9)

    content = await catalogue.make(world.conn, await world.scope(Month.read("2025-11")), "followup-statistics")

    assert (content["closed"], rows_of(content, "statistics")) == (True, [])
