"""`with running(data) as system:` — the servers `huifang up` runs on the folder, or PostgreSQL and one API for the duration."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import httpx

from deploy.local.ports import HOST, any_free_port
from deploy.local.process import start_server, stop_server, tail
from services.cli.backend import Backend, database, service_command
from services.cli.client import Api
from services.cli.options import Refused
from services.cli.state import System, holding, keep_secrets, read_system, write_system
from shared.settings import Settings, load_settings

READY_WITHIN = 60.0


@contextmanager
def running(data: Path) -> Iterator[System]:
    """A system whose API answers: the one on the folder, the one HUIFANG_API_URL names, or one of our own, stopped afterwards."""
    settings = load_settings()
    system = read_system(data)
    if system is not None and system.kind == "up":
        await_ready(system.api_url)
        yield system
    elif "api_url" in settings.model_fields_set:
        yield elsewhere(data, settings)
    else:
        with _own(data, settings) as own:
            yield own


@contextmanager
def api(data: Path) -> Iterator[Api]:
    """A client of `running(data)`."""
    with running(data) as system, Api(system) as client:
        yield client


def elsewhere(data: Path, settings: Settings) -> System:
    """The system HUIFANG_API_URL names, as in a container beside the API's."""
    return System(
        kind="elsewhere",
        pid=0,
        api_url=settings.api_url,
        database_url=settings.database_url,
        secret_key=(keep_secrets(data, settings) if data.exists() else settings).secret_key,
        redis_url=settings.redis_url or None,
        smtp_url=settings.smtp_url or None,
    )


def answers(api_url: str) -> bool:
    """True when the API says it is ready."""
    try:
        return httpx.get(f"{api_url}/readyz", timeout=5, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def await_ready(api_url: str, process: subprocess.Popen[bytes] | None = None, log: Path | None = None) -> None:
    """Wait until the API is ready; raises Refused when it ends first or time is up."""
    limit = time.monotonic() + READY_WITHIN
    while not answers(api_url):
        said = f" The end of {log}:\n{tail(log)}" if log else ""
        if process is not None and process.poll() is not None:
            raise Refused(f"The API ended while starting (code {process.returncode}).{said}")
        if time.monotonic() > limit:
            raise Refused(f"The API at {api_url} was not ready after {READY_WITHIN:.0f} s.{said}")
        time.sleep(0.05)


def stop_cleanly_on_terminate() -> None:
    """Turn SIGTERM and SIGHUP into an orderly exit, so that servers started for a command are stopped."""

    def leave(number: int, _frame: FrameType | None) -> None:
        sys.exit(128 + number)

    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGHUP, leave)


@contextmanager
def _own(data: Path, settings: Settings) -> Iterator[System]:
    stop_cleanly_on_terminate()
    with holding(data, wait=True), database(data, settings) as backend:
        backend.migrate()
        with _one_api(data, backend) as system:
            write_system(data, system)
            yield system


@contextmanager
def _one_api(data: Path, backend: Backend) -> Iterator[System]:
    port, log = any_free_port(), data.absolute() / "api.log"
    url = f"http://{HOST}:{port}"
    env = backend.environment("api", HUIFANG_API_HOST=HOST, HUIFANG_API_PORT=str(port))
    process = start_server(service_command("api"), log=log, death_signal=signal.SIGTERM, env=env, folder=Path.cwd())
    try:
        await_ready(url, process, log)
        yield System(
            kind="command",
            pid=process.pid,
            api_url=url,
            database_url=backend.database_url,
            secret_key=backend.secrets.secret_key,
            redis_url=backend.redis_url or None,
            smtp_url=backend.settings.smtp_url or None,
        )
    finally:
        stop_server(process, signal.SIGTERM, patience=15)
