"""`huifang db`: the schema."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer

from deploy import migrate, roles
from services.cli.backend import database
from services.cli.options import DEFAULT_DATA, REFUSED, AsJson, Data, print_result, say
from services.cli.runtime import stop_cleanly_on_terminate
from services.cli.state import holding, read_system
from shared.settings import load_settings

app = typer.Typer(help="The database's schema.", no_args_is_help=True)


@app.command()
def upgrade(data: Data = DEFAULT_DATA) -> None:
    """Migrate to this version's schema, apply the grants, set the roles' passwords (HUIFANG_DB_PASSWORD_API, …)."""
    with owner_url(data) as url:
        passwords = roles.given_passwords() if load_settings().database_url else roles.passwords(url)
        before = migrate.current(url)
        migrate.upgrade(url, passwords)
        say(f"The database is at {migrate.newest()} (was at {before or 'nothing'}).")


@app.command()
def current(data: Data = DEFAULT_DATA, as_json: AsJson = False) -> None:
    """Say the database's revision and this version's; exit code 1 when they differ."""
    with owner_url(data) as url:
        found = {"current": migrate.current(url), "newest": migrate.newest()}
    found["up_to_date"] = found["current"] == found["newest"]  # type: ignore[assignment]  # a report of mixed values
    print_result(dict(found), as_json, f"{found['current'] or 'nothing'} (this version: {found['newest']})")
    if found["current"] != found["newest"]:
        raise typer.Exit(REFUSED)


@contextmanager
def owner_url(data: Path) -> Iterator[str]:
    """The URL of the database's owner: DATABASE_URL, what `up` runs, or PostgreSQL started for the duration."""
    settings = load_settings()
    system = read_system(data)
    if settings.database_url:
        yield settings.database_url
    elif system is not None and system.kind == "up":
        yield system.database_url
    else:
        stop_cleanly_on_terminate()
        with holding(data, wait=True), database(data, settings) as backend:
            yield backend.database_url
