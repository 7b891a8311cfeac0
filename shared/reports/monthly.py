"""客户维系与回访月度报告 (S4, 6.2): the figures of the month beside the month before, their trend, and what drove each change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shared.db import Connection
from shared.domain.kpi import KPIS, Change, Figure, Kpi, Split, what_changed
from shared.domain.month import Month
from shared.reports.board import month_parts, named, since
from shared.reports.content import Json, column, columns, content, month_words, note, table
from shared.reports.figures import applies, late_work, shown, trend
from shared.reports.scope import Scope
from shared.reports.words import NO_DENOMINATOR, word

LARGEST = 5  # of each figure, the persons and programmes that moved it most
_FIGURES = columns(
    ("name", "指标", "Figure", "word"),
    ("value", "本月", "This month", "text"),
    ("fraction", "计入", "Counted", "text"),
    ("target", "目标", "Target", "text"),
    ("met", "达标", "Met", "word"),
    ("previous", "上月", "Last month", "text"),
    ("change", "变化", "Change", "text"),
    ("late", "其中逾期", "Of these late"),
    ("reference", "参考值", "Reference", "text"),
)
_DRIVERS = columns(
    ("name", "指标", "Figure", "word"),
    ("by", "维度", "By", "word"),
    ("who", "人员或方案", "Person or programme", "word"),
    ("before", "上月", "Before", "text"),
    ("after", "本月", "After", "text"),
    ("rate", "表现影响", "Through its rate", "text"),
    ("mix", "结构影响", "Through its share", "text"),
    ("contribution", "贡献", "Contribution", "text"),
)
_SPLITS: Mapping[Split, tuple[str, str]] = {"person": ("人员", "Person"), "programme": ("方案", "Programme")}


async def retention_monthly(conn: Connection, scope: Scope) -> Json:
    """Key figures, their trend over twelve months and what moved them: by the 5th, for manager and general manager."""
    month = scope.month or Month.of(scope.first)
    history = await trend(conn, scope, month, await since(conn, scope))
    now, before = history[str(month)], history[str(month.plus(-1))]
    late = await late_work(conn, scope)
    month_zh, month_en = month_words(scope)
    return content(
        scope,
        "retention-monthly",
        f"{month_zh}客户维系与回访月度报告",
        f"Retention and follow-up, {month_en}",
        tables=[
            table("figures", "关键指标", "Key figures", _FIGURES, [_row(scope, kpi, now, before) for kpi in KPIS.values()]),
            _trend(scope, history),
            await _drivers(conn, scope, month),
        ],
        notes=[
            note(
                f"补做以前月份：联系 {late['worked']}，接通 {late['reached']}，完成 {late['done']}；不计入本月。",
                f"Late work of earlier months: {late['worked']} worked, {late['reached']} reached, {late['done']} done; in no figure.",
            ),
            note(
                "率的变化以百分点计；各项贡献之和等于变化。", "Changes of shares are in points; contributions sum to the change."
            ),
        ],
    )


def _row(scope: Scope, kpi: Kpi, now: Mapping[str, Figure], before: Mapping[str, Figure]) -> Json:
    one, last = shown(kpi, now.get(kpi.key), scope.store.policies), shown(kpi, before.get(kpi.key), scope.store.policies)
    known = one["value"] is not None and last["value"] is not None and kpi.key in before
    sign = ">" if kpi.above else "≥"
    return {
        "name": word(kpi.key, kpi.zh, kpi.en),
        "kpi": kpi.key,
        "number": one["value"],
        "value": text_of(kpi, one),
        "fraction": "—" if kpi.counts else f"{one['numerator']}/{one['denominator']}",
        "target": "—" if one["target"] is None else f"{sign}{_percent(one['target'])}",
        "met": word("", "—", "—") if one["met"] is None else word("yes", "是", "Yes") if one["met"] else word("no", "否", "No"),
        "previous": text_of(kpi, last) if kpi.key in before else "无记录",
        "change": _change(kpi, one["value"] - last["value"]) if known else "—",
        "late": one["late"],
        "reference": "—" if one["reference"] is None else _shown(kpi, one["reference"]),
    }


def text_of(kpi: Kpi, figure: Mapping[str, Any]) -> str:
    """A figure as people read it; n/a says so."""
    if figure["value"] is None:
        return NO_DENOMINATOR.get(figure["reason"], {"zh": "无数据"})["zh"]
    return _shown(kpi, figure["value"])


def _shown(kpi: Kpi, value: float) -> str:
    return f"{value:g}" if kpi.counts else _percent(value)


def _percent(value: float) -> str:
    return f"{value * 100:.1f}%"


def _change(kpi: Kpi, value: float) -> str:
    return f"{value:+g}" if kpi.counts else f"{value * 100:+.1f}"


def _trend(scope: Scope, history: Mapping[str, Mapping[str, Figure]]) -> Json:
    heads = [column("month", "月份", "Month", "text"), *(column(kpi.key, kpi.zh, kpi.en, "text") for kpi in KPIS.values())]
    rows = [
        {"month": month}
        | {
            kpi.key: text_of(kpi, shown(kpi, figures.get(kpi.key), scope.store.policies)) if figures else "无记录"
            for kpi in KPIS.values()
        }
        for month, figures in history.items()
    ]
    return table("trend", "十二个月趋势", "Trend", heads, rows)


async def _drivers(conn: Connection, scope: Scope, month: Month) -> Json:
    rows: list[Json] = []
    for kpi in KPIS.values():
        for split, (zh, en) in _SPLITS.items():
            if not applies(kpi, split):
                continue
            last = await month_parts(conn, scope.of(month.plus(-1)), kpi, split)
            change = what_changed(kpi, last, await month_parts(conn, scope, kpi, split))
            rows += _parts(scope, kpi, split, word(split, zh, en), change)
    return table("drivers", "变化归因", "What drove the changes", _DRIVERS, rows)


def _parts(scope: Scope, kpi: Kpi, split: Split, by: Json, change: Change) -> list[Json]:
    moved = [part for part in change.parts if part.contribution][:LARGEST]
    return [
        {
            "name": word(kpi.key, kpi.zh, kpi.en),
            "by": by,
            "who": word(part.key, named(scope, split, part.key)["zh"], named(scope, split, part.key)["en"]),
            "before": _fraction(kpi, part.before),
            "after": _fraction(kpi, part.after),
            "rate": _change(kpi, float(part.rate)),
            "mix": _change(kpi, float(part.mix)),
            "contribution": _change(kpi, float(part.contribution)),
        }
        for part in moved
    ]


def _fraction(kpi: Kpi, figure: Figure) -> str:
    return str(figure.numerator) if kpi.counts else f"{figure.numerator}/{figure.denominator}"
