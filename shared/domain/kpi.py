"""The figures a store is led by (domain.md §8): their definitions, their targets, and what moved one from a month to the next.

What is counted is read in `shared/reports`; here is only what a figure is and how two of them compare.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, Literal

NO_DENOMINATOR: Final = "no_denominator"
NOT_OF_THIS_SPLIT: Final = "not_of_this_split"

Split = Literal["store", "person", "programme"]


@dataclass(frozen=True)
class Kpi:
    """One figure of the board.

    `target`: percent to be reached (`above`: to be exceeded), None when the figure is only shown. `counts`: a number, not a share.
    `programmes`: can be told for one programme. `reference`: the store may set a value to compare with. `row`: what one row is.
    """

    key: str
    zh: str
    en: str
    row: Literal["visit_day", "customer", "delivery", "visit", "complaint", "clock"]
    target: int | None = None
    above: bool = False
    counts: bool = False
    programmes: bool = True
    reference: bool = False


KPIS: Final[Mapping[str, Kpi]] = {
    kpi.key: kpi
    for kpi in (
        Kpi("success_rate", "回访成功率", "Success rate", "visit_day", 80, above=True),
        Kpi("coverage", "回访覆盖率", "Coverage", "customer", 95),
        Kpi("new_owner_7_day", "新车7天回访率", "New owners reached in 7 days", "delivery", 100),
        Kpi("phone_share", "电话回访率", "Phone share", "visit", reference=True),
        Kpi("satisfaction", "客户满意度", "Satisfaction", "customer", 90),
        Kpi("complaint_resolution", "投诉解决率", "Complaint resolution", "complaint", 98),
        Kpi("complaint_count", "客户投诉数", "Complaints", "complaint", counts=True, reference=True),
        Kpi("retention", "客户保持率", "Retention", "customer", 85, programmes=False),
        Kpi("repurchase", "复购率", "Repurchase", "customer", 70, programmes=False),
        Kpi("on_time", "及时率", "On time", "clock", 100),
    )
}
"""Targets: success S1; coverage, satisfaction, resolution, retention, repurchase S4; new owners S2; on time S0, S2, S3, S4."""


@dataclass(frozen=True)
class Figure:
    """Rows that meet the definition, of rows counted. `late`: how many of those that met it were past their deadline (shown apart)."""

    numerator: int
    denominator: int
    late: int = 0

    def share(self) -> Fraction | None:
        """The share as an exact number; None ("n/a") when nothing was counted."""
        return Fraction(self.numerator, self.denominator) if self.denominator else None


NOTHING: Final = Figure(0, 0)


@dataclass(frozen=True)
class Part:
    """What one person or programme did to a change, in the figure's own unit (a share of 1, or a number).

    `rate`: because it did better or worse; `mix`: because it had more or less of the work than before.
    """

    key: str
    before: Figure
    after: Figure
    rate: Fraction
    mix: Fraction

    @property
    def contribution(self) -> Fraction:
        return self.rate + self.mix


@dataclass(frozen=True)
class Change:
    """A figure before and after; the contributions of the parts sum to `change` exactly, the largest effect first."""

    before: Fraction | None
    after: Fraction | None
    change: Fraction | None
    parts: tuple[Part, ...]


def met(kpi: Kpi, figure: Figure, target: float | None) -> bool | None:
    """Is the target (percent) reached? None without a target or without a share.

    Source: domain.md §8 (success must exceed 80%, the others reach theirs).
    """
    share = figure.share()
    if share is None or target is None or kpi.counts:
        return None
    percent, wanted = share * 100, Fraction(str(target))
    return percent > wanted if kpi.above else percent >= wanted


def what_changed(kpi: Kpi, before: Mapping[str, Figure], after: Mapping[str, Figure]) -> Change:
    """What drove the change of a figure between two months.

    In: the figure's parts (by person or by programme) of both months; the parts make up the whole, each row in one part. Out: the
    change and each part's share in it. A part that is new or gone is measured against the whole of the month before.
    """
    keys = sorted({*before, *after})
    if kpi.counts:
        return _counted(keys, before, after)
    whole_before, whole_after = _whole(before), _whole(after)
    first, last = whole_before.share(), whole_after.share()
    if first is None or last is None:
        return Change(first, last, None, ())
    parts = [
        _part(key, before.get(key, NOTHING), after.get(key, NOTHING), first, whole_before.denominator, whole_after.denominator)
        for key in keys
    ]
    return Change(first, last, last - first, _largest_first(parts))


def _part(key: str, before: Figure, after: Figure, base: Fraction, all_before: int, all_after: int) -> Part:
    had, has = Fraction(before.denominator, all_before), Fraction(after.denominator, all_after)
    was, now = before.share(), after.share()
    was = base if was is None else was
    return Part(key, before, after, has * ((was if now is None else now) - was), (has - had) * (was - base))


def _counted(keys: list[str], before: Mapping[str, Figure], after: Mapping[str, Figure]) -> Change:
    parts = [
        Part(key, was, has, Fraction(has.numerator - was.numerator), Fraction(0))
        for key in keys
        for was, has in [(before.get(key, NOTHING), after.get(key, NOTHING))]
    ]
    first, last = Fraction(_whole(before).numerator), Fraction(_whole(after).numerator)
    return Change(first, last, last - first, _largest_first(parts))


def _whole(parts: Mapping[str, Figure]) -> Figure:
    return Figure(
        sum(part.numerator for part in parts.values()),
        sum(part.denominator for part in parts.values()),
        sum(part.late for part in parts.values()),
    )


def _largest_first(parts: list[Part]) -> tuple[Part, ...]:
    return tuple(sorted(parts, key=lambda part: (-abs(part.contribution), part.key)))
