"""What becomes of a number that proved right, or was corrected (domain.md §5.7, §10.6, §11.2).

Writes, in the API's transactions: the flag `confirm_number` of a customer, the tasks that asked for a number, the mark of a number that was
thought dead, and visits that go on because there is somebody to ring again. Never: decides what comes next; `shared.progress` is asked.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from shared.db import Connection
from shared.events import Actor
from shared.planning.reopen import reopen
from shared.progress import progress
from shared.stores import StoreContext

CONFIRM = "confirm_number"
_UNFLAG = """
    UPDATE customers SET flags = array_remove(flags, $3), updated_at = $4, version = version + 1
    WHERE store_id = $1 AND id = $2 AND flags @> ARRAY[$3]
"""
_DONE = """
    UPDATE tasks SET done_at = $4, done_by = $5 WHERE store_id = $1 AND customer_id = $2 AND kind = ANY($3) AND done_at IS NULL
"""
_RIGHT = f"""
    WITH unflagged AS ({_UNFLAG}), done AS (
        UPDATE tasks SET done_at = $4, done_by = $5
        WHERE store_id = $1 AND customer_id = $2 AND kind = $3 AND done_at IS NULL
    )
    UPDATE numbers n SET wrong_at = NULL, wrong_reason = NULL FROM contact_points p
    WHERE p.store_id = $1 AND p.id = $6 AND n.number_index = p.value_index AND n.wrong_reason = 'invalid'
"""
_REVIVED = "SELECT id FROM visits WHERE store_id = $1 AND customer_id = $2 AND state = 'invalid' AND id <> ALL($3::uuid[])"
_OPEN = """
    SELECT id FROM visits
    WHERE store_id = $1 AND customer_id = $2 AND closed_at IS NULL AND state IN ('due', 'trying') AND id <> ALL($3::uuid[])
"""


async def confirm(
    conn: Connection, store_id: UUID, customer_id: UUID, *, number_id: UUID | None = None, now: datetime, actor: Actor
) -> None:
    """The customer was reached, or somebody asked: the numbers of the file are right. One that was thought dead is not."""
    await conn.execute(_RIGHT, store_id, customer_id, CONFIRM, now, actor.id, number_id)


async def corrected(
    conn: Connection, store: StoreContext, customer_id: UUID, *, now: datetime, actor: Actor, but: Collection[UUID] = ()
) -> list[UUID]:
    """The file has a number or address that it did not have: the tasks that asked for it are done, and what may go on does.

    Visits that had ended as invalid and are still in their window are open again; open ones go on with the new number. `but`: visits that
    the caller looks after. Out: which came back.
    """
    await conn.execute(_UNFLAG, store.id, customer_id, CONFIRM, now)
    await conn.execute(_DONE, store.id, customer_id, ["correct_file", CONFIRM], now, actor.id)
    ended = [row["id"] for row in await conn.fetch(_REVIVED, store.id, customer_id, list(but))]
    back = await reopen(conn, store, ended, was=None, state="invalid", reason="number_corrected", now=now, actor=actor)
    going_on = [row["id"] for row in await conn.fetch(_OPEN, store.id, customer_id, list(but))]
    await progress(conn, store, sorted({*back, *going_on}), now=now, actor=actor)
    return back
