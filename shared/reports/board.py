"""The KPI board: this month beside the month before, twelve months back, what drove a change, and the rows behind a figure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from shared.db import Connection
from shared.domain.kpi import KPIS, Change, Figure, Kpi, Split, what_changed
from shared.domain.month import Month
from shared.reports.figures import (
    BOARD,
    FROZEN_ROWS,
    applies,
    figures,
    frozen,
    late_work,
    of_each,
    of_store,
    parts,
    read,
    shown,
    trend,
    whose,
)
from shared.reports.rows import rows_sql
from shared.reports.scope import Scope, fetch
from shared.reports.words import programme_word

_SINCE = """
    SELECT least((SELECT min(due_on) FROM visits WHERE store_id = :store),
                 (SELECT (created_at AT TIME ZONE :zone)::date FROM stores WHERE id = :store))
"""
_LIST = """
    SELECT r.*, c.name AS customer_name, e.plate, v.programme AS visit_programme, v.step, v.state, v.due_on, v.window_end,
           p.number AS complaint_number
    FROM ({rows}) r LEFT JOIN customers c ON c.store_id = :store AND c.id = r.customer_id
    LEFT JOIN visits v ON v.store_id = :store AND v.id = r.visit_id LEFT JOIN vehicles e ON e.store_id = :store AND e.id = v.vehicle_id
    LEFT JOIN complaints p ON r.kind = 'complaint' AND p.store_id = :store AND p.id = r.id
    WHERE ({chosen}) AND (:after_day::date IS NULL OR (r.day, r.id, r.part) > (:after_day, :after_id::uuid, :after_part::text))
    ORDER BY r.day, r.id, r.part LIMIT :limit
"""
_TOTALS = """
    SELECT r.reason, count(*) AS rows, count(*) FILTER (WHERE r.met) AS met, count(*) FILTER (WHERE r.late) AS late
    FROM ({rows}) r GROUP BY 1 ORDER BY 1
"""
_KEPT = """
    SELECT k.kind, k.id, k.part, k.visit_id, k.customer_id, k.staff_id, k.programme, k.day, k.met, k.late, k.reason
    FROM frozen_reports f, jsonb_to_recordset(f.content -> 'rows') AS k(kind text, id uuid, part text, visit_id uuid, customer_id uuid,
         staff_id uuid, programme text, day date, met bool, late bool, reason text)
    WHERE f.store_id = :store AND f.name = :frozen_name AND f.month = :frozen_month
"""


async def since(conn: Connection, scope: Scope) -> Month:
    """The first month in which something could have been due."""
    (row,) = await fetch(conn, scope, _SINCE)
    return Month.of(row["least"])


async def board(conn: Connection, scope: Scope, split: Split) -> dict[str, Any]:
    """Every figure of a month with the month before, its trend, its target; by person or programme as well when asked."""
    month = scope.month or Month.of(scope.first)
    history = await trend(conn, scope, month, await since(conn, scope))
    now, before = history[str(month)], history[str(month.plus(-1))]
    kept = await frozen(conn, scope, BOARD)
    return {
        "month": str(month),
        "closed": scope.closed,
        "frozen_at": kept[0] if kept else None,
        "by": split,
        "figures": [_with_history(scope, kpi, now, before, history) for kpi in KPIS.values()],
        "groups": await _groups(conn, scope, split, kept[1] if kept else None),
        "late_work": kept[1]["late_work"] if kept and _whole(scope) else await late_work(conn, scope),
    }


def _whole(scope: Scope) -> bool:
    return scope.staff_id is None and scope.programme is None


def _with_history(
    scope: Scope, kpi: Kpi, now: Mapping[str, Figure], before: Mapping[str, Figure], history: Mapping[str, Mapping[str, Figure]]
) -> dict[str, Any]:
    policies, split = scope.store.policies, "programme" if scope.programme else "store"
    one = shown(kpi, now.get(kpi.key), policies, split=split)  # type: ignore[arg-type]  # a literal by the line above
    last = shown(kpi, before.get(kpi.key), policies, split=split)  # type: ignore[arg-type]
    known = kpi.key in before and one["value"] is not None and last["value"] is not None
    return one | {
        "previous": {name: last[name] for name in ("value", "numerator", "denominator", "reason")},
        "change": one["value"] - last["value"] if known else None,
        "trend": [
            {"month": month, **{name: point[name] for name in ("value", "numerator", "denominator", "reason")}}
            for month, figures in history.items()
            for point in [shown(kpi, figures.get(kpi.key), policies) if figures else _NO_RECORD]
        ],
    }


_NO_RECORD = {"value": None, "numerator": 0, "denominator": 0, "reason": "no_record"}


async def _groups(conn: Connection, scope: Scope, split: Split, kept: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    if split == "store":
        return []
    if kept is not None and _whole(scope):
        each = {key: read(found) for key, found in kept["figures"][split].items()}
    else:
        each = await of_each(conn, scope, split)
    rows = [
        {
            **named(scope, split, key),
            "figures": [shown(kpi, found.get(kpi.key), scope.store.policies, split=split) for kpi in KPIS.values()],
        }
        for key, found in each.items()
    ]
    return sorted(rows, key=lambda row: (row["key"] == "none", row["zh"]))


def named(scope: Scope, split: Split, key: str) -> dict[str, str]:
    """A person or programme by name."""
    word = (
        {"zh": whose(scope, key), "en": whose(scope, key) if key != "none" else "Nobody"}
        if split == "person"
        else programme_word(scope.store, key)
    )
    return {"key": key, "zh": word["zh"], "en": word["en"]}


async def figure(conn: Connection, scope: Scope, kpi: Kpi) -> Figure | None:
    """One figure of a month: as frozen, else as the facts stand."""
    kept = await frozen(conn, scope, BOARD) if _whole(scope) else None
    if kept is not None:
        return read(kept[1]["figures"]["store"]).get(kpi.key)
    return (await figures(conn, scope, kpi.key, "store")).get("store")


async def drivers(conn: Connection, scope: Scope, kpi: Kpi, split: Split) -> dict[str, Any]:
    """What moved a figure from the month before: each person's or programme's share of the change, summing to it."""
    month = scope.month or Month.of(scope.first)
    use: Split = split if split != "store" and applies(kpi, split) else "person"
    change = what_changed(
        kpi, await month_parts(conn, scope.of(month.plus(-1)), kpi, use), await month_parts(conn, scope, kpi, use)
    )
    return {"month": str(month), "compared_with": str(month.plus(-1)), "by": use, **told(scope, change, use)}


def told(scope: Scope, change: Change, split: Split) -> dict[str, Any]:
    """A change as it goes out."""
    return {
        "before": _number(change.before),
        "after": _number(change.after),
        "change": _number(change.change),
        "reason": None if change.change is not None else "no_denominator",
        "parts": [
            {
                **named(scope, split, part.key),
                "before": {"numerator": part.before.numerator, "denominator": part.before.denominator},
                "after": {"numerator": part.after.numerator, "denominator": part.after.denominator},
                "rate": float(part.rate),
                "mix": float(part.mix),
                "contribution": float(part.contribution),
            }
            for part in change.parts
        ],
    }


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


async def month_parts(conn: Connection, scope: Scope, kpi: Kpi, split: Split) -> dict[str, Figure]:
    """The parts of a month's figure: as frozen, else as the facts stand."""
    kept = await frozen(conn, scope, BOARD) if _whole(scope) else None
    if kept is not None:
        return read(kept[1]["parts"][split].get(kpi.key, {}))
    return await parts(conn, scope, kpi.key, split)


