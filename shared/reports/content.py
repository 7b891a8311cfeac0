"""The shape every report has: a title, fields as a form has them, tables with typed columns. JSON's own types only, so that a month's
report can be kept and written as Excel as it was.

A cell of kind `word` is `{"value", "zh", "en"}`; `money` is in fen, `share` of 1 or null, `day` and `instant` are text as ISO 8601.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from shared.reports.scope import Scope

Kind = Literal["text", "long", "count", "day", "instant", "money", "share", "score", "word", "phone"]
Json = dict[str, Any]


def column(key: str, zh: str, en: str, kind: Kind = "count") -> Json:
    """A column: the paper form's heading, its English, what its cells are."""
    return {"key": key, "zh": zh, "en": en, "kind": kind}


def columns(*rows: tuple[str, str, str] | tuple[str, str, str, Kind]) -> list[Json]:
    """Columns from (key, 中文, English, kind); a count unless said."""
    return [column(*row) for row in rows]


def field(key: str, zh: str, en: str, value: object, kind: Kind = "text") -> Json:
    """A field of a form with its value."""
    return {**column(key, zh, en, kind), "value": value}


def table(
    key: str, zh: str, en: str, heads: list[Json], rows: Iterable[Mapping[str, Any]], total: Mapping[str, Any] | None = None
) -> Json:
    """A table of a report."""
    return {
        "key": key,
        "title": {"zh": zh, "en": en},
        "columns": heads,
        "rows": [dict(row) for row in rows],
        "total": dict(total) if total is not None else None,
    }


def content(
    scope: Scope,
    name: str,
    zh: str,
    en: str,
    *,
    fields: Sequence[Json] = (),
    tables: Sequence[Json] = (),
    notes: Sequence[Json] = (),
) -> Json:
    """A whole report. Instants and days in it become text in the store's offset."""
    head = {
        "name": name,
        "title": {"zh": zh, "en": en},
        "store": {"id": scope.store.id, "code": scope.store.code, "name": scope.store.name},
        "month": str(scope.month) if scope.month else None,
        "from": scope.first,
        "to": scope.last,
        "by": scope.by,
        "prepared_by": scope.prepared_by,
        "prepared_at": scope.now,
        "closed": scope.closed,
        "frozen_at": None,
        "fields": list(fields),
        "tables": list(tables),
        "notes": list(notes),
    }
    out: Json = plain(head, ZoneInfo(scope.store.timezone))
    return out


def plain(value: Any, zone: ZoneInfo) -> Any:
    """The value in JSON's own types."""
    if isinstance(value, Mapping):
        return {key: plain(part, zone) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part, zone) for part in value]
    if isinstance(value, datetime):
        return value.astimezone(zone).isoformat(timespec="milliseconds")
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value


def note(zh: str, en: str) -> Json:
    """A sentence under a report."""
    return {"zh": zh, "en": en}


def month_words(scope: Scope) -> tuple[str, str]:
    """`2026年11月` and `November 2026`, or the days asked for."""
    if scope.month is not None:
        first = scope.month.first
        return f"{first.year}年{first.month}月", f"{first:%B %Y}"
    return f"{scope.first:%Y-%m-%d}至{scope.last:%Y-%m-%d}", f"{scope.first:%Y-%m-%d} to {scope.last:%Y-%m-%d}"


def summed(rows: Sequence[Mapping[str, Any]], keys: Iterable[str]) -> Json:
    """The sums of some columns."""
    return {key: sum(row.get(key) or 0 for row in rows) for key in keys}


def share(part: int, whole: int) -> float | None:
    """A share of 1; None ("n/a") of nothing."""
    return part / whole if whole else None
