"""What the features of plain records share: one row, its change under a version, a page of them.

Owns: composing statements from constant names of tables and columns; values always go as parameters.
Writes: the row it is told to. Never: decides what may change, or who may.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from services.api.etags import Expected
from services.api.paging import Paging
from shared.db import Connection
from shared.errors import Conflict, Invalid, NotFound
from shared.ids import new_id

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Sort:
    """An order of a list: a column that is never null, its type, its direction; ties go by id."""

    column: str
    kind: str
    descending: bool = False


@dataclass(frozen=True)
class Where:
    """A filter: SQL with `{}` for its value; without a value it does not filter."""

    sql: str
    value: object


async def one(conn: Connection, table: str, store_id: UUID, row_id: UUID, missing: type[NotFound]) -> asyncpg.Record:
    """A row of the store. Raises `missing`."""
    row = await conn.fetchrow(f"SELECT * FROM {table} WHERE store_id = $1 AND id = $2", store_id, row_id)
    if row is None:
        raise missing
    return row


async def locked(
    conn: Connection, table: str, store_id: UUID, row_id: UUID, missing: type[NotFound], expected: Expected | None = None
) -> asyncpg.Record:
    """A row of the store, held to the end of the transaction. Raises `missing`; Stale when it is not the version expected."""
    row = await conn.fetchrow(f"SELECT * FROM {table} WHERE store_id = $1 AND id = $2 FOR UPDATE", store_id, row_id)
    if row is None:
        raise missing
    if expected is not None:
        expected.check(row["version"])
    return row


async def insert(conn: Connection, table: str, store_id: UUID, values: Values, *, now: datetime) -> asyncpg.Record:
    """A new row, version 1. An `id` may be given."""
    row: dict[str, Any] = {"id": new_id(), "version": 1, "created_at": now, "updated_at": now, **values, "store_id": store_id}
    places = ", ".join(f"${place}" for place in range(1, len(row) + 1))
    made = await conn.fetchrow(
        f"INSERT INTO {table} ({', '.join(row)}) VALUES ({places}) RETURNING *", *map(_stored, row.values())
    )
    if made is None:
        raise NotFound
    return made


async def update(conn: Connection, table: str, store_id: UUID, row_id: UUID, values: Values, *, now: datetime) -> asyncpg.Record:
    """The row with some columns changed, one version on."""
    sets = ", ".join(f"{name} = ${place}" for place, name in enumerate(values, start=4))
    made = await conn.fetchrow(
        f"UPDATE {table} SET {sets + ', ' if sets else ''}updated_at = $3, version = version + 1"
        " WHERE store_id = $1 AND id = $2 RETURNING *",
        store_id,
        row_id,
        now,
        *map(_stored, values.values()),
    )
    if made is None:
        raise NotFound
    return made


async def require(conn: Connection, table: str, store_id: UUID, row_id: UUID | None, pointer: str) -> None:
    """A row that a field names must be one of the store. Raises Invalid at the field; None names none."""
    if row_id is None:
        return
    if not await conn.fetchval(f"SELECT true FROM {table} WHERE store_id = $1 AND id = $2", store_id, row_id):
        raise Invalid("没有该编号 / no such id in this store", pointer)


async def customer(conn: Connection, store_id: UUID, customer_id: UUID, pointer: str) -> UUID:
    """The customer a field names; the id of a file that was merged leads to the one that stayed. Raises Invalid at the field."""
    found: UUID | None = await conn.fetchval(
        "SELECT coalesce(merged_into, id) FROM customers WHERE store_id = $1 AND id = $2", store_id, customer_id
    )
    if found is None:
        raise Invalid("没有该编号 / no such id in this store", pointer)
    return found


@asynccontextmanager
async def once(conn: Connection, repeated: Conflict) -> AsyncIterator[None]:
    """A write that a constraint refuses when it says again what is there. Raises `repeated` then."""
    try:
        async with conn.transaction():
            yield
    except asyncpg.UniqueViolationError:
        raise repeated from None


async def page(
    conn: Connection, select: str, store_id: UUID, filters: Sequence[Where], sort: Sort, paging: Paging
) -> tuple[list[asyncpg.Record], str | None]:
    """A page of `select` (a statement up to its FROM, the table named `t`), and the cursor of the next."""
    values: list[object] = [store_id]
    clauses = ["t.store_id = $1"]
    for where in filters:
        if where.value is not None:
            values.append(where.value)
            clauses.append(where.sql.format(f"${len(values)}"))  # `{}` or `{0}`
    if paging.after is not None:
        values += [_after(paging, sort), paging.after_uuid(1)]
        sign = "<" if sort.descending else ">"
        clauses.append(f"({sort.column}, t.id) {sign} (${len(values) - 1}::{sort.kind}, ${len(values)}::uuid)")
    way = "DESC" if sort.descending else "ASC"
    rows = await conn.fetch(
        f"{select.replace('SELECT ', f'SELECT {sort.column} AS sort_key, ', 1)} WHERE {' AND '.join(clauses)}"
        f" ORDER BY {sort.column} {way}, t.id {way} LIMIT {paging.limit + 1}",
        *values,
    )
    return paging.cut(rows, lambda row: (row["sort_key"], row["id"]))


def like(text: str) -> str:
    """Text as it stands inside a LIKE pattern."""
    return text.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")


def _after(paging: Paging, sort: Sort) -> object:
    value: object = paging.after[0] if paging.after else None
    if isinstance(value, str) and sort.kind == "date":
        return date.fromisoformat(value)
    if isinstance(value, str) and sort.kind == "timestamptz":
        return datetime.fromisoformat(value)
    return UUID(value) if isinstance(value, str) and sort.kind == "uuid" else value


def _stored(value: object) -> object:
    """Mappings, and lists of anything but words, are JSON in the database."""
    if isinstance(value, Mapping) or (isinstance(value, list) and not all(isinstance(item, str) for item in value)):
        return orjson.dumps(value, str).decode()
    return value
