"""Reads of customers: the list found by anything people remember, one file, its timeline, its card."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from services.api import records
from services.api.customers import points
from services.api.identities import Me
from services.api.paging import Paging
from services.api.records import Sort, Where
from shared.crypto import Vault
from shared.db import Connection
from shared.errors import Conflict, NotFound
from shared.phones import InvalidPhone, mask, parse_phone

TABLE = "customers"
SORTS = {
    "-created_at": Sort("t.created_at", "timestamptz", True),
    "created_at": Sort("t.created_at", "timestamptz"),
    "-updated_at": Sort("t.updated_at", "timestamptz", True),
    "name": Sort("t.name", "text"),
}
C_CARD = frozenset({"prospect", "lead", "lost_deal"})
_LIST = """
    SELECT t.id, t.kind, t.name, t.lifecycle, t.holder_id, t.flags, t.preferred_channel, t.deceased_at, t.created_at, t.updated_at
    FROM customers t
"""
_AROUND = """
    SELECT c.id, s.name AS holder_name, p.id AS point_id, p.value AS phone,
           ARRAY(SELECT v.plate FROM vehicles v WHERE v.store_id = c.store_id AND v.customer_id = c.id AND v.plate IS NOT NULL
                 AND v.ended_at IS NULL ORDER BY v.id) AS plates,
           (SELECT max(a.at) FROM visits v JOIN attempts a ON a.store_id = v.store_id AND a.visit_id = v.id
            WHERE v.store_id = c.store_id AND v.customer_id = c.id AND a.withdrawn_at IS NULL) AS last_contact_at,
           (SELECT min(v.due_on) FROM visits v WHERE v.store_id = c.store_id AND v.customer_id = c.id
            AND v.state IN ('planned', 'due', 'trying')) AS next_visit_on
    FROM customers c
    LEFT JOIN staff s ON s.store_id = c.store_id AND s.id = c.holder_id
    LEFT JOIN LATERAL (
        SELECT id, value FROM contact_points WHERE store_id = c.store_id AND customer_id = c.id AND kind = 'phone'
        ORDER BY rank, id LIMIT 1) p ON true
    WHERE c.store_id = $1 AND c.id = ANY($2)
"""
_BY_NAME = "SELECT id FROM customers WHERE store_id = $1 AND name LIKE {0}"
_BY_INITIALS = "SELECT id FROM customers WHERE store_id = $1 AND initials LIKE {0}"
_BY_CAR = "SELECT customer_id FROM vehicles WHERE store_id = $1 AND (plate LIKE {0} OR vin LIKE {0})"
_BY_LAST4 = "SELECT customer_id FROM contact_points WHERE store_id = $1 AND last4_index = {0}"
_BY_VALUE = "SELECT customer_id FROM contact_points WHERE store_id = $1 AND value_index = {0}"


class CustomerNotFound(NotFound):
    """There is no such customer."""

    code = "customer_not_found"
    zh = "没有该客户，或您无权知道。"


class CustomerMerged(Conflict):
    """This file was merged into another; change that one."""

    code = "customer_merged"
    zh = "该档案已并入另一档案，请修改保留的档案。"

    def __init__(self, into: UUID | None = None) -> None:
        super().__init__()
        self.more = {"merged_into": str(into)} if into else {}


@dataclass(frozen=True)
class Filters:
    """What a list is narrowed to."""

    q: str | None = None
    lifecycle: list[str] | None = None
    holder_id: UUID | None = None
    flag: str | None = None
    preferred_channel: str | None = None


async def page_of_customers(
    conn: Connection, vault: Vault, me: Me, filters: Filters, sort: Sort, paging: Paging
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of the store's files that were not merged into others."""
    where = [
        Where("t.merged_into IS NULL AND {}", True),
        Where("t.lifecycle = ANY({})", filters.lifecycle),
        Where("t.holder_id = {}", filters.holder_id),
        Where("{} = ANY(t.flags)", filters.flag),
        Where("t.preferred_channel = {}", filters.preferred_channel),
    ]
    if filters.q:
        where.append(Where("t.id = ANY({})", await _found(conn, vault, me.store_id, filters.q)))
    rows, cursor = await records.page(conn, _LIST, me.store_id, where, sort, paging)
    around = {row["id"]: row for row in await conn.fetch(_AROUND, me.store_id, [row["id"] for row in rows])}
    return [_listed(row, around[row["id"]], vault, me) for row in rows], cursor


