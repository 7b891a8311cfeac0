"""Registers of complaints: forms 3, 4 and 5, 客户投诉处理报告, and 回访月报表 (form 6)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg

from shared.db import Connection
from shared.domain.complaint import CATEGORY_LABELS, KIND_LABELS, STATE_LABELS
from shared.domain.month import Month
from shared.domain.visit import Label
from shared.reports.content import Json, column, columns, content, field, month_words, note, table
from shared.reports.facts import only
from shared.reports.figures import frozen
from shared.reports.followup import followup_statistics, yes_no
from shared.reports.scope import Scope, fetch
from shared.reports.words import department_word, word

QUALITY, ATTITUDE = "quality", "attitude"
KINDS: Mapping[str, Label] = {str(key): label for key, label in KIND_LABELS.items()}
CATEGORIES: Mapping[str, Label] = {str(key): label for key, label in CATEGORY_LABELS.items()}
STATES: Mapping[str, Label] = {str(key): label for key, label in STATE_LABELS.items()}
_WORDS = "p.text, p.wish, p.customer_opinion, p.invalid_reason"
_NO_WORDS = "NULL AS text, NULL AS wish, NULL AS customer_opinion, NULL AS invalid_reason"
_COLUMNS = """
    p.id, p.number, p.kind, p.category, p.severity, p.crisis, p.department, p.state, p.owner_id, p.valid, p.cause, p.solution, p.result,
    p.summary, p.measure, p.opened_at, p.respond_by, p.handle_by, p.responded_at, p.handled_at, p.told_at, p.resolved_at, p.closed_at,
    p.signed_off_at, p.signed_off_by, p.regional_at, p.reopened, p.source, p.customer_id, c.name AS customer, e.plate, e.model,
    v.assignee_id
"""
_FROM = """
    FROM complaints p JOIN customers c ON c.store_id = p.store_id AND c.id = p.customer_id
    LEFT JOIN vehicles e ON e.store_id = p.store_id AND e.id = p.vehicle_id
    LEFT JOIN visits v ON v.store_id = p.store_id AND v.id = p.visit_id WHERE p.store_id = :store
"""
_IN_PERIOD = "p.opened_at >= :from_at AND p.opened_at < :to_at AND p.opened_at <= :cut"
_CARRIED = "p.opened_at < :from_at AND coalesce(p.resolved_at, p.closed_at, 'infinity') >= :from_at"


async def complaints_of(conn: Connection, scope: Scope, where: str, **more: Any) -> list[asyncpg.Record]:
    """Complaints with customer and car, in the order they came; the customer's own words only for who may read them."""
    words = _WORDS if scope.words else _NO_WORDS
    sql = f"SELECT {_COLUMNS}, {words} {_FROM} AND {where}{only(scope, 'p.owner_id')} ORDER BY p.opened_at, p.number"
    return await fetch(conn, scope, sql, **more)


def _word(known: Mapping[str, Label], value: str) -> Json:
    return word(value, *known.get(value, Label(value, value)))


def _name(scope: Scope, staff_id: UUID | None) -> str | None:
    person = scope.store.staff.get(staff_id) if staff_id else None
    return person.name if person else None


async def _phones(conn: Connection, scope: Scope, rows: Sequence[asyncpg.Record]) -> Mapping[UUID, str]:
    if scope.phones is None:
        return {}
    return await scope.phones(conn, scope.store.id, {row["customer_id"] for row in rows})


