"""`huifang programmes`: the follow-up programmes of a store."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer
import yaml
from rich.console import Console

from services.cli.options import (
    DEFAULT_DATA,
    AsJson,
    Data,
    Json,
    Refused,
    StoreCode,
    print_json,
    print_result,
    print_table,
    say,
    wrong_use,
)
from services.cli.runtime import api

LONG_REHEARSAL = 600.0

app = typer.Typer(help="The follow-up programmes of a store.", no_args_is_help=True)


@app.command("list")
def list_programmes(store: StoreCode, data: Data = DEFAULT_DATA, as_json: AsJson = False) -> None:
    """List a store's programmes."""
    with api(data) as client:
        programmes = list(client.items(f"{client.store_path(store)}/programmes"))
    if as_json:
        print_json(programmes)
    else:
        rows = [programme | {"state": "on" if programme["enabled"] else "off"} for programme in programmes]
        print_table(
            rows,
            {"key": "Key", "state": "State", "name_zh": "名称", "name_en": "Name", "policy": "Policy", "version": "Version"},
        )


@app.command("apply")
def apply_programme(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A programme as YAML.")],
    store: StoreCode,
    replan: Annotated[bool, typer.Option("--replan", help="Planned visits follow the change, as rehearsed.")] = False,
    data: Data = DEFAULT_DATA,
    as_json: AsJson = False,
) -> None:
    """Make FILE the store's programme of that key: a new version. Every fault is named with its line."""
    text = file.read_text(encoding="utf-8")
    key = _key(file, text)
    with api(data) as client:
        answer = client.put(f"{client.store_path(store)}/programmes/{quote(key, safe='')}", {"pack": text, "replan": replan})
    print_result(answer, as_json, f"{answer['key']}: version {answer['version']}.")


@app.command("rehearse")
def rehearse_programme(
    store: StoreCode,
    file: Annotated[
        Path | None, typer.Argument(exists=True, dir_okay=False, help="The changed programme as YAML or JSON; none: as it is.")
    ] = None,
    key: Annotated[str | None, typer.Option("--key", help="Without FILE: the programme to try.")] = None,
    policy: Annotated[str | None, typer.Option("--policy", help="Another policy of it.")] = None,
    off: Annotated[bool, typer.Option("--off", help="As if it were switched off.")] = False,
    days: Annotated[int, typer.Option("--days", min=1, max=60, help="How many days ahead.")] = 14,
    only_new: Annotated[bool, typer.Option("--only-new", help="What is planned already stays as it is.")] = False,
    data: Data = DEFAULT_DATA,
    as_json: AsJson = False,
) -> None:
    """Run a change against the real files for the next days, without writing or sending: calls per person and day beside now,
    what would be sent to whom, which planned visits would move. Every fault of FILE is named with its line."""
    body: Json = {"days": days, "replan": not only_new}
    body |= {"policy": policy} if policy else {}
    body |= {"enabled": False} if off else {}
    if file is not None:
        text = file.read_text(encoding="utf-8")
        key = _key(file, text)
        body["pack"] = text
    if key is None:
        wrong_use("name a FILE, or a programme with --key.")
    with api(data) as client, Console(stderr=True).status("rehearsing…"):
        answer = client.post(f"{client.store_path(store)}/programmes/{quote(key, safe='')}/rehearsal", body, LONG_REHEARSAL)
    if as_json:
        print_json(answer)
    else:
        _print_rehearsal(answer)


def _print_rehearsal(answer: Json) -> None:
    """Volumes, steps, what changes, the first messages."""
    counts = ", ".join(f"{count} {kind}" for kind, count in answer["counts"].items())
    say(f"{answer['key']}, {answer['first']} to {answer['last']}. Planned visits: {counts}.")
    rows = [
        {"name": volume["name"] or volume["role"], "on": day["on"], **{name: day[name] for name in ("before", "after")},
         "over": f"over {volume['capacity']}" if day["over"] else ""}
        for volume in answer["volumes"]
        for day in volume["days"]
    ]  # fmt: skip
    _print_any(rows, {"name": "Who", "on": "Day", "before": "Now", "after": "Then", "over": ""})
    moved = [step for step in answer["steps"] if step["before"] != step["after"]]
    _print_any(moved, {"programme": "Programme", "step": "Step", "channel": "Channel", "before": "Now", "after": "Then"})
    say(f"Messages: {answer['messages_before']} now, {answer['messages_after']} then.{' The first:' if answer['sample'] else ''}")
    _print_any(answer["sample"], {"at": "When", "customer_name": "To", "to": "", "text": "Text", "hindrance": "But"})


def _print_any(rows: list[Json], columns: dict[str, str]) -> None:
    """A table of something; of nothing, no headings either."""
    if rows:
        print_table(rows, columns)


def _key(file: Path, text: str) -> str:
    """The `key` at the top of a pack; everything else is judged by the API."""
    try:
        pack = yaml.safe_load(text)
    except yaml.YAMLError as fault:
        raise Refused(f"{file} is no YAML: {fault}") from fault
    if not isinstance(pack, dict) or not isinstance(pack.get("key"), str):
        raise Refused(f"{file} has no `key` at the top.")
    return str(pack["key"])
