"""One brief before the call: who, which car, what happened, what was promised, what to say and to ask (S1, S4; domain.md §5.1)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from services.api.identities import Me
from services.api.scripts.queries import with_own_words
from services.api.visits import queries
from services.api.visits.about import words_about
from services.api.visits.background import background, background_flags
from services.api.visits.frozen import freeze_of
from services.api.visits.next import with_limits
from services.api.visits.script import Facts, render_script, written
from services.api.visits.spoken import appointment_of, speaker
from services.api.vouchers.queries import voucher_of
from shared.crypto import Vault
from shared.db import Connection
from shared.domain.calling import CallFacts, blocked_until
from shared.domain.programme import Programme, Step
from shared.domain.visit import OPEN
from shared.phones import mask
from shared.planning.campaigns import steps_of as campaign_steps
from shared.stores import StoreContext

_DAY = timedelta(days=1)
PARTS = ((9, 12), (12, 14), (14, 17), (17, 19), (19, 21))


async def brief(
    conn: Connection, store: StoreContext, vault: Vault, me: Me, visit_id: UUID, *, now: datetime, language: str
) -> dict[str, Any]:
    """Everything a caller must know, in one answer; logs no view and claims nothing. Raises VisitNotFound."""
    visit = await queries.visit(conn, me, visit_id)
    customer = await conn.fetchrow(_CUSTOMER, store.id, visit["customer_id"])
    if customer is None:
        raise queries.VisitNotFound
    vehicle = await conn.fetchrow(_VEHICLE, store.id, visit["vehicle_id"])
    sale = await conn.fetchrow(_SALE, store.id, visit["vehicle_id"])
    orders = await conn.fetch(_ORDERS, store.id, visit["customer_id"])
    points = await conn.fetch(_POINTS, store.id, visit["customer_id"])
    callee = await conn.fetchrow(_CALLEE, store.id, visit_id)
    together = await _together(conn, store.id, visit, now)
    campaigns = await campaign_steps(conn, store.id, together.values())
    history = await conn.fetch(_HISTORY, store.id, visit["customer_id"], visit_id)
    today = store.calendar.day_of(now)
    other_tier = await conn.fetchval(
        _OTHER_TIER, store.id, visit_id, store.calendar.end_of_day(today - _DAY), store.calendar.end_of_day(today)
    )
    reason, until = await freeze_of(conn, store, visit, now)
    facts = replace(_call_facts(visit, customer, points, callee, other_tier, store, now), frozen=bool(reason), frozen_until=until)
    blocked = blocked_until(facts, store.calendar, now)
    named = [(each, step) for each in together.values() if (step := campaigns.get(each["id"]) or _step(store, each)) is not None]
    steps = await with_own_words(conn, store.id, [(each["programme"], step) for each, step in named])
    appointment = await appointment_of(conn, store.id, visit)
    named_facts = _script_facts(store, me, visit, customer, vehicle, sale, orders, appointment)
    script = render_script(steps, replace(named_facts, about=await words_about(conn, store, visit)))
    known = await background(conn, store, me, visit, today)
    return {
        "visit": with_limits(visit, store),
        "visit_ids": list(together),
        "customer": _customer(customer),
        "callee": _callee(store.id, vault, customer, points, callee),
        "vehicle": _vehicle(vehicle),
        "sale": dict(sale) if sale else None,
        "work_orders": [dict(row) for row in orders],
        "earlier": [_earlier(row) for row in history if row["tier"] not in me.closed_tiers],
        **known,
        "appointment": dict(appointment) if appointment else None,
        "messages": [dict(row) for row in await conn.fetch(_MESSAGES, store.id, visit["customer_id"])],
        "vouchers": [
            voucher_of(row, store.calendar.day_of(now), language)
            for row in await conn.fetch(_VOUCHERS, store.id, visit["customer_id"], store.calendar.day_of(now))
        ],
        "promises": [dict(row) for row in await conn.fetch(_PROMISES, store.id, visit["customer_id"])],
        "script": [{"part": part, "text": text} for part, text in script],
        "wechat_text": written(script) if _by_wechat(visit, customer) else None,
        "questions": list(_questions([(each["id"], step) for (each, _), step in zip(named, steps, strict=True)], language)),
        "best_hours": _best_hours(history, store),
        "flags": [*_flags(customer, points, visit), *background_flags(known), *(["other_tier_today"] if other_tier else [])],
        "callable": blocked is None or blocked.reason not in {"opted_out", "deceased", "no_number"},
        "blocked": asdict(blocked) if blocked else None,
    }


async def _together(conn: Connection, store_id: UUID, visit: Mapping[str, Any], now: datetime) -> dict[UUID, dict[str, Any]]:
    """The open visits that one call covers: same customer, same person, same tier, due by now; this one first."""
    if visit["state"] not in OPEN:
        return {visit["id"]: dict(visit)}
    rows = await conn.fetch(_TOGETHER, store_id, visit["customer_id"], visit["id"], now)
    others = {row["id"]: dict(row) for row in rows if row["id"] != visit["id"]}
    return {visit["id"]: dict(visit), **others}


def _by_wechat(visit: Mapping[str, Any], customer: asyncpg.Record) -> bool:
    return "wechat" in (visit["channel"], customer["preferred_channel"] if visit["channel"] == "phone" else None)


def _step(store: StoreContext, visit: Mapping[str, Any]) -> Step | None:
    programme: Programme | None = store.programmes.get(visit["programme"])
    try:
        return programme.step(visit["step"]) if programme else None
    except KeyError:
        return None


def _questions(asked: Sequence[tuple[UUID, Step]], language: str) -> Iterable[dict[str, Any]]:
    """The questions of all purposes, each once with the visits that ask it; required if any purpose requires it."""
    required = {question.key for _, step in asked for question in step.questions if question.required}
    seen: set[str] = set()
    for question in (question for _, step in asked for question in step.questions):
        if question.key in seen:
            continue
        seen.add(question.key)
        yield {
            "key": question.key,
            "text": question.en if language == "en" else question.zh,
            "type": question.type,
            "required": question.key in required,
            "visit_ids": [visit_id for visit_id, step in asked if any(other.key == question.key for other in step.questions)],
            "options": [
                {"value": option.value, "text": option.name.en if language == "en" else option.name.zh}
                for option in question.options
            ],
        }


def _customer(row: asyncpg.Record) -> dict[str, Any]:
    out = {name: row[name] for name in _CUSTOMER_FIELDS}
    out["calling_hours"] = orjson.loads(row["calling_hours"]) if row["calling_hours"] else None
    return out


def _vehicle(row: asyncpg.Record | None) -> dict[str, Any] | None:
    return None if row is None else {name: value for name, value in row.items() if name != "ended_at"}


def _callee(
    store_id: UUID, vault: Vault, customer: asyncpg.Record, points: Sequence[asyncpg.Record], callee: asyncpg.Record | None
) -> dict[str, Any]:
    """Whom to ring: the person who brought the car when the order names one, else the owner; numbers masked."""
    numbers = []
    if callee and callee["callee_phone"]:
        phone = vault.open(callee["callee_phone"], "visits", "callee_phone", store_id, callee["id"])
        numbers.append({"contact_point_id": callee["id"], "masked": mask(phone), "usable": True, "opted_out": False})
    for row in points:
        if row["kind"] != "phone":
            continue
        phone = vault.open(row["value"], "contact_points", "value", store_id, row["id"])
        usable = row["wrong_at"] is None and not row["opted_out"]
        numbers.append(
            {
                "contact_point_id": row["id"],
                "masked": mask(phone),
                "usable": usable,
                "opted_out": row["opted_out"],
                "wrong": row["wrong_at"] is not None,
                "warned": row["warned"],
            }
        )
    name = callee["callee_name"] if callee and callee["callee_name"] else customer["name"]
    return {
        "name": name,
        "is_owner": name == customer["name"],
        "numbers": numbers,
        "email": any(row["kind"] == "email" for row in points),
    }


def _call_facts(
    visit: Mapping[str, Any],
    customer: asyncpg.Record,
    points: Sequence[asyncpg.Record],
    callee: asyncpg.Record | None,
    other_tier: bool,
    store: StoreContext,
    now: datetime,
) -> CallFacts:
    phones = [row for row in points if row["kind"] == "phone" and row["wrong_at"] is None]
    return CallFacts(
        has_number=bool(phones) or bool(callee and callee["callee_phone"]),
        opted_out=bool(phones) and all(row["opted_out"] for row in phones) and not (callee and callee["callee_phone"]),
        deceased=customer["deceased_at"] is not None,
        calling_hours=orjson.loads(customer["calling_hours"]) if customer["calling_hours"] else None,
        next_at=visit["next"]["at"] if visit["next"] and visit["next"]["step"] == "call" else None,
        promised_at=visit["promised_at"],
        other_tier_today=other_tier and visit["window_end"] > store.calendar.end_of_day(store.calendar.day_of(now)),
        channel=visit["channel"],
    )


def _script_facts(
    store: StoreContext,
    me: Me,
    visit: Mapping[str, Any],
    customer: asyncpg.Record,
    vehicle: asyncpg.Record | None,
    sale: asyncpg.Record | None,
    orders: Sequence[asyncpg.Record],
    appointment: asyncpg.Record | None,
) -> Facts:
    order = next((row for row in orders if row["id"] == visit["trigger"]["id"]), None)
    return Facts(
        store=store,
        staff_name=speaker(store, me, visit),
        customer=dict(customer),
        vehicle=dict(vehicle) if vehicle else {},
        sale=dict(sale) if sale else {},
        order=dict(order) if order else {},
        trigger_at=visit["trigger"]["at"],
        appointment=dict(appointment) if appointment else {},
    )


def _earlier(row: asyncpg.Record) -> dict[str, Any]:
    return {
        name: row[name]
        for name in ("id", "programme", "step", "state", "due_on", "closed_at", "satisfaction", "problem_type", "note")
    }


def _best_hours(history: Sequence[asyncpg.Record], store: StoreContext) -> list[dict[str, Any]]:
    """The parts of the day in which this customer answered before, best first (domain.md §11.5)."""
    answered = [store.calendar.local(at).hour for row in history for at in row["answered_at"] or ()]
    tried = [store.calendar.local(at).hour for row in history for at in row["called_at"] or ()]
    parts = []
    for start, end in PARTS:
        of, hits = sum(start <= hour < end for hour in tried), sum(start <= hour < end for hour in answered)
        if of:
            parts.append({"from": f"{start:02}:00", "to": f"{end:02}:00", "answered": hits, "of": of})
    return sorted(parts, key=lambda part: (-part["answered"] / part["of"], -part["of"]))


def _flags(customer: asyncpg.Record, points: Sequence[asyncpg.Record], visit: Mapping[str, Any]) -> list[str]:
    flags = list(customer["flags"])
    if customer["deceased_at"]:
        flags.append("deceased")
    if any(row["opted_out"] for row in points):
        flags.append("opted_out")
    if any(row["wrong_at"] for row in points):
        flags.append("wrong_number")
    if any(row["warned"] for row in points):
        flags.append("number_doubtful")
    if visit["promised_at"]:
        flags.append("promised")
    return flags


_CUSTOMER_FIELDS = (
    "id", "name", "kind", "gender", "lifecycle", "region", "preferred_channel", "language", "service_preferences", "flags", "note",
)  # fmt: skip
_CUSTOMER = f"SELECT {', '.join(_CUSTOMER_FIELDS)}, calling_hours, deceased_at FROM customers WHERE store_id = $1 AND id = $2"
_VEHICLE = """
    SELECT v.id, v.plate, v.vin, v.model, v.purchased_on, v.last_maintenance_on, v.next_maintenance_on, v.interval_months,
        v.interval_km, v.last_maintenance_km, v.ended_at,
        (SELECT max(km) FROM mileage_readings m WHERE m.store_id = v.store_id AND m.vehicle_id = v.id) AS mileage_km
    FROM vehicles v WHERE v.store_id = $1 AND v.id = $2
