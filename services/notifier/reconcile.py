"""What time settles: leases that ran out, uncertainty and missing receipts that lasted 72 hours.

A claim that never reached the wire is provably unsent and goes back into the queue; one that did is `unknown`, and stays so until a
receipt, a person or the 72 hours settle it. Nothing here sends.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from services.notifier.context import Context
from services.notifier.settle import NOT_STARTED, close_attempts, tell, uncount
from shared.clock import machine_now
from shared.db import Connection, store_transaction
from shared.domain.message import GIVE_UP_AFTER, MessageState, given_up

BATCH = 500
MOST_CLAIMS = 20
"""A message whose worker died that often before the wire is taken out: it may be what kills them."""

_STORES = """
    SELECT DISTINCT store_id FROM messages WHERE state = 'sending' AND lease_until < $1
    UNION SELECT DISTINCT store_id FROM messages WHERE state IN ('accepted', 'unknown') AND wake_at <= $2
"""
_LAPSED = """
    SELECT m.id, m.visit_id, m.fence, m.tries, a.id AS attempt_id, a.io_started_at
    FROM messages m JOIN message_attempts a ON a.store_id = m.store_id AND a.message_id = m.id AND a.n = m.fence
    WHERE m.store_id = $1 AND m.state = 'sending' AND m.lease_until < $2
    ORDER BY m.lease_until LIMIT $3 FOR UPDATE OF m SKIP LOCKED
"""
_WRITE = """
    UPDATE messages m SET state = u.state, reason = u.reason, wake_at = u.wake_at, lease_until = NULL, updated_at = $2,
        sent_at = CASE WHEN u.state = 'unknown' THEN coalesce(m.sent_at, u.started_at) ELSE m.sent_at END,
        unknown_since = CASE WHEN u.state = 'unknown' THEN $2::timestamptz ELSE m.unknown_since END
    FROM unnest($3::uuid[], $4::text[], $5::text[], $6::timestamptz[], $7::timestamptz[])
        AS u (id, state, reason, wake_at, started_at)
    WHERE m.store_id = $1 AND m.id = ANY($3) AND m.id = u.id
"""
_AWAITED = """
    SELECT id, visit_id, state, unknown_since, sent_at, updated_at FROM messages
    WHERE store_id = $1 AND state IN ('accepted', 'unknown') AND wake_at <= $2
    ORDER BY wake_at LIMIT $3 FOR UPDATE SKIP LOCKED
"""


async def reconcile(ctx: Context) -> int:
    """One round over all stores. Out: how many messages were settled."""
    stores = [row["store_id"] for row in await ctx.pool.fetch(_STORES, machine_now(), ctx.clock.now())]
    return sum([await _store(ctx, store_id) for store_id in stores])


async def _store(ctx: Context, store_id: UUID) -> int:
    now = ctx.clock.now()
    async with store_transaction(ctx.pool, store_id) as conn:
        lapsed = await conn.fetch(_LAPSED, store_id, machine_now(), BATCH)
        if lapsed:
            await _settle_lapsed(conn, store_id, lapsed, now)
        awaited = await conn.fetch(_AWAITED, store_id, now, BATCH)
        if awaited:
            await _settle_awaited(conn, store_id, awaited, now)
    return len(lapsed) + len(awaited)


async def _settle_lapsed(conn: Connection, store_id: UUID, rows: Sequence[asyncpg.Record], now: datetime) -> None:
    ends = [_after_lapse(row, now) for row in rows]
    await conn.execute(
        _WRITE,
        store_id,
        now,
        [row["id"] for row in rows],
        [state for state, _, _ in ends],
        [reason for _, reason, _ in ends],
        [wake_at for _, _, wake_at in ends],
        [row["io_started_at"] for row in rows],
    )
    outcomes = [(row["attempt_id"], "unknown" if row["io_started_at"] else NOT_STARTED, "lease_lapsed", None) for row in rows]
    await close_attempts(conn, store_id, outcomes, now)
    await uncount(conn, [row["id"] for row in rows if not row["io_started_at"]])
    changes = [(row["visit_id"], row["id"], state, reason) for row, (state, reason, _) in zip(rows, ends, strict=True)]
    await tell(conn, store_id, changes, now)


def _after_lapse(row: asyncpg.Record, now: datetime) -> tuple[str, str | None, datetime | None]:
    if row["io_started_at"] is not None:
        return "unknown", "lease_lapsed", now + GIVE_UP_AFTER
    if row["fence"] - row["tries"] >= MOST_CLAIMS:
        return "rejected", "never_started", None
    return "queued", None, now


async def _settle_awaited(conn: Connection, store_id: UUID, rows: Sequence[asyncpg.Record], now: datetime) -> None:
    """Never earlier than 72 h after the uncertainty or the acceptance began, whatever instant woke us."""
    ends = []
    for row in rows:
        state = MessageState(row["state"])
        since = (row["unknown_since"] if state is MessageState.UNKNOWN else row["sent_at"]) or row["updated_at"]
        end = given_up(state, since, now)
        ends.append((end.value, None, None if end is not state else since + GIVE_UP_AFTER))
    await conn.execute(
        _WRITE,
        store_id,
        now,
        [row["id"] for row in rows],
        [state for state, _, _ in ends],
        [None for _ in ends],
        [wake_at for _, _, wake_at in ends],
        [row["sent_at"] for row in rows],
    )
    changes = [(r["visit_id"], r["id"], end[0], None) for r, end in zip(rows, ends, strict=True) if end[0] != r["state"]]
    await tell(conn, store_id, changes, now)
