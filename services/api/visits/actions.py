"""What people do to a visit besides calling: plan one by hand, promise, move, cancel, give away, confirm."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time
from uuid import UUID

import asyncpg
import orjson

from services.api import audit, records
from services.api.etags import Expected
from services.api.identities import Me
from services.api.visits import queries
from services.api.visits.schemas import ConfirmIn, ReassignIn, VisitIn, VisitPatch
from shared.db import Connection
from shared.domain.visit import OPEN
from shared.errors import Conflict, Forbidden, Invalid
from shared.events import NOTIFY_DUE, NOTIFY_FEED, feed
from shared.ids import new_id
from shared.progress import progress
from shared.stores import StoreContext
from shared.wakes import wake

BY_HAND = "by-hand"
NINE = time(9)


class NotOpen(Conflict):
    """The visit has ended; it cannot be changed any more."""

    code = "visit_closed"
    zh = "此回访已结束，不能再修改。"


class StillOpen(Conflict):
    """Only a result can be confirmed; this visit is still open."""

    code = "visit_open"
    zh = "回访尚未结束，没有可确认的结果。"


class AlreadyTried(Conflict):
    """Somebody has tried already: set a promise instead of another day."""

    code = "already_tried"
    zh = "已经联系过，不能改期；请约定具体时间。"


async def plan_by_hand(conn: Connection, store: StoreContext, me: Me, body: VisitIn, *, now: datetime) -> UUID:
    """A follow-up somebody wants for a reason of his own. Raises Invalid with a pointer, Forbidden."""
    await _check_references(conn, store, me, body)
    today = store.calendar.day_of(now)
    if body.due_on < today:
        raise Invalid("日期已过 / the day has passed", "/due_on")
    visit_id = new_id()
    due_at = max(
        store.calendar.opening(body.due_on) if store.calendar.is_open(body.due_on) else store.calendar.at(body.due_on, NINE), now
    )
    end = store.calendar.end_of_day(body.deadline_on or body.due_on)
    shown = body.promised_at or due_at
    await conn.execute(
        _INSERT, store.id, visit_id, body.customer_id, body.vehicle_id, BY_HAND, body.purposes, body.role, _assignee(me, body),
        body.channel, body.due_on, due_at, end, body.promised_at, now, body.follows_visit_id, shown,
        "promised" if body.promised_at else "planned", min(shown, due_at),
    )  # fmt: skip
    await wake(conn, store.id, [visit_id])
    await _event(conn, me, visit_id, "planned", {"rule": BY_HAND, "note": body.note or ""}, now)
    await _ring(conn, store.id, visit_id)
    return visit_id


async def change(
    conn: Connection, store: StoreContext, me: Me, visit_id: UUID, body: VisitPatch, expected: Expected, *, now: datetime
) -> None:
    """Cancel, promise or move. Raises VisitNotFound, Stale, NotOpen, AlreadyTried, Invalid."""
    row = await _locked(conn, me, visit_id)
    expected.check(row["version"])
    if row["state"] not in OPEN:
        raise NotOpen
    if body.state == "cancelled":
        await conn.execute(_CANCEL, store.id, visit_id, body.reason, now)
        await _event(conn, me, visit_id, "cancelled", {"reason": body.reason}, now)
    elif body.promised_at is not None:
        if body.promised_at <= now:
            raise Invalid("约定时间已过 / the promised instant has passed", "/promised_at")
        await conn.execute(_PROMISE, store.id, visit_id, body.promised_at, now)
        await _event(conn, me, visit_id, "promise_set", {"at": body.promised_at}, now)
        await progress(conn, store, [visit_id], now=now, actor=me.actor)
    elif body.due_on is not None:
        await _move(conn, store, me, row, body, now)
    await _ring(conn, store.id, visit_id)


async def reassign(conn: Connection, store: StoreContext, me: Me, visit_id: UUID, body: ReassignIn, *, now: datetime) -> None:
    """Give an open visit to an active person, or back to the pool. Raises VisitNotFound, NotOpen, Forbidden, Invalid."""
    row = await _locked(conn, me, visit_id)
    if not queries.may_lead(me, row):
        raise Forbidden
    if row["state"] not in OPEN:
        raise NotOpen
    if body.assignee_id is not None:
        person = store.staff.get(body.assignee_id)
        if person is None or not person.active:
            raise Invalid("不是在岗员工 / not an active member of staff", "/assignee_id")
    await conn.execute(
        "UPDATE visits SET assignee_id = $3, updated_at = $4, version = version + 1 WHERE store_id = $1 AND id = $2",
        store.id, visit_id, body.assignee_id, now,
    )  # fmt: skip
    await _event(
        conn, me, visit_id, "reassigned", {"from": row["assignee_id"], "to": body.assignee_id, "reason": body.reason}, now
    )
    await _ring(conn, store.id, visit_id)


async def confirm(conn: Connection, me: Me, visit_id: UUID, body: ConfirmIn, *, now: datetime) -> None:
    """The manager's word on a result; said twice it stands as first said. Raises VisitNotFound, StillOpen, Forbidden."""
    row = await _locked(conn, me, visit_id)
    if not queries.may_lead(me, row):
        raise Forbidden
    if row["state"] in OPEN:
        raise StillOpen
    if row["confirmed_at"] is None:
        await conn.execute(_CONFIRM, me.store_id, visit_id, now, me.staff_id)
        await _event(conn, me, visit_id, "confirmed", {"note": body.note or ""}, now)
        await audit.note(conn, me, "visit.confirmed", "visit", visit_id, now=now)


