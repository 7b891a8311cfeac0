"""`huifang import`: files of customers, sales, work orders and leads, through the API like everybody's."""

from __future__ import annotations

import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from services.cli.client import Api, Unfit
from services.cli.options import DEFAULT_DATA, REFUSED, AsJson, Data, Json, StoreCode, print_json, say
from services.cli.runtime import api

UNFINISHED = {"queued", "received", "pending", "reading", "running", "merging", "planning", "processing"}
FAILED = {"failed", "refused"}
POLL_EVERY = 0.3


class Kind(StrEnum):
    CUSTOMERS = "customers"
    SALES = "sales"
    WORK_ORDERS = "work-orders"
    LEADS = "leads"
    OPT_OUTS = "opt-outs"
    POLICIES = "policies"
    STAFF = "staff"


def import_files(
    kind: Annotated[Kind, typer.Argument(help="What the rows are.")],
    files: Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, help="CSV, TSV or XLSX.")],
    store: StoreCode,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check and count, change nothing.")] = False,
    data: Data = DEFAULT_DATA,
    as_json: AsJson = False,
) -> None:
    """Import files in the order given; rejected rows go to NAME.rejected.csv. Exit code 1 when a row was rejected."""
    done: list[Json] = []
    with api(data) as client:
        path = f"{client.store_path(store)}/imports"
        for file in files:
            done.append(_import_one(client, path, kind, file, dry_run, quiet=as_json))
    if as_json:
        print_json(done[0] if len(done) == 1 else done)
    if any(result["state"] in FAILED or result.get("rejected") for result in done):
        raise typer.Exit(REFUSED)


def _import_one(client: Api, path: str, kind: Kind, file: Path, dry_run: bool, *, quiet: bool) -> Json:
    """Upload one file, follow it to its end, keep its rejected rows. Out: the API's import, with the local `rejected_file`."""
    fields = {"kind": kind.value, "dry_run": "true" if dry_run else "false"}
    try:
        result = client.upload(path, fields, file.name, file.read_bytes())
    except Unfit as refusal:
        result = _not_taken(kind, file, dry_run, str(refusal))
    else:
        result = follow_import(client, path, result, file.name)
    result["rejected_file"] = _keep_rejected(client, path, result, file) if result.get("rejected") else None
    if not quiet:
        say(summary(result, file.name, dry_run))
    return result


def _not_taken(kind: Kind, file: Path, dry_run: bool, reason: str) -> Json:
    """A file that the API did not even begin (an empty one, one too large), told like any other; the next files go on."""
    nothing = dict.fromkeys(("rows", "created", "updated", "unchanged", "rejected", "warnings"), 0)
    error = {"row": 0, "column": None, "value": None, "reason": reason.splitlines()[0]}
    named = {"kind": kind.value, "state": "failed", "file_name": file.name, "dry_run": dry_run}
    return {"id": None, **named, **nothing, "errors": [error]}


def follow_import(client: Api, path: str, result: Json, name: str) -> Json:
    """Ask until the import is over, a bar of progress on standard error meanwhile. Out: the import's last state."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task(name, total=1.0)
        while result["state"] in UNFINISHED:
            time.sleep(POLL_EVERY)
            result = client.get(f"{path}/{result['id']}")
            progress.update(bar, completed=_share(result.get("progress")))
        progress.update(bar, completed=1.0)
    return result


def summary(result: Json, name: str, dry_run: bool) -> str:
    """One paragraph on what became of a file's rows."""
    if result["state"] in FAILED:
        reasons = "; ".join(str(error.get("reason")) for error in result.get("errors") or [])
        return f"{name}: refused. {reasons}".rstrip()
    counts = ", ".join(f"{result.get(word, 0)} {word}" for word in ("created", "updated", "unchanged", "rejected"))
    lines = [f"{name}: {result.get('rows', 0)} rows: {counts}{' (nothing was changed: --dry-run)' if dry_run else ''}."]
    warnings = result.get("warnings")
    count = len(warnings) if isinstance(warnings, list) else warnings
    lines += [f"  {count} warnings: a cell was left out, its row was kept."] if count else []
    lines += [f"  Rejected rows, with line and reason: {result['rejected_file']}"] if result.get("rejected_file") else []
    return "\n".join(lines)


def _keep_rejected(client: Api, path: str, result: Json, file: Path) -> str:
    """The rejected rows beside the input, or in the working folder when that is closed."""
    given = result.get("rejected_file")
    content = client.download(str(given) if given else f"{path}/{result['id']}/rejected")
    beside = file.with_name(f"{file.stem}.rejected.csv")
    try:
        beside.write_bytes(content)
    except OSError:
        beside = Path.cwd() / beside.name
        beside.write_bytes(content)
    return str(beside)


def _share(progress: object) -> float:
    """0..1, from a share, a percentage or nothing."""
    if not isinstance(progress, int | float):
        return 0.0
    return min(float(progress) / 100 if progress > 1 else float(progress), 1.0)