def _listed(row: asyncpg.Record, around: asyncpg.Record, vault: Vault, me: Me) -> dict[str, Any]:
    phone = None
    if around["phone"] is not None:
        whole = vault.open(around["phone"], "contact_points", "value", me.store_id, around["point_id"])
        phone = whole if me.reads_pii else mask(whole)
    more = {name: around[name] for name in ("holder_name", "plates", "last_contact_at", "next_visit_on")}
    return {**dict(row), **more, "phone": phone}


async def _found(conn: Connection, vault: Vault, store_id: UUID, q: str) -> list[UUID]:
    """Ids of files by name, initials, plate, VIN, the last four digits of a phone or a whole one."""
    text = q.strip()
    bare = re.sub(r"[\s·•.-]", "", text).upper()
    searches: list[tuple[str, object]] = [(_BY_NAME, f"%{records.like(text)}%")]
    if text.isascii() and text.isalnum():
        searches.append((_BY_INITIALS, f"{records.like(text.lower())}%"))
    if len(bare) >= 2:
        searches.append((_BY_CAR, f"%{records.like(bare)}%"))
    if re.fullmatch(r"\d{4}", text):
        searches.append((_BY_LAST4, vault.index("last4", text)))
    elif len(bare) >= 7:
        searches += _whole_number(vault, text)
    values = [value for _, value in searches]
    union = " UNION ".join(sql.format(f"${place}") for place, (sql, _) in enumerate(searches, start=2))
    rows = await conn.fetch(f"SELECT f.id FROM ({union} LIMIT 5000) AS f(id)", store_id, *values)
    return [row["id"] for row in rows]


def _whole_number(vault: Vault, text: str) -> list[tuple[str, object]]:
    try:
        return [(_BY_VALUE, vault.index("phone", parse_phone(text).e164))]
    except InvalidPhone:
        return []


async def customer(conn: Connection, vault: Vault, me: Me, customer_id: UUID) -> dict[str, Any]:
    """One file as it goes out; asked for one that was merged, the file that stayed, with the old id as a hint. Raises CustomerNotFound."""
    row = await records.one(conn, TABLE, me.store_id, customer_id, CustomerNotFound)
    if row["merged_into"] is not None:
        row = await records.one(conn, TABLE, me.store_id, row["merged_into"], CustomerNotFound)
    found = await points.of_customers(conn, vault, me.store_id, [row["id"]], whole=me.reads_pii)
    hours = orjson.loads(row["calling_hours"]) if row["calling_hours"] else None
    hint = customer_id if row["id"] != customer_id else None
    return {**dict(row), "calling_hours": hours, "contact_points": found.get(row["id"], []), "merged_from": hint}


async def resolved(conn: Connection, store_id: UUID, customer_id: UUID) -> UUID:
    """The file an id leads to: itself, or the one it was merged into. Raises CustomerNotFound."""
    row = await records.one(conn, TABLE, store_id, customer_id, CustomerNotFound)
    found: UUID = row["merged_into"] or row["id"]
    return found


async def consents(conn: Connection, store_id: UUID, customer_id: UUID) -> list[asyncpg.Record]:
    """Every consent of a customer, standing ones first. Raises CustomerNotFound."""
    customer_id = await resolved(conn, store_id, customer_id)
    return await conn.fetch(
        "SELECT * FROM consents WHERE store_id = $1 AND customer_id = $2"
        " ORDER BY withdrawn_at IS NOT NULL, granted_at DESC, id DESC LIMIT 500",
        store_id,
        customer_id,
    )


async def card(conn: Connection, vault: Vault, me: Me, customer_id: UUID) -> dict[str, Any]:
    """Everything the paper form has. Raises CustomerNotFound."""
    file = await customer(conn, vault, me, customer_id)
    customer_id = file["id"]
    parts = {name: await _rows(conn, sql, me.store_id, customer_id) for name, sql in _CARD.items()}
    parts["visits"] = await _rows(conn, _VISITS, me.store_id, customer_id, me.closed_tiers)
    return {"kind": "c" if file["lifecycle"] in C_CARD else "owner", "customer": file, **parts}


async def _rows(conn: Connection, sql: str, *values: object) -> list[dict[str, Any]]:
    return [dict(row) for row in await conn.fetch(sql, *values)]


