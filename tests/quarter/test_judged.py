"""When a comparison of figures is a fault."""

from __future__ import annotations

from tests.quarter.independent import Compared
from tests.quarter.report import judged
from tests.quarter.run import QUARTER, SHORT

COUNTED = Compared("2026-07", "coverage", (8, 10), (8, 10))
EMPTY = Compared("2026-07", "repurchase", (0, 0), (0, 0))


def test_nothing_on_both_sides_agrees_in_a_short_run_and_is_told() -> None:
    told: list[str] = []

    assert judged([COUNTED, EMPTY], SHORT, told.append) == []
    assert ["repurchase" in line for line in told] == [True]


def test_a_whole_quarter_without_a_fact_of_some_kind_is_a_fault() -> None:
    assert judged([COUNTED, EMPTY], QUARTER, print) == ["nothing was counted for repurchase"]


def test_a_short_run_that_counted_nothing_at_all_is_a_fault() -> None:
    assert judged([EMPTY], SHORT, print) == ["nothing was counted for repurchase"]


def test_nothing_on_one_side_only_differs_in_any_run() -> None:
    one_sided = Compared("2026-07", "repurchase", (0, 0), (1, 2))

    assert [len(judged([COUNTED, one_sided], size, print)) for size in (SHORT, QUARTER)] == [1, 1]
