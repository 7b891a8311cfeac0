"""Today 今日回访: what to do now, in the server's order, and how far one is."""

from __future__ import annotations

from itertools import groupby

from fastapi import APIRouter, Response

from services.console.api import Json
from services.console.desk import Desk, Signed
from services.console.render import page

router = APIRouter()


@router.get("/today")
async def today(desk: Signed, whose: str = "", group: str = "") -> Response:
    """The worklist, grouped as the API grouped it. `whose=all`: a manager's view of everybody's."""
    return page(desk, "today/page.html", whose=whose, **(await _list(desk, whose, group)))


@router.get("/today/head")
async def head(desk: Signed, whose: str = "", group: str = "") -> Response:
    """Counts and progress, refreshed by themselves; the rows stay as they are under the reader's eyes."""
    return page(desk, "today/head.html", whose=whose, **(await _list(desk, whose, group)))


async def _list(desk: Desk, whose: str, group: str) -> Json:
    mine = None if whose == "all" else desk.store["staff_id"]
    worklist = await desk.caller.get(f"{desk.path}/worklist", assignee_id=mine, limit=500)
    items = [item for item in worklist["items"] if group in ("", item["group"])]
    groups = [(key, list(rows)) for key, rows in groupby(items, key=lambda item: item["group"])]
    done, reached, counts = worklist["done_today"], worklist["reached_today"], worklist["counts"]
    waiting = counts["total"] - counts["blocked"]
    return {
        "groups": groups,
        "counts": counts,
        "done": done,
        "reached": reached,
        "total": done + waiting,
        "group": group,
        "as_of": worklist["as_of"],
        "shown": len(items),
    }
