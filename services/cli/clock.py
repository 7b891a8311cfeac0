"""`huifang clock`: the business clock."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from services.cli.options import DEFAULT_DATA, AsJson, Data, print_result, wrong_use
from services.cli.runtime import api

LONG_MOVE = 3600.0

app = typer.Typer(help="The business clock.", no_args_is_help=True)


@app.command()
def now(data: Data = DEFAULT_DATA, as_json: AsJson = False) -> None:
    """Say what instant it is for the services."""
    with api(data) as client:
        me = client.get("/v1/me")
    print_result({"now": me["now"]}, as_json, str(me["now"]))


@app.command()
def to(
    instant: Annotated[str, typer.Argument(help="RFC 3339 with offset, such as 2026-11-30T09:00:00+08:00.")],
    data: Data = DEFAULT_DATA,
    as_json: AsJson = False,
) -> None:
    """Move a clock that stands still (HUIFANG_CLOCK=…@step) forward; returns when everything due by then is done."""
    try:
        wanted = datetime.fromisoformat(instant)
    except ValueError:
        wrong_use(f"{instant!r} is no instant; write it as 2026-11-30T09:00:00+08:00.")
    if wanted.tzinfo is None:
        wrong_use(f"{instant!r} wants an offset, as in {instant}+08:00.")
    with api(data) as client:
        answer = client.post("/v1/dev/clock", {"to": wanted.isoformat()}, LONG_MOVE)
    print_result(answer, as_json, str(answer.get("now", wanted.isoformat())))
