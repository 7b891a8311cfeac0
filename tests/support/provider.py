"""An SMS provider that misbehaves: a real HTTP server that takes messages and cuts, delays, repeats, answers nonsense, on request.

`python -m tests.support.provider --port PORT --log FILE` runs one for itself, for tests that kill their processes; the log is a line
of JSON for each call, written before the answer. What it accepts, it accepts: its log is the truth about what a customer would get.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import signal
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import time
from typing import Any

import httpx
import orjson

Behaviour = Callable[["Call"], Awaitable["Answer | None"]]


@dataclass
class Call:
    """One request as it came in. `accepted`: whether the gateway took the message, whatever it answered."""

    id: str
    to: str
    text: str
    body: dict[str, Any]
    headers: dict[str, str]
    at: float
    accepted: bool = False


@dataclass(frozen=True)
class Answer:
    """What goes back: status, body bytes; `cut`: after so many bytes of the answer the connection is closed."""

    status: int = 200
    body: bytes = b""
    cut: int | None = None


def accepted(call: Call) -> Answer:
    """The answer that takes a message."""
    call.accepted = True
    return Answer(200, orjson.dumps({"message_id": f"gw-{call.id}"}))


async def accept(call: Call) -> Answer:
    """Takes everything."""
    return accepted(call)


def refuse(code: str = "bad_number", status: int = 400) -> Behaviour:
    """Refuses with a code."""

    async def behave(call: Call) -> Answer:
        return Answer(status, orjson.dumps({"code": code}))

    return behave


def fail_after_accepting(status: int = 500) -> Behaviour:
    """Takes the message and then says that something went wrong."""

    async def behave(call: Call) -> Answer:
        accepted(call)
        return Answer(status, b"oops")

    return behave


def fail_before_accepting(status: int = 500) -> Behaviour:
    """Does not take the message and says that something went wrong."""

    async def behave(call: Call) -> Answer:
        return Answer(status, b"oops")

    return behave


def delay(seconds: float) -> Behaviour:
    """Takes the message and answers late."""

    async def behave(call: Call) -> Answer:
        answer = accepted(call)
        await asyncio.sleep(seconds)
        return answer

    return behave


async def cut(call: Call) -> Answer | None:
    """Takes the message and closes the connection without a word."""
    accepted(call)
    return None


async def cut_in_the_middle(call: Call) -> Answer:
    """Takes the message and closes the connection within the answer."""
    answer = accepted(call)
    return Answer(answer.status, answer.body, cut=20)


async def garbage(call: Call) -> Answer:
    """Takes the message and answers something nobody can read."""
    accepted(call)
    return Answer(200, b"<html>OK</html>")


async def enormous(call: Call) -> Answer:
    """Takes the message and answers ten megabytes."""
    accepted(call)
    return Answer(200, b"x" * 10_000_000)


def one_of(*behaviours: Behaviour, seed: int = 0) -> Behaviour:
    """Each call by chance after one of these; the same chances for the same seed."""
    chance = random.Random(seed)

    async def behave(call: Call) -> Answer | None:
        return await chance.choice(behaviours)(call)

    return behave


@dataclass
class Provider:
    """The server. `behave` may be changed at any time; `calls` is its log."""

    behave: Behaviour = accept
    log: Path | None = None
    calls: list[Call] = field(default_factory=list)
    url: str = ""
    _server: asyncio.Server | None = None
    _open: set[asyncio.StreamWriter] = field(default_factory=set)

    async def __aenter__(self) -> Provider:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self, port: int = 0) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/send"

    async def stop(self) -> None:
        if self._server is None:
            return
        self._server.close()
        for writer in list(self._open):
            writer.close()
        await self._server.wait_closed()

    @property
    def accepted(self) -> list[Call]:
        """The calls whose message a customer would get."""
        return [call for call in self.calls if call.accepted]

    def times(self, number: str) -> int:
        """How many messages a number would have got."""
        return sum(call.to == number for call in self.accepted)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            while await self._one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self._open.discard(writer)
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request and its answer. Out: whether the connection lives on."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        lines = head.split("\r\n")[1:]
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
        body = orjson.loads(await reader.readexactly(int(headers.get("content-length", "0"))))
        call = Call(body["id"], body["to"], body["text"], body, headers, time())
        self.calls.append(call)
        answer = await self.behave(call)
        self._write_log(call)
        if answer is None:
            return False
        text = f"HTTP/1.1 {answer.status} X\r\ncontent-type: application/json\r\ncontent-length: {len(answer.body)}\r\n\r\n"
        data = text.encode() + answer.body
        writer.write(data if answer.cut is None else data[: answer.cut])
        await writer.drain()
        return answer.cut is None

    def _write_log(self, call: Call) -> None:
        if self.log is not None:
            with self.log.open("ab") as file:
                file.write(orjson.dumps({"id": call.id, "to": call.to, "at": call.at, "accepted": call.accepted}) + b"\n")


async def send_receipts(
    hook_url: str, calls: Sequence[Call], *, status: str = "delivered", copies: int = 1, shuffle: int | None = None
) -> list[int]:
    """Report on calls, each `copies` times, in an order shuffled by a seed. Out: the statuses of the answers."""
    receipts = [{"id": call.id, "status": status, "at": "2026-11-23T01:00:05Z"} for call in calls for _ in range(copies)]
    if shuffle is not None:
        random.Random(shuffle).shuffle(receipts)
    async with httpx.AsyncClient(trust_env=False) as client:
        return [(await client.post(hook_url, json=[receipt])).status_code for receipt in receipts]


async def _main(port: int, log: Path) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    provider = Provider(log=log)
    await provider.start(port)
    await stop.wait()
    await provider.stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--log", type=Path, required=True)
    arguments = parser.parse_args()
    asyncio.run(_main(arguments.port, arguments.log))
