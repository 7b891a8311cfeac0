"""Slots of a store by hour and day, and what may become of an appointment (domain.md §7, S0)."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.appointment import (
    HOLDING,
    NEXT,
    STANDING,
    AppointmentState,
    HourRule,
    PlanFault,
    Slot,
    SlotPlan,
    Taken,
    alternatives,
    capacity_at,
    last_bookable,
    may_become,
    plan_json,
    read_plan,
    slot_at,
    slots_of,
)
from shared.domain.calendar import DayRule, StoreCalendar

MONDAY = date(2026, 11, 23)
HOLIDAY = date(2026, 10, 1)
LUNCH = ((time(9), time(12)), (time(13, 30), time(18)))
SHANGHAI = StoreCalendar("Asia/Shanghai", days={HOLIDAY: DayRule(False, None, "国庆节", "statutory")})


def _at(day: date, hour: int, minute: int = 0) -> datetime:
    return SHANGHAI.at(day, time(hour, minute))


def test_a_day_of_nine_to_six_has_nine_hours_of_the_default_capacity() -> None:
    slots = slots_of(MONDAY, SlotPlan(capacity=4), SHANGHAI)

    assert [SHANGHAI.local(slot.starts_at).hour for slot in slots] == list(range(9, 18))
    assert {slot.capacity for slot in slots} == {4}
    assert all(slot.ends_at - slot.starts_at == timedelta(hours=1) for slot in slots)


def test_a_holiday_and_a_weekly_day_off_have_no_slots() -> None:
    closed_sundays = StoreCalendar("Asia/Shanghai", weekly={day: ((time(9), time(18)),) for day in range(6)})

    assert slots_of(HOLIDAY, SlotPlan(), SHANGHAI) == []
    assert slots_of(date(2026, 11, 29), SlotPlan(), closed_sundays) == []


def test_a_lunch_break_cuts_the_hour_and_a_piece_of_half_an_hour_still_counts() -> None:
    calendar = StoreCalendar("Asia/Shanghai", weekly={day: LUNCH for day in range(7)})

    starts = [f"{calendar.local(slot.starts_at):%H:%M}" for slot in slots_of(MONDAY, SlotPlan(), calendar)]

    assert starts == ["09:00", "10:00", "11:00", "13:30", "14:00", "15:00", "16:00", "17:00"]
    assert slot_at(calendar.at(MONDAY, time(12, 15)), SlotPlan(), calendar) is None


def test_opening_past_midnight_belongs_to_the_day_it_began() -> None:
    calendar = StoreCalendar("Asia/Shanghai", weekly={day: ((time(22), time(2)),) for day in range(7)})

    slot = slot_at(calendar.at(date(2026, 11, 24), time(1, 20)), SlotPlan(), calendar)

    assert slot is not None
    assert slot in slots_of(MONDAY, SlotPlan(), calendar)


@pytest.mark.parametrize(
    ("day", "hour", "capacity"),
    [
        (MONDAY, 9, 6),  # the rule of Monday mornings
        (MONDAY, 12, 3),  # no rule: the store's number
        (date(2026, 11, 24), 9, 3),  # another weekday
        (date(2026, 12, 31), 9, 0),  # the day's own word goes before every rule
        (date(2026, 12, 31), 14, 2),  # … and its own hour before that
        (date(2026, 12, 30), 9, 3),  # a day without a number of its own has its weekday's
    ],
)
def test_the_day_goes_before_the_hour_and_the_hour_before_the_store(day: date, hour: int, capacity: int) -> None:
    plan = read_plan(
        {
            "capacity": 3,
            "hours": [{"weekdays": [0], "from": "09:00", "to": "12:00", "capacity": 6}],
            "days": [
                {"on": "2026-12-31", "capacity": 0, "hours": [{"from": "14:00", "to": "15:00", "capacity": 2}], "name": "盘点"},
                {"on": "2026-12-30"},
            ],
        }
    )

    assert capacity_at(plan, day, time(hour, 30)) == capacity


@pytest.mark.parametrize(
    ("data", "pointer"),
    [
        ({"capacity": -1}, "/capacity"),
        ({"capacity": 201}, "/capacity"),
        ({"capacity": True}, "/capacity"),
        ({"capacity": "4"}, "/capacity"),
        ({"ahead_days": 400}, "/ahead_days"),
        ({"seats": 4}, "/seats"),
        ({"hours": "all"}, "/hours"),
        ({"hours": [{"from": "09:00", "to": "09:00", "capacity": 1}]}, "/hours/0/to"),
        ({"hours": [{"from": "nine", "to": "12:00", "capacity": 1}]}, "/hours/0/from"),
        ({"hours": [{"from": "09:30", "to": "12:00", "capacity": 1}]}, "/hours/0/from"),
        ({"hours": [{"from": "09:00", "to": "12:00"}]}, "/hours/0/capacity"),
        ({"hours": [{"weekdays": [7], "from": "09:00", "to": "12:00", "capacity": 1}]}, "/hours/0/weekdays"),
        (
            {
                "hours": [
                    {"from": "09:00", "to": "12:00", "capacity": 1},
                    {"weekdays": [2], "from": "11:00", "to": "13:00", "capacity": 2},
                ]
            },
            "/hours/1",
        ),
        ({"days": [{"on": "2026-02-30"}]}, "/days/0/on"),
        ({"days": [{"on": "2026-12-31", "capacity": 1}, {"on": "2026-12-31", "capacity": 2}]}, "/days/1/on"),
        (
            {"days": [{"on": "2026-12-31", "hours": [{"from": "9", "to": "10:00", "capacity": 1, "weekdays": [1]}]}]},
            "/days/0/hours/0/weekdays",
        ),
    ],
)
def test_a_plan_with_a_fault_names_the_place(data: dict[str, Any], pointer: str) -> None:
    with pytest.raises(PlanFault) as fault:
        read_plan(data)

    assert pointer in {place for place, _ in fault.value.faults}


def test_every_fault_of_a_plan_is_named_at_once() -> None:
    with pytest.raises(PlanFault) as fault:
        read_plan({"capacity": -1, "days": [{"on": "soon"}], "hours": [{"from": "12:00", "to": "09:00", "capacity": 1}]})

    assert [place for place, _ in fault.value.faults] == ["/capacity", "/hours/0/to", "/days/0/on"]


def test_one_may_book_sixty_days_ahead_unless_the_plan_says_otherwise() -> None:
    assert last_bookable(SlotPlan(), MONDAY) == date(2027, 1, 22)
    assert last_bookable(SlotPlan(ahead_days=14), MONDAY) == date(2026, 12, 7)


def test_a_full_hour_offers_the_nearest_free_ones_in_the_order_of_the_clock() -> None:
    slots = slots_of(MONDAY, SlotPlan(capacity=6), SHANGHAI)
    taken = {9: 6, 10: 2, 11: 6, 12: 6, 13: 6, 14: 6, 15: 4, 16: 2, 17: 0}
    table = [Taken(slot, taken[SHANGHAI.local(slot.starts_at).hour]) for slot in slots]

    offered = alternatives(_at(MONDAY, 14), table, _at(MONDAY, 8))

    assert [(SHANGHAI.local(one.slot.starts_at).hour, one.free) for one in offered] == [(15, 2), (16, 4), (17, 6)]


def test_what_has_begun_is_not_offered() -> None:
    table = [Taken(slot, 0) for slot in slots_of(MONDAY, SlotPlan(), SHANGHAI)]

    assert [SHANGHAI.local(one.slot.starts_at).hour for one in alternatives(_at(MONDAY, 9), table, _at(MONDAY, 16, 30))] == [17]


def test_a_lowered_plan_leaves_no_negative_room() -> None:
    assert Taken(Slot(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, 1, tzinfo=UTC), 2), 5).free == 0


@pytest.mark.parametrize(
    ("state", "to", "allowed"),
    [
        ("booked", "confirmed", True),
        ("booked", "arrived", True),
        ("confirmed", "no_show", True),
        ("confirmed", "booked", False),
        ("no_show", "arrived", True),  # a work order of the day shows it
        ("no_show", "cancelled", False),
        ("arrived", "no_show", False),
        ("moved", "arrived", False),
        ("cancelled", "booked", False),
        ("arrived", "arrived", True),
    ],
)
def test_the_table_of_states(state: str, to: str, allowed: bool) -> None:
    assert may_become(AppointmentState(state), AppointmentState(to)) is allowed


def test_every_state_has_its_row_and_only_those_expected_hold_a_place() -> None:
    assert set(NEXT) == set(AppointmentState)
    assert STANDING < HOLDING
    assert AppointmentState.MOVED not in HOLDING


_RULES = st.builds(
    lambda start, length, capacity, days: HourRule(time(start), time(start + length), capacity, frozenset(days)),
    st.integers(0, 11), st.integers(1, 11), st.integers(0, 200), st.sets(st.integers(0, 6), min_size=1),
)  # fmt: skip


@given(_RULES, st.integers(0, 200), st.integers(0, 366))
def test_a_plan_reads_as_it_was_written(rule: HourRule, capacity: int, ahead: int) -> None:
    plan = SlotPlan(capacity, (rule,), {}, ahead)

    assert read_plan(plan_json(plan)) == plan


@given(st.dates(date(2026, 1, 1), date(2027, 12, 31)), st.integers(0, 23 * 60 + 59))
def test_an_instant_lies_in_at_most_one_slot(day: date, minute: int) -> None:
    instant = SHANGHAI.at(day, time(minute // 60, minute % 60))
    slots = slots_of(day, SlotPlan(), SHANGHAI)

    assert sum(slot.starts_at <= instant < slot.ends_at for slot in slots) == (slot_at(instant, SlotPlan(), SHANGHAI) is not None)
