"""After a holiday the backlog is spread, and two tiers do not ring one customer on one day (domain.md §10.15, §5.9)."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.calendar import DayRule, StoreCalendar
from shared.domain.load import Call, Spread, last_day, spread

MONDAY = date(2026, 11, 23)
AFTER = date(2026, 10, 9)  # the first open day after the holiday
HOLIDAY = {date(2026, 10, day): DayRule(False, None, "国庆节", "statutory") for day in range(1, 9)}
OPEN = StoreCalendar("Asia/Shanghai")
GOLDEN_WEEK = StoreCalendar("Asia/Shanghai", days=HOLIDAY)
LI, WANG = UUID(int=1), UUID(int=2)
TRIGGERED = datetime(2026, 11, 20, tzinfo=UTC)


def _call(number: int, **overrides: Any) -> Call:
    base = Call(
        (UUID(int=number),), UUID(int=10_000 + number), LI, "service", MONDAY, MONDAY, MONDAY + timedelta(days=2), TRIGGERED
    )
    return replace(base, **overrides)


def _sixty(_person: UUID, _day: date) -> int:
    return 60


def _days(calls: list[Call], found: Spread) -> Counter[date]:
    moved = {shift.call.ids: shift.to for shift in found.shifts}
    gone = {call.ids for call in found.expired}
    return Counter(moved.get(call.ids, call.on) for call in calls if call.ids not in gone)


def test_after_a_holiday_four_hundred_calls_are_sixty_a_day() -> None:
    windows = {"on": AFTER, "earliest": date(2026, 9, 30), "latest": AFTER}
    calls = [_call(number, **windows) for number in range(1, 401)]

    found = spread(calls, _sixty, GOLDEN_WEEK, AFTER)

    days = _days(calls, found)
    assert [days[AFTER + timedelta(days=number)] for number in range(7)] == [60, 60, 60, 60, 60, 60, 40]
    assert found.expired == ()


def test_a_backlog_that_no_window_holds_expires_when_its_last_day_has_come() -> None:
    calls = [_call(number, latest=MONDAY) for number in range(1, 401)]

    first = spread(calls, _sixty, OPEN, MONDAY)
    # Nobody makes the calls: on their last day those that still find no room are over.
    late = [replace(call, on=MONDAY + timedelta(days=2)) for call in calls]
    then = spread(late, _sixty, OPEN, MONDAY + timedelta(days=2))

    assert first.expired == ()
    assert (len(then.expired), _days(late, then)[MONDAY + timedelta(days=2)]) == (340, 60)


def test_what_fits_does_not_move() -> None:
    assert spread([_call(number) for number in range(1, 61)], _sixty, OPEN, MONDAY) == Spread((), ())


def test_a_day_is_filled_by_deadline_then_high_value_then_trigger() -> None:
    urgent = _call(1, latest=MONDAY)
    valued = _call(2, high_value=True)
    older = _call(3, trigger_at=TRIGGERED - timedelta(days=1))
    plain = _call(4)

    found = spread([plain, older, valued, urgent], lambda _who, _day: 3, OPEN, MONDAY)

    assert [(shift.call.ids, shift.to) for shift in found.shifts] == [(plain.ids, MONDAY + timedelta(days=1))]


@pytest.mark.parametrize(
    ("latest", "earliest", "expected"),
    [
        (MONDAY, MONDAY, date(2026, 11, 25)),  # no closure: two open days of grace
        (date(2026, 10, 4), date(2026, 10, 2), date(2026, 10, 11)),  # three days lost, three open days given back
        (AFTER, date(2026, 9, 30), date(2026, 10, 17)),  # the whole holiday lay in it: eight days
    ],
)
def test_a_closure_gives_back_the_days_it_took(latest: date, earliest: date, expected: date) -> None:
    assert last_day(_call(1, earliest=earliest, latest=latest), GOLDEN_WEEK) == expected


def test_a_promise_and_a_running_ladder_are_never_moved_and_take_room_first() -> None:
    fixed = [_call(number, fixed=True) for number in range(1, 71)]
    other = _call(100)

    found = spread([other, *fixed], _sixty, OPEN, MONDAY)

    assert [shift.call for shift in found.shifts] == [other]


def test_who_is_absent_has_no_room_that_day() -> None:
    away = {(LI, MONDAY), (LI, MONDAY + timedelta(days=1))}
    found = spread([_call(1)], lambda who, day: 0 if (who, day) in away else 60, OPEN, MONDAY)

    assert [shift.to for shift in found.shifts] == [MONDAY + timedelta(days=2)]
    assert found.shifts[0].reasons == ("load|2026-11-23|2026-11-24|0", "load|2026-11-24|2026-11-25|0")


def test_each_person_has_his_own_day() -> None:
    calls = [_call(number) for number in range(1, 61)] + [_call(number, assignee_id=WANG) for number in range(61, 121)]

    assert spread(calls, _sixty, OPEN, MONDAY).shifts == ()


def test_the_pool_has_no_capacity_of_its_own() -> None:
    assert spread([_call(number, assignee_id=None) for number in range(1, 200)], _sixty, OPEN, MONDAY).shifts == ()


def test_calls_of_a_past_day_are_todays() -> None:
    calls = [_call(number, on=MONDAY - timedelta(days=3)) for number in range(1, 71)]

    assert len(spread(calls, _sixty, OPEN, MONDAY).shifts) == 10


def test_a_second_tier_waits_a_day_and_says_for_whom() -> None:
    club = _call(1, tier="club")
    service = _call(2, customer_id=club.customer_id, assignee_id=WANG)

    found = spread([club, service], _sixty, OPEN, MONDAY)

    (shift,) = found.shifts
    assert (shift.call.tier, shift.to, shift.reasons) == (
        "club",
        date(2026, 11, 24),
        ("other_tier|2026-11-23|2026-11-24|service",),
    )


def test_a_deadline_forces_two_tiers_together() -> None:
    club = _call(1, tier="club", latest=MONDAY)
    service = _call(2, customer_id=club.customer_id, latest=MONDAY)

    assert spread([club, service], _sixty, OPEN, MONDAY).shifts == ()


def test_the_tier_whose_deadline_comes_first_goes_first() -> None:
    sales = _call(1, tier="sales", latest=MONDAY)
    service = _call(2, customer_id=sales.customer_id)

    assert [shift.call.tier for shift in spread([service, sales], _sixty, OPEN, MONDAY).shifts] == ["service"]


def test_two_cars_of_one_tier_are_no_reason_to_wait() -> None:
    one = _call(1)

    assert spread([one, _call(2, customer_id=one.customer_id)], _sixty, OPEN, MONDAY).shifts == ()


def test_the_next_day_is_an_open_one() -> None:
    eve = date(2026, 9, 30)
    calls = [_call(number, on=eve, earliest=eve, latest=AFTER) for number in range(1, 62)]

    assert [shift.to for shift in spread(calls, _sixty, GOLDEN_WEEK, eve).shifts] == [AFTER]


_CALLS = st.lists(
    st.builds(
        lambda number, person, tier, start, length, fixed, customer: (number, person, tier, start, length, fixed, customer),
        st.integers(1, 10**6), st.sampled_from([LI, WANG]), st.sampled_from(["sales", "club", "service"]), st.integers(-5, 20),
        st.integers(0, 10), st.booleans(), st.integers(1, 30),
    ),
    max_size=60, unique_by=lambda drawn: drawn[0],
)  # fmt: skip


@settings(deadline=None)
@given(_CALLS, st.integers(1, 5))
def test_nobody_has_more_than_a_day_of_work_and_nothing_is_lost(drawn: list[Any], capacity: int) -> None:
    calls = [
        _call(n, assignee_id=who, tier=tier, on=AFTER + timedelta(days=start), earliest=AFTER + timedelta(days=start - length),
              latest=AFTER + timedelta(days=max(start, 0) + length), fixed=fixed, customer_id=UUID(int=customer))
        for n, who, tier, start, length, fixed, customer in drawn
    ]  # fmt: skip
    found = spread(calls, lambda _who, _day: capacity, GOLDEN_WEEK, AFTER)

    moved = {shift.call.ids: shift.to for shift in found.shifts}
    gone = {call.ids for call in found.expired}
    assert not moved.keys() & gone
    assert not any(shift.call.fixed for shift in found.shifts)
    assert not any(call.fixed for call in found.expired)
    assert all(GOLDEN_WEEK.is_open(day) for day in moved.values())
    assert all(shift.to <= last_day(shift.call, GOLDEN_WEEK) for shift in found.shifts)
    today = Counter(
        call.assignee_id for call in calls if call.ids not in gone and moved.get(call.ids, max(call.on, AFTER)) == AFTER
    )
    fixed_today = Counter(call.assignee_id for call in calls if call.fixed and max(call.on, AFTER) == AFTER)
    assert all(today[who] <= max(capacity, fixed_today[who]) for who in (LI, WANG))
