"""The morning's last step: calls that are too many for a day, or for a customer of two tiers, get another day (domain.md §10.15, §5.9)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal
from uuid import UUID

import asyncpg

from shared.db import Connection
from shared.domain.load import DEFAULT_CAPACITY, GRACE_DAYS, Call, Capacity, Spread, spread
from shared.domain.programme import PlanCounts, PlannedVisit, Trigger
from shared.events import Actor
from shared.ids import new_id
from shared.planning.follow import plan_follow_ons
from shared.planning.replan import move_visits
from shared.planning.rows import tell
from shared.stores import StoreContext

HORIZON_DAYS = 21
NO_ROOM = "no_room"
URGENT_PROGRAMMES = frozenset({"after-complaint", "appointment", "appointment-missed", "accident", "by-hand"})
URGENT_PURPOSES = frozenset({"read_reply", "recall_safety", "call_back"})
TRYING = "trying"
_DAY = timedelta(days=1)
_INSTANT = timedelta(microseconds=1)

# Calls of the next weeks; what a person does by letter or on site has a pace of its own.
_CALLS = """
    SELECT v.id, v.customer_id, v.assignee_id, v.tier, v.programme, v.purposes, v.state, v.tries, v.promised_at, v.due_on,
        v.window_start, v.window_end, v.trigger_at, v.next_at, v.callee_phone_index, c.flags @> '{high_value}' AS high_value
    FROM visits v JOIN customers c ON c.store_id = v.store_id AND c.id = v.customer_id
    WHERE v.store_id = $1 AND v.closed_at IS NULL AND v.state IN ('planned', 'due', 'trying') AND v.next_step = 'call'
        AND v.next_at < $2
    ORDER BY v.id
"""
_LOCK = """
    SELECT * FROM visits WHERE store_id = $1 AND id = ANY($2) AND state IN ('planned', 'due') AND tries = 0 AND promised_at IS NULL
    ORDER BY id FOR UPDATE
"""
_TASK = """
    INSERT INTO tasks (store_id, id, kind, role, detail, created_at)
    VALUES ($1, $2, 'visits_expired', 'customer_manager', jsonb_build_object('first_visit_id', $3::uuid, 'reason', $4::text), $5)
    ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True)
class Moved:
    """A visit that gets another day, or none any more, and why."""

    id: UUID
    to: date
    state: Literal["planned", "expired"]
    shifts: tuple[str, ...]


async def spread_load(conn: Connection, store: StoreContext, *, now: datetime, actor: Actor) -> PlanCounts:
    """Spread the calls of the store from today on; out: how many moved (as planned) and how many expired for want of room.

    On a closed day nobody calls, so nothing is spread. Visits that somebody has begun with since they were read stay as they are.
    """
    today = store.calendar.day_of(now)
    if not store.calendar.is_open(today):
        return PlanCounts()
    rows = await conn.fetch(_CALLS, store.id, store.calendar.end_of_day(today + HORIZON_DAYS * _DAY))
    grace = store.setting("load_grace_days", GRACE_DAYS)
    found = spread(calls_of(rows, store), _capacity(store), store.calendar, today, grace_days=grace)
    moves = _moves(found, today)
    locked = await conn.fetch(_LOCK, store.id, list(moves))
    await move_visits(conn, store.id, [(row, _as_planned(row, moves[row["id"]], store, now)) for row in locked], now, actor)
    expired = [row["id"] for row in locked if moves[row["id"]].state == "expired"]
    if expired:
        await conn.execute(_TASK, store.id, new_id(), expired[0], NO_ROOM, now)
        await plan_follow_ons(conn, store, expired, now=now, actor=actor)
    await tell(conn, store.id, len(locked))
    return PlanCounts(len(locked) - len(expired), len(expired))


def calls_of(rows: Collection[asyncpg.Record], store: StoreContext) -> list[Call]:
    """Visits grouped as one call each: one person rung, one ringing, one tier, one day. The narrowest window counts."""
    groups: dict[tuple[object, ...], list[asyncpg.Record]] = defaultdict(list)
    for row in rows:
        day = store.calendar.day_of(row["promised_at"] or row["next_at"])
        groups[row["customer_id"], row["callee_phone_index"], row["assignee_id"], row["tier"], day].append(row)
    return [_call(visits, day, store) for (*_, day), visits in groups.items() if isinstance(day, date)]


def _call(visits: Sequence[asyncpg.Record], day: date, store: StoreContext) -> Call:
    first, calendar = visits[0], store.calendar
    return Call(
        ids=tuple(row["id"] for row in visits),
        customer_id=first["customer_id"],
        assignee_id=first["assignee_id"],
        tier=first["tier"],
        on=day,
        earliest=min(calendar.day_of(row["window_start"]) for row in visits),
        latest=min(calendar.day_of(row["window_end"] - _INSTANT) for row in visits),
        trigger_at=min(row["trigger_at"] for row in visits),
        fixed=any(_is_fixed(row) for row in visits),
        high_value=first["high_value"],
    )


def _is_fixed(row: asyncpg.Record) -> bool:
    """A promise, a running ladder, what somebody chose the day of, what cannot wait."""
    begun = row["state"] == TRYING or row["tries"] > 0 or row["promised_at"] is not None
    return begun or row["programme"] in URGENT_PROGRAMMES or bool(URGENT_PURPOSES.intersection(row["purposes"]))


def _capacity(store: StoreContext) -> Capacity:
    away = [(person.id, start, end) for person in store.staff.values() for start, end, _ in person.absent]

    def of(person_id: UUID, day: date) -> int:
        person = store.staff.get(person_id)
        if not store.calendar.is_open(day) or any(who == person_id and start <= day <= end for who, start, end in away):
            return 0
        return person.capacity if person else DEFAULT_CAPACITY

    return of


def _moves(found: Spread, today: date) -> Mapping[UUID, Moved]:
    moves = {id_: Moved(id_, shift.to, "planned", shift.reasons) for shift in found.shifts for id_ in shift.call.ids}
    over = (f"no_room|{today}|{today}|",)
    return moves | {id_: Moved(id_, today, "expired", over) for call in found.expired for id_ in call.ids}


def _as_planned(row: asyncpg.Record, moved: Moved, store: StoreContext, now: datetime) -> PlannedVisit:
    calendar, gone = store.calendar, moved.state == "expired"
    return PlannedVisit(
        programme=row["programme"], step=row["step"], occurrence=row["occurrence"], purposes=tuple(row["purposes"]),
        role=row["role"], channel=row["channel"], due_on=row["due_on"] if gone else moved.to,
        due_at=row["due_at"] if gone else max(calendar.opening(moved.to), now), window_start=row["window_start"],
        window_end=row["window_end"] if gone else max(row["window_end"], calendar.end_of_day(moved.to)),
        trigger_type=Trigger.VISIT_CLOSED, trigger_id=row["trigger_id"], trigger_at=row["trigger_at"],
        customer_id=row["customer_id"], vehicle_id=row["vehicle_id"], state=moved.state, reason=NO_ROOM if gone else None,
        shifts=moved.shifts, target_at=row["target_at"],
    )  # fmt: skip
