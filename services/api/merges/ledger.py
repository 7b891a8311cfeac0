"""What a merge moved and what was there before, as `customer_merges.moved` keeps it for the undo."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any
from uuid import UUID

import orjson

from shared.db import Connection

_APPLY = (
    "UPDATE {table} t SET {sets}, updated_at = $3, version = t.version + 1 FROM jsonb_populate_record(NULL::{table}, $4::jsonb) a"
)
_RESTORE = """
    UPDATE {table} t SET {column} = b.{column}, updated_at = $3, version = t.version + 1
    FROM jsonb_populate_record(NULL::{table}, $4::jsonb) b, jsonb_populate_record(NULL::{table}, $5::jsonb) a
    WHERE t.store_id = $1 AND t.id = $2 AND t.{column} IS NOT DISTINCT FROM a.{column} RETURNING t.id
"""


@dataclass
class Ledger:
    """Ids are text, as JSON has them.

    `rows`: ids by table that went from file to file; `car_rows`: by the row of a car that went, ids by table; `cars`: row that went →
    the row that stays and its fields; `code`: the external code that went along; `ranks`: places of its numbers; `aside`, `added`:
    consents; `wrong`: numbers marked in the file that stays; `cancelled`: visits; `promises`, `triggers`: visit → (before, after);
    `chain`: files that led to the one that went.
    """

    rows: dict[str, list[str]] = field(default_factory=dict)
    car_rows: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    cars: dict[str, dict[str, Any]] = field(default_factory=dict)
    fields: dict[str, Any] = field(default_factory=lambda: {"before": {}, "after": {}})
    code: str | None = None
    ranks: dict[str, int] = field(default_factory=dict)
    aside: list[str] = field(default_factory=list)
    added: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    promises: dict[str, list[str | None]] = field(default_factory=dict)
    triggers: dict[str, list[str]] = field(default_factory=dict)
    chain: list[str] = field(default_factory=list)

    def text(self) -> str:
        """As the column keeps it."""
        return orjson.dumps(asdict(self), str).decode()

    @classmethod
    def read(cls, text: str) -> Ledger:
        """From the column."""
        return cls(**orjson.loads(text))

    @property
    def counts(self) -> dict[str, int]:
        """How many rows of each kind moved."""
        return {table: len(ids) for table, ids in self.rows.items() if ids}


async def apply_fields(conn: Connection, table: str, store_id: UUID, row_id: UUID, after: dict[str, Any], now: object) -> None:
    """Write fields of a row from plain values."""
    if not after:
        return
    sets = ", ".join(f"{name} = a.{name}" for name in after)
    statement = f"{_APPLY.format(table=table, sets=sets)} WHERE t.store_id = $1 AND t.id = $2"
    await conn.execute(statement, store_id, row_id, now, orjson.dumps(after, str).decode())


async def restore_fields(
    conn: Connection, table: str, store_id: UUID, row_id: UUID, changed: dict[str, Any], now: object
) -> list[str]:
    """Put fields back that are still as they were filled; out: those that have been changed since."""
    before, after = (orjson.dumps(changed[name]).decode() for name in ("before", "after"))
    overtaken = []
    for column in changed["after"]:
        statement = _RESTORE.format(table=table, column=column)
        if await conn.fetchval(statement, store_id, row_id, now, before, after) is None:
            overtaken.append(column)
    return overtaken
