"""营业活动访问日报表: each person's day, with the columns of S2's week; for follow-up staff total, successful, complaints found."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from shared.db import Connection
from shared.reports.content import Json, columns, content, month_words, note, share, summed, table
from shared.reports.facts import REACHED
from shared.reports.figures import whose
from shared.reports.scope import Scope, fetch
from shared.reports.words import word

WEEKDAYS = (("周一", "Mon"), ("周二", "Tue"), ("周三", "Wed"), ("周四", "Thu"), ("周五", "Fri"), ("周六", "Sat"), ("周日", "Sun"))
COUNTS = ("calls", "reached", "appointments", "referrals", "deals", "deal_fen", "visits", "successful", "complaints")
FOLLOW_UP_ROLES = frozenset(
    {"followup_specialist", "insurance_specialist", "renewal_specialist", "service_advisor", "technician"}
)

_DAY = "({0} AT TIME ZONE :zone)::date"
_TRIED = f"""
    SELECT a.staff_id, {_DAY.format("a.at")} AS day, count(*) FILTER (WHERE a.channel = 'phone' AND a.direction = 'out') AS calls,
           count(*) FILTER (WHERE {REACHED}) AS reached, count(DISTINCT a.visit_id) AS visits,
           count(DISTINCT a.visit_id) FILTER (WHERE {REACHED}) AS successful,
           count(DISTINCT a.visit_id) FILTER (WHERE {REACHED} AND (v.purposes @> '{{{{referral}}}}' OR a.answers ? 'referral')) AS referrals
    FROM attempts a JOIN visits v ON v.store_id = a.store_id AND v.id = a.visit_id
    WHERE a.store_id = :store AND a.at >= :from_at AND a.at < :to_at AND a.withdrawn_at IS NULL AND a.created_at <= :cut
        AND a.staff_id IS NOT NULL{{only}} GROUP BY 1, 2
"""
_BOOKED = f"""
    SELECT created_by AS staff_id, {_DAY.format("created_at")} AS day, count(*) AS appointments FROM appointments
    WHERE store_id = :store AND created_at >= :from_at AND created_at < :to_at AND created_at <= :cut AND direction = 'outbound'
        AND moved_to_id IS NULL AND created_by IS NOT NULL GROUP BY 1, 2
"""
# A delivery is a deal of its day; a lead that was won without one is of the day it ended.
_SOLD = """
    SELECT staff_id, day, count(*) AS deals, sum(fen)::bigint AS deal_fen FROM (
        SELECT consultant_id AS staff_id, delivered_on AS day, price_fen AS fen FROM sales
        WHERE store_id = :store AND delivered_on BETWEEN :first AND :last AND NOT excluded AND created_at <= :cut
        UNION ALL
        SELECT consultant_id, closed_on, deal_fen FROM leads
        WHERE store_id = :store AND closed_on BETWEEN :first AND :last AND state = 'won' AND sale_id IS NULL AND updated_at <= :cut
    ) d WHERE staff_id IS NOT NULL GROUP BY 1, 2
"""
_COMPLAINED = f"""
    SELECT v.assignee_id AS staff_id, {_DAY.format("p.opened_at")} AS day, count(*) AS complaints
    FROM complaints p JOIN visits v ON v.store_id = p.store_id AND v.id = p.visit_id
    WHERE p.store_id = :store AND p.opened_at >= :from_at AND p.opened_at < :to_at AND p.opened_at <= :cut
        AND v.assignee_id IS NOT NULL GROUP BY 1, 2
