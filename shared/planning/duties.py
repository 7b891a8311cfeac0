"""Tasks that facts start: the owner card to hand over, the file to upload, the letter to post. One for a fact and kind, done or not."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import orjson

from shared.db import Connection
from shared.domain.programme import FIRST_IMPORT_DAYS, Duty, Fact, Programme, duties
from shared.ids import new_id
from shared.stores import StoreContext

_OPEN = "SELECT id, kind, about_id, due_at FROM tasks WHERE store_id = $1 AND about_id = ANY($2) AND kind = ANY($3) AND done_at IS NULL"
_ADD = """
    INSERT INTO tasks (store_id, id, kind, customer_id, about_id, role, due_at, detail, created_at)
    SELECT $1, t.id, t.kind, t.customer_id, t.about_id, t.role, t.due_at, t.detail::jsonb, $2
    FROM unnest($3::uuid[], $4::text[], $5::uuid[], $6::uuid[], $7::text[], $8::timestamptz[], $9::text[])
        AS t(id, kind, customer_id, about_id, role, due_at, detail)
    WHERE NOT EXISTS (SELECT FROM tasks o WHERE o.store_id = $1 AND o.about_id = t.about_id AND o.kind = t.kind)
    ON CONFLICT DO NOTHING
"""
_CLOSE = """
    UPDATE tasks SET done_at = $3, detail = detail || '{"closed": "not_needed"}' WHERE store_id = $1 AND id = ANY($2)
"""
_MOVE = """
    UPDATE tasks t SET due_at = m.due_at FROM unnest($2::uuid[], $3::timestamptz[]) AS m(id, due_at)
    WHERE t.store_id = $1 AND t.id = m.id
"""


async def write_duties(
    conn: Connection,
    store: StoreContext,
    programmes: Callable[[Fact], Sequence[Programme]],
    facts: Sequence[Fact],
    *,
    now: datetime,
    first_import: bool = False,
) -> None:
    """Bring the tasks of facts in line with what is known now: new ones, moved deadlines, those no longer needed done.

    What fell due more than 30 days ago is left alone; of a first import everything that fell due before.
    """
    kinds = _kinds(store, facts)
    if not kinds:
        return
    reach = timedelta(0) if first_import else timedelta(days=FIRST_IMPORT_DAYS)
    found = (duty for fact in facts for programme in programmes(fact) for duty in duties(programme, fact, store.calendar))
    needed = {(duty.kind, duty.trigger_id): duty for duty in found}
    await _bring_in_line(conn, store.id, {fact.id for fact in facts}, kinds, needed, now)
    if rows := [_row(duty) for duty in needed.values() if duty.due_at + reach > now]:
        await conn.execute(_ADD, store.id, now, *zip(*rows, strict=True))


async def _bring_in_line(
    conn: Connection, store_id: UUID, about: set[UUID], kinds: set[str], needed: Mapping[tuple[str, UUID], Duty], now: datetime
) -> None:
    rows = await conn.fetch(_OPEN, store_id, list(about), sorted(kinds))
    over = [row["id"] for row in rows if (row["kind"], row["about_id"]) not in needed]
    if over:
        await conn.execute(_CLOSE, store_id, over, now)
    due = ((row, needed.get((row["kind"], row["about_id"]))) for row in rows)
    moved = [(row["id"], duty.due_at) for row, duty in due if duty is not None and duty.due_at != row["due_at"]]
    if moved:
        await conn.execute(_MOVE, store_id, *zip(*moved, strict=True))


def _kinds(store: StoreContext, facts: Sequence[Fact]) -> set[str]:
    """The kinds of task that programmes of these facts may start."""
    types = {fact.type for fact in facts}
    programmes: list[Programme] = [programme for programme in store.programmes.values() if programme.trigger in types]
    return {step.task for programme in programmes for step in programme.steps if step.task is not None}


def _row(duty: Duty) -> tuple[object, ...]:
    about = {"programme": duty.programme, "step": duty.step, "vehicle_id": duty.vehicle_id}
    detail = orjson.dumps(about, str).decode()
    return new_id(), duty.kind, duty.customer_id, duty.trigger_id, duty.role, duty.due_at, detail
