"""Handing over what somebody has: seen beforehand, done, taken back, listed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from services.api import audit
from services.api.identities import Me
from services.api.paging import Paging
from services.api.staff import accounts, queries
from services.api.staff.schemas import HandoverIn, HandoverOut, HandoverPreview, KeptOut, ShareOut, UndoneOut
from shared.db import Connection, raw
from shared.errors import Forbidden
from shared.handover.people import Plan, hand_over, plan_handover, undo_handover
from shared.handover.work import VISITS, counted, counts_of, open_work
from shared.stores import StoreContext, bump_store, load_store

SHOWN = 200
_VISITS = """
    SELECT v.id AS visit_id, v.customer_id, c.name AS customer_name, v.programme, v.step, v.role, v.state, v.due_on, v.promised_at, v.tries
    FROM visits v JOIN customers c ON c.store_id = v.store_id AND c.id = v.customer_id
    WHERE v.store_id = $1 AND v.id = ANY($2::uuid[]) ORDER BY v.promised_at NULLS LAST, v.due_on, v.id LIMIT $3
"""
_PAGE = """
    SELECT * FROM handovers WHERE store_id = $1 AND staff_id = $2 AND ($3::timestamptz IS NULL OR (at, id) < ($3, $4::uuid))
    ORDER BY at DESC, id DESC LIMIT $5
"""
_ONE = "SELECT * FROM handovers WHERE store_id = $1 AND id = $2"


async def work_of(conn: Connection, me: Me, staff_id: UUID, *, now: datetime) -> dict[str, int]:
    """How much open work of each kind is a person's."""
    return counts_of(await open_work(conn, await _store(conn, me, now), staff_id))


async def preview(session: AsyncSession, me: Me, staff_id: UUID, to_id: UUID | None, *, now: datetime) -> HandoverPreview:
    """Who would get what. Raises NotFound, Invalid."""
    await queries.person(session, me.store_id, staff_id)
    conn = await raw(session)
    store = await _store(conn, me, now)
    plan = await plan_handover(conn, store, staff_id, to_id, today=store.calendar.day_of(now))
    visits = [item.id for item in plan.items if item.kind == VISITS]
    rows = await conn.fetch(_VISITS, me.store_id, visits, SHOWN)
    return HandoverPreview(
        staff_id=staff_id,
        work=counts_of(plan.items),
        shares=_shares(store, _moves(plan)),
        outside_role=plan.outside_role,
        visits=[{**dict(row), "to_id": plan.given[VISITS, row["visit_id"]]} for row in rows],
    )


async def do(session: AsyncSession, me: Me, staff_id: UUID, body: HandoverIn, *, now: datetime) -> HandoverOut:
    """Give everything open to others; with `deactivate` the person leaves in the same moment. Raises NotFound, Invalid, Forbidden."""
    if body.deactivate and not me.is_admin:
        raise Forbidden
    staff = await queries.person(session, me.store_id, staff_id, lock=True)
    conn = await raw(session)
    store = await _store(conn, me, now)
    done = await hand_over(conn, store, staff_id, body.to_id, reason=body.reason, now=now, actor=me.actor)
    detail = {"handover_id": done.id, "moved": {kind: len(moved) for kind, moved in done.moves.items()}}
    await audit.note(session, me, "staff.handed_over", "staff", staff_id, now=now, detail=detail)
    if body.deactivate and staff.active:
        staff.active, staff.version, staff.updated_at = False, staff.version + 1, now
        await session.flush()
        await accounts.follow_activity(session, staff, now)
        await session.flush()
        await bump_store(conn, me.store_id)
        await audit.note(session, me, "staff.changed", "staff", staff_id, now=now, detail={"fields": ["active"]})
    row = await conn.fetchrow(_ONE, me.store_id, done.id)
    return shown(store, row)


async def undo(session: AsyncSession, me: Me, staff_id: UUID, handover_id: UUID, *, now: datetime) -> UndoneOut:
    """Take back what nobody has worked on since. Raises HandoverNotFound, AlreadyUndone, HasLeft."""
    await queries.person(session, me.store_id, staff_id, lock=True)
    conn = await raw(session)
    undone = await undo_handover(conn, await _store(conn, me, now), staff_id, handover_id, now=now, actor=me.actor)
    detail = {"handover_id": handover_id, "restored": dict(undone.restored), "kept": len(undone.kept)}
    await audit.note(session, me, "staff.handover_undone", "staff", staff_id, now=now, detail=detail)
    kept = [KeptOut(kind=one.kind, id=one.id, reason=one.reason) for one in undone.kept]
    return UndoneOut(restored=dict(undone.restored), kept=kept)


async def page(
    session: AsyncSession, me: Me, staff_id: UUID, paging: Paging, *, now: datetime
) -> tuple[list[HandoverOut], str | None]:
    """What was handed over of a person's work, the latest first. Raises NotFound."""
    await queries.person(session, me.store_id, staff_id)
    conn = await raw(session)
    after = paging.after_uuid(1) if paging.after else None
    rows = await conn.fetch(_PAGE, me.store_id, staff_id, paging.after_instant(), after, paging.limit + 1)
    items, cursor = paging.cut(rows, lambda row: (row["at"], row["id"]))
    store = await _store(conn, me, now)
    return [shown(store, row) for row in items], cursor


def shown(store: StoreContext, row: Mapping[str, Any] | asyncpg.Record | None) -> HandoverOut:
    """A row of `handovers` as the API shows it."""
    values = dict(row or {})
    moves = orjson.loads(values.pop("moves"))
    return HandoverOut.model_validate({**values, "shares": _shares(store, moves)})


def _moves(plan: Plan) -> dict[str, dict[str, UUID | None]]:
    moves: dict[str, dict[str, UUID | None]] = {}
    for (kind, item_id), to_id in plan.given.items():
        moves.setdefault(kind, {})[str(item_id)] = to_id
    return moves


def _shares(store: StoreContext, moves: Mapping[str, Mapping[str, object]]) -> list[ShareOut]:
    people = {str(person.id): person for person in store.staff.values()}
    found = []
    for staff_id, counts in sorted(counted(moves).items()):
        person = people.get(staff_id)
        found.append(ShareOut(staff_id=UUID(staff_id) if staff_id else None, name=person.name if person else None, work=counts))
    return found


async def _store(conn: Connection, me: Me, now: datetime) -> StoreContext:
    """Read anew: whoever left or went away a moment ago is given nothing."""
    return await load_store(conn, me.store_id, today=now.date())
