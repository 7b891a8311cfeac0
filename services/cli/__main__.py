"""The console script `huifang`."""

from __future__ import annotations

import sys

import asyncpg
import typer

from deploy.local.process import ServerFault
from services.cli import backup, clock, db, doctor, imports, programmes, reports, stores, up
from services.cli.options import REFUSED, Refused, say
from shared.errors import SettingsInvalid

app = typer.Typer(
    help="Huifang 回访: customer follow-up for car dealers.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(up.up)
app.add_typer(db.app, name="db")
app.command()(backup.backup)
app.command()(backup.restore)
app.add_typer(clock.app, name="clock")
app.command()(doctor.doctor)
app.add_typer(stores.store_app, name="store")
app.add_typer(stores.staff_app, name="staff")
app.add_typer(stores.apikey_app, name="apikey")
app.command()(stores.token)
app.add_typer(programmes.app, name="programmes")
app.command()(reports.report)
app.command("import")(imports.import_files)


def main() -> None:
    """Run a command. Exit codes: 0 done, 1 refused or partly refused, 2 wrong use."""
    try:
        app()
    except (Refused, ServerFault, SettingsInvalid) as fault:
        say(f"huifang: {fault}")
        sys.exit(REFUSED)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, ConnectionError) as fault:
        say(f"huifang: the database does not do what was asked: {fault}. `huifang doctor` says more.")
        sys.exit(REFUSED)


if __name__ == "__main__":
    main()
