"""Child processes kept alive: their output in one stream with a prefix, started again with a growing pause, stopped together."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from deploy.local.process import tethered

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
STEADY = 60.0
PATIENCE = 20.0
CHUNK = 65536
COLOURS = (36, 32, 33, 35, 34, 31)


@dataclass(frozen=True)
class Child:
    """A program to keep running."""

    name: str
    command: Sequence[str]
    env: Mapping[str, str]


class Stream:
    """One stream for everybody's lines, each with the name of who said it."""

    def __init__(self, names: Sequence[str]) -> None:
        self._width = max((len(name) for name in names), default=0)
        self._colours = dict(zip(names, COLOURS * len(names), strict=False)) if sys.stdout.isatty() else {}

    def line(self, name: str, text: str) -> None:
        colour = self._colours.get(name)
        head = f"{name:<{self._width}} |"
        sys.stdout.write(f"\x1b[{colour}m{head}\x1b[0m {text}\n" if colour else f"{head} {text}\n")
        sys.stdout.flush()


class Supervisor:
    """Runs children until told to stop. `run` returns when all have ended."""

    def __init__(self, children: Sequence[Child], line: Callable[[str, str], None]) -> None:
        self._children = children
        self._line = line
        self._stop = asyncio.Event()
        self._running: dict[str, asyncio.subprocess.Process] = {}
        self.restarts: dict[str, int] = {}

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for child in self._children:
                group.create_task(self._keep(child))

    async def stop(self) -> None:
        """Ask every child to end; kill those that have not after a while. `run` returns then."""
        self._stop.set()
        for process in list(self._running.values()):
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
        ends = [asyncio.create_task(process.wait()) for process in self._running.values()]
        if ends:
            await asyncio.wait(ends, timeout=PATIENCE)
        for name, process in list(self._running.items()):
            if process.returncode is None:
                self._line(name, f"did not end within {PATIENCE:.0f} s and is killed")
                process.kill()

    async def _keep(self, child: Child) -> None:
        pause = 0.0
        while not self._stop.is_set():
            began = time.monotonic()
            code = await self._run_once(child)
            if self._stop.is_set():
                return
            pause = FIRST_PAUSE if time.monotonic() - began > STEADY else min(max(pause * 2, FIRST_PAUSE), LONGEST_PAUSE)
            self.restarts[child.name] = self.restarts.get(child.name, 0) + 1
            self._line(child.name, f"ended with code {code}; starts again in {pause:g} s")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), pause)

    async def _run_once(self, child: Child) -> int:
        process = await asyncio.create_subprocess_exec(
            *tethered(child.command, signal.SIGTERM),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=dict(child.env),
            start_new_session=True,  # Ctrl-C is for `up`, which then stops everybody in order
        )
        self._running[child.name] = process
        pump = asyncio.create_task(self._pump(child.name, process.stdout))
        code = await process.wait()
        await asyncio.wait([pump], timeout=1)  # a grandchild may hold the pipe open
        pump.cancel()
        del self._running[child.name]
        return code

    async def _pump(self, name: str, output: asyncio.StreamReader | None) -> None:
        rest = b""
        while output is not None and (chunk := await output.read(CHUNK)):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                self._line(name, line.decode(errors="replace").rstrip("\r"))
        if rest:
            self._line(name, rest.decode(errors="replace"))
