"""A client that costs next to nothing: kept-alive connections, so that the quarter's time is the product's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import orjson

AT_ONCE = 3
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Unexpected(AssertionError):
    """The API did not answer as the desk expects."""


@dataclass(frozen=True)
class Answer:
    """Status and body; `json` reads it."""

    status: int
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body) if self.body else None


@dataclass
class Caller:
    """Somebody with connections of their own, a few requests at a time at most. `token` is asked anew for each request."""

    url: str
    token: Callable[[], str]
    requests: int = 0
    _idle: list[Streams] = field(default_factory=list)
    _turn: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    async def get(self, path: str, **params: object) -> Any:
        """The JSON of a 200."""
        query = "?" + urlencode({name: str(value) for name, value in params.items()}) if params else ""
        return (await self.ask("GET", path + query, expect=200)).json

    async def post(self, path: str, body: Any, expect: int = 201) -> Any:
        """The JSON of an answer with the status expected."""
        return (await self.ask("POST", path, body, expect=expect)).json

    async def ask(
        self, method: str, path: str, body: Any = None, *, expect: int | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """One request. `body`: bytes go as they are, anything else as JSON. Raises Unexpected for another status than `expect`."""
        content = b"" if body is None else body if isinstance(body, bytes) else orjson.dumps(body)
        kind = {} if body is None or isinstance(body, bytes) else {"content-type": "application/json"}
        async with self._turn:
            try:
                answer = await self._exchange(method, path, content, {**kind, **(headers or {})})
            except (ConnectionError, asyncio.IncompleteReadError):
                self.close()  # a connection that was kept too long
                answer = await self._exchange(method, path, content, {**kind, **(headers or {})})
        self.requests += 1
        if expect is not None and answer.status != expect:
            raise Unexpected(f"{method} {path}: {answer.status} {answer.body.decode(errors='replace')[:600]}\n{content[:600]!r}")
        return answer

    def close(self) -> None:
        """Let go of the connections that nobody uses just now."""
        while self._idle:
            self._idle.pop()[1].close()

    async def _exchange(self, method: str, path: str, content: bytes, headers: Mapping[str, str]) -> Answer:
        place = urlsplit(self.url)
        streams = self._idle.pop() if self._idle else await asyncio.open_connection(place.hostname, place.port)
        reader, writer = streams
        sent = {
            "host": place.netloc,
            "accept-language": "en",
            "authorization": f"Bearer {self.token()}",
            "content-length": str(len(content)),
            **headers,
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
        writer.write(f"{method} {quote(path, safe='/?=&%:,')} HTTP/1.1\r\n{head}\r\n".encode() + content)
        answer = await _read(reader)
        self._idle.append(streams)
        return answer


async def _read(reader: asyncio.StreamReader) -> Answer:
    lines = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
    status = int(lines[0].split(b" ", 2)[1])
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines[1:] if line)}
    if headers.get(b"transfer-encoding", b"").lower() == b"chunked":
        return Answer(status, await _chunks(reader))
    return Answer(status, await reader.readexactly(int(headers.get(b"content-length", b"0"))))


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    parts = []
    while size := int((await reader.readline()).strip() or b"0", 16):
        parts.append(await reader.readexactly(size))
        await reader.readexactly(2)
    await reader.readline()
    return b"".join(parts)