"""
_SALE = """
    SELECT s.id, s.delivered_on, s.insured, s.plated, s.card_handed_on, t.name AS consultant FROM sales s
    LEFT JOIN staff t ON t.store_id = s.store_id AND t.id = s.consultant_id
    WHERE s.store_id = $1 AND s.vehicle_id = $2 ORDER BY s.delivered_on DESC LIMIT 1
"""
_ORDERS = """
    SELECT w.id, w.number, w.kind, w.closed_at, w.items, w.fee_fen, w.mileage_km, s.name AS advisor, t.name AS technician
    FROM work_orders w LEFT JOIN staff s ON s.store_id = w.store_id AND s.id = w.advisor_id
    LEFT JOIN staff t ON t.store_id = w.store_id AND t.id = w.technician_id
    WHERE w.store_id = $1 AND w.customer_id = $2 ORDER BY w.closed_at DESC LIMIT 5
"""
_POINTS = """
    SELECT c.id, c.kind, c.value, c.wrong_at, EXISTS (
        SELECT FROM opt_outs o WHERE o.number_index = c.value_index AND o.revoked_at IS NULL AND o.channel IN ('phone', 'all')
    ) AS opted_out, c.wrong_at IS NULL AND n.wrong_at IS NOT NULL AS warned
    FROM contact_points c LEFT JOIN numbers n ON n.number_index = c.value_index
    WHERE c.store_id = $1 AND c.customer_id = $2 ORDER BY c.rank, c.id
