"""What all factories share: the day it is, one INSERT, the keys that tests seal with."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import cache
from itertools import count
from uuid import UUID

import asyncpg
import orjson

from shared.crypto import Vault
from shared.db import Connection
from shared.ids import new_id
from shared.settings import load_settings

NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)  # Monday, 9:00 in Shanghai
TODAY = date(2026, 11, 23)
NOBODY = "01a20000-0000-7000-8000-000000000007"
"""An id that no row has; always the same, so that every worker names its tests alike."""

_numbers = count(1)


def number() -> int:
    """A number no other row of this run has."""
    return next(_numbers)


@cache
def vault() -> Vault:
    """The vault of the settings tests run with."""
    return Vault.of(load_settings())


async def insert(conn: Connection, table: str, values: Mapping[str, object]) -> asyncpg.Record:
    """The row as stored. Mappings, and lists of anything but words and ids, go in as JSON."""
    columns = ", ".join(values)
    places = ", ".join(f"${place}" for place in range(1, len(values) + 1))
    row = await conn.fetchrow(f"INSERT INTO {table} ({columns}) VALUES ({places}) RETURNING *", *map(_value, values.values()))
    assert row is not None
    return row


async def insert_of_store(conn: Connection, table: str, values: Mapping[str, object]) -> asyncpg.Record:
    """A row of a store, with an id unless one is given."""
    return await insert(conn, table, {"id": new_id(), **values})


async def store_of(conn: Connection, table: str, row_id: UUID) -> UUID:
    """The store a row belongs to."""
    store_id = await conn.fetchval(f"SELECT store_id FROM {table} WHERE id = $1", row_id)
    assert isinstance(store_id, UUID)
    return store_id


def stamps(*names: str) -> dict[str, object]:
    """The same instant in several columns."""
    return dict.fromkeys(names, NOW)


def _value(value: object) -> object:
    if isinstance(value, Mapping) or (isinstance(value, list) and not all(isinstance(item, str | UUID) for item in value)):
        return orjson.dumps(value).decode()
    return value
