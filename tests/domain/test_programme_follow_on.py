"""What follows a closed visit: the chase, the date set in the result, the next on a grid, tasks."""

from datetime import date, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.calendar import StoreCalendar
from shared.domain.programme import PlannedTask, Programme, follow_ons, needs_next_date, still_needed, tasks_after
from tests.domain.programme_facts import DELIVERED, EVERY_DAY, NATIONAL_DAY, closed, days_after, fact, local, programme

SALES, MONTHLY, CLUB = programme("delivery-sales", "s0"), programme("delivery-sales", "s3"), programme("delivery-club")
DAY_7 = DELIVERED + timedelta(days=7)
UNINSURED = fact(insured=False)


def test_the_chase_starts_3_days_after_the_day_7_call() -> None:
    (visit,) = follow_ons(SALES, closed("use", DAY_7), UNINSURED, EVERY_DAY, local(DAY_7, "11:00"))

    assert (visit.step, visit.occurrence, visit.due_on) == ("chase", 1, DELIVERED + timedelta(days=10))
    assert visit.follows_visit_id == UUID(int=77)


def test_the_chase_comes_again_every_3_days_counted() -> None:
    last = DELIVERED + timedelta(days=13)

    (visit,) = follow_ons(SALES, closed("chase", last, occurrence=2), UNINSURED, EVERY_DAY, local(last, "11:00"))

    assert (visit.step, visit.occurrence, visit.due_on) == ("chase", 3, last + timedelta(days=3))


@pytest.mark.parametrize(
    ("insured", "plated", "chased"),
    [
        (False, True, True),
        (True, False, True),
        (False, None, True),
        (True, True, False),
        (None, True, False),  # blank is asked, not chased
        (None, None, False),
    ],
)
def test_only_what_is_known_to_be_missing_is_chased(insured: bool | None, plated: bool | None, chased: bool) -> None:
    known = fact(insured=insured, plated=plated)

    assert bool(follow_ons(SALES, closed("use", DAY_7), known, EVERY_DAY, local(DAY_7, "11:00"))) is chased
    assert still_needed(SALES.step("chase"), known) is chased


@pytest.mark.parametrize("state", ["unreachable", "missed", "expired", "incomplete", "invalid"])
def test_the_chase_goes_on_though_a_call_did_not_reach(state: str) -> None:
    assert follow_ons(SALES, closed("use", DAY_7, state), UNINSURED, EVERY_DAY, local(DAY_7, "11:00"))


@pytest.mark.parametrize("state", ["declined", "cancelled"])
def test_a_customer_who_declined_is_not_chased(state: str) -> None:
    assert follow_ons(SALES, closed("use", DAY_7, state), UNINSURED, EVERY_DAY, local(DAY_7, "11:00")) == []


def test_the_chase_keeps_clear_of_other_visits_of_the_consultant() -> None:
    busy = days_after(DELIVERED, 11, 14)

    (visit,) = follow_ons(SALES, closed("use", DAY_7), UNINSURED, EVERY_DAY, local(DAY_7, "11:00"), busy)

    assert visit.due_on == DELIVERED + timedelta(days=17)
    assert visit.shifts == ("spacing|2026-05-16|2026-05-23|",)


def test_the_chase_waits_out_a_holiday() -> None:
    calendar = StoreCalendar("Asia/Shanghai", days=NATIONAL_DAY)
    last = date(2026, 9, 29)

    (visit,) = follow_ons(SALES, closed("chase", last), fact(date(2026, 9, 1), insured=False), calendar, local(last, "11:00"))

    assert visit.due_on == date(2026, 10, 8)


def test_the_chase_ends_on_day_90_with_one_task_for_the_sales_manager() -> None:
    at_88, at_87 = (closed("chase", day, occurrence=27) for day in days_after(DELIVERED, 88, 87))

    assert follow_ons(SALES, at_88, UNINSURED, EVERY_DAY, at_88.closed_at) == []
    assert tasks_after(SALES, at_88, UNINSURED, EVERY_DAY, at_88.closed_at) == [
        PlannedTask("uninsured_or_unplated", "sales_manager", at_88.due_on, "repeat_ended")
    ]
    assert [visit.due_on for visit in follow_ons(SALES, at_87, UNINSURED, EVERY_DAY, at_87.closed_at)] == [
        DELIVERED + timedelta(days=90)
    ]
    assert tasks_after(SALES, at_87, UNINSURED, EVERY_DAY, at_87.closed_at) == []


def test_no_task_comes_of_a_chase_that_ended_by_itself() -> None:
    last = closed("chase", DELIVERED + timedelta(days=88))

    assert tasks_after(SALES, last, fact(), EVERY_DAY, last.closed_at) == []


