"""Figures counted from their rows: of the store, of each person, of each programme; and of months already closed, as they were then."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from shared.db import Connection
from shared.domain.kpi import KPIS, NO_DENOMINATOR, NOT_OF_THIS_SPLIT, NOTHING, Figure, Kpi, Split, met
from shared.domain.month import Month
from shared.reports.facts import CLOSED, REACHED, only
from shared.reports.rows import rows_sql
from shared.reports.scope import Scope, fetch
from shared.reports.together import FROM_VISITS, visit_figures

NOBODY = "none"
BOARD, FROZEN_ROWS = "kpis", "kpi-rows"
TREND_MONTHS = 12
LOOK_BACK_DAYS = 92  # work done late is looked for on visits due so many days before; the last answer that counts comes after 30

_COUNT = """
    SELECT {key} AS key, count(*) FILTER (WHERE r.met) AS numerator, count(*) AS denominator, count(*) FILTER (WHERE r.late) AS late
    FROM ({rows}) r WHERE r.reason IS NULL {group}
"""
_KEYS: Mapping[Split, str] = {
    "store": "'store'",
    "person": "coalesce(r.staff_id::text, 'none')",
    "programme": "coalesce(r.programme, 'none')",
}
_FROZEN = "SELECT frozen_at, content FROM frozen_reports WHERE store_id = :store AND name = :name AND month = :month"
_FROZEN_FIGURES = """
    SELECT month, content -> 'figures' -> 'store' AS figures FROM frozen_reports
    WHERE store_id = :store AND name = :name AND month >= :from_month AND month <= :to_month
"""
_LATE_WORK = f"""
    SELECT count(*) FILTER (WHERE w.tried) AS worked, count(*) FILTER (WHERE w.reached) AS reached, count(*) FILTER (WHERE w.closed) AS done
    FROM (SELECT v.id, v.state IN ('completed', 'incomplete') AND v.closed_at > :closed_before AND {CLOSED} AS closed,
                 coalesce(v.assignee_id, min(a.staff_id::text)::uuid) AS staff_id, v.programme, count(a.id) > 0 AS tried,
                 coalesce(bool_or({REACHED}), false) AS reached
          FROM visits v LEFT JOIN attempts a ON a.store_id = v.store_id AND a.visit_id = v.id AND a.withdrawn_at IS NULL
              AND a.created_at > :closed_before AND a.created_at <= :cut
          WHERE v.store_id = :store AND v.due_on BETWEEN :first::date - {LOOK_BACK_DAYS} AND :first::date - 1
              AND (v.closed_at IS NULL OR v.closed_at > :closed_before)
          GROUP BY v.store_id, v.id) w
    WHERE (w.tried OR w.closed)
"""


def applies(kpi: Kpi, split: Split) -> bool:
    """Can the figure be told of one programme: orders and owners have none."""
    return split != "programme" or kpi.programmes


async def figures(conn: Connection, scope: Scope, kpi: str, split: Split) -> dict[str, Figure]:
    """The figure of the whole (key `store`), or of each person or programme by id; nobody's is `none`."""
    group = "" if split == "store" else "GROUP BY 1"
    sql = _COUNT.format(key=_KEYS[split], rows=rows_sql(kpi, scope, split), group=group)
    return {row["key"]: Figure(row["numerator"], row["denominator"], row["late"]) for row in await fetch(conn, scope, sql)}


async def parts(conn: Connection, scope: Scope, kpi: str, split: Split) -> dict[str, Figure]:
    """The figure of the store divided by person or programme: each row in exactly one part."""
    sql = _COUNT.format(key=_KEYS[split], rows=rows_sql(kpi, scope, None), group="GROUP BY 1")
    return {row["key"]: Figure(row["numerator"], row["denominator"], row["late"]) for row in await fetch(conn, scope, sql)}


def together(scope: Scope, split: Split) -> tuple[str, ...]:
    """The figures that one reading of the visits gives. A try is its caller's, day by day; a visit is whoever's tried last: success by
    person is counted from its own rows."""
    by_person = split == "person" or scope.staff_id is not None
    return tuple(name for name in FROM_VISITS if not (by_person and name == "success_rate"))


async def of_store(conn: Connection, scope: Scope) -> dict[str, Figure]:
    """Every figure of the scope as a whole (the store, or the one person or programme of the scope)."""
    split: Split = "programme" if scope.programme is not None else "store"
    found = (await visit_figures(conn, scope, "store")).get("store", {})
    for key, kpi in KPIS.items():
        if key not in together(scope, "store") and applies(kpi, split):
            found |= {key: (await figures(conn, scope, key, "store")).get("store", NOTHING)}
    return {key: found.get(key, NOTHING) for key in KPIS}


