"""Changing a programme: a new version takes the place of the old one, or a text with faults changes nothing."""

from __future__ import annotations

from datetime import datetime

from services.api.identities import Me
from services.api.programmes import queries
from services.api.programmes.schemas import ProgrammeIn
from shared.db import Connection
from shared.errors import Invalid
from shared.ids import new_id
from shared.packs import PackError, load_pack
from shared.stores import bump_store


class PackInvalid(Invalid):
    """The programme has faults; the old one stays in force. Each is named with its line."""

    code = "pack_invalid"
    zh = "方案有误，原方案继续有效；错误逐行列出。"

    def __init__(self, faults: tuple[str, ...], pointer: str) -> None:
        super().__init__()
        self.errors = [{"pointer": f"#{pointer}", "message": fault} for fault in faults]


async def put(conn: Connection, me: Me, key: str, body: ProgrammeIn, *, now: datetime) -> None:
    """Make `key` what the body says. Raises PackInvalid, ProgrammeNotFound (a policy or switch of one that is not there)."""
    current = await conn.fetchrow(_LOCK, me.store_id, key)
    if current is None and body.pack is None:
        raise queries.ProgrammeNotFound
    source = body.pack if body.pack is not None else current["source"] if current else ""
    policy = body.policy if body.policy is not None or body.pack is not None else current["policy"] if current else None
    policy = _checked(source, policy, key, "/pack" if body.pack is not None else "/policy")
    enabled = body.enabled if body.enabled is not None else current["enabled"] if current else True
    if current and (current["source"], current["policy"], current["enabled"]) == (source, policy, enabled):
        return
    await conn.execute(_RETIRE, me.store_id, key, now)
    version = await conn.fetchval(_NEWEST, me.store_id, key)
    await conn.execute(_INSERT, me.store_id, new_id(), key, version + 1, policy, enabled, source, now, me.staff_id)
    await bump_store(conn, me.store_id)


def _checked(source: str, policy: str | None, key: str, pointer: str) -> str | None:
    try:
        found = load_pack(source, policy)
    except PackError as fault:
        raise PackInvalid(fault.errors, pointer) from None
    if found.key != key:
        raise PackInvalid((f"key: {found.key} ≠ {key}",), pointer)
    return found.policy


_LOCK = """
    SELECT source, policy, enabled FROM programmes WHERE store_id = $1 AND key = $2 AND retired_at IS NULL FOR UPDATE
"""
_RETIRE = "UPDATE programmes SET retired_at = $3 WHERE store_id = $1 AND key = $2 AND retired_at IS NULL"
_NEWEST = "SELECT coalesce(max(version), 0) FROM programmes WHERE store_id = $1 AND key = $2"
_INSERT = """
    INSERT INTO programmes (store_id, id, key, version, policy, enabled, source, created_at, created_by)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""