"""
_CALLEE = "SELECT id, callee_name, callee_phone FROM visits WHERE store_id = $1 AND id = $2"
_TOGETHER = """
    SELECT o.id, o.programme, o.step, o.vehicle_id FROM visits o JOIN visits v ON v.store_id = o.store_id AND v.id = $3
    WHERE o.store_id = $1 AND o.customer_id = $2 AND o.assignee_id IS NOT DISTINCT FROM v.assignee_id AND o.tier = v.tier
        AND o.callee_phone_index IS NOT DISTINCT FROM v.callee_phone_index
        AND o.state IN ('due', 'trying') AND o.next_step = 'call' AND o.next_at <= $4 ORDER BY o.window_end, o.id
"""
_HISTORY = """
    SELECT v.id, v.tier, v.programme, v.step, v.state, v.due_on, v.closed_at, v.satisfaction, v.problem_type,
        a.note, a.answered_at, a.called_at
    FROM visits v LEFT JOIN LATERAL (
        SELECT (array_agg(note ORDER BY seq DESC) FILTER (WHERE note IS NOT NULL))[1] AS note,
            array_agg(at) FILTER (WHERE channel = 'phone' AND outcome = 'reached') AS answered_at,
            array_agg(at) FILTER (WHERE channel = 'phone' AND direction = 'out') AS called_at
        FROM attempts WHERE store_id = v.store_id AND visit_id = v.id AND withdrawn_at IS NULL
    ) a ON true
    WHERE v.store_id = $1 AND v.customer_id = $2 AND v.id <> $3 AND (v.closed_at IS NOT NULL OR a.called_at IS NOT NULL)
    ORDER BY v.closed_at DESC NULLS LAST LIMIT 20
