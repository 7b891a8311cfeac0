"""Jinja2 for the pages: autoescaped, with the formats bound to the desk of the request."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Undefined
from jinja2.utils import missing

from services.console import formats, words
from services.console.desk import IMPORTERS, MANAGERS, Desk, console_of, language_of, theme_of

HERE = Path(__file__).parent


class Absent(StrictUndefined):
    """A name nobody gave the template is our fault and fails; a member that a JSON object does not have is merely nothing."""

    def __new__(cls, hint: str | None = None, obj: Any = missing, *args: Any, **kwargs: Any) -> Any:
        return super().__new__(cls) if obj is missing else Undefined(hint, obj, *args, **kwargs)


@lru_cache(maxsize=1)
def environment() -> Environment:
    """The templates, read once."""
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=Absent,
    )
    made.filters |= {
        "plate": formats.plate,
        "money": formats.money,
        "km": formats.kilometres,
        "grouped": formats.grouped,
    }
    return made


def page(desk: Desk, template: str, *, status: int = 200, headers: dict[str, str] | None = None, **values: Any) -> HTMLResponse:
    """A page, or a part of one, of a signed-in person."""
    return HTMLResponse(environment().get_template(template).render(_of_desk(desk) | values), status, headers)


def plain(
    request: Request, template: str, *, status: int = 200, headers: dict[str, str] | None = None, **values: Any
) -> HTMLResponse:
    """A page for which nobody need be signed in."""
    return HTMLResponse(environment().get_template(template).render(_of_request(request) | values), status, headers)


def _of_request(request: Request) -> dict[str, Any]:
    language = language_of(request)

    def t(zh: str, en: str) -> str:
        return en if language == "en" else zh

    return {"t": t, "language": language, "theme": theme_of(request), "path": request.url.path, "desk": None}


def _of_desk(desk: Desk) -> dict[str, Any]:
    now, zone, language = desk.now, desk.zone, desk.language

    def near(at: str | None) -> str:
        return formats.near(formats.instant(at), now, zone, language) if at else formats.NOTHING

    def clock(at: str) -> str:
        return f"{formats.instant(at).astimezone(zone):%H:%M}"

    def day(value: str | None) -> str:
        return formats.day(date.fromisoformat(value[:10]), now.astimezone(zone).date(), language) if value else formats.NOTHING

    def remainder(at: str) -> str:
        return formats.remainder(formats.instant(at), now, zone, language)

    def deadline(at: str) -> str:
        return formats.deadline(formats.instant(at), now, zone, language)

    return _of_request(desk.request) | {
        "desk": desk,
        "label": desk.label,
        "word": desk.word,
        "marks": words.MARKS,
        "near": near,
        "clock": clock,
        "day": day,
        "remainder": remainder,
        "deadline": deadline,
        "development": not console_of(desk.request).settings.production,
        "manages": bool(desk.roles & MANAGERS),
        "imports": bool(desk.roles & IMPORTERS),
    }
