"""Statutory holidays, make-up workdays, years nobody announced yet, lunar festivals (domain.md §10.2)."""

from datetime import date, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lunardate import LunarDate

from shared.domain.calendar import DayRule
from shared.holidays import festivals, lunar_to_solar, store_calendar

SHANGHAI = "Asia/Shanghai"
WEEKDAYS = {day: ((time(9), time(18)),) for day in range(5)}


def test_statutory_holidays_close_and_are_named() -> None:
    calendar = store_calendar(SHANGHAI, None, {}, [2026])

    assert not calendar.is_open(date(2026, 10, 1))
    assert calendar.rule(date(2026, 10, 1)).name == "国庆节"
    assert calendar.rule(date(2026, 2, 17)).source == "statutory"


def test_an_ordinary_weekend_follows_the_weekly_hours() -> None:
    saturday = date(2026, 5, 16)

    assert store_calendar(SHANGHAI, None, {}, [2026]).is_open(saturday)
    assert not store_calendar(SHANGHAI, WEEKDAYS, {}, [2026]).is_open(saturday)


def test_a_make_up_workday_opens_a_store_that_rests_at_weekends() -> None:
    saturday = date(2026, 10, 10)
    calendar = store_calendar(SHANGHAI, WEEKDAYS, {}, [2026])

    assert calendar.is_open(saturday)
    assert calendar.rule(saturday).source == "make_up"
    assert calendar.opening(saturday) == calendar.at(saturday, time(9))


def test_the_stores_own_day_wins_over_the_holiday_and_the_make_up_day() -> None:
    own = {
        date(2026, 10, 1): DayRule(True, ((time(10), time(16)),), "国庆车展", "store"),
        date(2026, 10, 10): DayRule(False, None, "盘点", "store"),
    }

    calendar = store_calendar(SHANGHAI, None, own, [2026])

    assert calendar.is_open(date(2026, 10, 1))
    assert not calendar.is_open(date(2026, 10, 10))


def test_a_year_without_an_announcement_is_assumed_and_says_so() -> None:
    calendar = store_calendar(SHANGHAI, None, {}, [2026, 2040])

    assert calendar.assumed_years == {2040}
    assert not calendar.is_open(date(2040, 2, 12))
    assert calendar.rule(date(2040, 2, 12)).source == "assumed"
    assert calendar.is_open(date(2040, 2, 26))  # an ordinary Sunday is no holiday


def test_a_year_nobody_knows_is_shown_and_not_guessed() -> None:
    calendar = store_calendar(SHANGHAI, None, {}, [2150])

    assert calendar.unknown_years == {2150}
    assert calendar.days == {}


def test_the_same_input_gives_the_same_calendar() -> None:
    assert store_calendar(SHANGHAI, WEEKDAYS, {}, [2026, 2025]) is store_calendar(SHANGHAI, WEEKDAYS, {}, [2025, 2026])


SPRING_FESTIVAL_AND_MID_AUTUMN = [
    ("2024-02-10", "2024-09-17"),
    ("2025-01-29", "2025-10-06"),
    ("2026-02-17", "2026-09-25"),
    ("2027-02-06", "2027-09-15"),
    ("2028-01-26", "2028-10-03"),
    ("2029-02-13", "2029-09-22"),
    ("2030-02-03", "2030-09-12"),
    ("2031-01-23", "2031-10-01"),
    ("2032-02-11", "2032-09-19"),
    ("2033-01-31", "2033-09-08"),
    ("2034-02-19", "2034-09-27"),
    ("2035-02-08", "2035-09-16"),
    ("2036-01-28", "2036-10-04"),
    ("2037-02-15", "2037-09-24"),
    ("2038-02-04", "2038-09-13"),
    ("2039-01-24", "2039-10-02"),
    ("2040-02-12", "2040-09-20"),
]


@pytest.mark.parametrize(("spring", "autumn"), SPRING_FESTIVAL_AND_MID_AUTUMN)
def test_the_festivals_fall_on_their_lunar_days(spring: str, autumn: str) -> None:
    year = int(spring[:4])

    found = {festival.key: festival.on.isoformat() for festival in festivals(year)}

    assert found == {"spring_festival": spring, "mid_autumn": autumn, "national_day": f"{year}-10-01"}


@pytest.mark.parametrize("year", range(2024, 2041))
def test_new_years_eve_is_the_day_before_the_spring_festival_whether_it_is_the_29th_or_30th(year: int) -> None:
    assert lunar_to_solar(year, 12, 30) == lunar_to_solar(year + 1, 1, 1) - timedelta(days=1)


def test_the_30th_of_the_twelfth_month_is_missing_from_2024_to_2028_and_becomes_the_29th() -> None:
    assert all(lunar_to_solar(year, 12, 30) == lunar_to_solar(year, 12, 29) for year in range(2024, 2029))


@given(st.integers(2024, 2040), st.integers(1, 12), st.integers(1, 30))
def test_a_lunar_day_comes_once_a_year_and_never_in_the_leap_month(year: int, month: int, day: int) -> None:
    back = LunarDate.from_solar_date(*lunar_to_solar(year, month, day).timetuple()[:3])

    assert (back.year, back.month) == (year, month)
    assert back.day == day or (day, back.day) == (30, 29)
    assert not back.is_leap_month


def test_a_day_no_lunar_month_has_is_refused() -> None:
    with pytest.raises(ValueError, match="day"):
        lunar_to_solar(2026, 1, 31)
