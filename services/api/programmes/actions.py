"""Changing a programme: a new version takes the place of the old one, or a text with faults changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from services.api.identities import Me
from services.api.programmes import queries
from services.api.programmes.schemas import ProgrammeIn, RehearsalIn
from shared.crypto import Vault
from shared.db import Connection
from shared.domain.programme import PolicyError, Programme, parse
from shared.errors import Invalid
from shared.ids import new_id
from shared.packs import PackError, load_pack
from shared.planning.change import replan_programme
from shared.stores import bump_store, load_store


class ProgrammeInvalid(Invalid):
    """The programme has faults, each at its place in the object."""

    code = "programme_invalid"
    zh = "方案有误，错误逐项列出。"

    def __init__(self, error: PolicyError) -> None:
        super().__init__()
        self.errors = [
            {"pointer": "#/programme" + "".join(f"/{part}" for part in path), "message": message}
            for path, message in error.faults
        ]


class PackInvalid(Invalid):
    """The programme has faults; the old one stays in force. Each is named with its line."""

    code = "pack_invalid"
    zh = "方案有误，原方案继续有效；错误逐行列出。"

    def __init__(self, faults: tuple[str, ...], pointer: str) -> None:
        super().__init__()
        self.errors = [{"pointer": f"#{pointer}", "message": fault} for fault in faults]


async def put(conn: Connection, vault: Vault, me: Me, key: str, body: ProgrammeIn, *, now: datetime) -> None:
    """Make `key` what the body says, and with `replan` bring planned visits in line with it.

    Raises PackInvalid, ProgrammeNotFound (a policy or switch of one that is not there).
    """
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
    if body.replan:
        store = await load_store(conn, me.store_id, today=now.date())
        await replan_programme(conn, store, key, now=now, actor=me.actor, vault=vault)


async def tried(conn: Connection, me: Me, key: str, body: RehearsalIn) -> Programme | None:
    """The programme that a rehearsal is to run; None: switched off.

    Raises PackInvalid, ProgrammeInvalid, ProgrammeNotFound (a policy or switch of one that is not there).
    """
    current = await conn.fetchrow(_CURRENT, me.store_id, key)
    if current is None and body.pack is None and body.programme is None:
        raise queries.ProgrammeNotFound
    enabled = body.enabled if body.enabled is not None else current["enabled"] if current else True
    if body.programme is not None:
        found = _parsed(body.programme, body.policy, key)
    else:
        given = body.pack is not None
        source = body.pack if body.pack is not None else current["source"] if current else ""
        policy = body.policy or (None if given else current["policy"] if current else None)
        found = _loaded(source, policy, key, "/pack" if given else "/policy")
    return found if enabled else None


def _parsed(data: Mapping[str, object], policy: str | None, key: str) -> Programme:
    try:
        found = parse(data if policy is None else {**data, "policy": policy})
    except PolicyError as error:
        raise ProgrammeInvalid(error) from None
    if found.key != key:
        raise ProgrammeInvalid(PolicyError([(("key",), f"{found.key} ≠ {key}")]))
    return found


def _checked(source: str, policy: str | None, key: str, pointer: str) -> str | None:
    return _loaded(source, policy, key, pointer).policy


def _loaded(source: str, policy: str | None, key: str, pointer: str) -> Programme:
    try:
        found = load_pack(source, policy)
    except PackError as fault:
        raise PackInvalid(fault.errors, pointer) from None
    if found.key != key:
        raise PackInvalid((f"key: {found.key} ≠ {key}",), pointer)
    return found


_CURRENT = "SELECT source, policy, enabled FROM programmes WHERE store_id = $1 AND key = $2 AND retired_at IS NULL"
_LOCK = """
    SELECT source, policy, enabled FROM programmes WHERE store_id = $1 AND key = $2 AND retired_at IS NULL FOR UPDATE
"""
_RETIRE = "UPDATE programmes SET retired_at = $3 WHERE store_id = $1 AND key = $2 AND retired_at IS NULL"
_NEWEST = "SELECT coalesce(max(version), 0) FROM programmes WHERE store_id = $1 AND key = $2"
_INSERT = """
    INSERT INTO programmes (store_id, id, key, version, policy, enabled, source, created_at, created_by)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""
