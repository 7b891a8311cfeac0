"""The outermost layer, plain ASGI: request ids, limits of size, headers, counts, the last net for errors."""

from __future__ import annotations

import re
from dataclasses import dataclass
from time import perf_counter

import structlog
from fastapi import FastAPI
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.api.errors import TooLarge, of_anything
from shared.ids import new_id

LARGEST_BODY = 1024 * 1024
LARGEST_IMPORT = 64 * 1024 * 1024
_IMPORT_PATH = re.compile(r"/v1/stores/[^/]+/imports/?")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}

log = structlog.get_logger("api")


@dataclass
class Exchange:
    """One request as this layer sees it."""

    scope: Scope
    receive: Receive
    send: Send
    request_id: str
    limit: int
    strict: bool
    read: int = 0
    status: int = 0

    async def take(self) -> Message:
        """The next part of the body; raises TooLarge beyond the limit, whatever Content-Length said."""
        message = await self.receive()
        if message["type"] == "http.request":
            self.read += len(message.get("body", b""))
            if self.read > self.limit:
                raise TooLarge
        return message

    async def give(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers["X-Request-Id"] = self.request_id
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
            if self.strict:
                headers.setdefault("Strict-Transport-Security", "max-age=31536000")
        await self.send(message)


class Edge:
    """Wraps the whole app; added last, so that it is the first to see a request."""

    def __init__(self, app: ASGIApp, strict: bool = False) -> None:
        self._app = app
        self._strict = strict

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = Exchange(scope, receive, send, _request_id(scope), _limit(scope), self._strict)
        scope["huifang.request_id"] = exchange.request_id
        began = perf_counter()
        structlog.contextvars.bind_contextvars(request_id=exchange.request_id)
        try:
            await self._run(exchange)
        finally:
            structlog.contextvars.unbind_contextvars("request_id")
            _count(exchange, perf_counter() - began)

    async def _run(self, exchange: Exchange) -> None:
        try:
            if _declared(exchange.scope) > exchange.limit:
                raise TooLarge
            await self._app(exchange.scope, exchange.take, exchange.give)
        except Exception as error:
            if exchange.status:  # the answer is under way: all that is left is to cut it off
                raise
            response = of_anything(Request(exchange.scope), error)
            await response(exchange.scope, exchange.receive, exchange.give)


def _header(scope: Scope, name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")


def _request_id(scope: Scope) -> str:
    given = _header(scope, b"x-request-id")
    return given if _REQUEST_ID.fullmatch(given) else str(new_id())


def _limit(scope: Scope) -> int:
    return LARGEST_IMPORT if scope["method"] == "POST" and _IMPORT_PATH.fullmatch(scope["path"]) else LARGEST_BODY


def _declared(scope: Scope) -> int:
    length = _header(scope, b"content-length")
    return int(length) if length.isascii() and length.isdigit() and len(length) < 19 else 0


def _count(exchange: Exchange, seconds: float) -> None:
    app: FastAPI | None = exchange.scope.get("app")
    house = getattr(app.state, "house", None) if app is not None else None
    if house is None:
        return
    route = exchange.scope.get("huifang.route", "unknown")
    method = exchange.scope["method"] if route != "unknown" else "other"
    house.meters.requests.labels(method, route, str(exchange.status)).inc()
    if route != f"{'/stores/{store_id}'}/events":
        house.meters.seconds.labels(method, route).observe(seconds)