def _row(scope: Scope, row: asyncpg.Record, phones: Mapping[UUID, str], number: int) -> Json:
    """A complaint as a line of a register; the columns of a form choose of it."""
    plain = {
        key: row[key]
        for key in (
            "id", "customer_id", "customer", "plate", "model", "text", "wish", "cause", "solution", "result", "summary", "measure",
            "customer_opinion", "invalid_reason", "opened_at", "respond_by", "responded_at", "handle_by", "handled_at", "told_at",
            "closed_at", "signed_off_at", "reopened",
        )
    }  # fmt: skip
    return plain | {
        "line": number,
        "number": row["number"],
        "staff_id": row["owner_id"],
        "phone": phones.get(row["customer_id"]),
        "kind": _word(KINDS, row["kind"]),
        "category": _word(CATEGORIES, row["category"]),
        "state": _word(STATES, row["state"]),
        "department": department_word(row["department"] or "none") if row["department"] else None,
        "owner": _name(scope, row["owner_id"]),
        "caller": _name(scope, row["assignee_id"]),
        "signed_off_by": _name(scope, row["signed_off_by"]),
        "crisis": yes_no(row["crisis"]),
        "valid": yes_no(row["valid"]),
        "in_time": _in_time(scope, row["handled_at"], row["handle_by"]),
        "response_in_time": _in_time(scope, row["responded_at"], row["respond_by"]),
    }


def _in_time(scope: Scope, done: Any, by: Any) -> Json:
    if done is not None:
        return yes_no(done <= by)
    return yes_no(False) if scope.cut > by else word("", "—", "—")


_REGISTER = columns(
    ("line", "序号", "No."),
    ("opened_at", "登记日期", "Date", "instant"),
    ("customer", "客户姓名", "Customer", "text"),
    ("phone", "联系电话", "Phone", "phone"),
    ("model", "车型", "Model", "text"),
    ("plate", "车牌号", "Plate", "text"),
)
_FORM_3 = [
    *_REGISTER,
    column("text", "报怨产品质量内容", "Complaint", "long"),
    column("department", "责任部门", "Department", "word"),
    column("cause", "原因分析", "Cause", "long"),
    column("solution", "处理意见", "Solution", "long"),
    column("result", "处理结果", "Result", "long"),
    column("handle_by", "应回复时间（2日内）", "To be answered by", "instant"),
    column("handled_at", "实际回复时间", "Answered", "instant"),
    column("in_time", "是否按时", "In time", "word"),
    column("caller", "回访员", "Caller", "text"),
    column("state", "状态", "State", "word"),
]
_FORM_4 = [
    *_REGISTER,
    column("text", "投诉服务态度内容", "Complaint", "long"),
    column("department", "被投诉部门", "Department", "word"),
    column("cause", "原因分析", "Cause", "long"),
    column("solution", "处理意见", "Solution", "long"),
    column("result", "处理结果", "Result", "long"),
    column("told_at", "反馈客户时间", "Told", "instant"),
    column("customer_opinion", "客户意见", "Customer's opinion", "long"),
    column("caller", "回访员", "Caller", "text"),
    column("state", "状态", "State", "word"),
]
_REPORT = [
    *_REGISTER,
    column("number", "编号", "Number", "text"),
    column("kind", "性质", "Kind", "word"),
    column("category", "类别", "Category", "word"),
    column("crisis", "危机事件", "Crisis", "word"),
    column("text", "投诉内容", "Complaint", "long"),
    column("valid", "是否成立", "Valid", "word"),
    column("owner", "责任人（一人负责）", "Owner", "text"),
    column("respond_by", "应响应", "Respond by", "instant"),
    column("responded_at", "首次响应", "Responded", "instant"),
    column("handle_by", "应处理", "Handle by", "instant"),
    column("handled_at", "处理完成", "Handled", "instant"),
    column("solution", "解决方案", "Solution", "long"),
    column("customer_opinion", "客户意见", "Customer's opinion", "long"),
    column("result", "处理结果", "Result", "long"),
    column("summary", "总结", "Summary", "long"),
    column("measure", "改进措施", "Measure", "long"),
    column("signed_off_by", "经理签字", "Signed off by", "text"),
    column("reopened", "重开次数", "Reopened"),
    column("state", "状态", "State", "word"),
]


async def _register(conn: Connection, scope: Scope, name: str, zh: str, en: str, heads: list[Json], where: str) -> Json:
    rows = await complaints_of(conn, scope, f"{_IN_PERIOD}{where}")
    phones = await _phones(conn, scope, rows)
    month_zh, month_en = month_words(scope)
    lines = [_row(scope, row, phones, number) for number, row in enumerate(rows, 1)]
    return content(scope, name, f"{month_zh}{zh}", f"{en}, {month_en}", tables=[table("register", zh, en, heads, lines)])


