"""What a person heard on the telephone changes beyond the visit: a number that is a stranger's, a wish, a sold car, a death.

They come from attempts, which only the API records, so only its role has the grants; the scheduler's calls pass them over.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import orjson

from shared.db import Connection
from shared.domain.ladder import CancelCustomer, CancelVehicle, Effect, MarkNumber, OptOut
from shared.events import Actor
from shared.ids import new_id
from shared.opt_outs import enter_opt_out, revoke_opt_out
from shared.progress.numbering import batch_prefix
from shared.progress.write import Change
from shared.stops import resume_customer, resume_vehicle, stop_customer, stop_vehicle
from shared.wakes import wake

PERSONAL = (MarkNumber, OptOut, CancelVehicle, CancelCustomer)
SOLD, DECEASED = "vehicle_sold", "customer_deceased"
HEARD = "attempt"

_MARK = """
    WITH marked AS (
        UPDATE contact_points SET wrong_at = $3, wrong_reason = $4
        WHERE store_id = $1 AND id = $2 AND wrong_at IS NULL RETURNING value_index
    )
    INSERT INTO numbers (number_index, wrong_at, wrong_reason) SELECT value_index, $3, $4 FROM marked
    ON CONFLICT (number_index) DO UPDATE SET wrong_at = excluded.wrong_at, wrong_reason = excluded.wrong_reason
"""
_MARK_CALLEE = """
    INSERT INTO numbers (number_index, wrong_at, wrong_reason) VALUES ($1, $2, $3)
    ON CONFLICT (number_index) DO UPDATE SET wrong_at = excluded.wrong_at, wrong_reason = excluded.wrong_reason
"""
_UNMARK = "UPDATE contact_points SET wrong_at = NULL, wrong_reason = NULL WHERE store_id = $1 AND id = $2 RETURNING value_index"
_CLEAR_NUMBER = "UPDATE numbers SET wrong_at = NULL, wrong_reason = NULL WHERE number_index = $1"
_INDEXES = """
    SELECT value_index FROM contact_points
    WHERE store_id = $1 AND customer_id = $2 AND kind IN ('phone', 'email') AND ($3::uuid IS NULL OR id = $3)
"""
_END_VEHICLE = "UPDATE vehicles SET ended_at = $3, end_reason = 'sold' WHERE store_id = $1 AND id = $2 AND ended_at IS NULL"
_END_CUSTOMER = "UPDATE customers SET deceased_at = $3 WHERE store_id = $1 AND id = $2 AND deceased_at IS NULL"
_REVIVE_VEHICLE = "UPDATE vehicles SET ended_at = NULL, end_reason = NULL WHERE store_id = $1 AND id = $2 AND end_reason = 'sold'"
_REVIVE_CUSTOMER = "UPDATE customers SET deceased_at = NULL WHERE store_id = $1 AND id = $2"
_LOCK_OPEN = """
    SELECT id FROM visits WHERE store_id = $1 AND {owner} = $2 AND id <> $3 AND state IN ('planned', 'due', 'trying')
    ORDER BY id FOR UPDATE
"""
_CANCEL = """
    WITH ended AS (
        UPDATE visits SET state = 'cancelled', state_reason = $3, next_step = NULL, next_at = NULL, next_reason = NULL,
               wake_at = NULL, closed_at = $4, updated_at = $4, version = version + 1
        WHERE store_id = $1 AND id = ANY($2::uuid[]) RETURNING id
    )
    INSERT INTO visit_events (store_id, id, visit_id, at, kind, actor_kind, actor_id, detail)
    SELECT $1, h.id, h.visit_id, $4, 'cancelled', $5, $6, $8::jsonb
    FROM unnest($7::uuid[], $2::uuid[]) AS h(id, visit_id) JOIN ended ON ended.id = h.visit_id
"""
# Open again as planned for now: the scheduler asks the ladder where each of them stands.
_REOPEN = """
    WITH back AS (
        UPDATE visits v SET state = 'planned', state_reason = NULL, closed_at = NULL, wake_at = greatest(v.due_at, $3),
               next_step = 'call', next_at = v.due_at, next_reason = 'planned', updated_at = $3, version = v.version + 1
        FROM visit_events e
        WHERE v.store_id = $1 AND v.state = 'cancelled' AND v.state_reason = $4 AND e.store_id = $1 AND e.visit_id = v.id
          AND e.kind = 'cancelled' AND e.detail->>'by' = $2 AND (v.window_end > $3 OR v.tries > 0)
        RETURNING v.id
    )
    INSERT INTO visit_events (store_id, id, visit_id, at, kind, actor_kind, actor_id, detail)
    SELECT $1, ($7 || lpad(to_hex(row_number() OVER ()), 4, '0'))::uuid, id, $3, 'reopened', $5, $6, '{"reason": "withdrawn"}'
    FROM back RETURNING visit_id
