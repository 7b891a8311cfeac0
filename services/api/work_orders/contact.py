"""Who brought the car: kept sealed with the order, and noted only when that is not the owner."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from shared.crypto import Vault
from shared.db import Connection
from shared.errors import Invalid
from shared.phones import InvalidPhone, parse_phone

FIELDS = frozenset({"contact_name", "contact_phone"})
NOBODY: Mapping[str, Any] = {"contact_name": None, "contact_phone": None, "contact_phone_index": None}
_IS_OWNERS = """
    SELECT true FROM contact_points WHERE store_id = $1 AND customer_id = $2 AND kind = 'phone' AND value_index = $3
"""
_OPEN_VISITS = """
    SELECT id FROM visits WHERE store_id = $1 AND trigger_id = $2 AND state IN ('planned', 'due', 'trying') ORDER BY id FOR UPDATE
"""
_CALLEES = """
    UPDATE visits v SET callee_name = $3, callee_phone = c.phone, callee_phone_index = $4, updated_at = $5, version = v.version + 1
    FROM unnest($2::uuid[], $6::bytea[]) AS c(id, phone) WHERE v.store_id = $1 AND v.id = c.id
"""


async def kept(
    conn: Connection, vault: Vault, store_id: UUID, order_id: UUID, owner_id: UUID, values: Mapping[str, Any]
) -> dict[str, Any]:
    """The values with `contact_phone`, when it is among them, as the columns keep it. Raises Invalid for what is no phone."""
    row = dict(values)
    if "contact_phone" not in row:
        return row
    text = row["contact_phone"]
    if text is None:
        return row | {"contact_phone_index": None}
    phone = _phone(text)
    index = vault.index("phone", phone)
    if await conn.fetchval(_IS_OWNERS, store_id, owner_id, index):
        return {**row, **NOBODY}
    sealed = vault.seal(phone, "work_orders", "contact_phone", store_id, order_id)
    return row | {"contact_phone": bytes(sealed), "contact_phone_index": index}


async def tell_visits(conn: Connection, vault: Vault, order: asyncpg.Record, *, now: datetime) -> None:
    """Let the open visits of an order ring whoever it names now, else the owner again."""
    store_id, sealed = order["store_id"], order["contact_phone"]
    visits = [row["id"] for row in await conn.fetch(_OPEN_VISITS, store_id, order["id"])]
    phone = vault.open(sealed, "work_orders", "contact_phone", store_id, order["id"]) if sealed is not None else None
    phones = [vault.seal(phone, "visits", "callee_phone", store_id, visit_id) if phone else None for visit_id in visits]
    name = order["contact_name"] if phone else None
    await conn.execute(_CALLEES, store_id, visits, name, order["contact_phone_index"], now, phones)


def _phone(text: str) -> str:
    try:
        return parse_phone(text).e164
    except InvalidPhone as fault:
        raise Invalid(f"{fault.zh} / {fault.en}", "/contact_phone") from None
