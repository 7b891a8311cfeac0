"""Callbacks over HTTP: kept, answered at once, applied elsewhere."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import orjson
from fastapi import Request

from services.api.deps import StoreConnection, Vault
from services.api.errors import TooLarge
from services.api.routing import router as make_router
from services.api.wire import Out
from shared.clock import machine_now
from shared.db import Connection
from shared.errors import Invalid, NotFound
from shared.events import NOTIFY_EVENTS
from shared.ids import new_id
from shared.tokens import token_index

router = make_router("/hooks", "hooks")

LARGEST = 256 * 1024
LONGEST_TOKEN = 100
NO_STORE = UUID(int=0)

_TOKEN = "SELECT id FROM hook_tokens WHERE token_index = $1 AND kind = $2 AND provider = $3 AND revoked_at IS NULL"  # noqa: S105 - a statement
_KEEP = "INSERT INTO callbacks (id, hook_token_id, kind, body, received_at) VALUES ($1, $2, $3, $4, $5)"
_RING = "SELECT pg_notify($1, '')"


def _receipt(*statuses: str) -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["id", "status"],
        "properties": {
            "id": {"type": "string", "format": "uuid", "description": "The `id` we sent with the message."},
            "status": {"type": "string", "enum": list(statuses)},
            "code": {"type": "string"},
            "at": {"type": "string", "format": "date-time"},
        },
    }


_REPLY: dict[str, Any] = {
    "type": "object",
    "required": ["from", "text"],
    "properties": {"from": {"type": "string"}, "text": {"type": "string"}, "at": {"type": "string", "format": "date-time"}},
}


class NotJson(Invalid):
    """The body is not JSON."""

    code = "not_json"
    zh = "内容不是 JSON。"


class Kept(Out):
    """The callback is kept and will be applied."""

    kept: bool = True


def _body(item: dict[str, Any], example: Any) -> dict[str, Any]:
    schema = {"anyOf": [{"type": "array", "items": item}, item]}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema, "example": example}}}}


_ID = "01939a5e-7c7e-7000-8000-000000000001"
_RECEIPTS_DOC = _body(_receipt("delivered", "undelivered"), [{"id": _ID, "status": "delivered", "at": "2026-11-23T01:00:05Z"}])
_REPLIES_DOC = _body(_REPLY, {"from": "+8613800138000", "text": "5", "at": "2026-11-23T01:00:05Z"})
_MAIL_DOC = _body(_receipt("bounced", "complained", "delivered"), [{"id": _ID, "status": "bounced", "code": "550"}])


@router.post("/sms/{provider}/{token}", operation_id="receive_sms_receipts", openapi_extra=_RECEIPTS_DOC, responses={404: {}})
async def receive_sms_receipts(provider: str, token: str, request: Request, conn: StoreConnection, vault: Vault) -> Kept:
    """Receipts of an SMS provider. 200 says that they are kept; an item nobody can read spoils none of the others."""
    return await _keep(conn, vault, request, "sms", provider, token, "sms_receipts")


@router.post(
    "/sms/{provider}/{token}/replies", operation_id="receive_sms_replies", openapi_extra=_REPLIES_DOC, responses={404: {}}
)
async def receive_sms_replies(provider: str, token: str, request: Request, conn: StoreConnection, vault: Vault) -> Kept:
    """What customers texted back."""
    return await _keep(conn, vault, request, "sms", provider, token, "sms_replies")


@router.post("/email/{token}", operation_id="receive_email_events", openapi_extra=_MAIL_DOC, responses={404: {}})
async def receive_email_events(token: str, request: Request, conn: StoreConnection, vault: Vault) -> Kept:
    """Bounces and complaints. `id` is the attempt's, or `message_id` the Message-ID that begins with it."""
    return await _keep(conn, vault, request, "email", "smtp", token, "email")


async def _keep(conn: Connection, vault: Vault, request: Request, kind: str, provider: str, token: str, what: str) -> Kept:
    """Keep the body as it came. An unknown token is answered before anything of the body is looked at."""
    token_id = None
    if len(token) <= LONGEST_TOKEN:
        token_id = await conn.fetchval(_TOKEN, token_index(vault, token), kind, provider)
    if token_id is None:
        raise NotFound
    body = await _read(request)
    callback_id = new_id()
    sealed = vault.seal_bytes(body, "callbacks", "body", NO_STORE, callback_id)
    await conn.execute(_KEEP, callback_id, token_id, what, sealed, machine_now())
    await conn.execute(_RING, NOTIFY_EVENTS)
    return Kept()


async def _read(request: Request) -> bytes:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > LARGEST:
            raise TooLarge
    try:
        orjson.loads(bytes(body))
    except orjson.JSONDecodeError:
        raise NotJson from None
    return bytes(body)
