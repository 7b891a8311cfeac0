"""`huifang programmes`: the follow-up programmes of a store."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer
import yaml

from services.cli.options import DEFAULT_DATA, AsJson, Data, Refused, StoreCode, print_json, print_result, print_table
from services.cli.runtime import api

app = typer.Typer(help="The follow-up programmes of a store.", no_args_is_help=True)


@app.command("list")
def list_programmes(store: StoreCode, data: Data = DEFAULT_DATA, as_json: AsJson = False) -> None:
    """List a store's programmes."""
    with api(data) as client:
        programmes = list(client.items(f"{client.store_path(store)}/programmes"))
    if as_json:
        print_json(programmes)
    else:
        print_table(programmes, {"key": "Key", "name_zh": "名称", "name_en": "Name", "policy": "Policy", "version": "Version"})


@app.command("apply")
def apply_programme(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A programme as YAML.")],
    store: StoreCode,
    data: Data = DEFAULT_DATA,
    as_json: AsJson = False,
) -> None:
    """Make FILE the store's programme of that key: a new version. Every fault is named with its line."""
    text = file.read_text(encoding="utf-8")
    key = _key(file, text)
    with api(data) as client:
        answer = client.put(f"{client.store_path(store)}/programmes/{quote(key, safe='')}", {"pack": text})
    print_result(answer, as_json, f"{answer['key']}: version {answer['version']}.")


def _key(file: Path, text: str) -> str:
    """The `key` at the top of a pack; everything else is judged by the API."""
    try:
        pack = yaml.safe_load(text)
    except yaml.YAMLError as fault:
        raise Refused(f"{file} is no YAML: {fault}") from fault
    if not isinstance(pack, dict) or not isinstance(pack.get("key"), str):
        raise Refused(f"{file} has no `key` at the top.")
    return str(pack["key"])
