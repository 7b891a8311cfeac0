"""Opt-outs are entered under the lock of the number's row, so that no message can start after one has been committed.

The notifier holds the same row while it marks a message as begun: either its mark was committed first, or it sees the opt-out.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Literal
from uuid import UUID

from shared.db import Connection
from shared.ids import new_id

Channel = Literal["sms", "email", "phone", "all"]
Scope = Literal["all", "marketing"]

_LOCK = "SELECT number_index FROM numbers WHERE number_index = ANY($1) ORDER BY number_index FOR UPDATE"
_ADD = "INSERT INTO numbers (number_index) SELECT n FROM unnest($1::bytea[]) AS n ORDER BY n ON CONFLICT DO NOTHING"
_OPT_OUT = """
    INSERT INTO opt_outs (id, number_index, channel, scope, source, store_id, at)
    SELECT u.id, u.number_index, $3, $4, $5, $6, $7 FROM unnest($1::uuid[], $2::bytea[]) AS u (id, number_index)
    ON CONFLICT DO NOTHING
"""
_REVOKE = """
    UPDATE opt_outs SET revoked_at = $5
    WHERE number_index = ANY($1) AND channel = $2 AND scope = $3 AND source = $4 AND revoked_at IS NULL
"""


async def lock_numbers(conn: Connection, indexes: Collection[bytes]) -> None:
    """Hold the rows of these numbers to the end of the transaction, made if they are not there yet; always in the same order."""
    wanted = sorted(set(indexes))
    if len(await conn.fetch(_LOCK, wanted)) < len(wanted):
        await conn.execute(_ADD, wanted)
        await conn.fetch(_LOCK, wanted)


async def enter_opt_out(
    conn: Connection,
    indexes: Collection[bytes],
    channel: Channel,
    *,
    scope: Scope = "all",
    source: str,
    store_id: UUID | None,
    at: datetime,
) -> None:
    """No more by this channel to these numbers, in any store, from the commit on. One that stands already stays as it is.

    `scope` all: every purpose but recalls. `store_id`: where it was said, None for none.
    """
    wanted = sorted(set(indexes))
    await lock_numbers(conn, wanted)
    await conn.execute(_OPT_OUT, [new_id() for _ in wanted], wanted, channel, scope, source, store_id, at)


async def revoke_opt_out(
    conn: Connection, indexes: Collection[bytes], channel: Channel, *, scope: Scope, source: str, at: datetime
) -> None:
    """Take back an opt-out that was entered the same way; others of the number stand."""
    await conn.execute(_REVOKE, sorted(set(indexes)), channel, scope, source, at)
