"""Levels of leads: S0's days, S2's letters."""

from datetime import date, timedelta

import pytest

from shared.domain.lead import ABC, BY_DAYS, POLICIES, contact_on, level_of

TODAY = date(2026, 1, 31)


@pytest.mark.parametrize(
    ("days", "by_days", "abc"),
    [
        (-5, "within_3_days", "A"),
        (0, "within_3_days", "A"),
        (3, "within_3_days", "A"),
        (4, "within_7_days", "A"),
        (7, "within_7_days", "A"),
        (8, "within_15_days", "B"),
        (16, "within_a_month", "B"),
        (28, "within_a_month", "B"),  # 28 February: the month's last day
        (29, "later", "C"),
    ],
)
def test_the_level_follows_from_the_expected_day(days: int, by_days: str, abc: str) -> None:
    expected_on = TODAY + timedelta(days=days)
    assert level_of(expected_on, TODAY).key == by_days
    assert level_of(expected_on, TODAY, ABC).key == abc


def test_without_a_day_a_lead_is_of_the_last_level() -> None:
    assert level_of(None, TODAY).key == "later"
    assert level_of(None, TODAY, ABC).key == "C"


def test_each_level_says_how_often_to_call() -> None:
    assert [level.every_days for level in POLICIES[BY_DAYS]] == [1, 3, 5, 7, 30]
    assert [level.every_days for level in POLICIES[ABC]] == [2, 7, 30]
    assert contact_on(POLICIES[ABC][0], TODAY) == date(2026, 2, 2)


def test_an_unknown_policy_is_by_days() -> None:
    assert level_of(TODAY, TODAY, "nothing").key == "within_3_days"