def _assignee(me: Me, body: VisitIn) -> UUID | None:
    return body.assignee_id if body.assignee_id or body.role else me.staff_id


async def _check_references(conn: Connection, store: StoreContext, me: Me, body: VisitIn) -> None:
    if await records.customer(conn, store.id, body.customer_id, "/customer_id") != body.customer_id:
        raise Invalid("该档案已并入另一档案 / this file was merged into another", "/customer_id")
    if body.vehicle_id and not await conn.fetchval(
        "SELECT true FROM vehicles WHERE store_id = $1 AND id = $2 AND customer_id = $3",
        store.id,
        body.vehicle_id,
        body.customer_id,
    ):
        raise Invalid("不是该客户的车 / not a car of this customer", "/vehicle_id")
    if body.follows_visit_id and not await conn.fetchval(
        "SELECT true FROM visits WHERE store_id = $1 AND id = $2", store.id, body.follows_visit_id
    ):
        raise Invalid("没有该回访 / no such visit", "/follows_visit_id")
    person = store.staff.get(body.assignee_id) if body.assignee_id else None
    if body.assignee_id and (person is None or not person.active):
        raise Invalid("不是在岗员工 / not an active member of staff", "/assignee_id")
    if body.assignee_id not in (None, me.staff_id) and not me.reads_all:
        raise Forbidden


async def _move(conn: Connection, store: StoreContext, me: Me, row: asyncpg.Record, body: VisitPatch, now: datetime) -> None:
    if row["tries"]:
        raise AlreadyTried
    if body.due_on is None or body.due_on < store.calendar.day_of(now):
        raise Invalid("日期已过 / the day has passed", "/due_on")
    due_at = max(store.calendar.opening(store.calendar.next_open_day(body.due_on)), now)
    end = max(row["window_end"], store.calendar.end_of_day(store.calendar.day_of(due_at)))
    await conn.execute(_MOVE, store.id, row["id"], store.calendar.day_of(due_at), due_at, end, now)
    await wake(conn, store.id, [row["id"]])
    await _event(conn, me, row["id"], "moved", {"from": row["due_on"], "to": store.calendar.day_of(due_at)}, now)


async def _locked(conn: Connection, me: Me, visit_id: UUID) -> asyncpg.Record:
    row = await conn.fetchrow(_LOCK, me.store_id, visit_id)
    if row is None or not queries.may_see(me, row):
        raise queries.VisitNotFound
    return row


async def _event(conn: Connection, me: Me, visit_id: UUID, kind: str, detail: Mapping[str, object], now: datetime) -> None:
    text = orjson.dumps(detail, str).decode()
    await conn.execute(_EVENT, me.store_id, new_id(), visit_id, now, kind, me.actor.kind, me.actor.id, text)


async def _ring(conn: Connection, store_id: UUID, visit_id: UUID) -> None:
    await conn.execute(
        "SELECT pg_notify($1, $2), pg_notify($3, $4)", NOTIFY_DUE, str(store_id), NOTIFY_FEED, feed(store_id, "visit", visit_id)
    )


_LOCK = """
    SELECT id, customer_id, state, role, assignee_id, tries, due_on, due_at, window_end, confirmed_at, version
    FROM visits WHERE store_id = $1 AND id = $2 FOR UPDATE
"""
_INSERT = """
    INSERT INTO visits (store_id, id, customer_id, vehicle_id, programme, programme_version, step, occurrence, tier, purposes, role,
        assignee_id, channel, state, late, due_on, due_at, window_start, window_end, promised_at, trigger_type, trigger_id, trigger_at,
        on_missed, follows_visit_id, next_step, next_at, next_reason, wake_at, due_seq, tries, created_at, updated_at, version)
    VALUES ($1, $2, $3, $4, $5, 1, 'call', 1, 'service', $6, $7, $8, $9, 'planned', false, $10, $11, $11, $12, $13, 'by_hand', $2,
        $14, 'none', $15, 'call', $16, $17, $18, 0, 0, $14, $14, 1)
"""
_CANCEL = """
    UPDATE visits SET state = 'cancelled', state_reason = $3, closed_at = $4, next_step = NULL, next_at = NULL, next_reason = NULL,
        wake_at = NULL, updated_at = $4, version = version + 1 WHERE store_id = $1 AND id = $2
"""
_PROMISE = "UPDATE visits SET promised_at = $3, updated_at = $4, version = version + 1 WHERE store_id = $1 AND id = $2"
_MOVE = """
    UPDATE visits SET state = 'planned', due_on = $3, due_at = $4, window_start = least(window_start, $4), window_end = $5,
        next_step = 'call', next_at = $4, next_reason = 'moved', wake_at = $4, updated_at = $6, version = version + 1
    WHERE store_id = $1 AND id = $2
"""
_CONFIRM = """
    UPDATE visits SET confirmed_at = $3, confirmed_by = $4, updated_at = $3, version = version + 1 WHERE store_id = $1 AND id = $2
"""
_EVENT = """
    INSERT INTO visit_events (store_id, id, visit_id, at, kind, actor_kind, actor_id, detail) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""
