"""One run: a database, an API process on it, rows, schemathesis beside it."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import asyncpg
import httpx

from deploy import migrate, roles
from deploy.local.ports import any_free_port
from shared.clock import machine_now
from shared.db import asyncpg_url
from tests.fuzz.seed import seed
from tests.fuzz.settings import LEFT_OUT, config
from tests.servers import Servers

STARTING = timedelta(seconds=40)
CLOCK = "2026-11-23T09:00:00+08:00@x1"
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Wish:
    """What to run. `seconds`: the budget of it all. `only`: one operation id. `phases`: as schemathesis names them."""

    seconds: int
    seed: int
    only: str = ""
    phases: str = "examples,coverage,fuzzing,stateful"


@dataclass(frozen=True)
class Outcome:
    """What came of it; `text` is what schemathesis said, `log` what the API logged."""

    passed: bool
    text: str
    log: str


def fuzz(servers: Servers, wish: Wish, folder: Path, say: Callable[[str], object] = lambda line: None) -> Outcome:
    """Run schemathesis against an API of its own; what it says goes to `say` line by line."""
    with servers.database("fuzz") as owner_url, running_api(owner_url, folder) as url:
        ids = migrate.in_thread(lambda: asyncio.run(_seed(owner_url)))
        settings = folder / "schemathesis.toml"
        settings.write_text(config(ids, wish.seed), encoding="utf-8")
        text = []
        command = _command(wish, settings, url, folder)
        with subprocess.Popen(command, text=True, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as run:
            assert run.stdout is not None
            for line in run.stdout:
                text.append(line)
                say(line)
    return Outcome(run.returncode == 0, "".join(text), (folder / "api.log").read_text(encoding="utf-8"))


def _command(wish: Wish, settings: Path, url: str, folder: Path) -> list[str]:
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(settings), "run", f"{url}/openapi.json"]
    command += ["--url", url, "--phases", wish.phases, "--max-time", str(wish.seconds), "--no-color"]
    command += ["--report", "ndjson", "--report-dir", str(folder)]
    if wish.only:
        return [*command, "--include-operation-id", wish.only]
    return command + [part for name in LEFT_OUT for part in ("--exclude-operation-id", name)]


async def _seed(owner_url: str) -> dict[str, list[str]]:
    connection = await asyncpg.connect(asyncpg_url(owner_url))
    try:
        return await seed(connection)
    finally:
        await connection.close()


@contextmanager
def running_api(owner_url: str, folder: Path) -> Iterator[str]:
    """An API process for the duration, its log in `folder`. Out: its address."""
    port = any_free_port()
    env = {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": roles.role_url(owner_url, "api"),
        "HUIFANG_CLOCK": CLOCK,
        "HUIFANG_API_PORT": str(port),
        "HUIFANG_LOG_LEVEL": "WARNING",
    }
    command = [sys.executable, "-m", "services.api"]
    with (
        (folder / "api.log").open("w", encoding="utf-8") as log,
        subprocess.Popen(command, env=env, cwd=ROOT, stdout=log, stderr=log) as process,
    ):
        try:
            _await_ready(f"http://127.0.0.1:{port}")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def _await_ready(url: str) -> None:
    deadline = machine_now() + STARTING
    while machine_now() < deadline:
        try:
            if httpx.get(f"{url}/readyz", trust_env=False).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    raise AssertionError("the API did not start")
