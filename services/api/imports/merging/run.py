"""What every step of a merge must know."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.api.imports.fields import Kind
from shared.crypto import Vault
from shared.db import Connection

# A UUIDv7 made by the server: version 17 has no function for it. For rows by the hundred thousand that nothing else refers to.
NEW_ID = """encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid()) placing
    substring(int8send(floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3) FROM 1 FOR 6), 52, 1), 53, 1), 'hex')::uuid"""


async def set_against_set(connection: Connection, statement: str, *values: object) -> None:
    """Run a statement that compares all rows of a file with all of a table.

    What this transaction has just filled looks small to the planner, which would then compare each row with each.
    """
    await connection.execute("SET LOCAL enable_nestloop = off")
    await connection.execute(statement, *values)
    await connection.execute("SET LOCAL enable_nestloop = on")


@dataclass(frozen=True)
class Run:
    """One import: of which store, of what kind, at which business instant."""

    store_id: UUID
    import_id: UUID
    kind: Kind
    now: datetime
    vault: Vault
