"""The audit log: who did what to what. Append-only; holds no personal data, only ids and names of fields."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import orjson
import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from services.api.identities import Me
from shared.db import Connection, raw
from shared.ids import new_id


async def note(
    where: AsyncSession | Connection,
    me: Me,
    action: str,
    object_kind: str,
    object_id: UUID | None = None,
    *,
    now: datetime,
    detail: Mapping[str, object] | None = None,
) -> None:
    """Write one entry in the transaction of the act. `action` is past tense, such as `staff.deactivated`."""
    connection = await raw(where) if isinstance(where, AsyncSession) else where
    kind, actor_id = ("key", me.caller.id) if me.caller.kind == "key" else (me.actor.kind, me.actor.id)
    await connection.execute(
        "INSERT INTO audit_log (store_id, id, at, actor_kind, actor_id, action, object_kind, object_id, detail,"
        " request_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        me.store_id,
        new_id(),
        now,
        kind,
        actor_id,
        action,
        object_kind,
        object_id,
        orjson.dumps(detail or {}, str).decode(),
        structlog.contextvars.get_contextvars().get("request_id"),
    )
