"""What a figure is, when its target is met, what drove a change; months and when they close."""

from __future__ import annotations

from datetime import UTC, date, datetime
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.kpi import KPIS, Figure, met, what_changed
from shared.domain.month import Month, NoMonth, last_closed
from shared.holidays import store_calendar

CALENDAR = store_calendar("Asia/Shanghai", None, {}, range(2025, 2028))
FIGURES = st.builds(
    lambda of, share: Figure(int(of * share), of), st.integers(0, 500), st.floats(0, 1, allow_nan=False, allow_infinity=False)
)
PARTS = st.dictionaries(st.sampled_from("abcdef"), FIGURES)


@pytest.mark.parametrize(
    ("key", "target"),
    [
        ("success_rate", 80), ("coverage", 95), ("new_owner_7_day", 100), ("satisfaction", 90), ("complaint_resolution", 98),
        ("retention", 85), ("repurchase", 70), ("on_time", 100), ("phone_share", None), ("complaint_count", None),
    ],
)  # fmt: skip
def test_targets_are_those_of_the_sources(key: str, target: int | None) -> None:
    assert KPIS[key].target == target


def test_success_must_exceed_its_target_and_coverage_reach_it() -> None:
    assert met(KPIS["success_rate"], Figure(80, 100), 80) is False
    assert met(KPIS["success_rate"], Figure(81, 100), 80) is True
    assert met(KPIS["coverage"], Figure(95, 100), 95) is True


def test_nothing_counted_is_no_share_and_no_verdict() -> None:
    assert Figure(0, 0).share() is None
    assert met(KPIS["coverage"], Figure(0, 0), 95) is None


def test_a_change_is_told_by_rate_and_by_share_of_the_work() -> None:
    change = what_changed(
        KPIS["coverage"], {"a": Figure(90, 100), "b": Figure(50, 100)}, {"a": Figure(90, 100), "b": Figure(150, 300)}
    )

    assert (change.before, change.after) == (Fraction(7, 10), Fraction(6, 10))
    assert {part.key: (part.rate, part.mix) for part in change.parts} == {
        "a": (Fraction(0), Fraction(-1, 20)),
        "b": (Fraction(0), Fraction(-1, 20)),
    }


def test_a_count_changes_by_what_each_part_added() -> None:
    change = what_changed(KPIS["complaint_count"], {"a": Figure(3, 3)}, {"a": Figure(1, 1), "b": Figure(4, 4)})

    assert change.change == 2
    assert [(part.key, part.contribution) for part in change.parts] == [("b", Fraction(4)), ("a", Fraction(-2))]


@given(PARTS, PARTS)
def test_contributions_sum_to_the_change_exactly(before: dict[str, Figure], after: dict[str, Figure]) -> None:
    change = what_changed(KPIS["coverage"], before, after)

    if change.change is None:
        assert change.parts == ()
    else:
        assert sum(part.contribution for part in change.parts) == change.change


@given(PARTS, PARTS)
def test_contributions_to_a_count_sum_to_its_change(before: dict[str, Figure], after: dict[str, Figure]) -> None:
    change = what_changed(KPIS["complaint_count"], before, after)

    assert sum(part.contribution for part in change.parts) == change.change


def test_a_month_closes_on_the_5th_at_6_of_the_store() -> None:
    month = Month.read("2026-11")

    assert month.closes_at(CALENDAR) == datetime(2026, 12, 4, 22, 0, tzinfo=UTC)
    assert (month.first, month.last) == (date(2026, 11, 1), date(2026, 11, 30))
    assert str(last_closed(CALENDAR, datetime(2026, 12, 4, 21, 59, tzinfo=UTC))) == "2026-10"
    assert str(last_closed(CALENDAR, datetime(2026, 12, 4, 22, 0, tzinfo=UTC))) == "2026-11"


def test_form_6_is_written_on_the_last_day() -> None:
    assert CALENDAR.day_of(Month.read("2028-02").form_6_at(CALENDAR)) == date(2028, 2, 29)


@pytest.mark.parametrize("text", ["2026", "2026-13", "2026-1", "26-01", "2026-00", "9999-01", "2026-11-01", "", "２０２６-11"])
def test_what_is_no_month_is_refused(text: str) -> None:
    with pytest.raises(NoMonth):
        Month.read(text)
