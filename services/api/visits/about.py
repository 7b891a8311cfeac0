"""What a call is about, in the words its script names: the lead, the policy, the accident, the warranty item it was planned from."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from shared.db import Connection
from shared.planning.sources import source_of
from shared.stores import StoreContext

_WORDS: Mapping[str, str] = {
    "lead": "SELECT model AS lead_model, expected_on AS lead_expected_on FROM leads WHERE store_id = $1 AND id = $2",
    "policy": """
        SELECT insurer AS policy_insurer, expires_on AS policy_expires_on FROM insurance_policies WHERE store_id = $1 AND id = $2
    """,
    "accident": "SELECT happened_on AS accident_on FROM accidents WHERE store_id = $1 AND id = $2",
    "warranty": "SELECT name AS warranty_item, expected_on AS warranty_ends_on FROM warranty_items WHERE store_id = $1 AND id = $2",
}


async def words_about(conn: Connection, store: StoreContext, visit: Mapping[str, Any]) -> dict[str, str]:
    """The placeholders that the trigger of a visit fills; what is not known is left out, and shows as a blank."""
    sql = _WORDS.get(source_of(visit["trigger"]["type"]))
    row = await conn.fetchrow(sql, store.id, visit["trigger"]["id"]) if sql else None
    return {name: _said(value) for name, value in row.items() if value is not None} if row else {}


def _said(value: object) -> str:
    return f"{value.month}月{value.day}日" if isinstance(value, date) else str(value)
