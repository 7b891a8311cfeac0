"""Reading programmes."""

from __future__ import annotations

from functools import lru_cache
from typing import Any
from uuid import UUID

import asyncpg

from shared.db import Connection
from shared.domain.programme import Programme, Step
from shared.errors import NotFound
from shared.packs import load_pack


class ProgrammeNotFound(NotFound):
    """There is no such programme."""

    code = "programme_not_found"
    zh = "没有该方案。"


async def programmes(conn: Connection, store_id: UUID) -> list[dict[str, Any]]:
    """All programmes in force, by key."""
    return [described(row) for row in await conn.fetch(f"{_CURRENT} ORDER BY p.key", store_id)]


async def programme(conn: Connection, store_id: UUID, key: str) -> dict[str, Any]:
    """One with its text. Raises ProgrammeNotFound."""
    row = await conn.fetchrow(f"{_CURRENT} AND p.key = $2", store_id, key)
    if row is None:
        raise ProgrammeNotFound
    return described(row) | {"source": row["source"]}


async def versions(conn: Connection, store_id: UUID, key: str) -> list[dict[str, Any]]:
    """Every version, newest first. Raises ProgrammeNotFound."""
    rows = await conn.fetch(_VERSIONS, store_id, key)
    if not rows:
        raise ProgrammeNotFound
    return [dict(row) for row in rows]


def described(row: asyncpg.Record) -> dict[str, Any]:
    """A programme as it goes out, from its row."""
    found = _read(row["source"], row["policy"])
    return {
        **{name: row[name] for name in ("id", "key", "policy", "enabled", "version", "created_at", "open_visits")},
        "name_zh": found.name_zh,
        "name_en": found.name_en,
        "tier": found.tier,
        "scope": found.scope,
        "trigger": found.trigger,
        "policies": [{"key": key, "name_zh": name.zh, "name_en": name.en} for key, name in found.policies.items()],
        "steps": [_step(step) for step in found.steps],
    }


@lru_cache(maxsize=512)
def _read(source: str, policy: str | None) -> Programme:
    """A pack takes ten milliseconds to read, and a list has one for each programme."""
    return load_pack(source, policy)


def _step(step: Step) -> dict[str, Any]:
    window = step.window
    shown = {name: getattr(window, name) for name in ("earliest", "due", "deadline", "unit")} if window else None
    plain = {name: getattr(step, name) for name in ("key", "name_zh", "name_en", "role", "channel", "on_missed")}
    return {**plain, "purposes": list(step.purposes), "window": shown}


_CURRENT = """
    SELECT p.id, p.key, p.version, p.policy, p.enabled, p.source, p.created_at, (
        SELECT count(*) FROM visits v WHERE v.store_id = p.store_id AND v.programme = p.key AND v.closed_at IS NULL
    ) AS open_visits
    FROM programmes p WHERE p.store_id = $1 AND p.retired_at IS NULL
"""
_VERSIONS = """
    SELECT version, policy, enabled, created_at, created_by, retired_at FROM programmes
    WHERE store_id = $1 AND key = $2 ORDER BY version DESC
"""
