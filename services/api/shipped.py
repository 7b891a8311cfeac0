"""The programmes a new store begins with: all that are shipped, each by the policy its file selects, off where it says so."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from shared.db import Connection
from shared.ids import new_id
from shared.packs import shipped_packs

_INSERT = """
    INSERT INTO programmes (store_id, id, key, version, policy, enabled, source, created_at)
    SELECT $1, p.id, p.key, 1, p.policy, p.enabled, p.source, $7
    FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::bool[]) AS p(id, key, policy, source, enabled)
    ON CONFLICT DO NOTHING
"""


async def select_shipped(conn: Connection, store_id: UUID, now: datetime) -> None:
    """Select every shipped programme that the store does not have."""
    packs = shipped_packs()
    await conn.execute(
        _INSERT,
        store_id,
        [new_id() for _ in packs],
        [pack.key for pack in packs],
        [pack.programme.policy for pack in packs],
        [pack.text for pack in packs],
        [pack.programme.enabled for pack in packs],
        now,
    )
