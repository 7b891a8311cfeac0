"""The store's calendar: zone, hours, closures, business time, month arithmetic (domain.md §10.1–3)."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.calendar import DayRule, NeverOpen, StoreCalendar, add_months, anniversary

SHANGHAI = "Asia/Shanghai"
NINE_TO_SIX = StoreCalendar(SHANGHAI)
CLOSED = DayRule(open=False, ranges=None, name="国庆节", source="statutory")
NATIONAL_DAY = {date(2026, 10, 1) + timedelta(days=n): CLOSED for n in range(7)}
WITH_LUNCH = StoreCalendar(SHANGHAI, {day: ((time(9), time(12)), (time(13, 30), time(18))) for day in range(6)}, NATIONAL_DAY)
NIGHT = StoreCalendar(SHANGHAI, {day: ((time(18), time(2)),) for day in range(5)})
CALENDARS = [NINE_TO_SIX, WITH_LUNCH, NIGHT, StoreCalendar("America/New_York", WITH_LUNCH.weekly)]

seconds = st.integers(0, 7 * 366 * 86_400)
instants = seconds.map(lambda after: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=after))
durations = st.timedeltas(timedelta(0), timedelta(days=4))
days = st.dates(date(2024, 1, 1), date(2040, 12, 31))


def local(text: str, calendar: StoreCalendar = NINE_TO_SIX) -> datetime:
    at = datetime.fromisoformat(text)
    return calendar.at(at.date(), at.time())


def test_a_date_is_decided_in_the_stores_zone() -> None:
    assert NINE_TO_SIX.day_of(datetime(2026, 5, 1, 17, 0, tzinfo=UTC)) == date(2026, 5, 2)


def test_opening_closing_and_the_end_of_a_day_are_utc_instants() -> None:
    day = date(2026, 5, 2)

    assert NINE_TO_SIX.opening(day) == datetime(2026, 5, 2, 1, tzinfo=UTC)
    assert NINE_TO_SIX.closing(day) == datetime(2026, 5, 2, 10, tzinfo=UTC)
    assert NINE_TO_SIX.end_of_day(day) == datetime(2026, 5, 2, 16, tzinfo=UTC)


@pytest.mark.parametrize(
    ("calendar", "start", "hours", "end"),
    [
        (NINE_TO_SIX, "2026-05-06 17:50", 1, "2026-05-07 09:50"),  # the complaint at 17:50
        (WITH_LUNCH, "2026-09-30 17:50", 1, "2026-10-08 09:50"),  # … before the National Day week
        (WITH_LUNCH, "2026-05-09 17:50", 1, "2026-05-11 09:50"),  # … on a Saturday
        (NINE_TO_SIX, "2026-05-06 10:00", 1, "2026-05-06 11:00"),
        (NINE_TO_SIX, "2026-05-06 17:00", 1, "2026-05-06 18:00"),  # ends at closing time, not at the next opening
        (NINE_TO_SIX, "2026-05-06 20:00", 1, "2026-05-07 10:00"),
        (NINE_TO_SIX, "2026-05-06 10:00", 18, "2026-05-08 10:00"),
        (WITH_LUNCH, "2026-05-06 11:30", 1, "2026-05-06 14:00"),  # over the lunch break
        (WITH_LUNCH, "2026-05-06 12:10", 1, "2026-05-06 14:30"),
        (NIGHT, "2026-05-06 23:30", 2, "2026-05-07 01:30"),  # over midnight
        (NIGHT, "2026-05-07 01:30", 1, "2026-05-07 18:30"),
        (NIGHT, "2026-05-09 01:30", 1, "2026-05-11 18:30"),  # Friday's night ends on Saturday
    ],
)
def test_business_time_is_added_over_closings_breaks_and_midnight(
    calendar: StoreCalendar, start: str, hours: int, end: str
) -> None:
    assert calendar.add_business_time(local(start), timedelta(hours=hours)) == local(end)


@pytest.mark.parametrize(
    ("calendar", "at", "expected"),
    [
        (NINE_TO_SIX, "2026-05-06 09:00", True),
        (NINE_TO_SIX, "2026-05-06 18:00", False),
        (WITH_LUNCH, "2026-05-06 12:30", False),
        (WITH_LUNCH, "2026-10-03 10:00", False),
        (NIGHT, "2026-05-09 01:59", True),
        (NIGHT, "2026-05-09 18:30", False),
    ],
)
def test_business_time_runs_from_opening_up_to_closing(calendar: StoreCalendar, at: str, expected: bool) -> None:
    assert calendar.is_business_time(local(at)) is expected


@given(st.sampled_from(CALENDARS), instants, durations)
def test_added_business_time_lands_inside_opening_hours_and_uses_exactly_the_time(
    calendar: StoreCalendar, start: datetime, duration: timedelta
) -> None:
    end = calendar.add_business_time(start, duration)

    assert calendar.is_business_time(end) or calendar.is_business_time(end - timedelta(microseconds=1))
    assert business_time_between(calendar, start, end) == duration


def business_time_between(calendar: StoreCalendar, start: datetime, end: datetime) -> timedelta:
    """Counted by walking from one edge of opening hours to the next, without add_business_time."""
    total, cursor = timedelta(0), start
    while True:
        cursor = calendar.next_opening(cursor)
        if cursor >= end:
            return total
        edges = (
            calendar.at(calendar.day_of(cursor) + timedelta(days=shift), edge)
            for shift in (0, 1)
            for ranges in calendar.weekly.values()
            for _, edge in ranges
        )
        stop = min(end, *(edge for edge in edges if edge > cursor))
        total += stop - cursor
        cursor = stop


@given(st.sampled_from(CALENDARS), instants, durations, durations)
def test_adding_business_time_in_two_parts_is_adding_it_at_once(
    calendar: StoreCalendar, start: datetime, first: timedelta, second: timedelta
) -> None:
    in_parts = calendar.add_business_time(calendar.add_business_time(start, first), second)

    assert calendar.next_opening(in_parts) == calendar.next_opening(calendar.add_business_time(start, first + second))


def test_a_negative_duration_is_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        NINE_TO_SIX.add_business_time(local("2026-05-06 10:00"), timedelta(hours=-1))


@pytest.mark.parametrize("ask", ["next_open_day", "previous_open_day", "next_opening"])
def test_a_store_that_never_opens_says_so(ask: str) -> None:
    never = StoreCalendar(SHANGHAI, {})
    argument = local("2026-05-06 10:00") if ask == "next_opening" else date(2026, 5, 6)

    with pytest.raises(NeverOpen):
        getattr(never, ask)(argument)


@pytest.mark.parametrize(
    ("due", "earliest", "latest", "fitted"),
    [
        ("2026-09-29", "2026-09-28", "2026-09-30", "2026-09-29"),  # open
        ("2026-10-01", "2026-09-30", "2026-10-02", "2026-09-30"),  # back
        ("2026-10-07", "2026-10-06", "2026-10-08", "2026-10-08"),  # nothing open before it: on
        ("2026-10-03", "2026-10-02", "2026-10-04", "2026-10-08"),  # the whole window is closed: after it
    ],
)
def test_a_closed_due_day_moves_back_inside_its_window_else_on(due: str, earliest: str, latest: str, fitted: str) -> None:
    calendar = StoreCalendar(SHANGHAI, days=NATIONAL_DAY)

    day, reason = calendar.fit_day(*map(date.fromisoformat, (due, earliest, latest)))

    assert day == date.fromisoformat(fitted)
    assert (reason is None) == (due == fitted)


def test_a_shift_says_from_where_to_where_and_why() -> None:
    calendar = StoreCalendar(SHANGHAI, days=NATIONAL_DAY)

    _, reason = calendar.fit_day(date(2026, 10, 1), date(2026, 9, 30), date(2026, 10, 2))

    assert reason == "closed_day|2026-10-01|2026-09-30|国庆节"


def test_open_days_are_found_in_both_directions() -> None:
    calendar = StoreCalendar(SHANGHAI, days=NATIONAL_DAY)

    assert calendar.next_open_day(date(2026, 10, 1)) == date(2026, 10, 8)
    assert calendar.previous_open_day(date(2026, 10, 7)) == date(2026, 9, 30)
    assert calendar.next_open_day(date(2026, 9, 30)) == date(2026, 9, 30)
    assert calendar.next_open_day(date(2026, 9, 30), inclusive=False) == date(2026, 10, 8)


def test_a_day_opened_against_the_week_has_the_usual_hours() -> None:
    sunday = date(2026, 5, 10)
    made_up = DayRule(open=True, ranges=None, name="劳动节调休上班", source="make_up")
    calendar = StoreCalendar(SHANGHAI, WITH_LUNCH.weekly, {sunday: made_up})

    assert calendar.is_open(sunday)
    assert calendar.opening(sunday) == local("2026-05-10 09:00")
    assert calendar.closing(sunday) == local("2026-05-10 18:00")


def test_a_day_of_the_store_may_have_hours_of_its_own() -> None:
    eve = date(2026, 2, 15)
    calendar = StoreCalendar(
        SHANGHAI, days={eve: DayRule(open=True, ranges=((time(9), time(12)),), name="年前半天", source="store")}
    )

    assert calendar.closing(eve) == local("2026-02-15 12:00")


@pytest.mark.parametrize(
    ("start", "months", "end"),
    [
        ("2026-05-31", 9, "2027-02-28"),
        ("2027-05-31", 9, "2028-02-29"),
        ("2026-01-31", 1, "2026-02-28"),
        ("2026-12-15", 1, "2027-01-15"),
        ("2026-03-31", -1, "2026-02-28"),
        ("2026-01-15", -1, "2025-12-15"),
    ],
)
def test_month_arithmetic_clamps(start: str, months: int, end: str) -> None:
    assert add_months(date.fromisoformat(start), months) == date.fromisoformat(end)


@given(days, st.integers(-240, 240))
def test_months_later_is_in_that_month_and_never_a_later_day(day: date, months: int) -> None:
    later = add_months(day, months)

    assert (later.year * 12 + later.month) - (day.year * 12 + day.month) == months
    assert later.day <= day.day
    assert later.day == day.day or (later + timedelta(days=1)).day == 1


@given(days, days, st.integers(0, 60))
def test_months_keep_the_order_of_days(one: date, other: date, months: int) -> None:
    first, second = sorted((one, other))

    assert add_months(first, months) <= add_months(second, months)


def test_the_29th_of_february_is_the_28th_in_other_years() -> None:
    assert anniversary(date(2024, 2, 29), 2025) == date(2025, 2, 28)
    assert anniversary(date(2024, 2, 29), 2028) == date(2028, 2, 29)
    assert anniversary(date(2024, 5, 31), 2025) == date(2025, 5, 31)
