"""Cards: 潜在客户管理卡 (C card), 保有客户管理卡 with its 回访记录表 (form 2); of one customer, or the list of a period."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from shared.db import Connection
from shared.domain.visit import CHANNEL_LABELS, OUTCOME_LABELS, STATE_LABELS, Channel, Outcome, State
from shared.reports.content import Json, columns, content, field, month_words, note, table
from shared.reports.facts import only
from shared.reports.figures import whose
from shared.reports.followup import yes_no
from shared.reports.opinions import TYPES
from shared.reports.prospects import level_word
from shared.reports.scope import Scope, fetch
from shared.reports.words import programme_word, word

LONGEST_LIST = 2000
_PROSPECT_TIER = "v.programme IN ('lead', 'by-hand')"
_RECORDS = """
    SELECT v.id, v.customer_id, v.programme, v.step, v.state, v.due_on, v.channel, coalesce(v.satisfaction, a.satisfaction) AS satisfaction,
           coalesce(a.problem_type, v.problem_type) AS problem_type, coalesce(a.staff_id, v.assignee_id) AS staff_id,
           coalesce(a.at, v.closed_at) AS at, a.channel AS used, a.outcome, a.note, a.next_at, c.name AS customer, e.plate, e.model,
           p.action, p.state AS problem_state, h.name AS head
    FROM visits v JOIN customers c ON c.store_id = v.store_id AND c.id = v.customer_id
    LEFT JOIN vehicles e ON e.store_id = v.store_id AND e.id = v.vehicle_id
    LEFT JOIN LATERAL (SELECT * FROM attempts a WHERE a.store_id = v.store_id AND a.visit_id = v.id AND a.withdrawn_at IS NULL
                       AND a.created_at <= :cut ORDER BY a.seq DESC LIMIT 1) a ON true
    LEFT JOIN LATERAL (SELECT p.action, p.state, p.head_id FROM problems p WHERE p.store_id = v.store_id AND p.visit_id = v.id
                       ORDER BY p.opened_at DESC LIMIT 1) p ON true
    LEFT JOIN staff h ON h.store_id = v.store_id AND h.id = p.head_id
    WHERE v.store_id = :store AND v.tier <> ALL (:closed_tiers::text[]) AND {which}
        AND (a.id IS NOT NULL OR v.state NOT IN ('planned', 'due', 'cancelled')){only}
    ORDER BY coalesce(a.at, v.closed_at, v.due_at), v.id LIMIT {limit}
"""
_OF_CUSTOMER = "v.customer_id = :customer"
_OF_PERIOD = "v.due_on BETWEEN :first AND :last"
_RECORD = columns(
    ("number", "序号", "No."),
    ("at", "回访时间", "Time", "instant"),
    ("customer", "客户姓名", "Customer", "text"),
    ("phone", "联系方式", "Phone", "phone"),
    ("plate", "车牌号", "Plate", "text"),
    ("programme", "回访类型", "Programme", "word"),
    ("used", "回访方式", "Channel", "word"),
    ("outcome", "联系结果", "Outcome", "word"),
    ("note", "反馈内容", "Feedback", "long"),
    ("problem_type", "问题类型", "Problem type", "word"),
    ("head", "处理责任人", "Responsible", "text"),
    ("action", "处理结果", "What was done", "long"),
    ("satisfaction", "客户满意度", "Satisfaction", "score"),
    ("next_at", "下次联系", "Next", "instant"),
    ("state", "回访结果", "Result", "word"),
    ("person", "回访人", "Person", "text"),
)
_LEADS = """
    SELECT l.*, c.name AS customer, c.gender, c.region, c.address, c.source AS customer_source, c.preferred_channel
    FROM leads l JOIN customers c ON c.store_id = l.store_id AND c.id = l.customer_id
    WHERE l.store_id = :store AND {which}{only} ORDER BY l.created_at, l.id LIMIT {limit}
"""
_IN_PERIOD = "l.created_at < :to_at AND (l.state = 'open' OR l.closed_on >= :first)"
_PROSPECT = columns(
    ("number", "序号", "No."),
    ("customer", "客户姓名", "Customer", "text"),
    ("phone", "联系电话", "Phone", "phone"),
    ("model", "意向车型", "Model", "text"),
    ("level", "级别", "Level", "word"),
    ("first_visit_on", "首次到店", "First visit", "day"),
    ("expected_on", "预计购车日期", "Expected", "day"),
    ("source", "来源", "Source", "text"),
    ("consultant", "销售顾问", "Consultant", "text"),
    ("next_on", "下次联系", "Next contact", "day"),
    ("state", "状态", "State", "word"),
    ("lost_reason", "战败原因", "Lost because", "text"),
)
_GENDERS = {"male": ("男", "Male"), "female": ("女", "Female")}
_LEAD_STATES = {"open": ("跟进中", "Open"), "won": ("成交", "Won"), "lost": ("战败", "Lost")}
_CUSTOMER = """
    SELECT c.name, c.kind, c.gender, c.birthday, c.region, c.address, c.lifecycle, c.preferred_channel, c.filed_on, h.name AS holder
    FROM customers c LEFT JOIN staff h ON h.store_id = c.store_id AND h.id = c.holder_id WHERE c.store_id = :store AND c.id = :customer
