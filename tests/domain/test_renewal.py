"""The insurance file: when it passes on, who holds it, which policy follows which."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.calendar import add_months
from shared.domain.renewal import holder_role, moves_on, next_term, succeeds


@pytest.mark.parametrize(
    ("delivered_on", "moved_on"),
    [
        (date(2026, 1, 15), date(2026, 10, 15)),
        (date(2026, 5, 31), date(2027, 2, 28)),  # month arithmetic clamps
        (date(2027, 5, 31), date(2028, 2, 29)),  # to the last day of a leap February
        (date(2026, 5, 30), date(2027, 2, 28)),
        (date(2026, 12, 31), date(2027, 9, 30)),
    ],
)
def test_the_file_moves_in_month_9_and_the_month_clamps(delivered_on: date, moved_on: date) -> None:
    assert moves_on(delivered_on) == moved_on


@pytest.mark.parametrize(
    ("delivered_on", "today", "role"),
    [
        (date(2026, 5, 31), date(2027, 2, 27), "insurance_specialist"),
        (date(2026, 5, 31), date(2027, 2, 28), "renewal_specialist"),
        (None, date(2027, 2, 28), "renewal_specialist"),  # not sold here: never was the new-car file
    ],
)
def test_whoever_holds_the_file_is_decided_by_month_9(delivered_on: date | None, today: date, role: str) -> None:
    assert holder_role(delivered_on, today) == role


@given(st.dates(date(2000, 1, 1), date(2090, 12, 31)))
def test_the_next_term_begins_where_the_last_ends_and_succeeds_it(expires_on: date) -> None:
    starts_on, next_expires_on = next_term(expires_on)

    assert (starts_on, next_expires_on) == (expires_on, add_months(expires_on, 12))
    assert succeeds(expires_on, next_expires_on)
    assert not succeeds(next_expires_on, expires_on)


def test_compulsory_and_commercial_insurance_of_one_year_do_not_follow_each_other() -> None:
    assert not succeeds(date(2026, 11, 23), date(2026, 12, 20))