"""
_SALES_HEADS = columns(
    ("person", "姓名", "Person", "text"),
    ("label", "星期", "Day", "word"),
    ("day", "日期", "Date", "day"),
    ("calls", "拨打电话数", "Calls made"),
    ("reached", "实际完成数", "Reached"),
    ("appointments", "约见次数", "Appointments"),
    ("referrals", "推荐次数", "Referrals asked"),
    ("deals", "销售笔数", "Deals"),
    ("deal_fen", "销售金额（元）", "Deal value (yuan)", "money"),
    ("reached_share", "接通率", "Reached share", "share"),
    ("appointment_share", "约见率", "Appointments of reached", "share"),
    ("deal_share", "成交率", "Deals of appointments", "share"),
)
_FOLLOW_UP_HEADS = columns(
    ("person", "姓名", "Person", "text"),
    ("label", "星期", "Day", "word"),
    ("day", "日期", "Date", "day"),
    ("visits", "回访总数", "Visits worked"),
    ("successful", "成功回访数", "Successful"),
    ("success_share", "成功率", "Success", "share"),
    ("calls", "拨打电话数", "Calls made"),
    ("appointments", "约见次数", "Appointments"),
    ("complaints", "发现投诉数", "Complaints found"),
)

Days = dict[tuple[UUID, date], dict[str, Any]]


async def daily_activity(conn: Connection, scope: Scope) -> Json:
    """Each day of each person, the weeks summed (总计); consultants as in S2's table, follow-up staff by visits and complaints."""
    mine = " AND a.staff_id = :staff" if scope.staff_id is not None else ""
    days: Days = {}
    for sql in (_TRIED.format(only=mine), _BOOKED, _SOLD, _COMPLAINED):
        for row in await fetch(conn, scope, sql):
            if scope.staff_id in (None, row["staff_id"]):
                days.setdefault((row["staff_id"], row["day"]), {}).update(row.items())
    month_zh, month_en = month_words(scope)
    consultants = _of(scope, days, follow_up=False)
    callers = _of(scope, days, follow_up=True)
    return content(
        scope,
        "daily-activity",
        f"{month_zh}营业活动访问日报表",
        f"Daily activity, {month_en}",
        tables=[
            table("sales", "销售顾问活动", "Consultants", _SALES_HEADS, _lines(scope, consultants), _total(consultants)),
            table("follow_up", "回访人员日报", "Follow-up staff", _FOLLOW_UP_HEADS, _lines(scope, callers), _total(callers)),
        ],
        notes=[
            note(
                "接通率＝实际完成数÷拨打电话数；约见率＝约见次数÷实际完成数；成交率＝销售笔数÷约见次数。",
                "Shares are of the step before.",
            ),
        ],
    )


def _of(scope: Scope, days: Days, *, follow_up: bool) -> Days:
    """The days of those who follow up, or of all others."""
    people = scope.store.staff
    return {
        key: row for key, row in days.items() if bool(key[0] in people and people[key[0]].roles & FOLLOW_UP_ROLES) is follow_up
    }


def _lines(scope: Scope, days: Days) -> list[Json]:
    weeks: dict[tuple[str, str, date], list[Json]] = defaultdict(list)
    for (staff_id, day), row in days.items():
        monday = day - timedelta(days=day.weekday())
        weeks[whose(scope, str(staff_id)), str(staff_id), monday].append({**_numbers(row), "day": day})
    lines: list[Json] = []
    for (name, whose_id, monday), rows in sorted(weeks.items()):
        who = {"person": name, "staff_id": whose_id, "week": f"{monday:%G-W%V}"}
        for row in sorted(rows, key=lambda row: row["day"]):
            lines.append(who | {"row": "day", "label": word("day", *WEEKDAYS[row["day"].weekday()])} | _shares(row))
        lines.append(who | {"row": "week", "label": word("week", "总计", "Week"), "day": None} | _shares(summed(rows, COUNTS)))
    return lines


def _numbers(row: Mapping[str, Any]) -> Json:
    return {key: row.get(key) or 0 for key in COUNTS}


def _total(days: Days) -> Json:
    rows: Sequence[Json] = [_numbers(row) for row in days.values()]
    return _shares(summed(rows, COUNTS))


def _shares(row: Json) -> Json:
    return row | {
        "reached_share": share(row["reached"], row["calls"]),
        "appointment_share": share(row["appointments"], row["reached"]),
        "deal_share": share(row["deals"], row["appointments"]),
        "success_share": share(row["successful"], row["visits"]),
    }
