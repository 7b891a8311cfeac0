"""回访统计表 (form 1) and 销售7天回访纪录: what was due, what was done, by whom."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from shared.db import Connection
from shared.reports.content import Json, columns, content, month_words, note, share, summed, table
from shared.reports.facts import ANSWERED, CLOSED, EXCLUDED, GONE, PERIOD, TRIES, only
from shared.reports.figures import LOOK_BACK_DAYS, NOBODY, whose
from shared.reports.rows import DELIVERIES
from shared.reports.scope import Scope, fetch
from shared.reports.words import REASONS, department_of, department_word, programme_word, word

COUNTED = (
    "due",
    "done",
    "reached",
    "unreachable",
    "refused",
    "missed",
    "invalid",
    "still_open",
    "on_time",
    "late",
    "from_earlier",
)
LEFT_OUT = ("not_due_yet", "cancelled", "expired", "deceased")
SUMS = (*COUNTED, *LEFT_OUT)

_WHOSE = "coalesce(t.staff_id, v.assignee_id)"
_DONE = f"v.state IN ('completed', 'incomplete') AND {CLOSED}"
_STATISTICS = f"""
    SELECT f.staff_id, f.programme,
        count(*) FILTER (WHERE f.reason IS NULL) AS due,
        count(*) FILTER (WHERE f.reason IS NULL AND f.done) AS done,
        count(*) FILTER (WHERE f.reason IS NULL AND f.reached) AS reached,
        count(*) FILTER (WHERE f.reason IS NULL AND f.state = 'unreachable') AS unreachable,
        count(*) FILTER (WHERE f.reason IS NULL AND f.state = 'declined') AS refused,
        count(*) FILTER (WHERE f.reason IS NULL AND f.state = 'missed') AS missed,
        count(*) FILTER (WHERE f.reason IS NULL AND f.state = 'invalid') AS invalid,
        count(*) FILTER (WHERE f.reason IS NULL AND f.state = 'open') AS still_open,
        count(*) FILTER (WHERE f.reason IS NULL AND f.done AND NOT f.late) AS on_time,
        count(*) FILTER (WHERE f.reason IS NULL AND f.done AND f.late) AS late,
        count(*) FILTER (WHERE f.reason = 'not_due_yet') AS not_due_yet, count(*) FILTER (WHERE f.reason = 'cancelled') AS cancelled,
        count(*) FILTER (WHERE f.reason = 'expired') AS expired, count(*) FILTER (WHERE f.reason = 'deceased') AS deceased
    FROM (
        SELECT {_WHOSE} AS staff_id, v.programme, {EXCLUDED} AS reason, CASE WHEN {CLOSED} THEN v.state ELSE 'open' END AS state,
               {_DONE} AS done, t.reached_at IS NOT NULL OR s.visit_id IS NOT NULL AS reached, v.closed_at >= v.window_end AS late
        FROM visits v LEFT JOIN ({TRIES}) t ON t.visit_id = v.id LEFT JOIN ({ANSWERED}) s ON s.visit_id = v.id {GONE}
        WHERE {PERIOD}{{only}}
    ) f GROUP BY 1, 2
"""
# Done since the month before was closed, on visits that were due before this month: late work, shown apart.
_EARLIER = f"""
    SELECT {_WHOSE} AS staff_id, v.programme, count(*) AS from_earlier
    FROM visits v LEFT JOIN LATERAL (
        SELECT a.staff_id FROM attempts a WHERE a.store_id = v.store_id AND a.visit_id = v.id AND a.withdrawn_at IS NULL
        ORDER BY a.at DESC, a.seq DESC LIMIT 1) t ON true
    WHERE v.store_id = :store AND v.due_on BETWEEN :first - {LOOK_BACK_DAYS} AND :first - 1 AND v.closed_at > :closed_before
        AND {_DONE}{{only}} GROUP BY 1, 2
