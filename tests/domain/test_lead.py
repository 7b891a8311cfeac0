"""Levels of leads: S0's days, S2's letters."""

from datetime import date, timedelta

import pytest

from shared.domain.lead import ABC, BY_DAYS, POLICIES, UnknownLevel, expected_between, level_of, next_contact_on

TODAY = date(2026, 1, 31)


def in_days(days: int) -> date:
    return TODAY + timedelta(days=days)


@pytest.mark.parametrize(
    ("days", "by_days", "abc"),
    [
        (-5, "within_3_days", "A"),
        (0, "within_3_days", "A"),
        (3, "within_3_days", "A"),
        (4, "within_7_days", "A"),
        (7, "within_7_days", "A"),
        (8, "within_15_days", "B"),
        (15, "within_15_days", "B"),
        (16, "within_a_month", "B"),
        (28, "within_a_month", "B"),  # 28 February: the month's last day
        (29, "later", "C"),
    ],
)
def test_the_level_follows_from_the_expected_day(days: int, by_days: str, abc: str) -> None:
    assert level_of(in_days(days), TODAY).key == by_days
    assert level_of(in_days(days), TODAY, ABC).key == abc


def test_without_a_day_a_lead_is_of_the_last_level() -> None:
    assert level_of(None, TODAY).key == "later"
    assert level_of(None, TODAY, ABC).key == "C"


def test_each_level_says_how_often_to_call() -> None:
    assert [level.every_days for level in POLICIES[BY_DAYS]] == [1, 3, 5, 7, 30]
    assert [level.every_days for level in POLICIES[ABC]] == [2, 7, 30]


def test_an_unknown_policy_is_by_days() -> None:
    assert level_of(TODAY, TODAY, "nothing").key == "within_3_days"


@pytest.mark.parametrize(
    ("expected", "policy", "after"),
    [
        (0, BY_DAYS, 1),
        (6, BY_DAYS, 3),
        (12, BY_DAYS, 5),
        (25, BY_DAYS, 7),
        (200, BY_DAYS, 30),
        (5, ABC, 2),
        (20, ABC, 7),
        (200, ABC, 30),
    ],
)
def test_the_next_contact_keeps_the_pace_of_the_level(expected: int, policy: str, after: int) -> None:
    assert next_contact_on(in_days(expected), TODAY, policy) == in_days(after)


def test_the_next_contact_comes_nearer_as_the_purchase_does() -> None:
    # C today, B from the fifth day on: after seven days a call is due, not after thirty.
    assert level_of(in_days(33), TODAY, ABC).key == "C"
    assert next_contact_on(in_days(33), TODAY, ABC) == in_days(7)
    # Within a month today, and on the fifth day within 15: every five days.
    assert next_contact_on(in_days(20), TODAY) == in_days(5)


def test_a_lead_without_a_day_is_called_after_thirty() -> None:
    assert next_contact_on(None, TODAY) == next_contact_on(None, TODAY, ABC) == in_days(30)


@pytest.mark.parametrize("policy", [BY_DAYS, ABC])
def test_the_days_of_a_level_are_those_it_holds_for(policy: str) -> None:
    for days in range(-10, 60):
        level = level_of(in_days(days), TODAY, policy).key
        after, until = expected_between(level, TODAY, policy)
        assert (after or date.min) < in_days(days) <= (until or date.max)


def test_a_level_of_the_other_policy_is_unknown() -> None:
    with pytest.raises(UnknownLevel):
        expected_between("A", TODAY, BY_DAYS)


@pytest.mark.parametrize(
    ("expected", "policy", "set_after", "after"),
    [
        (200, BY_DAYS, 12, 12),  # later: the consultant sets each next date
        (200, BY_DAYS, 45, 45),
        (200, BY_DAYS, None, 30),  # default 30 days
        (40, BY_DAYS, 60, 12),  # within a month from day 12 on, and seven days have passed: the date that was set is overtaken
        (12, BY_DAYS, 4, 5),  # a nearer level keeps its own cadence
        (200, ABC, 12, 30),  # C: every 30 days (S2)
    ],
)
def test_the_consultant_sets_the_next_date_of_later_ones(expected: int, policy: str, set_after: int | None, after: int) -> None:
    set_on = None if set_after is None else in_days(set_after)

    assert next_contact_on(in_days(expected), TODAY, policy, set_on) == in_days(after)


def test_a_date_that_was_set_for_a_contact_already_made_counts_no_more() -> None:
    assert next_contact_on(None, TODAY, BY_DAYS, in_days(-3)) == in_days(30)
