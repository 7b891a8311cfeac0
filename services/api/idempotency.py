"""Idempotency-Key on every POST: the answer is kept in the transaction of the effect, and given again to the same request.

The lock is PostgreSQL's own advisory lock of the transaction, so a process that dies leaves nothing locked. Only answers of
success are kept: a refusal changed nothing and may be tried again. Bodies are kept sealed: one may hold a token or a name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from types import MappingProxyType
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import orjson
from fastapi import Request, Response

from services.api.house import House, house_of
from shared.clock import machine_now
from shared.db import Connection
from shared.errors import Conflict, HuifangError, Invalid

LIFE = timedelta(hours=24)
KEPT_HEADERS = ("content-type", "location", "etag")
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_NO_STORE = UUID(int=0)
_SCOPE = "huifang.ticket"


class InFlight(Conflict):
    """A request with this Idempotency-Key is being worked on."""

    code = "idempotency_in_flight"
    zh = "同一 Idempotency-Key 的请求正在处理。"
    headers: Mapping[str, str] = MappingProxyType({"Retry-After": "1"})


class BadKey(Invalid):
    """An Idempotency-Key is 1 to 255 visible ASCII characters."""

    code = "bad_idempotency_key"
    zh = "Idempotency-Key 须为 1 至 255 个可见 ASCII 字符。"

    def __init__(self) -> None:
        super().__init__(pointer="header/idempotency-key")


class KeyReused(Invalid):
    """This Idempotency-Key came before with another request."""

    code = "idempotency_key_reused"
    zh = "该 Idempotency-Key 已用于另一个请求。"

    def __init__(self) -> None:
        super().__init__()
        self.errors = [{"pointer": "header/idempotency-key", "message": str(self)}]


class Replayed(HuifangError):
    """The request was answered before."""

    code = "replayed"

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


@dataclass
class Ticket:
    """One request under a key. `digest` is None until the feature says it, for bodies that are streamed."""

    house: House
    principal: str
    key: str
    digest: bytes | None
    connection: Connection | None = None
    kept: Any = field(default=None)

    @property
    def row_id(self) -> UUID:
        return uuid5(NAMESPACE_URL, f"{self.principal}|{self.key}")

    @property
    def lock(self) -> int:
        return int.from_bytes(sha256(f"{self.principal}|{self.key}".encode()).digest()[:8], signed=True)


Handle = Callable[[Request], Coroutine[Any, Any, Response]]


async def once(request: Request, inner: Handle) -> Response:
    """Run a POST under its key, if it has one."""
    key = request.headers.get("idempotency-key")
    if key is None:
        return await inner(request)
    if not _KEY.fullmatch(key):
        raise BadKey
    ticket = Ticket(house_of(request), _principal(request), key, await _digest(request))
    request.scope[_SCOPE] = ticket
    try:
        await _look(ticket, ticket.house.pool)
        response = await inner(request)
    except Replayed as replayed:
        return replayed.response
    if response.status_code < 400:
        await _keep(ticket, response)
    return response


async def enter(request: Request, connection: Connection) -> None:
    """Bind the key to the transaction of the effect; the dependencies that open one call this first.

    Raises InFlight while another request holds the key, Replayed when it was answered.
    """
    ticket: Ticket | None = request.scope.get(_SCOPE)
    if ticket is None or ticket.connection is not None:
        return
    if not await connection.fetchval("SELECT pg_try_advisory_xact_lock($1)", ticket.lock):
        raise InFlight
    ticket.connection = connection
    await _look(ticket, connection)


def same_body(request: Request, digest: bytes) -> None:
    """For streamed bodies: say what the body was, once it is read, before any effect.

    Raises Replayed or KeyReused when the key was answered before.
    """
    ticket: Ticket | None = request.scope.get(_SCOPE)
    if ticket is not None:
        ticket.digest = sha256(_head(request) + digest).digest()
        if ticket.kept is not None:
            _compare(ticket)


def _principal(request: Request) -> str:
    caller = getattr(request.state, "caller", None)
    if caller is not None:
        return str(caller.principal)
    return f"anonymous|{request.client.host if request.client else ''}"


def _head(request: Request) -> bytes:
    return f"{request.method} {request.scope['path']}?{request.url.query}\n".encode()


async def _digest(request: Request) -> bytes | None:
    """The digest of the request. A multipart body is streamed, and has a boundary by chance: its feature calls `same_body`."""
    if request.headers.get("content-type", "").lower().startswith("multipart/"):
        return None
    return sha256(_head(request) + await request.body()).digest()


async def _look(ticket: Ticket, where: Any) -> None:
    ticket.kept = await where.fetchrow(
        "SELECT request, status, headers, body FROM idempotency_keys WHERE principal = $1 AND key = $2 AND expires_at > $3",
        ticket.principal,
        ticket.key,
        machine_now(),
    )
    if ticket.kept is not None and ticket.digest is not None:
        _compare(ticket)


def _compare(ticket: Ticket) -> None:
    kept = ticket.kept
    if kept["request"] != ticket.digest:
        raise KeyReused
    body = ticket.house.vault.open_bytes(kept["body"], "idempotency_keys", "body", _NO_STORE, ticket.row_id)
    headers = {**orjson.loads(kept["headers"]), "Idempotent-Replayed": "true"}
    raise Replayed(Response(body, kept["status"], headers))


async def _keep(ticket: Ticket, response: Response) -> None:
    """Write the answer where the effect is written; without a transaction of the feature, in one of its own."""
    body = getattr(response, "body", None)
    if not isinstance(body, bytes) or ticket.digest is None:
        return
    headers = {name: response.headers[name] for name in KEPT_HEADERS if name in response.headers}
    sealed = ticket.house.vault.seal_bytes(body, "idempotency_keys", "body", _NO_STORE, ticket.row_id)
    now = machine_now()
    kept = await (ticket.connection or ticket.house.pool).fetchval(
        "INSERT INTO idempotency_keys AS k (principal, key, request, status, headers, body, expires_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (principal, key) DO UPDATE SET request = excluded.request,"
        " status = excluded.status, headers = excluded.headers, body = excluded.body, expires_at = excluded.expires_at"
        " WHERE k.expires_at <= $8 RETURNING 1",
        ticket.principal,
        ticket.key,
        ticket.digest,
        response.status_code,
        orjson.dumps(headers).decode(),
        bytes(sealed),
        now + LIFE,
        now,
    )
    if kept is None:
        raise InFlight
