"""`huifang report`: one report of a month, as a table, as JSON, as an Excel file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer

from services.cli.options import DEFAULT_DATA, AsJson, Data, Json, StoreCode, print_json, print_table, say
from services.cli.runtime import api

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def report(
    name: Annotated[str, typer.Argument(help="Such as followup-statistics, form-6, retention-monthly; `list` names them all.")],
    store: StoreCode,
    month: Annotated[str | None, typer.Option("--month", help="Such as 2026-11; the current one if absent.")] = None,
    xlsx: Annotated[Path | None, typer.Option("--xlsx", help="Write the Excel file here.", dir_okay=False)] = None,
    data: Data = DEFAULT_DATA,
    as_json: AsJson = False,
) -> None:
    """Show a report of a month, or write it as the paper form."""
    params = {"month": month} if month else {}
    with api(data) as client:
        path = f"{client.store_path(store)}/reports"
        if name == "list":
            _list(client.get(path)["items"], as_json)
            return
        path = f"{path}/{quote(name, safe='')}"
        if xlsx is not None:
            xlsx.write_bytes(client.download(path, params, accept=XLSX))
            say(f"{xlsx} written.")
        if as_json or xlsx is None:
            _show(client.get(path, params), as_json)


def _list(kinds: list[Json], as_json: bool) -> None:
    if as_json:
        print_json(kinds)
    else:
        print_table(kinds, {"name": "Name", "zh": "名称", "en": "Report", "form": "Form"})


def _show(content: Json, as_json: bool) -> None:
    if as_json:
        print_json(content)
        return
    say(f"{content['title']['zh']}  {content['store']['name']}  {content['month'] or ''}".rstrip())
    for table in content["tables"]:
        say(f"\n{table['title']['zh']}")
        rows = [*table["rows"], *([table["total"]] if table["total"] else [])]
        print_table([{key: cell(value) for key, value in row.items()} for row in rows], _heads(table))


def _heads(table: Json) -> dict[str, str]:
    return {head["key"]: head["zh"] for head in table["columns"]}


def cell(value: object) -> object:
    """A cell as people read it: words in Chinese, shares as percent."""
    if isinstance(value, dict):
        return value.get("zh", "")
    return f"{value:.1%}" if isinstance(value, float) else value