async def timeline(
    conn: Connection, me: Me, customer_id: UUID, kinds: list[str] | None, paging: Paging
) -> tuple[list[dict[str, Any]], str | None]:
    """What happened with a customer and what is planned, the newest first. Raises CustomerNotFound."""
    customer_id = await resolved(conn, me.store_id, customer_id)
    rows = await conn.fetch(
        _TIMELINE,
        me.store_id,
        customer_id,
        kinds,
        paging.after_instant(),
        paging.after_uuid(1) if paging.after else None,
        paging.limit + 1,
        me.closed_tiers,
        me.reads_all,
        me.staff_id,
    )
    items, cursor = paging.cut(rows, lambda row: (row["at"], row["id"]))
    return [{**dict(row), "detail": orjson.loads(row["detail"])} for row in items], cursor


_CARD = {
    "vehicles": """
        SELECT id, plate, vin, engine_number, model, colour, purchased_on, interval_months, interval_km, last_maintenance_on,
               last_maintenance_km, next_maintenance_on, ended_at, end_reason
        FROM vehicles WHERE store_id = $1 AND customer_id = $2 ORDER BY id DESC LIMIT 50
    """,
    "sales": """
        SELECT t.id, t.vehicle_id, t.delivered_on, t.consultant_id, s.name AS consultant, t.insured, t.plated, t.card_handed_on
        FROM sales t LEFT JOIN staff s ON s.store_id = t.store_id AND s.id = t.consultant_id
        WHERE t.store_id = $1 AND t.customer_id = $2 ORDER BY t.delivered_on DESC LIMIT 50
    """,
    "policies": """
        SELECT id, vehicle_id, insurer, number, starts_on, expires_on, result
        FROM insurance_policies WHERE store_id = $1 AND customer_id = $2 ORDER BY expires_on DESC LIMIT 50
    """,
    "work_orders": """
        SELECT t.id, t.vehicle_id, t.number, t.kind, t.opened_at, t.closed_at, t.items, t.fee_fen, t.mileage_km, t.first_service,
               a.name AS advisor, e.name AS technician
        FROM work_orders t LEFT JOIN staff a ON a.store_id = t.store_id AND a.id = t.advisor_id
        LEFT JOIN staff e ON e.store_id = t.store_id AND e.id = t.technician_id
        WHERE t.store_id = $1 AND t.customer_id = $2 ORDER BY t.closed_at DESC LIMIT 50
    """,
    "leads": """
        SELECT t.id, t.model, t.expected_on, t.first_visit_on, t.level, t.state, t.lost_kind, t.lost_reason, t.closed_on,
               t.reactivate_on, t.next_on, t.sale_id, t.deal_fen, t.source, t.consultant_id, s.name AS consultant
        FROM leads t LEFT JOIN staff s ON s.store_id = t.store_id AND s.id = t.consultant_id
        WHERE t.store_id = $1 AND t.customer_id = $2 ORDER BY t.id DESC LIMIT 50
    """,
    "lead_movements": """
        SELECT m.id, m.lead_id, m.at, m.from_level, m.to_level, m.from_state, m.to_state, m.reason, s.name AS consultant
        FROM lead_movements m JOIN leads l ON l.store_id = m.store_id AND l.id = m.lead_id
        LEFT JOIN staff s ON s.store_id = m.store_id AND s.id = m.consultant_id
        WHERE m.store_id = $1 AND l.customer_id = $2 ORDER BY m.at DESC, m.id DESC LIMIT 100
    """,
}
_VISITS = """
    SELECT t.id, t.programme, t.step, t.purposes, t.due_on, t.state, t.channel, t.satisfaction, t.problem_type, t.closed_at,
           s.name AS assignee, a.note, a.outcome
    FROM visits t LEFT JOIN staff s ON s.store_id = t.store_id AND s.id = t.assignee_id
    LEFT JOIN LATERAL (SELECT note, outcome FROM attempts a WHERE a.store_id = t.store_id AND a.visit_id = t.id
                       AND a.withdrawn_at IS NULL ORDER BY a.seq DESC LIMIT 1) a ON true
    WHERE t.store_id = $1 AND t.customer_id = $2 AND t.tier <> ALL ($3) ORDER BY t.due_on DESC, t.id DESC LIMIT 100
"""
_TIMELINE = """
    WITH own AS (SELECT * FROM visits WHERE store_id = $1 AND customer_id = $2 AND tier <> ALL ($7)),
    files AS (SELECT id FROM customers WHERE store_id = $1 AND (id = $2 OR merged_into = $2)),
    happened AS (
        SELECT v.due_at AS at, 'visit' AS kind, v.id, jsonb_build_object('programme', v.programme, 'step', v.step, 'state', v.state,
               'due_on', v.due_on, 'assignee_id', v.assignee_id, 'satisfaction', v.satisfaction, 'purposes', v.purposes) AS detail
        FROM own v
        UNION ALL
        SELECT a.at, 'attempt', a.id, jsonb_build_object('visit_id', a.visit_id, 'staff_id', a.staff_id, 'channel', a.channel,
               'outcome', a.outcome, 'direction', a.direction, 'note', a.note, 'withdrawn', a.withdrawn_at IS NOT NULL)
        FROM own v JOIN attempts a ON a.store_id = v.store_id AND a.visit_id = v.id
        UNION ALL
        SELECT coalesce(m.sent_at, m.created_at), 'message', m.id, jsonb_build_object('visit_id', m.visit_id, 'channel', m.channel,
               'state', m.state, 'reason', m.reason, 'template', m.template)
        FROM messages m WHERE m.store_id = $1 AND m.customer_id IN (SELECT id FROM files)
        UNION ALL
        SELECT w.closed_at, 'work_order', w.id, jsonb_build_object('number', w.number, 'kind', w.kind, 'vehicle_id', w.vehicle_id,
               'items', w.items, 'fee_fen', w.fee_fen, 'mileage_km', w.mileage_km)
        FROM work_orders w WHERE w.store_id = $1 AND w.customer_id = $2
        UNION ALL
        SELECT s.delivered_on::timestamp AT TIME ZONE (SELECT timezone FROM stores WHERE id = $1), 'sale', s.id,
               jsonb_build_object('vehicle_id', s.vehicle_id, 'delivered_on', s.delivered_on, 'insured', s.insured, 'plated', s.plated)
        FROM sales s WHERE s.store_id = $1 AND s.customer_id = $2
        UNION ALL
        SELECT u.at, 'voucher', u.id, jsonb_build_object('voucher_id', u.id, 'happened', u.happened, 'kind', u.kind, 'code', u.code,
               'valid_to', u.valid_to, 'work_order_id', u.work_order_id, 'reason', u.cancel_reason)
        FROM (
            SELECT o.*, w.at, w.happened FROM vouchers o CROSS JOIN LATERAL (VALUES (o.issued_at, 'issued'),
                (o.redeemed_at, 'redeemed'), (o.cancelled_at, 'cancelled')) AS w(at, happened)
            WHERE o.store_id = $1 AND o.customer_id = $2 AND w.at IS NOT NULL
        ) u
        UNION ALL
        SELECT b.opened_at, 'complaint', b.id, jsonb_build_object('complaint_id', b.id, 'number', b.number, 'kind', b.kind,
               'category', b.category, 'crisis', b.crisis, 'state', b.state, 'owner_id', b.owner_id, 'respond_by', b.respond_by,
               'handle_by', b.handle_by, 'closed_at', b.closed_at, 'reopened', b.reopened,
               'text', CASE WHEN $8 OR b.owner_id = $9 THEN b.text END)
        FROM complaints b WHERE b.store_id = $1 AND b.customer_id IN (SELECT id FROM files)
        UNION ALL
        SELECT p.opened_at, 'problem', p.id, jsonb_build_object('problem_id', p.id, 'type', p.type, 'department', p.department,
               'state', p.state, 'text', p.text, 'action', p.action, 'act_by', p.act_by)
        FROM problems p WHERE p.store_id = $1 AND p.customer_id IN (SELECT id FROM files)
        UNION ALL
        SELECT l.created_at, 'lead', l.id, jsonb_build_object('model', l.model, 'expected_on', l.expected_on, 'state', l.state)
        FROM leads l WHERE l.store_id = $1 AND l.customer_id = $2
        UNION ALL
        SELECT g.at, 'change', g.id, jsonb_build_object('action', g.action, 'actor_kind', g.actor_kind, 'actor_id', g.actor_id)
               || g.detail
        FROM audit_log g WHERE g.store_id = $1 AND g.object_kind = 'customer' AND g.object_id IN (SELECT id FROM files)
    )
    SELECT at, kind, id, detail FROM happened
    WHERE ($3::text[] IS NULL OR kind = ANY($3)) AND ($4::timestamptz IS NULL OR (at, id) < ($4, $5::uuid))
    ORDER BY at DESC, id DESC LIMIT $6
"""
