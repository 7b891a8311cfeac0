"""Handing over all that a person has: what it would come to, doing it, taking it back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import asyncpg
import orjson

from shared.db import Connection
from shared.domain.handover import Given, Item, able_in
from shared.errors import Conflict, Invalid, NotFound
from shared.events import Actor
from shared.handover.work import Kept, give, open_work, shares, take_back, takers
from shared.ids import new_id
from shared.stores import StoreContext

LEAVES = "handover"
_LOG = """
    INSERT INTO handovers (store_id, id, staff_id, absence_id, reason, at, by, back_on, moves)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""
_LOCK = "SELECT * FROM handovers WHERE store_id = $1 AND staff_id = $2 AND id = $3 FOR UPDATE"
_UNDONE = "UPDATE handovers SET undone_at = $3 WHERE store_id = $1 AND id = $2"
_UNDONE_BY = "UPDATE handovers SET undone_by = $3 WHERE store_id = $1 AND id = $2"  # not the scheduler's to write


class HandoverNotFound(NotFound):
    """There is no such handover of this person."""

    code = "handover_not_found"
    zh = "没有该移交记录。"


class AlreadyUndone(Conflict):
    """This handover has been taken back already."""

    code = "already_undone"
    zh = "该移交已经撤销。"


class HasLeft(Conflict):
    """The person has left; make them active again before their work can go back."""

    code = "staff_inactive"
    zh = "该员工已停用；请先恢复在岗，再撤销移交。"


@dataclass(frozen=True)
class Plan:
    """What a handover comes to: everything open, and whose it becomes. `outside_role`: what the named person gets besides his roles."""

    items: tuple[Item, ...]
    given: Given
    outside_role: int = 0


@dataclass(frozen=True)
class Done:
    """A handover that was done: its id, and whose what became."""

    id: UUID
    moves: Mapping[str, Mapping[str, UUID | None]]


@dataclass(frozen=True)
class Undone:
    """What went back, by kind, and what stays with whom it is."""

    restored: Counter[str]
    kept: tuple[Kept, ...]


async def plan_handover(conn: Connection, store: StoreContext, staff_id: UUID, to_id: UUID | None, *, today: date) -> Plan:
    """Who would get what: split evenly in role, or all to one. Raises Invalid at `to_id` for nobody who works there."""
    items = tuple(await open_work(conn, store, staff_id))
    if to_id is None:
        return Plan(items, shares(items, await takers(conn, store, today, without={staff_id})))
    person = store.staff.get(to_id)
    if person is None or not person.active or to_id == staff_id:
        raise Invalid("须为另一位在岗员工 / another active person of the store", "/to_id")
    one = [taker for taker in await takers(conn, store, today, without=set(store.staff) - {to_id}) if taker.id == to_id]
    outside = sum(not able_in(item.role, one) for item in items)
    return Plan(items, {(item.kind, item.id): to_id for item in items}, outside)


async def hand_over(
    conn: Connection, store: StoreContext, staff_id: UUID, to_id: UUID | None, *, reason: str | None, now: datetime, actor: Actor
) -> Done:
    """Do what the plan says, and keep what was done. Promises and tries go along; attempts stay with whoever made them.

    Raises Invalid.
    """
    plan = await plan_handover(conn, store, staff_id, to_id, today=store.calendar.day_of(now))
    moves = await give(conn, store, staff_id, plan.given, reason=reason or LEAVES, now=now, actor=actor)
    handover_id = await log(conn, store.id, staff_id, moves, reason=reason or LEAVES, now=now, actor=actor)
    return Done(handover_id, moves)


async def undo_handover(
    conn: Connection, store: StoreContext, staff_id: UUID, handover_id: UUID, *, now: datetime, actor: Actor
) -> Undone:
    """Take back what nobody has worked on since. Raises HandoverNotFound, AlreadyUndone, HasLeft."""
    row = await conn.fetchrow(_LOCK, store.id, staff_id, handover_id)
    if row is None or row["absence_id"] is not None:
        raise HandoverNotFound
    if row["undone_at"] is not None:
        raise AlreadyUndone
    person = store.staff.get(staff_id)
    if person is None or not person.active:
        raise HasLeft
    return await end(conn, store, row, reason="handover_undone", now=now, actor=actor)


async def end(conn: Connection, store: StoreContext, row: asyncpg.Record, *, reason: str, now: datetime, actor: Actor) -> Undone:
    """Give back what a row of `handovers` moved, and mark it so."""
    moves = orjson.loads(row["moves"])
    restored, kept = await take_back(conn, store, row["staff_id"], moves, row["at"], reason=reason, now=now, actor=actor)
    await mark_undone(conn, store.id, row["id"], now=now, actor=actor)
    return Undone(restored, tuple(kept))


async def mark_undone(conn: Connection, store_id: UUID, handover_id: UUID, *, now: datetime, actor: Actor) -> None:
    """From now on it stands no more."""
    await conn.execute(_UNDONE, store_id, handover_id, now)
    if actor.id is not None:
        await conn.execute(_UNDONE_BY, store_id, handover_id, actor.id)


async def log(
    conn: Connection,
    store_id: UUID,
    staff_id: UUID,
    moves: Mapping[str, Mapping[str, UUID | None]],
    *,
    reason: str,
    now: datetime,
    actor: Actor,
    absence_id: UUID | None = None,
    back_on: date | None = None,
) -> UUID:
    """Keep who got what, so that it can be shown and undone."""
    handover_id = new_id()
    text = orjson.dumps(moves, str).decode()
    await conn.execute(_LOG, store_id, handover_id, staff_id, absence_id, reason, now, actor.id, back_on, text)
    return handover_id
