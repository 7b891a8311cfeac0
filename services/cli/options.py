"""What every command shares: its options, its exit codes, how it prints."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeAlias

import orjson
import typer
from rich.console import Console
from rich.table import Table

DONE, REFUSED, WRONG_USE = 0, 1, 2

Json: TypeAlias = dict[str, Any]  # an answer of the API as it came; the commands print it, they do not reason about it

Data = Annotated[Path, typer.Option("--data", envvar="HUIFANG_DATA", help="The folder of the local servers.", file_okay=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
StoreCode = Annotated[str, typer.Option("--store", help="The store's code, such as S01.")]

DEFAULT_DATA = Path(".local")


class Refused(Exception):
    """The command cannot be done; the message says why and what to do. Exit code 1."""


def wrong_use(message: str) -> NoReturn:
    """Leave with exit code 2."""
    say(f"huifang: {message}")
    raise typer.Exit(WRONG_USE)


def say(message: str) -> None:
    """Tell the person at the terminal something that is no data."""
    sys.stderr.write(f"{message}\n")
    sys.stderr.flush()


def print_json(value: object) -> None:
    """Data for programs, on standard output."""
    sys.stdout.write(orjson.dumps(value, option=orjson.OPT_INDENT_2, default=str).decode() + "\n")


def print_table(rows: list[Json], columns: dict[str, str]) -> None:
    """Data for people: one line a row; `columns` maps a field to its heading."""
    table = Table(box=None, pad_edge=False)
    for heading in columns.values():
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*(_cell(row.get(field)) for field in columns))
    Console(soft_wrap=True).print(table)


def print_result(value: Json, as_json: bool, text: str) -> None:
    """One thing done: the whole answer as JSON, or a sentence."""
    if as_json:
        print_json(value)
    else:
        sys.stdout.write(f"{text}\n")


def _cell(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(str(part) for part in value)
    return "" if value is None else str(value)