"""
_HEADS = columns(
    ("person", "回访人员", "Person", "text"),
    ("department", "部门", "Department", "word"),
    ("programme", "回访方案", "Programme", "word"),
    ("due", "应回访数", "Due"),
    ("done", "实际回访数", "Done"),
    ("reached", "接通数", "Reached"),
    ("unreachable", "联系不上", "Unreachable"),
    ("refused", "拒访", "Refused"),
    ("missed", "错过", "Missed"),
    ("invalid", "无效档案", "Invalid file"),
    ("still_open", "未完", "Still open"),
    ("on_time", "及时完成", "On time"),
    ("late", "逾期完成", "Late"),
    ("done_share", "回访率", "Done share", "share"),
    ("on_time_share", "及时率", "On-time share", "share"),
    ("from_earlier", "补做以前月份", "Late work of earlier months"),
    ("not_due_yet", "未到期", "Not due yet"),
    ("cancelled", "取消", "Cancelled"),
    ("expired", "过期", "Expired"),
    ("deceased", "离世", "Deceased"),
)
_NOT_BY: Mapping[str, tuple[str, ...]] = {
    "person": ("programme",),
    "programme": ("person", "department"),
    "department": ("person", "programme"),
}
BY = ("person", "programme", "department")


async def followup_statistics(conn: Connection, scope: Scope) -> Json:
    """Form 1: each person and programme of the month, with sums; `by` folds it to persons, programmes or departments."""
    narrowed = only(scope, _WHOSE)
    rows = {(row["staff_id"], row["programme"]): dict(row) for row in await fetch(conn, scope, _STATISTICS.format(only=narrowed))}
    for row in await fetch(conn, scope, _EARLIER.format(only=narrowed)):
        rows.setdefault((row["staff_id"], row["programme"]), dict(row)).update(from_earlier=row["from_earlier"])
    listed = sorted((_named(scope, row) for row in rows.values()), key=lambda row: (row["person"], row["programme"]["zh"]))
    month_zh, month_en = month_words(scope)
    return content(
        scope,
        "followup-statistics",
        f"{month_zh}回访统计表",
        f"Follow-up statistics, {month_en}",
        tables=[table("statistics", "按人员和方案", "By person and programme", _HEADS, listed, _shares(summed(listed, SUMS)))],
        notes=[
            note(
                "回访归属到期日所在月份；取消、过期、离世及未到期不计入应回访数。",
                "A visit belongs to the month of its due date.",
            ),
            note("“补做以前月份”不计入本月任何比率。", "Late work of earlier months is in no share of this month."),
        ],
    )


def _named(scope: Scope, row: Mapping[str, Any]) -> Json:
    staff_id = row["staff_id"]
    person = scope.store.staff.get(staff_id)
    return _shares(
        {
            "staff_id": str(staff_id) if staff_id else None,
            "person": whose(scope, str(staff_id) if staff_id else NOBODY),
            "department": department_word(department_of(person.roles) if person else "none"),
            "programme": programme_word(scope.store, row["programme"]),
        }
        | {key: row.get(key) or 0 for key in SUMS}
    )


def _shares(row: Json) -> Json:
    return row | {"done_share": share(row["done"], row["due"]), "on_time_share": share(row["on_time"], row["due"])}


def folded(report: Json, by: str | None) -> Json:
    """The statistics by person, programme or department alone, from the full ones: also from those of a closed month."""
    if by is None:
        return report
    (full,) = report["tables"]
    key: Callable[[Json], Any] = {
        "person": lambda row: row["staff_id"],
        "programme": lambda row: row["programme"]["value"],
        "department": lambda row: row["department"]["value"],
    }[by]
    groups: dict[Any, list[Json]] = {}
    for row in full["rows"]:
        groups.setdefault(key(row), []).append(row)
    heads = [head for head in full["columns"] if head["key"] not in _NOT_BY[by]]
    rows = [_shares({**group[0], **summed(group, SUMS)}) for group in groups.values()]
    return report | {"by": by, "tables": [full | {"columns": heads, "rows": rows}]}


def of_person(report: Json, staff_id: str) -> Json:
    """The rows of one person only, of any report whose rows say whose they are; sums are made anew."""
    return report | {"tables": [_own(each, staff_id) for each in report["tables"]]}


def _own(each: Json, staff_id: str) -> Json:
    rows = [row for row in each["rows"] if row.get("staff_id") == staff_id]
    total = each["total"]
    if total is not None:
        counted = [key for key, value in total.items() if isinstance(value, int) and not isinstance(value, bool)]
        total = _shares(summed(rows, counted)) if "due" in total else summed(rows, counted)
    return each | {"rows": rows, "total": total}


_SEVEN_DAY = f"""
    SELECT d.*, c.name AS customer, e.plate, e.vin, e.model, p.plated, p.insured FROM ({DELIVERIES}) d
    JOIN customers c ON c.store_id = :store AND c.id = d.customer_id
    JOIN sales p ON p.store_id = :store AND p.id = d.id
    LEFT JOIN vehicles e ON e.store_id = :store AND e.id = d.vehicle_id
    WHERE true{{only}} ORDER BY d.delivered_on, c.name, d.id