"""
_MESSAGES = """
    SELECT id, channel, kind, state, reason, created_at, sent_at FROM messages
    WHERE store_id = $1 AND customer_id = $2 ORDER BY created_at DESC LIMIT 5
"""
_VOUCHERS = """
    SELECT id, code, kind, value_fen, percent_off, valid_from, valid_to, vehicle_id, redeemed_at, cancelled_at FROM vouchers
    WHERE store_id = $1 AND customer_id = $2 AND valid_to >= $3 AND redeemed_at IS NULL AND cancelled_at IS NULL ORDER BY valid_to, id
"""
_OTHER_TIER = """
    SELECT EXISTS (
        SELECT FROM visits v JOIN visits o ON o.store_id = v.store_id AND o.customer_id = v.customer_id AND o.tier <> v.tier
        JOIN attempts t ON t.store_id = o.store_id AND t.visit_id = o.id
        WHERE v.store_id = $1 AND v.id = $2 AND t.at >= $3 AND t.at < $4 AND t.channel = 'phone' AND t.direction = 'out'
            AND t.withdrawn_at IS NULL
    )
"""
_PROMISES = """
    SELECT id AS visit_id, promised_at, programme, step, assignee_id FROM visits
    WHERE store_id = $1 AND customer_id = $2 AND promised_at IS NOT NULL AND state IN ('planned', 'due', 'trying') ORDER BY promised_at
"""