async def rows_of(conn: Connection, scope: Scope, kpi: Kpi) -> tuple[str, dict[str, Any]]:
    """The statement of the rows behind a figure and what it names: those kept when the month was frozen, else the facts'."""
    split: Split | None = "store" if scope.staff_id or scope.programme else None
    name, month = f"{FROZEN_ROWS}.{kpi.key}", str(scope.month)
    values = {"frozen_name": name, "frozen_month": month}
    if _whole(scope) and await fetch(
        conn, scope, "SELECT FROM frozen_reports WHERE store_id = :store AND name = :n AND month = :m", n=name, m=month
    ):
        return _KEPT, values
    return rows_sql(kpi.key, scope, split), values


async def totals(conn: Connection, scope: Scope, kpi: Kpi) -> dict[str, Any]:
    """How many rows were counted, met it and were late; how many were left out, by reason."""
    rows, values = await rows_of(conn, scope, kpi)
    found = await fetch(conn, scope, _TOTALS.format(rows=rows), **values)
    counted = next((row for row in found if row["reason"] is None), None)
    return {
        "numerator": counted["met"] if counted else 0,
        "denominator": counted["rows"] if counted else 0,
        "late": counted["late"] if counted else 0,
        "excluded": {row["reason"]: row["rows"] for row in found if row["reason"] is not None},
    }


async def listed(
    conn: Connection, scope: Scope, kpi: Kpi, chosen: str | None, after: tuple[date, UUID, str] | None, limit: int
) -> list[asyncpg.Record]:
    """Rows behind a figure, the earliest first. `chosen`: counted, met, not_met, late, excluded; None for all."""
    rows, values = await rows_of(conn, scope, kpi)
    day, row_id, part = after or (None, None, None)
    sql = _LIST.format(rows=rows, chosen=CHOICES.get(chosen or "", "true"))
    return await fetch(conn, scope, sql, **values, after_day=day, after_id=row_id, after_part=part, limit=limit)


CHOICES: Mapping[str, str] = {
    "counted": "r.reason IS NULL",
    "met": "r.reason IS NULL AND r.met",
    "not_met": "r.reason IS NULL AND NOT r.met",
    "late": "r.reason IS NULL AND r.late",
    "excluded": "r.reason IS NOT NULL",
}


async def kept_board(conn: Connection, scope: Scope) -> dict[str, Any]:
    """Everything of a month's board that is kept when it is frozen."""
    whole = replace(scope, staff_id=None, programme=None)
    return {
        "figures": {"store": _dump(await of_store(conn, whole))}
        | {split: {key: _dump(one) for key, one in (await of_each(conn, whole, split)).items()} for split in _SPLITS},
        "parts": {
            split: {kpi.key: _dump(await parts(conn, whole, kpi.key, split)) for kpi in KPIS.values() if applies(kpi, split)}
            for split in _SPLITS
        },
        "late_work": await late_work(conn, whole),
    }


async def kept_rows(conn: Connection, scope: Scope, kpi: str) -> str:
    """The rows behind a month's figure as they are kept, as JSON."""
    sql = f"""
        SELECT jsonb_build_object('rows', coalesce(jsonb_agg(to_jsonb(r)), '[]'))::text AS content
        FROM ({rows_sql(kpi, scope, None)}) r
    """
    (row,) = await fetch(conn, scope, sql)
    content: str = row["content"]
    return content


_SPLITS: tuple[Split, ...] = ("person", "programme")


def _dump(found: Mapping[str, Figure]) -> dict[str, list[int]]:
    return {name: [figure.numerator, figure.denominator, figure.late] for name, figure in found.items()}


def plain(value: Any) -> Any:
    """Content as it would be read back: JSON's own types only."""
    return orjson.loads(orjson.dumps(value, default=str))