"""
_CARS = """
    SELECT e.plate, e.vin, e.engine_number, e.model, e.colour, e.purchased_on, e.next_maintenance_on, s.delivered_on, s.insured, s.plated,
           s.card_handed_on, t.name AS consultant, i.insurer, i.expires_on
    FROM vehicles e
    LEFT JOIN LATERAL (SELECT * FROM sales s WHERE s.store_id = e.store_id AND s.vehicle_id = e.id
                       ORDER BY s.delivered_on DESC LIMIT 1) s ON true
    LEFT JOIN staff t ON t.store_id = e.store_id AND t.id = s.consultant_id
    LEFT JOIN LATERAL (SELECT * FROM insurance_policies i WHERE i.store_id = e.store_id AND i.vehicle_id = e.id
                       ORDER BY i.expires_on DESC LIMIT 1) i ON true
    WHERE e.store_id = :store AND e.customer_id = :customer ORDER BY e.id
"""
_CAR = columns(
    ("plate", "车牌号", "Plate", "text"),
    ("vin", "车架号", "VIN", "text"),
    ("engine_number", "发动机号", "Engine", "text"),
    ("model", "车型", "Model", "text"),
    ("colour", "颜色", "Colour", "text"),
    ("purchased_on", "购车日期", "Purchased", "day"),
    ("delivered_on", "交车日期", "Delivered", "day"),
    ("consultant", "销售顾问", "Consultant", "text"),
    ("insured", "保险", "Insured", "word"),
    ("insurer", "保险公司", "Insurer", "text"),
    ("expires_on", "保险到期", "Expires", "day"),
    ("plated", "上牌", "Plated", "word"),
    ("card_handed_on", "移交售后", "Card handed over", "day"),
    ("next_maintenance_on", "下次保养", "Next maintenance", "day"),
)
_ORDERS = """
    SELECT w.number, w.kind, w.closed_at, w.items, w.fee_fen, w.mileage_km, t.name AS advisor FROM work_orders w
    LEFT JOIN staff t ON t.store_id = w.store_id AND t.id = w.advisor_id
    WHERE w.store_id = :store AND w.customer_id = :customer ORDER BY w.closed_at DESC LIMIT 200
"""
_ORDER = columns(
    ("closed_at", "结算时间", "Closed", "instant"),
    ("number", "工单号", "Order", "text"),
    ("items", "项目", "Items", "long"),
    ("mileage_km", "里程（公里）", "Mileage (km)"),
    ("fee_fen", "费用（元）", "Fee (yuan)", "money"),
    ("advisor", "服务顾问", "Advisor", "text"),
)


async def owner_card(conn: Connection, scope: Scope) -> Json:
    """Everything about one owner with his 回访记录表 (form 2); without a customer, the record sheet of the period."""
    which = _OF_CUSTOMER if scope.customer_id else _OF_PERIOD
    record = await _record(conn, scope, which, "" if scope.customer_id else only(scope, "coalesce(a.staff_id, v.assignee_id)"))
    month_zh, month_en = month_words(scope)
    if scope.customer_id is None:
        return content(
            scope,
            "owner-card",
            f"{month_zh}回访记录表",
            f"Record of follow-up, {month_en}",
            tables=[record],
            notes=_limit(record),
        )
    cars = [
        {**row, "insured": yes_no(row["insured"]), "plated": yes_no(row["plated"])} for row in await _dicts(conn, scope, _CARS)
    ]
    return content(
        scope,
        "owner-card",
        "保有客户管理卡",
        "Owner card",
        fields=await _about(conn, scope),
        tables=[
            table("vehicles", "车辆信息", "Cars", _CAR, cars),
            table("work_orders", "维修保养记录", "Work orders", _ORDER, await _dicts(conn, scope, _ORDERS)),
            record,
        ],
    )


async def c_card(conn: Connection, scope: Scope) -> Json:
    """A prospect's card with what was done about it; without a customer, every prospect open in the period."""
    one = scope.customer_id is not None
    which = "l.customer_id = :customer" if one else _IN_PERIOD
    narrowed = "" if one else only(scope, "l.consultant_id", "NULL::text")
    leads = await fetch(conn, scope, _LEADS.format(which=which, only=narrowed, limit=LONGEST_LIST))
    phones = await _phones(conn, scope, [row["customer_id"] for row in leads])
    policy = scope.store.lead_policy
    rows = [_prospect(scope, number, dict(row), phones, policy) for number, row in enumerate(leads, 1)]
    record = await _record(
        conn,
        scope,
        f"{_OF_CUSTOMER if one else _OF_PERIOD} AND {_PROSPECT_TIER}",
        "" if one else only(scope, "coalesce(a.staff_id, v.assignee_id)"),
    )
    models = {row["model"] for row in leads if row["model"]}
    model = next(iter(models)) if len(models) == 1 else ""
    return content(
        scope,
        "c-card",
        f"{model}车型潜在客户管理卡（C表）",
        f"Prospect card (C) {model}".rstrip(),
        fields=await _about(conn, scope) if one else [],
        tables=[
            table("prospects", "潜在客户", "Prospects", _PROSPECT, rows),
            {**record, "title": {"zh": "跟踪记录", "en": "Follow-up"}},
        ],
        notes=_limit(record),
    )