async def of_each(conn: Connection, scope: Scope, split: Split) -> dict[str, dict[str, Figure]]:
    """Every figure of each person or programme: key → figure's name → figure."""
    quick = together(scope, split)
    found = {
        key: {name: figure for name, figure in one.items() if name in quick}
        for key, one in (await visit_figures(conn, scope, split)).items()
    }
    for name, kpi in KPIS.items():
        if name not in quick and applies(kpi, split):
            for key, figure in (await figures(conn, scope, name, split)).items():
                found.setdefault(key, {})[name] = figure
    return found


async def late_work(conn: Connection, scope: Scope) -> dict[str, int]:
    """What was done since the last month closed on visits that were due before this one: shown apart, in no figure of either month."""
    (row,) = await fetch(conn, scope, _LATE_WORK + only(scope, "w.staff_id", "w.programme"))
    return dict(row)


def dumped(found: Mapping[str, Figure]) -> dict[str, list[int]]:
    """Figures as they are kept."""
    return {name: [figure.numerator, figure.denominator, figure.late] for name, figure in found.items()}


def read(kept: Mapping[str, list[int]]) -> dict[str, Figure]:
    """Figures as they were kept."""
    return {name: Figure(*numbers) for name, numbers in kept.items()}


async def frozen(conn: Connection, scope: Scope, name: str) -> tuple[datetime, dict[str, Any]] | None:
    """A closed month's content and when it was frozen."""
    rows = await fetch(conn, scope, _FROZEN, name=name, month=str(scope.month))
    return (rows[0]["frozen_at"], orjson.loads(rows[0]["content"])) if rows else None


async def trend(conn: Connection, scope: Scope, month: Month, since: Month) -> dict[str, dict[str, Figure]]:
    """Every figure of the store for the twelve months up to `month`: as frozen, else as the facts stand; before `since` nothing."""
    months = [month.plus(-back) for back in range(TREND_MONTHS - 1, -1, -1)]
    kept: dict[str, dict[str, Figure]] = {}
    if scope.staff_id is None and scope.programme is None:
        rows = await fetch(
            conn, scope, _FROZEN_FIGURES, name=BOARD, from_month=str(months[0]), to_month=str(month)
        )  # fmt: skip
        kept = {row["month"]: read(orjson.loads(row["figures"])) for row in rows}
    return {str(each): kept.get(str(each)) or (await of_store(conn, scope.of(each)) if each >= since else {}) for each in months}


def target_of(kpi: Kpi, policies: Mapping[str, Any]) -> float | None:
    """The percent to be reached: the store's own (`kpi_targets`), else the sources'."""
    own = (policies.get("kpi_targets") or {}).get(kpi.key)
    return float(own) if own is not None else (float(kpi.target) if kpi.target is not None else None)


def reference_of(kpi: Kpi, policies: Mapping[str, Any]) -> float | None:
    """What the store compares the figure with (`kpi_references`): complaints a month, percent by phone."""
    own = (policies.get("kpi_references") or {}).get(kpi.key) if kpi.reference else None
    return float(own) if own is not None else None


def shown(kpi: Kpi, figure: Figure | None, policies: Mapping[str, Any], *, split: Split = "store") -> dict[str, Any]:
    """A figure as it goes out. A share without a denominator is null and says why."""
    own = figure or NOTHING
    share = own.share()
    reason = None if kpi.counts or share is not None else NO_DENOMINATOR
    if not applies(kpi, split):
        reason = NOT_OF_THIS_SPLIT
    target = target_of(kpi, policies)
    value: float | None = own.numerator if kpi.counts and reason is None else None if share is None else float(share)
    return {
        "kpi": kpi.key,
        "zh": kpi.zh,
        "en": kpi.en,
        "unit": "count" if kpi.counts else "share",
        "value": value,
        "numerator": own.numerator,
        "denominator": own.denominator,
        "late": own.late,
        "reason": reason,
        "target": None if target is None or kpi.counts else target / 100,
        "target_exclusive": kpi.above,
        "met": met(kpi, own, target),
        "reference": _reference(kpi, policies),
    }


def _reference(kpi: Kpi, policies: Mapping[str, Any]) -> float | None:
    own = reference_of(kpi, policies)
    return own if own is None or kpi.counts else own / 100


def whose(scope: Scope, key: str) -> str:
    """The name of a person by id."""
    person = None if key == NOBODY else scope.store.staff.get(UUID(key))
    return person.name if person else ("未分配" if key == NOBODY else key)
