"""Days away: what is due in them goes to the delegate (or is split) from the first day, and comes back the day after the last.

The same morning's run also finds open visits that point at somebody who has left, whatever the cause, and gives them to those who
are there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

import asyncpg
import orjson

from shared.db import Connection
from shared.domain.handover import Given, Item, able_in
from shared.domain.programme import PlanCounts
from shared.events import Actor
from shared.handover.people import end, log, mark_undone
from shared.handover.work import VISITS, give, shares, takers
from shared.stores import StoreContext

AWAY, BACK, LEFT = "absence", "absence_ended", "left"
_DAY = timedelta(days=1)

_BEGUN = """
    SELECT id, staff_id, delegate_id, from_on, to_on FROM staff_absences
    WHERE store_id = $1 AND from_on <= $2 AND to_on >= $2 AND ($3::uuid IS NULL OR id = $3) ORDER BY from_on, id
"""
_OVER = """
    SELECT h.* FROM handovers h JOIN staff_absences a ON a.store_id = h.store_id AND a.id = h.absence_id
    WHERE h.store_id = $1 AND h.undone_at IS NULL AND a.to_on < $2 ORDER BY h.at DESC, h.id DESC FOR UPDATE OF h
"""
_OF_ABSENCE = """
    SELECT * FROM handovers WHERE store_id = $1 AND absence_id = $2 AND undone_at IS NULL ORDER BY at DESC, id DESC FOR UPDATE
"""
_DUE_THEN = """
    SELECT id, customer_id, role FROM visits
    WHERE store_id = $1 AND assignee_id = $2 AND closed_at IS NULL AND state IN ('planned', 'due', 'trying')
      AND coalesce(promised_at, next_at, due_at) < $3
"""
_ORPHANS = """
    SELECT v.id, v.customer_id, v.role, v.assignee_id FROM visits v JOIN staff s ON s.store_id = v.store_id AND s.id = v.assignee_id
    WHERE v.store_id = $1 AND NOT s.active AND v.closed_at IS NULL AND v.state IN ('planned', 'due', 'trying')
"""
_STAND_INS = """
    SELECT staff_id, moves FROM handovers
    WHERE store_id = $1 AND absence_id IS NOT NULL AND undone_at IS NULL AND moves->'visits' ?| $2::text[]
"""
_FREE = "UPDATE handovers SET absence_id = NULL WHERE store_id = $1 AND absence_id = $2"


async def run_absences(conn: Connection, store: StoreContext, *, now: datetime, actor: Actor) -> PlanCounts:
    """The morning's run: what came to its end goes back, what began is given, nobody who left keeps anything. Idempotent."""
    today = store.calendar.day_of(now)
    for row in await conn.fetch(_OVER, store.id, today):
        await _bring_back(conn, store, row, now=now, actor=actor)
    for absence in await conn.fetch(_BEGUN, store.id, today, None):
        await _give(conn, store, absence, today, now=now, actor=actor)
    await rescue_orphans(conn, store, now=now, actor=actor)
    return PlanCounts()


async def begin_absence(conn: Connection, store: StoreContext, absence_id: UUID, *, now: datetime, actor: Actor) -> int:
    """An absence just entered: when it has begun, what is due in it is given at once. How many visits moved."""
    today = store.calendar.day_of(now)
    row = await conn.fetchrow(_BEGUN, store.id, today, absence_id)
    return await _give(conn, store, row, today, now=now, actor=actor) if row else 0


async def undo_absence(conn: Connection, store: StoreContext, absence_id: UUID, *, now: datetime, actor: Actor) -> int:
    """An absence that is taken back: everything nobody worked on goes back at once. How many visits did."""
    rows = await conn.fetch(_OF_ABSENCE, store.id, absence_id)
    undone = [await end(conn, store, row, reason="absence_undone", now=now, actor=actor) for row in rows]
    await conn.execute(_FREE, store.id, absence_id)
    return sum(one.restored[VISITS] for one in undone)


async def rescue_orphans(conn: Connection, store: StoreContext, *, now: datetime, actor: Actor) -> int:
    """Open visits of people who have left go to those who are there; how many."""
    rows = await conn.fetch(_ORPHANS, store.id)
    if not rows:
        return 0
    able = await takers(conn, store, store.calendar.day_of(now), without=())
    rescued = 0
    for staff_id in sorted({row["assignee_id"] for row in rows}):
        given = shares([_item(row) for row in rows if row["assignee_id"] == staff_id], able)
        moves = await give(conn, store, staff_id, given, reason=LEFT, now=now, actor=actor)
        await log(conn, store.id, staff_id, moves, reason=LEFT, now=now, actor=actor)
        rescued += len(moves.get(VISITS, ()))
    return rescued


async def stand_ins(conn: Connection, store: StoreContext, visit_ids: Sequence[UUID], *, today: date) -> Mapping[UUID, UUID]:
    """For whom somebody does these visits, by visit: those of people who are away (or came back this morning)."""
    away = any(start <= today <= last + _DAY for person in store.staff.values() for start, last, _ in person.absent)
    if not away or not visit_ids:
        return {}
    wanted = {str(visit_id) for visit_id in visit_ids}
    found: dict[UUID, UUID] = {}
    for row in await conn.fetch(_STAND_INS, store.id, sorted(wanted)):
        moved = orjson.loads(row["moves"])[VISITS]
        found |= {UUID(visit_id): row["staff_id"] for visit_id in moved.keys() & wanted}
    return found


async def _give(
    conn: Connection, store: StoreContext, absence: asyncpg.Record, today: date, *, now: datetime, actor: Actor
) -> int:
    """What is due before the end of the absence, promises among it; what is promised or due later waits for the person."""
    until = store.calendar.end_of_day(absence["to_on"])
    rows = await conn.fetch(_DUE_THEN, store.id, absence["staff_id"], until)
    given = await _takers(conn, store, absence, [_item(row) for row in rows], today)
    if not given:
        return 0
    moves = await give(conn, store, absence["staff_id"], given, reason=AWAY, now=now, actor=actor)
    if moves:
        await log(
            conn, store.id, absence["staff_id"], moves,
            reason=AWAY, now=now, actor=actor, absence_id=absence["id"], back_on=absence["to_on"] + _DAY,
        )  # fmt: skip
    return len(moves.get(VISITS, ()))


async def _takers(conn: Connection, store: StoreContext, absence: asyncpg.Record, items: Sequence[Item], today: date) -> Given:
    """The delegate gets what is in his roles while he is there himself; the rest is split."""
    if not items:
        return {}
    able = await takers(conn, store, today, without={absence["staff_id"]})
    delegate = [taker for taker in able if taker.id == absence["delegate_id"]]
    his = [item for item in items if delegate and able_in(item.role, delegate)]
    rest = [item for item in items if item not in his]
    return {(item.kind, item.id): delegate[0].id for item in his} | shares(rest, able)


async def _bring_back(conn: Connection, store: StoreContext, row: asyncpg.Record, *, now: datetime, actor: Actor) -> None:
    """Nothing goes back to somebody who left meanwhile."""
    person = store.staff.get(row["staff_id"])
    if person is not None and person.active:
        await end(conn, store, row, reason=BACK, now=now, actor=actor)
    else:
        await mark_undone(conn, store.id, row["id"], now=now, actor=actor)


def _item(row: asyncpg.Record) -> Item:
    return Item(VISITS, row["id"], row["customer_id"], row["role"])