async def quality_complaints(conn: Connection, scope: Scope) -> Json:
    """Form 3: complaints about the product, to be answered within two days (S0)."""
    return await _register(
        conn,
        scope,
        "quality-complaints",
        "客户报怨产品质量信息登记表",
        "Product quality complaints",
        _FORM_3,
        " AND p.kind = 'quality'",
    )


async def attitude_complaints(conn: Connection, scope: Scope) -> Json:
    """Form 4: complaints about the manner of service, which go to the general manager (S0)."""
    return await _register(
        conn,
        scope,
        "attitude-complaints",
        "客户投诉服务态度信息登记表",
        "Attitude complaints",
        _FORM_4,
        " AND p.kind = 'attitude'",
    )


async def complaint_report(conn: Connection, scope: Scope) -> Json:
    """客户投诉处理报告 (S1): every complaint of the period from the first word to the measure taken."""
    one = " AND p.id = :complaint" if scope.complaint_id else ""
    return await _register(conn, scope, "complaint-report", "客户投诉处理报告", "Complaints and what was done", _REPORT, one)


async def attitude_slip(conn: Connection, scope: Scope) -> Json:
    """Form 5: the slip to the general manager, one for each complaint about manner; of one complaint when it is named."""
    where = "p.id = :complaint" if scope.complaint_id else f"{_IN_PERIOD} AND p.kind = 'attitude'"
    rows = await complaints_of(conn, scope, where)
    phones = await _phones(conn, scope, rows)
    zh, en = "客户投诉服务态度信息反馈单", "Slip of a complaint about manner"
    slips = [_slip(_row(scope, row, phones, number)) for number, row in enumerate(rows, 1)]
    return content(scope, "attitude-slip", zh, en, fields=slips[0]["fields"] if len(slips) == 1 else [], tables=slips)


def _slip(line: Json) -> Json:
    fields = [
        field("number", "编号", "Number", line["number"]),
        field("opened_at", "投诉时间", "Time", line["opened_at"], "instant"),
        field("customer", "客户姓名", "Customer", line["customer"]),
        field("phone", "联系电话", "Phone", line["phone"], "phone"),
        field("model", "车型", "Model", line["model"]),
        field("plate", "车牌号", "Plate", line["plate"]),
        field("department", "被投诉部门", "Department", line["department"], "word"),
        field("caller", "回访员", "Caller", line["caller"]),
        field("text", "投诉内容", "Complaint", line["text"], "long"),
        field("wish", "客户要求", "Customer's wish", line["wish"], "long"),
        field("cause", "原因调查", "Cause", line["cause"], "long"),
        field("solution", "责任部门处理意见", "Department's solution", line["solution"], "long"),
        field("signed_off_by", "部门经理签字", "Department's manager", line["signed_off_by"]),
        field("general_manager", "总经理批示", "General manager", None, "long"),
        field("result", "处理结果", "Result", line["result"], "long"),
        field("customer_opinion", "客户对处理结果的意见", "Customer's opinion", line["customer_opinion"], "long"),
        field("closed_at", "结案时间", "Closed", line["closed_at"], "instant"),
    ]
    made = table(line["number"], f"反馈单 {line['number']}", f"Slip {line['number']}", [], [])
    return made | {"fields": fields, "id": line["id"], "staff_id": line["staff_id"]}


_SUMMARY = columns(
    ("category", "类别", "Category", "word"),
    ("quality", "产品质量抱怨", "Quality"),
    ("attitude", "服务态度投诉", "Attitude"),
    ("service", "其他服务投诉", "Service"),
    ("all", "合计", "All"),
    ("resolved", "已解决", "Resolved"),
    ("unconfirmed", "其中未经客户确认", "Of these unconfirmed"),
    ("late", "超时", "Past the time"),
)
_CAUSES = [
    *columns(
        ("line", "序号", "No."),
        ("number", "编号", "Number", "text"),
        ("opened_at", "日期", "Date", "instant"),
        ("customer", "客户姓名", "Customer", "text"),
        ("kind", "性质", "Kind", "word"),
        ("category", "类别", "Category", "word"),
        ("department", "责任部门", "Department", "word"),
        ("cause", "原因", "Cause", "long"),
        ("measure", "措施", "Measure", "long"),
        ("result", "处理结果", "Result", "long"),
        ("owner", "责任人", "Owner", "text"),
        ("state", "状态", "State", "word"),
    )
]
_SUMS = ("quality", "attitude", "service", "all", "resolved", "unconfirmed", "late")


