"""The outbox of development: what would have been sent, with the whole text, over the caller's stores."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Query, Response

from services.api.deps import Caller, StoreConnection, TheHouse, Vault
from services.api.messages.queries import message_of
from services.api.messages.schemas import MessageOut
from services.api.routing import router as make_router
from services.api.wire import Page, json_response
from shared.db import set_store_sql
from shared.errors import NotFound

router = make_router("/dev", "dev")

_STORES = """
    SELECT id FROM stores s WHERE ($1::uuid IS NULL OR id = $1)
        AND ($2 OR id = $3 OR EXISTS (SELECT FROM account_stores a WHERE a.store_id = s.id AND a.account_id = $4)) ORDER BY id
"""
_LATEST = """
    SELECT m.id, m.store_id, m.visit_id, m.customer_id, c.name AS customer_name, m.kind, m.purpose, m.channel, m.template, m.language,
        m.address, m.subject, m.body, m.state, m.reason, m.wake_at, m.expire_at, m.provider, m.provider_id, m.created_at, m.sent_at,
        m.delivered_at, m.unknown_since, m.updated_at
    FROM messages m JOIN customers c ON c.store_id = m.store_id AND c.id = m.customer_id
    WHERE m.store_id = $1 AND ($2::text IS NULL OR m.channel = $2) ORDER BY m.created_at DESC, m.id DESC LIMIT $3
"""


@router.get("/outbox", operation_id="get_outbox", response_model=Page[MessageOut], responses={404: {}})
async def get_outbox(
    conn: StoreConnection,
    house: TheHouse,
    vault: Vault,
    caller: Caller,
    store_id: UUID | None = None,
    channel: Literal["sms", "email"] | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Response:
    """The latest messages of the caller's stores, newest first. In development only."""
    if house.settings.production:
        raise NotFound
    found: list[dict[str, Any]] = []
    for store in await conn.fetch(_STORES, store_id, caller.kind == "operator", caller.key_store_id, caller.id):
        await conn.execute(set_store_sql(store["id"]))
        found += [message_of(vault, row) for row in await conn.fetch(_LATEST, store["id"], channel, limit)]
    found.sort(key=lambda message: (message["created_at"], message["id"]), reverse=True)
    return json_response({"items": found[:limit], "next_cursor": None})