"""
_SEVEN_DAY_HEADS = columns(
    ("number", "序号", "No."),
    ("customer", "客户姓名", "Customer", "text"),
    ("model", "车型", "Model", "text"),
    ("plate", "车牌号", "Plate", "text"),
    ("delivered_on", "交车日期", "Delivered", "day"),
    ("deadline", "应回访截止", "Deadline", "day"),
    ("consultant", "销售顾问", "Consultant", "text"),
    ("reached_at", "回访成功时间", "Reached", "instant"),
    ("person", "回访人员", "Person", "text"),
    ("days", "交车后天数", "Days after delivery"),
    ("insured", "保险", "Insured", "word"),
    ("plated", "上牌", "Plated", "word"),
    ("result", "结果", "Result", "word"),
)


async def seven_day(conn: Connection, scope: Scope) -> Json:
    """New owners by the seventh day after their delivery: who was reached in time, by whom (S1's form, S2's rule)."""
    rows = await fetch(conn, scope, _SEVEN_DAY.format(only=only(scope, "d.staff_id", "d.programme")))
    listed = [_delivery(scope, number, row) for number, row in enumerate(rows, 1)]
    counted = [row for row in rows if row["reason"] is None]
    met = sum(row["met"] for row in counted)
    month_zh, month_en = month_words(scope)
    total = {"deliveries": len(counted), "reached": met, "share": share(met, len(counted))}
    summary = columns(
        ("deliveries", "交车数", "Deliveries"),
        ("reached", "七天内回访成功", "Reached in 7 days"),
        ("share", "七天回访率", "Share", "share"),
    )
    return content(
        scope,
        "seven-day",
        f"{month_zh}销售7天回访纪录",
        f"New owners within seven days, {month_en}",
        tables=[
            table("deliveries", "交车名单", "Deliveries", _SEVEN_DAY_HEADS, listed),
            table("summary", "汇总", "Summary", summary, [total]),
        ],
        notes=[
            note(
                "按交车后第七天所在月份统计；接听人须为车主或用车人。",
                "By the month of the seventh day; owner or user on the line.",
            )
        ],
    )


def _delivery(scope: Scope, number: int, row: Any) -> Json:
    consultant = scope.store.staff.get(row["consultant_id"])
    return {
        "number": number,
        "id": row["id"],
        "customer_id": row["customer_id"],
        "visit_id": row["visit_id"],
        "staff_id": row["staff_id"],
        "customer": row["customer"],
        "model": row["model"],
        "plate": row["plate"],
        "delivered_on": row["delivered_on"],
        "deadline": row["day"],
        "consultant": consultant.name if consultant else None,
        "reached_at": row["at"],
        "person": whose(scope, str(row["staff_id"])) if row["visit_id"] and row["staff_id"] else None,
        "days": (scope.store.calendar.day_of(row["at"]) - row["delivered_on"]).days if row["at"] else None,
        "insured": yes_no(row["insured"]),
        "plated": yes_no(row["plated"]),
        "result": _delivery_result(row),
    }


def _delivery_result(row: Any) -> Json:
    if row["reason"] is not None:
        return word(row["reason"], **REASONS[row["reason"]])
    if row["met"]:
        return word("in_time", "七天内成功", "In time")
    return word("late", "逾期成功", "Late") if row["late"] else word("not_reached", "未成功", "Not reached")


def yes_no(value: bool | None) -> Json:
    """Yes, no, not known."""
    return word("", "—", "—") if value is None else word("yes", "是", "Yes") if value else word("no", "否", "No")


def text_of(values: Sequence[str]) -> str:
    """Words in a row as Chinese has them."""
    return "、".join(values)
