"""Estimated mileage and the end of the maintenance interval (decisions.md, "Mileage")."""

from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.calendar import add_months
from shared.domain.mileage import LastService, Reading, estimate_km, km_per_day, maintenance_due

TODAY = date(2026, 6, 30)
JANUARY = date(2026, 1, 1)


def reading(on: str, km: int) -> Reading:
    return Reading(date.fromisoformat(on), km)


def test_fewer_than_two_readings_use_the_stores_default_of_1250_km_a_month() -> None:
    assert km_per_day([], TODAY) * 365 == 1250 * 12
    assert km_per_day([reading("2026-05-01", 900)], TODAY) * 365 == 1250 * 12


def test_two_readings_give_a_line() -> None:
    readings = [reading("2026-01-01", 1000), reading("2026-04-11", 6000)]

    assert km_per_day(readings, TODAY) == Fraction(50)
    assert estimate_km(readings, date(2026, 4, 21), TODAY) == 6500


def test_without_any_reading_there_is_no_estimate() -> None:
    assert estimate_km([], TODAY, TODAY) is None


def test_a_reading_of_the_future_is_not_believed() -> None:
    assert estimate_km([reading("2026-06-30", 100), reading("2026-07-01", 99_999)], TODAY, TODAY) == 100


def test_an_odometer_that_fell_starts_a_new_line() -> None:
    readings = [reading("2026-01-01", 80_000), reading("2026-02-01", 100), reading("2026-02-11", 600)]

    assert km_per_day(readings, TODAY) == 50


@pytest.mark.parametrize(
    ("readings", "last", "interval", "due"),
    [
        ([], LastService(JANUARY, 0), (3, 5000), "2026-04-01"),  # 3 months come before 5,000 km at 1,250 a month
        ([], LastService(JANUARY, 0), (6, 5000), "2026-05-03"),  # 5,000 km take 121.7 days at the default
        ([], LastService(JANUARY, None), (6, 5000), "2026-05-03"),
        ([reading("2026-02-20", 5000)], LastService(JANUARY, 0), (3, 5000), "2026-02-20"),  # 100 km a day: mileage first
        ([reading("2026-01-31", 3000)], LastService(JANUARY, 0), (3, 5000), "2026-02-20"),
        ([reading("2026-03-02", 600)], LastService(JANUARY, 0), (3, 5000), "2026-04-01"),  # 10 km a day: time first
        ([reading("2026-03-02", 0)], LastService(JANUARY, 0), (6, 5000), "2026-07-01"),  # a car that stands: time
        ([], LastService(date(2025, 8, 31), None), (6, 999_999), "2026-02-28"),  # clamped
    ],
)
def test_maintenance_is_due_by_time_or_mileage_whichever_is_first(
    readings: list[Reading], last: LastService, interval: tuple[int, int], due: str
) -> None:
    assert maintenance_due(readings, last, *interval, TODAY) == date.fromisoformat(due)


@given(
    st.lists(st.builds(Reading, st.dates(date(2025, 1, 1), TODAY), st.integers(0, 300_000)), max_size=6),
    st.builds(LastService, st.dates(date(2025, 1, 1), TODAY), st.none() | st.integers(0, 300_000)),
)
def test_the_due_day_is_never_before_the_service_nor_after_the_time_limit(readings: list[Reading], last: LastService) -> None:
    assert last.on <= maintenance_due(readings, last, 6, 5000, TODAY) <= add_months(last.on, 6)


@given(st.integers(1, 500), st.integers(10, 200))
def test_a_car_that_keeps_its_pace_is_due_when_it_has_run_the_interval(pace: int, days: int) -> None:
    later = JANUARY + timedelta(days=days)

    due = maintenance_due([Reading(later, pace * days)], LastService(JANUARY, 0), 1200, 5000, later)

    assert due == JANUARY + timedelta(days=-(-5000 // pace))
