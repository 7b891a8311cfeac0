"""Reading messages: pages, one with its attempts, what is to come."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from services.api.identities import Me
from services.api.paging import Paging
from shared.crypto import Unreadable, Vault
from shared.db import Connection
from shared.errors import NotFound
from shared.phones import mask
from shared.wording import segments

_COLUMNS = """
    m.id, m.store_id, m.visit_id, m.customer_id, c.name AS customer_name, m.kind, m.purpose, m.channel, m.template, m.language,
    m.address, m.subject, m.body, m.state, m.reason, m.wake_at, m.expire_at, m.provider, m.provider_id, m.created_at, m.sent_at,
    m.delivered_at, m.unknown_since, m.updated_at
"""
_FROM = """
    FROM messages m JOIN customers c ON c.store_id = m.store_id AND c.id = m.customer_id
    LEFT JOIN visits v ON v.store_id = m.store_id AND v.id = m.visit_id
"""
# Managers and keys see every message; others those of their own visits, of their role's pool and of the customers they hold.
_VISIBLE = "($2 OR v.assignee_id = $3 OR c.holder_id = $3 OR (v.assignee_id IS NULL AND v.role = ANY($4)))"
_PAGE = f"""
    SELECT {_COLUMNS} {_FROM}
    WHERE m.store_id = $1 AND {_VISIBLE} AND ($5::text[] IS NULL OR m.state = ANY($5)) AND ($6::text IS NULL OR m.channel = $6)
        AND ($7::uuid IS NULL OR m.customer_id = $7) AND ($8::uuid IS NULL OR m.visit_id = $8)
        AND ($9::text IS NULL OR m.kind = $9)
        AND ($10::timestamptz IS NULL OR (m.created_at, m.id) < ($10, $11::uuid))
    ORDER BY m.created_at DESC, m.id DESC LIMIT $12
"""
_ONE = f"SELECT {_COLUMNS} {_FROM} WHERE m.store_id = $1 AND {_VISIBLE} AND m.id = $5"
_ATTEMPTS = """
    SELECT id, n, claimed_at, io_started_at, closed_at, outcome, code, provider_id FROM message_attempts
    WHERE store_id = $1 AND message_id = $2 ORDER BY n
"""
_UPCOMING = f"""
    SELECT 'message' AS kind, m.id AS message_id, m.visit_id, m.customer_id, c.name AS customer_name, m.channel, m.template,
        m.wake_at AS at, m.state, m.reason, m.id AS key
    {_FROM} WHERE m.store_id = $1 AND {_VISIBLE} AND m.state IN ('queued', 'held') AND m.wake_at < $5
    UNION ALL
    SELECT 'visit', NULL, v.id, v.customer_id, c.name, v.channel, v.message_template, greatest(v.due_at, $6), v.state, NULL, v.id
    FROM visits v JOIN customers c ON c.store_id = v.store_id AND c.id = v.customer_id
    WHERE v.store_id = $1 AND ($2 OR v.assignee_id = $3 OR c.holder_id = $3 OR v.assignee_id IS NULL AND v.role = ANY($4))
        AND v.closed_at IS NULL AND v.channel IN ('sms', 'email') AND v.state = 'planned' AND v.due_at < $5
    ORDER BY at, key LIMIT $7
"""


class MessageNotFound(NotFound):
    """There is no such message."""

    code = "message_not_found"
    zh = "没有该消息，或您无权知道。"


def _scope(me: Me) -> tuple[UUID, bool, UUID | None, list[str]]:
    return me.store_id, me.reads_all, me.staff_id, sorted(me.roles)


async def page_of_messages(
    conn: Connection,
    vault: Vault,
    me: Me,
    *,
    states: Sequence[str] | None,
    channel: str | None,
    customer_id: UUID | None,
    visit_id: UUID | None,
    kind: str | None,
    paging: Paging,
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of messages, newest first."""
    rows = await conn.fetch(
        _PAGE, *_scope(me), states, channel, customer_id, visit_id, kind,
        paging.after_instant(), paging.after_uuid(1) if paging.after else None, paging.limit + 1,
    )  # fmt: skip
    items, cursor = paging.cut(rows, lambda row: (row["created_at"], row["id"]))
    return [message_of(vault, row) for row in items], cursor


async def message(conn: Connection, vault: Vault, me: Me, message_id: UUID) -> dict[str, Any]:
    """One message with its attempts. Raises MessageNotFound."""
    row = await conn.fetchrow(_ONE, *_scope(me), message_id)
    if row is None:
        raise MessageNotFound
    attempts = await conn.fetch(_ATTEMPTS, me.store_id, message_id)
    return {**message_of(vault, row), "attempts": [dict(attempt) for attempt in attempts]}


async def upcoming(conn: Connection, me: Me, now: datetime, days: int, limit: int) -> list[dict[str, Any]]:
    """What will go out within so many days, soonest first."""
    rows = await conn.fetch(_UPCOMING, *_scope(me), now + timedelta(days=days), now, limit)
    return [{name: value for name, value in row.items() if name != "key"} for row in rows]


def message_of(vault: Vault, row: asyncpg.Record) -> dict[str, Any]:
    """A message as it goes out, its address masked."""
    values = dict(row)
    body = values.pop("body")
    return {
        **{name: value for name, value in values.items() if name not in ("address", "wake_at")},
        "to": masked_address(vault, row),
        "text": body,
        "segments": segments(body) if row["channel"] == "sms" and body else 0,
        "release_at": row["wake_at"] if row["state"] in ("queued", "held") else None,
        "attempts": [],
    }


def masked_address(vault: Vault, row: asyncpg.Record) -> str | None:
    """`138****1234`, `w***@example.com`; None without an address, or when its key is gone."""
    if row["address"] is None:
        return None
    try:
        address = vault.open(row["address"], "messages", "address", row["store_id"], row["id"])
    except Unreadable:
        return None
    if row["channel"] != "email":
        return mask(address)
    name, _, domain = address.partition("@")
    return f"{name[:1]}***@{domain}"