async def form_6(conn: Connection, scope: Scope) -> Json:
    """回访月报表: forms 3 and 4 of the month counted, each with its cause and measure, and what came after the last one was written."""
    rows = await complaints_of(conn, scope, _IN_PERIOD)
    carried = await complaints_of(conn, scope, _CARRIED)
    after = await _after_last(conn, scope)
    done = await followup_statistics(conn, scope)
    month_zh, month_en = month_words(scope)
    counts = _by_category(scope, rows)
    totals = {key: sum(row[key] for row in counts) for key in _SUMS}
    follow_up = done["tables"][0]["total"]
    return content(
        scope,
        "form-6",
        f"{month_zh}回访月报表",
        f"Monthly follow-up report, {month_en}",
        fields=[
            field("due", "应回访数", "Due", follow_up["due"], "count"),
            field("done", "实际回访数", "Done", follow_up["done"], "count"),
            field("reached", "接通数", "Reached", follow_up["reached"], "count"),
            field("quality", "产品质量抱怨（表3）", "Quality (form 3)", totals["quality"], "count"),
            field("attitude", "服务态度投诉（表4）", "Attitude (form 4)", totals["attitude"], "count"),
            field("resolved", "已解决", "Resolved", totals["resolved"], "count"),
        ],
        tables=[
            table("summary", "投诉与抱怨汇总", "Complaints by category", _SUMMARY, counts, totals),
            _causes(scope, "causes", "原因与措施", "Causes and measures", rows),
            _causes(scope, "carried", "以前月份未结", "Open from earlier months", carried),
            _causes(scope, "after", "上期月报后登记", "Entered after the last report", after),
        ],
        notes=[
            note(
                "本表根据表3、表4编制，报主管领导和总经理。", "Made from forms 3 and 4, for the manager and the general manager."
            )
        ],
    )


def _causes(scope: Scope, key: str, zh: str, en: str, rows: Sequence[asyncpg.Record]) -> Json:
    return table(key, zh, en, _CAUSES, [_row(scope, row, {}, number) for number, row in enumerate(rows, 1)])


async def _after_last(conn: Connection, scope: Scope) -> list[asyncpg.Record]:
    """Complaints of the month before that came after its form 6 was written."""
    before = (scope.month or Month.of(scope.first)).plus(-1)
    kept = await frozen(conn, scope.of(before), "form-6")
    if kept is None:
        return []
    return await complaints_of(conn, scope, "p.opened_at > :written AND p.opened_at < :from_at", written=kept[0])


def _by_category(scope: Scope, rows: Sequence[asyncpg.Record]) -> list[Json]:
    groups: dict[str, list[asyncpg.Record]] = {}
    for row in rows:
        groups.setdefault(row["category"], []).append(row)
    order = list(CATEGORIES)
    return [
        _counts(scope, key, groups[key])
        for key in sorted(groups, key=lambda key: order.index(key) if key in order else len(order))
    ]


def _counts(scope: Scope, key: str, rows: Sequence[asyncpg.Record]) -> Json:
    kinds = Counter(row["kind"] for row in rows)
    resolved = [row for row in rows if (row["resolved_at"] or row["closed_at"] or scope.cut + timedelta(1)) <= scope.cut]
    valid = [row for row in resolved if row["state"] != "rejected"]
    return {
        "category": _word(CATEGORIES, key),
        **{kind: kinds[kind] for kind in KINDS},
        "all": len(rows),
        "resolved": len(valid),
        "unconfirmed": sum(row["state"] == "closed_unconfirmed" for row in rows),
        "late": sum((row["handled_at"] or row["closed_at"] or scope.cut) > row["handle_by"] for row in rows),
    }