def test_a_date_set_in_the_result_is_a_promise_that_no_closed_day_moves() -> None:
    calendar = StoreCalendar("Asia/Shanghai", days=NATIONAL_DAY)
    next_at = local(date(2026, 10, 3), "10:30")
    done = closed("use", date(2026, 9, 28), "incomplete", next_at=next_at)

    (visit,) = follow_ons(SALES, done, UNINSURED, calendar, done.closed_at)

    assert (visit.step, visit.occurrence, visit.promised_at, visit.due_at) == ("use", 2, next_at, next_at)
    assert (visit.due_on, visit.window_end, visit.shifts) == (date(2026, 10, 3), calendar.end_of_day(date(2026, 10, 3)), ())


def test_the_clubs_next_call_is_on_the_date_of_the_last_result() -> None:
    next_at = local(DELIVERED + timedelta(days=9), "15:00")

    (visit,) = follow_ons(CLUB, closed("first", DAY_7, "incomplete", next_at=next_at), UNINSURED, EVERY_DAY, local(DAY_7))

    assert (visit.step, visit.occurrence, visit.promised_at) == ("next", 1, next_at)


def test_the_club_goes_on_without_a_date_while_a_car_is_not_insured_or_not_plated() -> None:
    done = closed("first", DAY_7, "unreachable")

    (visit,) = follow_ons(CLUB, done, UNINSURED, EVERY_DAY, done.closed_at)

    assert (visit.step, visit.due_on) == ("next", DAY_7 + timedelta(days=7))
    assert follow_ons(CLUB, done, fact(), EVERY_DAY, done.closed_at) == []


def test_the_next_date_is_mandatory_for_the_club_while_a_car_is_not_insured_or_not_plated() -> None:
    assert needs_next_date(CLUB, "first", UNINSURED)
    assert needs_next_date(CLUB, "next", UNINSURED)
    assert not needs_next_date(CLUB, "next", fact())
    assert not needs_next_date(SALES, "chase", UNINSURED)


@pytest.mark.parametrize(
    ("of", "last", "due"),
    [
        (SALES, "2026-08-06", "2026-11-02"),  # 90 and 180 days after 6 May
        (MONTHLY, "2026-06-06", "2026-07-06"),
        (CLUB, "2026-07-07", "2026-09-03"),
    ],
)
def test_relationship_calls_follow_each_other_on_the_grid_of_the_delivery(of: Programme, last: str, due: str) -> None:
    done = closed("relationship", date.fromisoformat(last))

    (visit,) = follow_ons(of, done, fact(), EVERY_DAY, done.closed_at)

    assert (visit.step, visit.occurrence, visit.due_on) == ("relationship", 2, date.fromisoformat(due))


def test_a_monthly_call_clamps_to_the_end_of_a_short_month() -> None:
    done = closed("relationship", date(2027, 1, 31))

    (visit,) = follow_ons(MONTHLY, done, fact(date(2026, 12, 31)), EVERY_DAY, done.closed_at)

    assert visit.due_on == date(2027, 2, 28)


@pytest.mark.parametrize("days_early", [1, 2, 3])
def test_a_relationship_call_moved_to_an_earlier_day_still_stands_for_its_date(days_early: int) -> None:
    on = DELIVERED + timedelta(days=60 - days_early)

    (visit,) = follow_ons(CLUB, closed("relationship", on), fact(), EVERY_DAY, local(on, "11:00"))

    assert visit.due_on == DELIVERED + timedelta(days=120)


def test_the_clubs_relationship_ends_with_month_9() -> None:
    done = closed("relationship", DELIVERED + timedelta(days=240))

    assert follow_ons(CLUB, done, fact(), EVERY_DAY, done.closed_at) == []


def test_a_completed_first_maintenance_call_of_s3_asks_the_consultant_to_accompany() -> None:
    s3 = programme("delivery-service", "s3")
    day = date(2026, 7, 23)

    assert tasks_after(s3, closed("first_maintenance", day), fact(), EVERY_DAY, local(day)) == [
        PlannedTask("accompany", None, day, "delivery-service.first_maintenance")
    ]
    assert tasks_after(s3, closed("first_maintenance", day, "unreachable"), fact(), EVERY_DAY, local(day)) == []


def test_an_excluded_car_is_followed_by_nothing() -> None:
    assert follow_ons(SALES, closed("use", DAY_7), fact(insured=False, excluded=True), EVERY_DAY, local(DAY_7)) == []


@given(st.integers(7, 120), st.frozensets(st.integers(0, 100), max_size=40))
def test_a_chase_is_never_near_another_visit_nor_after_day_90_nor_before_3_days(on: int, busy: frozenset[int]) -> None:
    last = DELIVERED + timedelta(days=on)
    busy_days = frozenset(days_after(DELIVERED, *busy))

    for visit in follow_ons(SALES, closed("chase", last), UNINSURED, EVERY_DAY, local(last, "11:00"), busy_days):
        assert all(abs((visit.due_on - day).days) > 2 for day in busy_days)
        assert last + timedelta(days=3) <= visit.due_on <= DELIVERED + timedelta(days=90)
        assert visit.window_start <= visit.due_at < visit.window_end
