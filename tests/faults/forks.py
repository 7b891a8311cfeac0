"""A server that forks services: everything is imported once, so that a killed service is back in some hundredths of a second.

`python -m tests.faults.forks` reads orders from standard input, one JSON object a line, and answers each with one. It starts
`serve(settings)` of a service in a fork, and sends signals to its own children only.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn, Self

import orjson

PR_SET_PDEATHSIG = 1
ROOT = Path(__file__).parents[2]


class Forks:
    """The server as a child of the tests. `start` and `signal` return when it is done."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._child: asyncio.subprocess.Process | None = None
        self._one_at_a_time = asyncio.Lock()

    async def __aenter__(self) -> Self:
        self._child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.faults.forks",
            str(self._log),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            cwd=ROOT,
        )
        await self._ask({})
        return self

    async def __aexit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        assert self._child is not None
        assert self._child.stdin is not None
        self._child.stdin.close()  # its end of input: it kills what is left and ends
        await self._child.wait()

    async def start(self, service: str, env: Mapping[str, str], *, dies: str = "") -> int:
        """Fork a service. Out: its process id. `dies`: a point of `POINTS` at which it kills itself."""
        answer: int = (await self._ask({"start": service, "env": dict(env), "dies": dies}))["pid"]
        return answer

    async def signal(self, pid: int, sign: signal.Signals) -> bool:
        """Signal a child; after SIGKILL it is gone. Out: whether it was alive."""
        alive: bool = (await self._ask({"signal": pid, "sign": int(sign)}))["alive"]
        return alive

    async def alive(self, pid: int) -> bool:
        """Whether a child has not ended."""
        alive: bool = (await self._ask({"alive": pid}))["alive"]
        return alive

    async def _ask(self, order: Mapping[str, object]) -> dict[str, Any]:
        assert self._child is not None
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        async with self._one_at_a_time:
            self._child.stdin.write(orjson.dumps(order) + b"\n")
            answer: dict[str, Any] = orjson.loads(await self._child.stdout.readline())
        return answer


def _serve(log: str) -> None:
    """Orders until the end of input. No thread may run here: what forks must be alone."""
    _import_everything()
    children: set[int] = set()
    for line in sys.stdin:
        order = orjson.loads(line)
        answer: dict[str, object] = {}
        if "start" in order:
            answer["pid"] = _fork(order, log)
            children.add(int(str(answer["pid"])))
        elif "signal" in order:
            answer["alive"] = _signal(children, order["signal"], order["sign"])
        elif "alive" in order:
            answer["alive"] = _is_alive(children, order["alive"])
        sys.stdout.write(orjson.dumps(answer).decode() + "\n")
        sys.stdout.flush()
    for pid in list(children):
        _signal(children, pid, signal.SIGCONT)
        _signal(children, pid, signal.SIGKILL)


def _import_everything() -> None:
    """Services, and what they would import when they first need it: the holidays of a year nobody has announced, HTTP, a wording."""
    import services.notifier.__main__
    import services.scheduler.__main__  # noqa: F401 - both for the children
    from services.notifier.context import open_channels
    from shared.holidays import store_calendar
    from shared.packs import load_pack, pack_text
    from shared.settings import load_settings

    load_pack(pack_text("welcome"))
    load_pack(pack_text("after-maintenance"))
    store_calendar("Asia/Shanghai", None, {}, range(2025, 2031))
    open_channels(load_settings().model_copy(update={"sms_provider": "http", "sms_url": "http://127.0.0.1:1/"}))
    gc.collect()
    gc.freeze()


def _fork(order: Mapping[str, Any], log: str) -> int:
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        _be_child(order, log, parent)
    return pid


def _be_child(order: Mapping[str, Any], log: str, parent: int) -> NoReturn:
    try:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL))
        if os.getppid() != parent:
            os._exit(3)
        os.setsid()
        quiet, out = os.open(os.devnull, os.O_RDONLY), os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        for number, descriptor in enumerate((quiet, out, out)):
            os.dup2(descriptor, number)
        os.environ.update(order["env"])
        _run(order["start"], order["dies"])
    except BaseException as fault:
        sys.stderr.write(f"{type(fault).__name__}: {fault}\n")
        sys.stderr.flush()
        os._exit(1)
    os._exit(0)


def _run(service: str, dies: str) -> None:
    from services.notifier.__main__ import serve as serve_notifier
    from services.scheduler.__main__ import serve as serve_scheduler
    from shared.logs import set_up_logs
    from shared.settings import load_settings

    set_up_logs("WARNING")
    if dies:
        POINTS[dies]()
    serve = {"notifier": serve_notifier, "scheduler": serve_scheduler}[service]
    asyncio.run(serve(load_settings("database_url", "redis_url")))


def _die(*_: object, **__: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _die_when_claimed() -> None:
    """After the claim was committed, before the mark."""
    from services.notifier.channels.http import HttpGateway

    HttpGateway._request = _die  # type: ignore[method-assign,assignment]


def _die_when_marked() -> None:
    """After the mark was committed, before the first byte."""
    from services.notifier.deliver import Delivery

    mark = Delivery._mark

    async def mark_and_die(self: Delivery, taken: Any) -> None:
        await mark(self, taken)
        _die()

    Delivery._mark = mark_and_die  # type: ignore[method-assign]


POINTS = {"claimed": _die_when_claimed, "marked": _die_when_marked}


def _signal(children: set[int], pid: int, sign: int) -> bool:
    if not _is_alive(children, pid):
        return False
    os.kill(pid, sign)
    if sign == signal.SIGKILL:
        os.waitpid(pid, 0)
        children.discard(pid)
    return True


def _is_alive(children: set[int], pid: int) -> bool:
    if pid not in children:
        return False
    with suppress(ChildProcessError):
        if os.waitpid(pid, os.WNOHANG)[0] == 0:
            return True
    children.discard(pid)
    return False


if __name__ == "__main__":
    _serve(sys.argv[1])