"""
_CLOSE_TASK = "UPDATE tasks SET done_at = $4 WHERE store_id = $1 AND visit_id = $2 AND kind = $3 AND done_at IS NULL"


async def apply(conn: Connection, store_id: UUID, change: Change, *, now: datetime, actor: Actor) -> None:
    """The effects of an attempt that reach beyond its visit."""
    for effect in change.effects:
        await _apply_one(conn, store_id, change, effect, now, actor)


async def _apply_one(conn: Connection, store_id: UUID, change: Change, effect: Effect, now: datetime, actor: Actor) -> None:
    row = change.known.row
    match effect:
        case MarkNumber(number_id, mark) if number_id == change.id:
            await conn.execute(_MARK_CALLEE, row["callee_phone_index"], now, mark)
        case MarkNumber(number_id, mark):
            await conn.execute(_MARK, store_id, number_id, now, mark)
        case OptOut(number_id):
            indexes = await _indexes(conn, store_id, change, number_id)
            await enter_opt_out(conn, indexes, "all", source=HEARD, store_id=store_id, at=now)
        case CancelVehicle() if row["vehicle_id"]:
            await conn.execute(_END_VEHICLE, store_id, row["vehicle_id"], now)
            await _cancel_open(conn, store_id, change, "vehicle_id", SOLD, now, actor)
            await stop_vehicle(conn, store_id, row["vehicle_id"], SOLD, now=now)
        case CancelCustomer():
            await conn.execute(_END_CUSTOMER, store_id, row["customer_id"], now)
            await _cancel_open(conn, store_id, change, "customer_id", DECEASED, now, actor)
            await stop_customer(conn, store_id, row["customer_id"], DECEASED, now=now)


async def take_back(conn: Connection, store_id: UUID, change: Change, *, now: datetime, actor: Actor) -> None:
    """Undo what an attempt had brought about that is withdrawn now."""
    for key in change.undone:
        kind, _, rest = key.partition(":")
        await _take_back_one(conn, store_id, change, kind, rest, now, actor)


async def _take_back_one(
    conn: Connection, store_id: UUID, change: Change, kind: str, rest: str, now: datetime, actor: Actor
) -> None:
    row = change.known.row
    match kind, rest:
        case "mark", number_id:
            index = await conn.fetchval(_UNMARK, store_id, UUID(number_id)) or row["callee_phone_index"]
            await conn.execute(_CLEAR_NUMBER, index)
        case "opt_out", number_id:
            indexes = await _indexes(conn, store_id, change, UUID(number_id) if number_id else None)
            await revoke_opt_out(conn, indexes, "all", scope="all", source=HEARD, at=now)
        case "cancel", "vehicle":
            await conn.execute(_REVIVE_VEHICLE, store_id, row["vehicle_id"])
            await _reopen(conn, store_id, change, SOLD, now, actor)
            await resume_vehicle(conn, store_id, row["vehicle_id"], SOLD, now=now, today=now.date())
        case "cancel", _:
            await conn.execute(_REVIVE_CUSTOMER, store_id, row["customer_id"])
            await _reopen(conn, store_id, change, DECEASED, now, actor)
            await resume_customer(conn, store_id, row["customer_id"], DECEASED, now=now, today=now.date())
        case "task", _:
            await conn.execute(_CLOSE_TASK, store_id, change.id, rest.partition(":")[0], now)


async def _indexes(conn: Connection, store_id: UUID, change: Change, number_id: UUID | None) -> list[bytes]:
    """The number that was called; without one, every number and address of the customer."""
    if number_id == change.id:
        return [change.known.row["callee_phone_index"]]
    rows = await conn.fetch(_INDEXES, store_id, change.known.row["customer_id"], number_id)
    return [row["value_index"] for row in rows]


async def _cancel_open(
    conn: Connection, store_id: UUID, change: Change, owner: str, reason: str, now: datetime, actor: Actor
) -> None:
    sql = _LOCK_OPEN.format(owner=owner)
    ids = [row["id"] for row in await conn.fetch(sql, store_id, change.known.row[owner], change.id)]
    detail = orjson.dumps({"reason": reason, "by": str(change.id)}).decode()
    await conn.execute(_CANCEL, store_id, ids, reason, now, actor.kind, actor.id, [new_id() for _ in ids], detail)


async def _reopen(conn: Connection, store_id: UUID, change: Change, reason: str, now: datetime, actor: Actor) -> None:
    back = await conn.fetch(_REOPEN, store_id, str(change.id), now, reason, actor.kind, actor.id, batch_prefix())
    await wake(conn, store_id, [row["visit_id"] for row in back])
