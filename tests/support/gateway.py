"""An SMS gateway as api.md describes it, on a socket of this machine: it keeps its own log, and misbehaves when told to.

`manner` decides for each request what happens; the default accepts. The log holds every request that arrived whole.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Self

import httpx

from shared.clock import machine_now

Sms = dict[str, Any]
Manner = Callable[[Sms, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Gateway:
    """The provider's side. `log`: what arrived, in order. `token`: what the sender must show."""

    port: int = 0
    log: list[Sms] = field(default_factory=list)
    manner: Manner | None = None
    _numbers: Any = field(default_factory=lambda: count(1))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/send"

    @classmethod
    @asynccontextmanager
    async def running(cls, port: int = 0) -> AsyncIterator[Self]:
        gateway = cls()
        server = await asyncio.start_server(gateway._serve, "127.0.0.1", port)
        gateway.port = server.sockets[0].getsockname()[1]
        try:
            yield gateway
        finally:
            server.close()

    def sent_to(self, phone: str) -> list[Sms]:
        """What arrived for a number (E.164)."""
        return [sms for sms in self.log if sms["to"] == phone]

    async def report(self, _api_url: str, hook: str, attempt_id: str, status: str, code: str = "", at: str | None = None) -> None:
        """Post a receipt as the gateway does."""
        receipt = {"id": attempt_id, "status": status, "code": code, "at": at or machine_now().isoformat()}
        await self.post(hook, [receipt])

    async def reply(self, hook: str, phone: str, text: str, at: str | None = None) -> None:
        """Post a reply of a customer."""
        await self.post(f"{hook}/replies", {"from": phone, "text": text, "at": at or machine_now().isoformat()})

    async def post(self, url: str, body: object) -> None:
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.post(url, json=body)
            assert answer.status_code == 200, answer.text

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:] if ": " in line)
                headers = {name.lower(): value for name, value in fields.items()}
                sms = json.loads(await reader.readexactly(int(headers["content-length"])))
                sms["authorization"] = headers.get("authorization", "")
                self.log.append(sms)
                await (self.manner or self.accept)(sms, writer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def accept(self, _sms: Sms, writer: asyncio.StreamWriter) -> None:
        """200 with an id of the provider's."""
        self.answer(writer, 200, {"message_id": f"gw-{next(self._numbers)}"})

    def answer(self, writer: asyncio.StreamWriter, status: int, body: object) -> None:
        """Write an answer of that status."""
        content = json.dumps(body).encode()
        writer.write(
            f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n".encode() + content
        )


def refuses(code: str, status: int = 400) -> Callable[[Gateway], Manner]:
    """A manner: every message is refused with that code."""

    def of(gateway: Gateway) -> Manner:
        async def manner(_sms: Sms, writer: asyncio.StreamWriter) -> None:
            gateway.answer(writer, status, {"code": code})

        return manner

    return of
