"""`huifang backup` and `huifang restore`: the whole database in one file of pg_dump.

The file holds personal data only sealed; the keys (secrets.json of the data folder, or HUIFANG_DATA_KEYS) are not in it
and must be kept apart from it. Restoring builds a new database beside the old one and then exchanges their names, so a
failed restore changes nothing.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Annotated
from urllib.parse import unquote, urlsplit, urlunsplit

import asyncpg
import typer

from deploy import migrate, roles
from deploy.local.postgres import programs_for_clients
from deploy.local.process import ServerFault
from services.cli.db import owner_url
from services.cli.options import DEFAULT_DATA, Data, Refused, say, wrong_use
from services.cli.state import read_system
from shared.db import asyncpg_url
from shared.settings import load_settings

NEW, OLD = "_restoring", "_before_restore"


def backup(file: Annotated[Path, typer.Argument(dir_okay=False, help="The file to write.")], data: Data = DEFAULT_DATA) -> None:
    """Write the database to FILE (readable by you only). The services may go on working meanwhile."""
    if file.exists():
        wrong_use(f"{file} exists already; choose another name.")
    draft = file.with_name(f".{file.name}.part")
    with owner_url(data) as url:
        os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
        try:
            _client(
                "pg_dump", url, ["--format=custom", "--no-owner", "--no-privileges", "--enable-row-security", f"--file={draft}"]
            )
            draft.rename(file)
        finally:
            draft.unlink(missing_ok=True)
    say(f"{file}: {file.stat().st_size:,} bytes. Keep the keys of personal data too, elsewhere: without them it cannot be read.")


def restore(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A file `huifang backup` wrote.")],
    data: Data = DEFAULT_DATA,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before the present data are replaced.")] = False,
) -> None:
    """Replace the database by the one in FILE. `up` must be stopped."""
    system = read_system(data)
    if system is not None and system.kind == "up":
        raise Refused(f"`huifang up` (process {system.pid}) works on this database. Stop it first.")
    with owner_url(data) as url:
        name = unquote(urlsplit(url).path.lstrip("/"))
        if migrate.current(url) is not None and not yes:
            typer.confirm(f"Replace everything in the database {name}?", abort=True)
        passwords = roles.given_passwords() if load_settings().database_url else roles.passwords(url)
        migrate.upgrade(url, passwords)  # makes the roles that the policies in the file name
        asyncio.run(_administer(url, [f'DROP DATABASE IF EXISTS "{name}{NEW}"', f'CREATE DATABASE "{name}{NEW}"']))
        fresh = _named(url, f"{name}{NEW}")
        _fill(fresh, file)
        migrate.upgrade(fresh, passwords)
        asyncio.run(_exchange(url, name))
    say(f"Restored from {file}.")


def _fill(url: str, file: Path) -> None:
    """Everything but policies, which name roles of the old server; grants.sql makes them anew."""
    contents = _client("pg_restore", url, ["--list", str(file)])
    kept = [line for line in contents.splitlines() if " POLICY " not in line and " ROW SECURITY " not in line]
    with tempfile.NamedTemporaryFile("w", suffix=".list") as chosen:
        chosen.write("\n".join(kept) + "\n")
        chosen.flush()
        options = ["--no-owner", "--no-privileges", "--exit-on-error", f"--use-list={chosen.name}"]
        _client("pg_restore", url, [*options, f"--dbname={unquote(urlsplit(url).path.lstrip('/'))}", str(file)])


async def _exchange(url: str, name: str) -> None:
    """The new database takes the name in one transaction; the old one is dropped only after that."""
    await _administer(url, [f'DROP DATABASE IF EXISTS "{name}{OLD}"'])
    swap = f'BEGIN; ALTER DATABASE "{name}" RENAME TO "{name}{OLD}"; ALTER DATABASE "{name}{NEW}" RENAME TO "{name}"; COMMIT'
    try:
        await _administer(url, [swap])
    except asyncpg.ObjectInUseError:
        raise Refused(f"Somebody is connected to the database {name}. Stop the services and try again.") from None
    await _administer(url, [f'DROP DATABASE "{name}{OLD}"'])


async def _administer(url: str, statements: list[str]) -> None:
    """Statements about databases, from the database `postgres`, one call each (CREATE DATABASE wants to be alone)."""
    connection = await asyncpg.connect(asyncpg_url(_named(url, "postgres")))
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


def _client(program: str, url: str, arguments: list[str]) -> str:
    """Run pg_dump or pg_restore, out: what it printed. The password travels in the environment, not on the command line."""
    parts = urlsplit(url)
    env = {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "PGHOST": parts.hostname or "",
        "PGPORT": str(parts.port or 5432),
        "PGUSER": unquote(parts.username or ""),
        "PGPASSWORD": unquote(parts.password or ""),
        "PGDATABASE": unquote(parts.path.lstrip("/")),
    }
    done = subprocess.run([_program(program), *arguments], env=env, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode != 0:
        raise Refused(f"{program} failed: {done.stderr.strip()}")
    return done.stdout


def _program(name: str) -> str:
    """The embedded wheel's program, else the one on PATH."""
    try:
        return str(programs_for_clients() / name)
    except ServerFault:
        found = shutil.which(name)
    if found is None:
        raise Refused(f"{name} is not installed here. Install PostgreSQL's client programs.")
    return found


def _named(url: str, database: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))
