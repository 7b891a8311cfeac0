"""What PostgreSQL itself says of the schema."""

from __future__ import annotations

from dataclasses import dataclass

from shared.db import Connection

_TABLES = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') ORDER BY 1"
_COLUMNS = """
    SELECT a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type
    FROM pg_attribute a WHERE a.attrelid = $1::text::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"""
_UNIQUE = """
    SELECT i.indexrelid::regclass::text AS name, i.indisprimary AS is_primary,
           (SELECT array_agg(a.attname ORDER BY k.n)
            FROM unnest(i.indkey::int2[]) WITH ORDINALITY k (attnum, n)
            JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
            WHERE k.n <= i.indnkeyatts)::text[] AS columns
    FROM pg_index i WHERE i.indrelid = $1::text::regclass AND i.indisunique"""
_REFERENCES = """
    SELECT c.conname AS name, c.conrelid::regclass::text AS from_table, c.confrelid::regclass::text AS to_table,
           (SELECT array_agg(a.attname ORDER BY k.n) FROM unnest(c.conkey) WITH ORDINALITY k (attnum, n)
            JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.attnum)::text[] AS columns,
           (SELECT array_agg(a.attname ORDER BY k.n) FROM unnest(c.confkey) WITH ORDINALITY k (attnum, n)
            JOIN pg_attribute a ON a.attrelid = c.confrelid AND a.attnum = k.attnum)::text[] AS targets
    FROM pg_constraint c WHERE c.contype = 'f' AND c.connamespace = 'public'::regnamespace ORDER BY 1"""


@dataclass(frozen=True)
class Unique:
    """A unique index, with the columns in their order."""

    name: str
    primary: bool
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Reference:
    """A foreign key."""

    name: str
    from_table: str
    to_table: str
    columns: tuple[str, ...]
    targets: tuple[str, ...]


async def tables(conn: Connection) -> list[str]:
    """Every table of ours."""
    return [row["relname"] for row in await conn.fetch(_TABLES)]


async def columns(conn: Connection, table: str) -> dict[str, str]:
    """The columns of a table and their types."""
    return {row["name"]: row["type"] for row in await conn.fetch(_COLUMNS, table)}


async def unique_indexes(conn: Connection, table: str) -> list[Unique]:
    """What is unique in a table, the primary key included."""
    return [Unique(row["name"], row["is_primary"], tuple(row["columns"])) for row in await conn.fetch(_UNIQUE, table)]


async def references(conn: Connection) -> list[Reference]:
    """Every foreign key."""
    rows = await conn.fetch(_REFERENCES)
    return [Reference(r["name"], r["from_table"], r["to_table"], tuple(r["columns"]), tuple(r["targets"])) for r in rows]
