"""The worklist of one person or one pool: open visits grouped into calls, each with its place and what blocks it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5

import asyncpg
import orjson

from services.api.identities import Me
from services.api.visits.door import with_limits
from services.api.visits.queries import TO_CONFIRM
from shared.complaints import Freeze, freeze_gap, is_frozen_kind, open_or_recent
from shared.db import Connection
from shared.domain.assignment import Group, WorklistFacts, worklist_group, worklist_order
from shared.domain.calling import CallFacts, blocked_until
from shared.domain.confirmation import SAMPLE_PERCENT
from shared.handover.absences import stand_ins
from shared.stores import StoreContext

LIMIT = 500
COMPLAINT_PROGRAMMES = frozenset({"after-complaint", "crisis"})
CONFIRM_BACK = timedelta(days=31)


async def worklist(
    conn: Connection, store: StoreContext, me: Me, assignee_id: UUID | None, *, now: datetime, limit: int
) -> dict[str, Any]:
    """The calls of one person (None: everybody's the caller may see) in order, with counts that are those of the rows.

    A call is made of the visits of one person rung (the customer, or who brought the car), one assignee and one tier; tiers are not
    merged (S0). An organisation's call lists its cars.
    """
    day_start = store.calendar.at(store.calendar.day_of(now), _MIDNIGHT)
    day_end = store.calendar.end_of_day(store.calendar.day_of(now))
    team = sorted(me.team)
    rows = await _open_visits(conn, store.id, me, assignee_id, team, day_start, day_end)
    absent = await stand_ins(conn, store, [row["id"] for row in rows], today=store.calendar.day_of(now))
    freezes = await open_or_recent(conn, store.id, {row["customer_id"] for row in rows if _can_freeze(row, store)})
    calls = [_call(group, store, now, day_end, freezes) | _for_whom(group, absent, store) for group in _grouped(rows)]
    calls.sort(key=lambda call: call["order"])
    done = await conn.fetchrow(
        _DONE, store.id, assignee_id or me.staff_id, assignee_id is None and me.reads_every_visit, day_start, day_end,
        [] if assignee_id else team,
    )  # fmt: skip
    counts = {str(group): sum(call["group"] == group for call in calls) for group in Group}
    for call in calls:
        del call["order"]
    return {
        "items": calls[:limit],
        "counts": {"total": len(calls), **counts},
        "done_today": done["calls"] if done else 0,
        "reached_today": done["reached"] if done else 0,
        "capacity": _capacity(
            store, assignee_id or (None if me.reads_every_visit else me.staff_id), done["calls"] if done else 0
        ),
        "to_confirm": await _to_confirm(conn, store, me, now) if me.is_manager else None,
        "as_of": now,
    }


async def _open_visits(
    conn: Connection,
    store_id: UUID,
    me: Me,
    assignee_id: UUID | None,
    team: Sequence[str],
    day_start: datetime,
    day_end: datetime,
) -> Sequence[asyncpg.Record]:
    """Visits to make: a person's with, for himself, the pool of his roles; a manager's team's; everybody's."""
    about = store_id, day_end, day_start, LIMIT
    if team:
        return await conn.fetch(_TEAM, *about, assignee_id, me.staff_id, sorted(me.roles), me.reads_every_visit, team)
    if assignee_id is None and me.reads_every_visit:
        return await conn.fetch(_EVERYBODYS, *about)
    person_id = assignee_id or me.staff_id
    return await conn.fetch(_ONES, *about, person_id, sorted(me.roles), person_id == me.staff_id)


def _grouped(rows: Iterable[asyncpg.Record]) -> list[list[asyncpg.Record]]:
    groups: dict[tuple[UUID, bytes | None, UUID | None, str], list[asyncpg.Record]] = {}
    for row in rows:
        groups.setdefault((row["customer_id"], row["callee_phone_index"], row["assignee_id"], row["tier"]), []).append(row)
    return list(groups.values())


def _call(
    visits: Sequence[asyncpg.Record], store: StoreContext, now: datetime, day_end: datetime, freezes: Mapping[UUID, Freeze]
) -> dict[str, Any]:
    """One call. The visit with the earliest deadline leads, one that a complaint freezes last; what is not yet due is not in it."""
    freeze = freezes.get(visits[0]["customer_id"])
    holds = freeze is not None and freeze.holds(now, freeze_gap(store.policies))
    lead = min(
        visits,
        key=lambda row: (
            holds and _can_freeze(row, store),
            row["promised_at"] is None,
            row["promised_at"] or row["window_end"],
            row["window_end"],
            row["id"],
        ),
    )
    known = _facts(lead)
    if freeze is not None and holds and _can_freeze(lead, store):
        known = replace(known, frozen=True, frozen_until=freeze.until(now, freeze_gap(store.policies)))
    blocked = blocked_until(known, store.calendar, now)
    facts = WorklistFacts(
        id=lead["id"],
        window_end=min(row["window_end"] for row in visits),
        trigger_at=min(row["trigger_at"] for row in visits),
        promised_at=lead["promised_at"],
        crisis=any(row["programme"] in COMPLAINT_PROGRAMMES and row["crisis"] for row in visits),
        complaint=any(row["programme"] in COMPLAINT_PROGRAMMES for row in visits),
        high_value="high_value" in lead["flags"],
        blocked=blocked is not None,
    )
    purposes = list(dict.fromkeys(purpose for row in visits for purpose in row["purposes"]))
    return {
        "call_id": uuid5(
            NAMESPACE_OID,
            f"{lead['customer_id']}|{_callee(lead)}{lead['assignee_id']}|{lead['tier']}|{store.calendar.day_of(now)}",
        ),
        "visit_ids": [lead["id"], *(row["id"] for row in visits if row["id"] != lead["id"])],
        "customer": {
            "id": lead["customer_id"],
            "name": lead["customer_name"],
            "kind": lead["customer_kind"],
            "flags": lead["flags"],
        },
        "callee_name": lead["callee_name"],
        "vehicles": _cars(visits),
        "plate": lead["plate"],
        "model": lead["model"],
        "programme": lead["programme"],
        "step": lead["step"],
        "purposes": purposes,
        "channel": lead["channel"],
        "preferred_channel": lead["preferred_channel"],
        "state": lead["state"],
        "assignee_id": lead["assignee_id"],
        "due_on": lead["due_on"],
        "window_start": lead["window_start"],
        "window_end": facts.window_end,
        "promised_at": lead["promised_at"],
        "tries": lead["tries"],
        "last_attempt": _last(visits),
        "next": with_limits({**lead, "next": _next(lead)}, store)["next"],
        "group": worklist_group(facts, now, day_end),
        "blocked": {"reason": blocked.reason, "until": blocked.until} if blocked else None,
        "order": worklist_order(facts, now, day_end),
    }


def _next(row: asyncpg.Record) -> dict[str, Any] | None:
    return {"step": row["next_step"], "at": row["next_at"], "reason": row["next_reason"]} if row["next_step"] else None


def _callee(row: asyncpg.Record) -> str:
    """Tells calls of one customer apart that ring other people; nothing for the customer himself."""
    return f"{row['callee_phone_index'].hex()}|" if row["callee_phone_index"] else ""


def _cars(visits: Sequence[asyncpg.Record]) -> list[dict[str, Any]]:
    """The cars a call is about, each once, in the order of their deadlines."""
    cars = {row["vehicle_id"]: {"id": row["vehicle_id"], "plate": row["plate"], "model": row["model"]} for row in visits}
    return [car for car_id, car in cars.items() if car_id is not None]


def _can_freeze(row: asyncpg.Record, store: StoreContext) -> bool:
    """Is the visit of a kind that an open complaint freezes; what follows a complaint itself never is."""
    return row["programme"] not in COMPLAINT_PROGRAMMES and is_frozen_kind(store, row["programme"], row["step"], row["purposes"])


def _capacity(store: StoreContext, person_id: UUID | None, done: int) -> dict[str, int] | None:
    """How many calls a person makes a day, and how many are left of them; None for a list of several people."""
    person = store.staff.get(person_id) if person_id else None
    return {"limit": person.capacity, "left": max(0, person.capacity - done)} if person else None


async def _to_confirm(conn: Connection, store: StoreContext, me: Me, now: datetime) -> int:
    """Results of the last month that wait for this manager's word."""
    percent = store.setting("confirm_percent", SAMPLE_PERCENT)
    leads_all = me.is_admin or "general_manager" in me.roles
    return int(await conn.fetchval(_TO_CONFIRM, store.id, now - CONFIRM_BACK, percent * 100, leads_all, sorted(me.team)))


def _for_whom(visits: Sequence[asyncpg.Record], absent: Mapping[UUID, UUID], store: StoreContext) -> dict[str, Any]:
    """Whose call it is while that person is away: 代."""
    person = next((store.staff.get(absent[row["id"]]) for row in visits if row["id"] in absent), None)
    return {"on_behalf_of": {"id": person.id, "name": person.name} if person else None}


def _last(visits: Sequence[asyncpg.Record]) -> dict[str, Any] | None:
    made = [row for row in visits if row["last_at"] is not None]
    if not made:
        return None
    last = max(made, key=lambda row: row["last_at"])
    return {"at": last["last_at"], "outcome": last["last_outcome"], "channel": last["last_channel"]}


def _facts(row: asyncpg.Record) -> CallFacts:
    return CallFacts(
        has_number=row["numbers"] > 0 or row["has_callee"],
        opted_out=row["numbers"] > 0 and row["numbers"] == row["opted_out"] and not row["has_callee"],
        deceased=row["deceased_at"] is not None,
        calling_hours=orjson.loads(row["calling_hours"]) if row["calling_hours"] and row["calling_hours"] != "null" else None,
        next_at=row["next_at"],
        promised_at=row["promised_at"],
        other_tier_today=row["other_tier_today"] and row["window_end"] > row["day_end"],
        channel=row["channel"],
    )


_MIDNIGHT = time(0)
_OPEN = """
    WITH open AS (
        SELECT v.* FROM visits v
        WHERE v.store_id = $1 AND v.closed_at IS NULL AND v.state IN ('due', 'trying') AND v.next_step IN ('call', 'letter')
            AND v.next_at < $2 AND ({whose})
    )
    SELECT v.id, v.customer_id, v.assignee_id, v.tier, v.programme, v.step, v.purposes, v.channel, v.state, v.due_on, v.window_start,
        v.window_end, v.promised_at, v.trigger_at, v.tries, v.next_step, v.next_at, v.next_reason,
        v.callee_phone IS NOT NULL AS has_callee, v.callee_phone_index, v.callee_name, v.vehicle_id, $2::timestamptz AS day_end,
        EXISTS (
            SELECT FROM complaints p WHERE p.store_id = v.store_id AND p.customer_id = v.customer_id AND p.crisis AND p.closed_at IS NULL
        ) AS crisis,
        c.name AS customer_name, c.kind AS customer_kind, c.flags, c.deceased_at, c.calling_hours, c.preferred_channel, ve.plate, ve.model,
        a.at AS last_at, a.outcome AS last_outcome, a.channel AS last_channel, p.numbers, p.opted_out,
        EXISTS (
            SELECT FROM visits o JOIN attempts t ON t.store_id = o.store_id AND t.visit_id = o.id
            WHERE o.store_id = v.store_id AND o.customer_id = v.customer_id AND o.tier <> v.tier
                AND t.at >= $3 AND t.at < $2 AND t.channel = 'phone' AND t.direction = 'out' AND t.withdrawn_at IS NULL
        ) AS other_tier_today
    FROM open v
    JOIN customers c ON c.store_id = v.store_id AND c.id = v.customer_id
    LEFT JOIN vehicles ve ON ve.store_id = v.store_id AND ve.id = v.vehicle_id
    LEFT JOIN LATERAL (
        SELECT at, outcome, channel FROM attempts
        WHERE store_id = v.store_id AND visit_id = v.id AND withdrawn_at IS NULL ORDER BY seq DESC LIMIT 1
    ) a ON true
    CROSS JOIN LATERAL (
        SELECT count(*) AS numbers, count(o.number_index) AS opted_out
        FROM contact_points n LEFT JOIN LATERAL (
            SELECT number_index FROM opt_outs
            WHERE number_index = n.value_index AND channel IN ('phone', 'all') AND revoked_at IS NULL LIMIT 1
        ) o ON true
        WHERE n.store_id = v.store_id AND n.customer_id = v.customer_id AND n.kind = 'phone' AND n.wrong_at IS NULL
    ) p
    ORDER BY v.promised_at NULLS LAST, v.window_end, v.id
    LIMIT $4
"""
_POOL = "v.assignee_id IS NULL AND (v.role IS NULL OR v.role = ANY({roles}))"
_ONES = _OPEN.format(whose=f"v.assignee_id = $5 OR ($7::bool AND {_POOL.format(roles='$6')})")
_EVERYBODYS = _OPEN.format(whose="true")
_TEAM = _OPEN.format(
    whose=f"""($5::uuid IS NULL OR v.assignee_id = $5) AND ($8::bool OR v.assignee_id = $6 OR coalesce(v.role, 'system') = ANY($9))
            OR ({_POOL.format(roles="$7")} AND coalesce($5, $6) IS NOT DISTINCT FROM $6)"""
)
_DONE = """
    SELECT count(DISTINCT v.customer_id) AS calls,
        count(DISTINCT v.customer_id) FILTER (WHERE a.outcome = 'reached') AS reached
    FROM attempts a JOIN visits v ON v.store_id = a.store_id AND v.id = a.visit_id
    WHERE a.store_id = $1 AND a.at >= $4 AND a.at < $5 AND a.withdrawn_at IS NULL
        AND ($3 OR a.staff_id = $2 OR coalesce(v.role, 'system') = ANY($6))
"""
_TO_CONFIRM = f"""
    SELECT count(*) FROM visits v
    WHERE v.store_id = $1 AND v.closed_at >= $2 AND v.confirmed_at IS NULL AND ($4 OR coalesce(v.role, 'system') = ANY($5))
        AND {TO_CONFIRM.format(sample="$3")}
"""
