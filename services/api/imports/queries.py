"""Reads of imports."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final
from uuid import UUID

import asyncpg
import orjson

from services.api.imports.problems import REJECTED, WARNING
from services.api.imports.reasons import say
from services.api.imports.rejected import RejectedRow, rejected_file
from services.api.paging import Paging
from shared.clock import machine_now
from shared.crypto import Vault
from shared.db import Connection
from shared.errors import NotFound

SHOWN: Final = 100
# Reading and cleaning is most of the work; what follows the last row is one step.
_READING: Final = 0.8
_PLANNING: Final = 0.9

_ONE = "SELECT * FROM imports WHERE store_id = $1 AND id = $2"
_PAGE = """
    SELECT * FROM imports WHERE store_id = $1 AND ($2::timestamptz IS NULL OR (created_at, id) < ($2, $3))
    ORDER BY created_at DESC, id DESC LIMIT $4
"""
_PROBLEMS = """
    SELECT * FROM import_problems WHERE store_id = $1 AND import_id = $2 AND severity = $3 ORDER BY line, id LIMIT $4
"""
_WAITING = """
    SELECT EXISTS (SELECT FROM imports WHERE store_id = $1
                   AND (state = 'queued' OR (state IN ('running', 'planning') AND lease_until < $2)))
"""
_COUNTS: Final = ("created", "updated", "unchanged", "rejected", "planned", "expired", "skipped_past")
_PLAIN: Final = (
    "id", "store_id", "kind", "state", "file_name", "dry_run", "staff_created", "encoding", "unknown_columns", "created_by",
    "created_at", "finished_at",
)  # fmt: skip

Json = dict[str, Any]


async def import_of(connection: Connection, vault: Vault, store_id: UUID, import_id: UUID, language: str) -> Json:
    """One import with its first problems. Raises NotFound."""
    row = await _row(connection, store_id, import_id)
    shown = _shown(row, language)
    for name, severity in (("errors", REJECTED), ("warned", WARNING)):
        problems = await connection.fetch(_PROBLEMS, store_id, import_id, severity, SHOWN)
        shown[name] += [_problem(vault, problem, language) for problem in problems]
    return shown


async def page_of_imports(connection: Connection, store_id: UUID, paging: Paging, language: str) -> tuple[list[Json], str | None]:
    """The store's imports, the latest first, without the problems of their rows."""
    after = (paging.after_instant(), paging.after_uuid(1)) if paging.after else (None, None)
    rows = await connection.fetch(_PAGE, store_id, *after, paging.limit + 1)
    page, following = paging.cut(rows, lambda row: (row["created_at"], row["id"]))
    return [_shown(row, language) for row in page], following


async def rejected_rows(connection: Connection, vault: Vault, store_id: UUID, import_id: UUID, language: str) -> bytes:
    """The file of rejected rows, complete. Raises NotFound."""
    await _row(connection, store_id, import_id)
    problems = await connection.fetch(_PROBLEMS, store_id, import_id, REJECTED, None)
    rows = [_rejected(vault, problem, language) for problem in problems]
    headings = max((tuple(heading for heading, _ in row.cells) for row in rows), key=len, default=())
    return b"".join(rejected_file(headings, rows))


async def something_waits(connection: Connection, store_id: UUID) -> bool:
    """Whether an import of the store waits, or was left by a process that died."""
    waits: bool = await connection.fetchval(_WAITING, store_id, machine_now())
    return waits


async def _row(connection: Connection, store_id: UUID, import_id: UUID) -> asyncpg.Record:
    row = await connection.fetchrow(_ONE, store_id, import_id)
    if row is None:
        raise NotFound
    return row


def _shown(row: asyncpg.Record, language: str) -> Json:
    failure = orjson.loads(row["failure"]) if row["failure"] else {}
    rejected = row["state"] == "done" and row["rejected_count"]
    return {
        **{name: row[name] for name in _PLAIN},
        **{name: row[f"{name}_count"] for name in _COUNTS},
        "rows": row["rows_read"],
        "warnings": row["warning_count"],
        "progress": _progress(row),
        "errors": list(_failure(failure, language)),
        "warned": [],
        "rejected_file": f"/v1/stores/{row['store_id']}/imports/{row['id']}/rejected" if rejected else None,
    }


def _progress(row: asyncpg.Record) -> float:
    if row["state"] in ("done", "failed"):
        return 1.0
    if row["state"] == "planning":
        return _PLANNING
    return round(_READING * row["rows_read"] / row["rows_total"], 3) if row["rows_total"] else 0.0


def _failure(failure: Json, language: str) -> Iterator[Json]:
    if "code" in failure:
        yield {
            "row": 0,
            "column": None,
            "value": None,
            "code": failure["code"],
            "reason": failure["zh" if language == "zh" else "en"],
        }


def _problem(vault: Vault, row: asyncpg.Record, language: str) -> Json:
    return {
        "row": row["line"],
        "column": row["column_name"] or None,
        "value": _opened(vault, row, "value"),
        "code": row["reason"],
        "reason": say(row["reason"], language),
    }


def _rejected(vault: Vault, row: asyncpg.Record, language: str) -> RejectedRow:
    cells: Sequence[tuple[str, str]] = [tuple(pair) for pair in orjson.loads(_opened(vault, row, "row") or "[]")]
    reason = say(row["reason"], language)
    return RejectedRow(row["line"], row["column_name"] or "", _opened(vault, row, "value") or "", reason, tuple(cells))


def _opened(vault: Vault, row: asyncpg.Record, column: str) -> str | None:
    sealed = row[column]
    return vault.open(sealed, "import_problems", column, row["store_id"], row["id"]) if sealed is not None else None
