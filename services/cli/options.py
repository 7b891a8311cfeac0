"""What every command shares: its options, its exit codes, how it prints."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeAlias

import orjson
import typer
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table

NARROWEST = 12  # characters to which a long cell may be folded
GAP = "  "
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
    """Data for people: one line a row; `columns` maps a field to its heading.

    Where a terminal is too narrow, long cells are folded, none to less than NARROWEST; columns for which there is no room even so
    are left out from the right, and named. What goes into a file or another program has all its columns and no folds.
    """
    console = Console(soft_wrap=True)
    cells = {field: [_cell(row.get(field)) for row in rows] for field in columns}
    widths = {field: max(cell_len(line) for line in (heading, *cells[field])) for field, heading in columns.items()}
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = max(console.width, sum(widths.values()) + len(GAP) * len(widths))
    shown = _that_fit(widths, console.width)
    table = Table(box=None, pad_edge=False)
    for field in shown:
        table.add_column(columns[field], overflow="fold")
    for row in zip(*(cells[field] for field in shown), strict=True):
        table.add_row(*row)
    console.print(table)
    if len(shown) < len(columns):
        left_out = ", ".join(heading for field, heading in columns.items() if field not in shown)
        say(f"{len(shown)} of {len(columns)} columns fit into {console.width} characters; --json has all. Not shown: {left_out}.")


def _that_fit(widths: dict[str, int], room: int) -> list[str]:
    """The fields, from the left, that have room beside each other when long cells are folded."""
    shown: list[str] = []
    for field, width in widths.items():
        room -= min(width, NARROWEST) + (len(GAP) if shown else 0)
        if room < 0 and shown:
            break
        shown.append(field)
    return shown


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
