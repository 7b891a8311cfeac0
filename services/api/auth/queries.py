"""Reads about the caller."""

from __future__ import annotations

from services.api.auth.schemas import MyStore
from services.api.identities import Caller
from shared.db import Connection, set_store_sql


async def stores_of(connection: Connection, caller: Caller) -> list[MyStore]:
    """The stores of a caller with their part in each. People: those they are active in. Key: its one. Operator: all."""
    if caller.kind != "staff":
        rows = await connection.fetch(
            "SELECT id AS store_id, code, name, timezone FROM stores WHERE $1::uuid IS NULL OR id = $1 ORDER BY code",
            caller.key_store_id,
        )
        return [MyStore(**row, staff_id=None, staff_name=None, roles=[]) for row in rows]
    rows = await connection.fetch(
        "SELECT s.id AS store_id, s.code, s.name, s.timezone, a.staff_id FROM account_stores a"
        " JOIN stores s ON s.id = a.store_id WHERE a.account_id = $1 ORDER BY s.code",
        caller.id,
    )
    found: list[MyStore] = []
    for row in rows:
        await connection.execute(set_store_sql(row["store_id"]))
        person = await connection.fetchrow(
            "SELECT name, roles FROM staff WHERE store_id = $1 AND id = $2 AND active", row["store_id"], row["staff_id"]
        )
        if person is not None:
            found.append(MyStore(**row, staff_name=person["name"], roles=list(person["roles"])))
    return found


async def login_of(connection: Connection, caller: Caller) -> str | None:
    """The login of a person."""
    if caller.kind != "staff":
        return None
    login: str | None = await connection.fetchval("SELECT login FROM accounts WHERE id = $1", caller.id)
    return login
