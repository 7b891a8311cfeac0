"""The generic SMS gateway of docs/api: one POST for each message, through several small httpx clients.

Several, because one client collapses under many requests at a time (docs/decisions). They share no proxy, no cookie, no redirect.
"""

from __future__ import annotations

import asyncio
import ssl
import sys
from collections.abc import Awaitable, Callable
from importlib.util import find_spec
from types import ModuleType
from typing import Any, cast

import httpx
import orjson

from services.notifier.channels.base import Mark, Outgoing, Result, Stopped, Verdict

CLIENTS = 16
CONNECTIONS = 2
CONNECT_SECONDS = 3.0
READ_SECONDS = 10.0
LARGEST_ANSWER = 64 * 1024
RETRY_CODES = frozenset({"throttled", "throttle", "rate_limited", "too_many_requests", "busy", "no_balance", "unavailable"})

_HEADERS_START = "send_request_headers.started"

# httpcore asks for sniffio several times a request. Where it is not installed, Python searches every folder each time, which costs
# more than the rest of the request; None in sys.modules is its own way to say "not there" at once.
if find_spec("sniffio") is None:
    sys.modules["sniffio"] = cast(ModuleType, None)


class HttpGateway:
    """`HUIFANG_SMS_PROVIDER=http`: posts to exactly HUIFANG_SMS_URL."""

    provider = "http"
    wire = True
    receipts = True

    def __init__(self, url: str, token: str, *, patience: float = CONNECT_SECONDS + READ_SECONDS) -> None:
        self._url = httpx.URL(url)
        self._headers = httpx.Headers({"host": self._url.netloc.decode(), "content-type": "application/json", "accept": "*/*"})
        if token:
            self._headers["authorization"] = f"Bearer {token}"
        self._patience = patience
        self._timeout = httpx.Timeout(min(READ_SECONDS, patience), connect=min(CONNECT_SECONDS, patience)).as_dict()
        limits = httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS, keepalive_expiry=30)
        verify = _authorities(self._url)
        self._clients = [
            httpx.AsyncHTTPTransport(verify=verify, limits=limits, trust_env=False, retries=0) for _ in range(CLIENTS)
        ]
        self._busy = [0] * CLIENTS

    async def send(self, message: Outgoing, mark: Mark) -> Result:
        wire = _Wire(mark)
        request = self._request(message, wire.trace)
        turn = min(range(CLIENTS), key=self._busy.__getitem__)
        self._busy[turn] += 1
        try:
            async with asyncio.timeout(self._patience):
                response = await self._clients[turn].handle_async_request(request)
                return _judge(response.status_code, await _read(response))
        except Stopped:
            raise
        except (httpx.HTTPError, TimeoutError, OSError) as fault:
            if wire.marked:
                return Result(Verdict.UNKNOWN, type(fault).__name__)
            return Result(Verdict.REFUSED_RETRY, f"not_sent:{type(fault).__name__}")
        finally:
            self._busy[turn] -= 1

    async def close(self) -> None:
        for client in self._clients:
            await client.aclose()

    def _request(self, message: Outgoing, trace: Callable[[str, dict[str, Any]], Awaitable[None]]) -> httpx.Request:
        body = orjson.dumps(
            {
                "id": str(message.attempt_id),
                "to": message.to,
                "text": message.text,
                "signature": message.signature,
                "template": message.template,
            }
        )
        headers = self._headers.copy()
        headers["content-length"] = str(len(body))
        return httpx.Request(
            "POST", self._url, headers=headers, content=body, extensions={"trace": trace, "timeout": self._timeout}
        )


class _Wire:
    """Marks the attempt when the client is about to write its first byte, once."""

    def __init__(self, mark: Mark) -> None:
        self._mark = mark
        self.marked = False

    async def trace(self, name: str, info: dict[str, Any]) -> None:
        if name.endswith(_HEADERS_START) and not self.marked:
            await self._mark()
            self.marked = True


def _authorities(url: httpx.URL) -> ssl.SSLContext:
    """Whom to trust, read once for all clients, because it takes some 30 ms; without TLS nobody is asked, and nobody trusted."""
    return httpx.create_ssl_context(trust_env=False) if url.scheme == "https" else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


async def _read(response: httpx.Response) -> bytes | None:
    """The answer's body; None when it is larger than anybody needs."""
    body = bytearray()
    try:
        async for part in response.aiter_raw():
            body += part
            if len(body) > LARGEST_ANSWER:
                return None
    finally:
        await response.aclose()
    return bytes(body)


def _judge(status: int, body: bytes | None) -> Result:
    answer = _object(body)
    if 200 <= status < 300:
        provider_id = answer.get("message_id")
        if isinstance(provider_id, str | int) and str(provider_id):
            return Result(Verdict.ACCEPTED, str(status), str(provider_id)[:200])
        return Result(Verdict.UNKNOWN, f"{status}:unreadable")
    code = answer.get("code")
    if 400 <= status < 500 and status != 408 and isinstance(code, str | int) and str(code):
        retry = status == 429 or str(code).lower() in RETRY_CODES
        return Result(Verdict.REFUSED_RETRY if retry else Verdict.REFUSED_FINAL, str(code)[:100])
    if status == 429:
        return Result(Verdict.REFUSED_RETRY, "429")
    return Result(Verdict.UNKNOWN, str(status))


def _object(body: bytes | None) -> dict[str, Any]:
    try:
        answer = orjson.loads(body or b"")
    except orjson.JSONDecodeError:
        return {}
    return answer if isinstance(answer, dict) else {}