def _limit(record: Json) -> list[Json]:
    if len(record["rows"]) < LONGEST_LIST:
        return []
    return [
        note(
            f"记录只列前 {LONGEST_LIST} 条，请按人员或日期缩小范围。",
            f"The first {LONGEST_LIST}; ask for fewer days or one person.",
        )
    ]


def _prospect(scope: Scope, number: int, row: Mapping[str, Any], phones: Mapping[UUID, str], policy: str) -> Json:
    consultant = scope.store.staff.get(row["consultant_id"])
    plain = {
        key: row[key]
        for key in ("id", "customer_id", "customer", "model", "first_visit_on", "expected_on", "source", "next_on", "lost_reason")
    }
    return plain | {
        "number": number,
        "staff_id": row["consultant_id"],
        "phone": phones.get(row["customer_id"]),
        "level": level_word(row["level"], policy) if row["level"] else None,
        "consultant": consultant.name if consultant else None,
        "state": word(row["state"], *_LEAD_STATES.get(row["state"], (row["state"], row["state"]))),
    }


async def _about(conn: Connection, scope: Scope) -> list[Json]:
    rows = await fetch(conn, scope, _CUSTOMER)
    if not rows or scope.customer_id is None:
        return []
    row, phones = rows[0], await _phones(conn, scope, [scope.customer_id])
    return [
        field("name", "客户姓名", "Name", row["name"]),
        field("phone", "联系电话", "Phone", phones.get(scope.customer_id), "phone"),
        field("gender", "性别", "Gender", {"male": "男", "female": "女"}.get(row["gender"] or "")),
        field("birthday", "生日", "Birthday", row["birthday"], "day"),
        field("region", "所在区域", "Region", row["region"]),
        field("address", "地址", "Address", row["address"]),
        field("filed_on", "建档日期", "Filed", row["filed_on"], "day"),
        field("holder", "档案保管人", "Holder", row["holder"]),
    ]


async def _record(conn: Connection, scope: Scope, which: str, narrowed: str) -> Json:
    """回访记录表 (form 2): the headings of S4 4.5, one line a visit that something was done on."""
    rows = await fetch(conn, scope, _RECORDS.format(which=which, only=narrowed, limit=LONGEST_LIST))
    phones = await _phones(conn, scope, [row["customer_id"] for row in rows])
    lines = [_line(scope, number, dict(row), phones) for number, row in enumerate(rows, 1)]
    return table("record", "回访记录表", "Record of follow-up", _RECORD, lines)


def _line(scope: Scope, number: int, row: Mapping[str, Any], phones: Mapping[UUID, str]) -> Json:
    plain = {
        key: row[key]
        for key in ("id", "customer_id", "customer", "plate", "at", "note", "head", "action", "satisfaction", "next_at")
    }
    return plain | {
        "number": number,
        "visit_id": row["id"],
        "staff_id": row["staff_id"],
        "phone": phones.get(row["customer_id"]),
        "programme": programme_word(scope.store, row["programme"]),
        "used": _of(CHANNEL_LABELS, Channel, row["used"] or row["channel"]),
        "outcome": _of(OUTCOME_LABELS, Outcome, row["outcome"]),
        "problem_type": word(row["problem_type"], *TYPES[row["problem_type"]]) if row["problem_type"] in TYPES else None,
        "state": _of(STATE_LABELS, State, row["state"]),
        "person": whose(scope, str(row["staff_id"])) if row["staff_id"] else None,
    }


def _of(labels: Mapping[Any, Any], kind: Any, value: str | None) -> Json | None:
    return None if value is None else word(value, *labels[kind(value)])


async def _phones(conn: Connection, scope: Scope, customer_ids: Sequence[UUID]) -> Mapping[UUID, str]:
    return await scope.phones(conn, scope.store.id, set(customer_ids)) if scope.phones is not None else {}


async def _dicts(conn: Connection, scope: Scope, sql: str) -> list[Json]:
    return [dict(row) for row in await fetch(conn, scope, sql)]
