"""Whose an import is: claimed with a lease, its progress shown, its end written once.

A child that dies leaves a lease that runs out; the next one begins the file again, for nothing of it was committed. `failure` counts
the tries, which is also the fence: whoever holds an older try writes nothing any more.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import orjson

from services.api.imports.faults import FileRefused
from services.api.imports.fields import Kind
from shared.clock import machine_now
from shared.db import Connection, set_store_sql
from shared.events import NOTIFY_FEED, feed

MOST_TRIES: Final = 3
SHOW_EVERY: Final = 0.5

_CLAIM = """
    UPDATE imports SET state = 'running', lease_until = $2, rows_read = 0,
           failure = jsonb_build_object('tries', coalesce((failure->>'tries')::int, 0) + 1)
    WHERE store_id = $1 AND id = (
        SELECT id FROM imports i
        WHERE store_id = $1 AND (state = 'queued' OR (state IN ('running', 'planning') AND lease_until < $3))
          AND NOT EXISTS (SELECT FROM imports o WHERE o.store_id = $1 AND o.state IN ('running', 'planning') AND o.lease_until >= $3)
        ORDER BY created_at, id LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING id, kind, dry_run, (failure->>'tries')::int AS tries
"""
_OURS = "store_id = $1 AND id = $2 AND (failure->>'tries')::int = $3 AND state IN ('running', 'planning')"
_SHOW = f"""
    UPDATE imports SET lease_until = $4, state = $5, rows_read = $6, rows_total = $7, rejected_count = $8, warning_count = $9
    WHERE {_OURS} RETURNING id
"""
_DESCRIBE = f"UPDATE imports SET encoding = $4, unknown_columns = $5 WHERE {_OURS}"
_FINISH = f"""
    UPDATE imports SET state = 'done', rows_total = $4, rows_read = $4, created_count = $5, updated_count = $6, unchanged_count = $7,
           rejected_count = $8, warning_count = $9, planned_count = $10, expired_count = $11, skipped_past_count = $12,
           staff_created = $13, finished_at = $14, lease_until = NULL, failure = NULL
    WHERE {_OURS} RETURNING id
"""
_FAIL = f"""
    UPDATE imports SET state = 'failed', failure = $4, finished_at = $5, lease_until = NULL WHERE {_OURS} RETURNING id
"""
_FORGET_FILE = "DELETE FROM import_files WHERE store_id = $1 AND import_id = $2"


class LeaseLost(Exception):
    """Another process took the import over."""


@dataclass(frozen=True)
class Claim:
    """One import, ours while the lease runs."""

    store_id: UUID
    import_id: UUID
    kind: Kind
    dry_run: bool
    tries: int


@dataclass
class Progress:
    """How far the import is; written to its row every half second, the lease with it."""

    state: str = "running"
    rows_read: int = 0
    rows_total: int | None = None
    rejected: int = 0
    warnings: int = 0


@dataclass(frozen=True)
class Result:
    """What came of an import."""

    rows: int
    created: int
    updated: int
    unchanged: int
    rejected: int
    warnings: int
    planned: int
    expired: int
    skipped_past: int
    staff_created: list[str]


async def claim(connection: Connection, store_id: UUID, lease_seconds: float) -> Claim | None:
    """The store's oldest import that waits or was left, unless one is being worked on. Stores have one at a time, in order."""
    now = machine_now()
    async with connection.transaction():
        await connection.execute(set_store_sql(store_id))
        await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"imports|{store_id}")
        row = await connection.fetchrow(_CLAIM, store_id, now + timedelta(seconds=lease_seconds), now)
    return Claim(store_id, row["id"], Kind(row["kind"]), row["dry_run"], row["tries"]) if row else None


async def show(connection: Connection, claim: Claim, progress: Progress, lease_seconds: float) -> None:
    """Write progress and renew the lease. Raises LeaseLost."""
    until = machine_now() + timedelta(seconds=lease_seconds)
    values = (until, progress.state, progress.rows_read, progress.rows_total, progress.rejected, progress.warnings)
    await _ours(connection, claim, _SHOW, *values)


async def keep_showing(
    connection: Connection, turn: asyncio.Lock, claim: Claim, progress: Progress, lease_seconds: float, over: asyncio.Event
) -> None:
    """Show until it is `over`; ends by LeaseLost. `turn` guards the connection, which others use as well."""
    while not over.is_set():
        async with turn:
            await show(connection, claim, progress, lease_seconds)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(over.wait(), min(SHOW_EVERY, lease_seconds / 4))


async def describe(connection: Connection, claim: Claim, encoding: str, unknown: tuple[str, ...]) -> None:
    """How the file was understood."""
    async with connection.transaction():
        await connection.execute(set_store_sql(claim.store_id))
        await connection.execute(_DESCRIBE, claim.store_id, claim.import_id, claim.tries, encoding, list(unknown))


async def finish(connection: Connection, claim: Claim, result: Result, now: datetime) -> None:
    """Write the end, in the transaction of `connection`; the file goes. Raises LeaseLost."""
    row = await connection.fetchval(
        _FINISH,
        *(claim.store_id, claim.import_id, claim.tries),
        *(result.rows, result.created, result.updated, result.unchanged, result.rejected, result.warnings),
        *(result.planned, result.expired, result.skipped_past, result.staff_created, now),
    )
    await _ended(connection, claim, row)


async def fail(connection: Connection, claim: Claim, failure: dict[str, Any], now: datetime) -> None:
    """Write that the import failed and why: `code`, `zh`, `en`."""
    async with connection.transaction():
        await connection.execute(set_store_sql(claim.store_id))
        values = (claim.store_id, claim.import_id, claim.tries, orjson.dumps(failure).decode(), now)
        await _ended(connection, claim, await connection.fetchval(_FAIL, *values))


def failure_of(error: Exception) -> dict[str, Any]:
    """What is told of an error: a refused file says what is wrong with it, anything else that it was ours."""
    if isinstance(error, FileRefused):
        return {"code": error.code, "zh": error.zh, "en": error.en}
    return {
        "code": "import_failed",
        "zh": "导入时服务内部出错,没有写入任何数据,请重试或联系管理员",
        "en": "the import failed inside the service; nothing was written",
    }


async def _ours(connection: Connection, claim: Claim, statement: str, *values: object) -> None:
    async with connection.transaction():
        await connection.execute(set_store_sql(claim.store_id))
        if await connection.fetchval(statement, claim.store_id, claim.import_id, claim.tries, *values) is None:
            raise LeaseLost
        await connection.execute("SELECT pg_notify($1, $2)", NOTIFY_FEED, feed(claim.store_id, "import", claim.import_id))


async def _ended(connection: Connection, claim: Claim, row: object) -> None:
    if row is None:
        raise LeaseLost
    await connection.execute(_FORGET_FILE, claim.store_id, claim.import_id)
    await connection.execute("SELECT pg_notify($1, $2)", NOTIFY_FEED, feed(claim.store_id, "import", claim.import_id))
