"""What each shipped programme plans from a fact: the numbers of the sources, shifts, lateness, first import."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.calendar import DayRule, StoreCalendar
from shared.domain.programme import Fact, Programme, Trigger, card_fact, plan
from shared.packs import load_pack, pack_text, shipped_packs
from tests.domain.programme_facts import (
    DELIVERED,
    EVERY_DAY,
    NATIONAL_DAY,
    VEHICLE,
    days_after,
    fact,
    first_order,
    local,
    order,
    planned,
    programme,
)

ORDER, CARD = Trigger.WORK_ORDER_CLOSED, Trigger.CARD_HANDED_OVER


@pytest.mark.parametrize(
    ("key", "policy", "step", "kind", "window", "role"),
    [
        ("delivery-sales", "s0", "thanks", None, (1, 2, 3), "sales_consultant"),
        ("delivery-sales", "s0", "use", None, (6, 7, 8), "sales_consultant"),
        ("delivery-sales", "s0", "relationship", None, (87, 90, 97), "sales_consultant"),
        ("delivery-sales", "s3", "relationship", None, (28, 31, 38), "sales_consultant"),  # a month after 6 May
        ("delivery-club", None, "first", None, (5, 5, 7), "insurance_specialist"),
        ("delivery-club", None, "relationship", None, (57, 60, 67), "insurance_specialist"),
        ("after-maintenance", None, "call", "maintenance", (3, 3, 5), "followup_specialist"),
        ("after-repair", "psfu", "call", "repair", (1, 2, 3), "followup_specialist"),
        ("after-repair", "psfu-advisor", "call", "claim", (1, 2, 3), "service_advisor"),
        ("after-repair", "s4", "call", "bodywork", (7, 7, 9), "service_advisor"),
        ("after-repair", "s4-technician", "call", "repair", (7, 7, 9), "technician"),
    ],
)
def test_a_visit_is_planned_in_the_window_of_its_source(
    key: str, policy: str | None, step: str, kind: str | None, window: tuple[int, int, int], role: str
) -> None:
    trigger = order(DELIVERED, kind) if kind else fact()

    visit = planned(programme(key, policy), trigger)[step]

    earliest, due, deadline = days_after(DELIVERED, *window)
    assert (visit.due_on, visit.role) == (due, role)
    assert visit.due_at == EVERY_DAY.opening(due)
    assert visit.window_start == EVERY_DAY.opening(earliest)
    assert visit.window_end == EVERY_DAY.end_of_day(deadline)
    assert (visit.state, visit.shifts) == ("planned", ())


def test_a_visit_says_what_triggered_it_and_by_which_policy() -> None:
    visit = planned(programme("delivery-sales", "s3"), fact())["use"]

    assert (visit.trigger_type, visit.trigger_id, visit.trigger_at) == (Trigger.SALE_DELIVERED, fact().id, fact().at)
    assert (visit.programme, visit.policy, visit.occurrence, visit.vehicle_id) == ("delivery-sales", "s3", 1, VEHICLE)
    assert "satisfaction" in visit.purposes


def test_the_day_7_call_asks_for_satisfaction_only_by_policy_s3() -> None:
    asked = {policy: {q.key for q in programme("delivery-sales", policy).step("use").questions} for policy in ("s0", "s3")}

    assert asked["s3"] - asked["s0"] == {"satisfaction", "feedback"}


def test_the_club_asks_whether_the_consultant_called() -> None:
    question = programme("delivery-club").step("first").questions[0]

    assert (question.key, question.type, question.required) == ("consultant_called", "yes_no", True)


# --- the service tier after delivery


@pytest.mark.parametrize(("handed_over", "starts"), [(2, 2), (7, 7), (12, 7), (None, 7)])
def test_the_service_tier_starts_with_the_card_at_the_latest_on_day_7(handed_over: int | None, starts: int) -> None:
    handed_over_on = None if handed_over is None else DELIVERED + timedelta(days=handed_over)
    card = card_fact(fact(), handed_over_on)

    visit = planned(programme("delivery-service"), card)["first"]

    assert visit.due_on == DELIVERED + timedelta(days=starts + 3)
    assert visit.window_end == EVERY_DAY.end_of_day(DELIVERED + timedelta(days=starts + 7))
    assert (visit.trigger_type, visit.trigger_id) == (CARD, fact().id)


def test_first_maintenance_by_s0_is_called_by_the_specialist_within_two_months_of_the_delivery() -> None:
    visit = planned(programme("delivery-service", "s0"), card_fact(fact(), None))["first_maintenance"]

    assert (visit.role, visit.due_on) == ("followup_specialist", date(2026, 6, 29))
    assert visit.window_end == EVERY_DAY.end_of_day(date(2026, 7, 6))


def test_first_maintenance_by_s0_comes_sooner_for_a_car_that_runs_much() -> None:
    card = card_fact(fact(attrs={"first_maintenance_on": "2026-06-20"}), None)

    assert planned(programme("delivery-service", "s0"), card)["first_maintenance"].due_on == date(2026, 6, 13)


def test_first_maintenance_by_s3_is_called_by_the_consultant_14_days_before() -> None:
    card = card_fact(fact(attrs={"first_maintenance_on": "2026-08-06"}), None)
    s3 = programme("delivery-service", "s3")

    visit = planned(s3, card)["first_maintenance"]

    assert (visit.role, visit.due_on) == ("sales_consultant", date(2026, 7, 23))
    assert "appointment" in visit.purposes
    assert s3.step("first_maintenance").tasks == ("accompany",)


def test_a_car_that_had_its_maintenance_is_not_reminded_of_the_first() -> None:
    card = card_fact(fact(attrs={"maintenance_done": "yes"}), None)

    assert "first_maintenance" not in planned(programme("delivery-service"), card)


# --- the workshop


def test_the_first_service_is_called_at_the_next_opening_day_with_a_target_of_24_hours() -> None:
    visit = planned(programme("first-service"), first_order(DELIVERED, "15:00"))["call"]

    assert visit.due_on == DELIVERED + timedelta(days=1)
    assert visit.window_start == local(DELIVERED, "15:00")
    assert visit.window_end == EVERY_DAY.end_of_day(DELIVERED + timedelta(days=3))
    assert visit.target_at == local(DELIVERED + timedelta(days=1), "15:00")


def test_a_target_of_24_hours_in_the_night_is_the_next_opening() -> None:
    visit = planned(programme("first-service"), first_order(DELIVERED, "19:30"))["call"]

    assert visit.target_at == local(DELIVERED + timedelta(days=2), "09:00")


def test_nothing_is_due_on_the_day_of_an_order_closed_after_hours() -> None:
    closed_days = {date(2026, 10, 1) + timedelta(days=n): rule for n, rule in enumerate(NATIONAL_DAY.values())}
    calendar = StoreCalendar("Asia/Shanghai", days=closed_days)

    in_hours = planned(programme("first-service"), first_order(date(2026, 9, 30), "15:00"), calendar)["call"]
    after_hours = planned(programme("first-service"), first_order(date(2026, 9, 30), "19:00"), calendar)["call"]

    assert (in_hours.due_on, in_hours.due_at) == (date(2026, 9, 30), local(date(2026, 9, 30), "15:00"))
    assert after_hours.due_on == date(2026, 10, 8)


@pytest.mark.parametrize(
    ("closed_at", "due_at", "shifted"),
    [("10:00", "2026-05-06 11:00", False), ("17:50", "2026-05-07 09:00", True), ("07:00", "2026-05-06 09:00", True)],
)
def test_the_welcome_message_goes_an_hour_after_the_first_service_or_at_the_next_opening(
    closed_at: str, due_at: str, shifted: bool
) -> None:
    visit = planned(programme("welcome"), first_order(DELIVERED, closed_at))["message"]

    day, clock = due_at.split()
    assert visit.due_at == local(date.fromisoformat(day), clock)
    assert visit.window_end == local(DELIVERED, closed_at) + timedelta(hours=24)
    assert (visit.role, visit.channel, visit.message) == ("system", "sms", "welcome")
    assert bool(visit.shifts) == shifted


def test_maintenance_is_announced_7_days_before_by_message_then_by_a_call() -> None:
    due = fact(date(2026, 8, 20), "09:00", type=Trigger.MAINTENANCE_DUE)

    visits = planned(programme("maintenance"), due, now=local(date(2026, 7, 1)))

    assert (visits["message"].due_on, visits["message"].message) == (date(2026, 8, 13), "maintenance_due")
    assert (visits["call"].due_on, visits["call"].channel) == (date(2026, 8, 15), "phone")
    assert visits["call"].window_end == EVERY_DAY.end_of_day(date(2026, 8, 20))


def test_a_customer_with_an_appointment_is_not_asked_for_one() -> None:
    due = fact(date(2026, 8, 20), type=Trigger.MAINTENANCE_DUE, attrs={"appointment": "yes"})

    assert planned(programme("maintenance"), due, now=local(date(2026, 7, 1))) == {}


# --- closed days


def test_a_closed_due_day_moves_back_in_its_window_and_the_shift_is_kept() -> None:
    calendar = StoreCalendar("Asia/Shanghai", days=NATIONAL_DAY)

    visit = planned(programme("delivery-sales"), fact(date(2026, 9, 29)), calendar)["thanks"]

    assert visit.due_on == date(2026, 9, 30)
    assert visit.shifts == ("closed_day|2026-10-01|2026-09-30|国庆节",)


def test_a_window_closed_from_end_to_end_moves_to_the_next_opening_with_its_deadline() -> None:
    calendar = StoreCalendar("Asia/Shanghai", days=NATIONAL_DAY)

    visit = planned(programme("delivery-sales"), fact(date(2026, 9, 30)), calendar)["thanks"]

    assert visit.due_on == date(2026, 10, 8)
    assert visit.window_end == calendar.end_of_day(date(2026, 10, 8))
    assert visit.shifts == ("closed_window|2026-10-02|2026-10-08|国庆节",)


# --- late


def test_an_open_window_whose_due_day_passed_is_due_now() -> None:
    now = local(DELIVERED + timedelta(days=3), "14:20")

    visit = planned(programme("delivery-sales"), fact(), now=now)["thanks"]

    assert (visit.state, visit.due_on, visit.due_at) == ("planned", DELIVERED + timedelta(days=3), now)
    assert visit.shifts == ("planned_late|2026-05-08|2026-05-09|",)


def test_a_window_that_closed_gives_an_expired_visit_with_the_reason() -> None:
    visit = planned(programme("delivery-sales"), fact(), now=local(DELIVERED + timedelta(days=20)))["thanks"]

    assert (visit.state, visit.reason, visit.due_on) == ("expired", "window_closed", DELIVERED + timedelta(days=2))


def test_a_24_hour_message_is_not_sent_on_day_20() -> None:
    visit = planned(programme("welcome"), first_order(DELIVERED), now=local(DELIVERED + timedelta(days=20)))["message"]

    assert visit.state == "expired"


@pytest.mark.parametrize(
    ("days_since", "expired", "skipped"),
    [(4, 1, 0), (9, 2, 0), (33, 2, 0), (34, 1, 1), (38, 1, 1), (39, 0, 2), (400, 0, 2)],
)
def test_the_first_import_counts_what_closed_more_than_30_days_ago(days_since: int, expired: int, skipped: int) -> None:
    now = local(DELIVERED + timedelta(days=days_since), "00:00")

    visits, skipped_past = plan(programme("delivery-sales"), fact(), EVERY_DAY, now, first_import=True)

    assert sum(visit.state == "expired" for visit in visits) == expired
    assert skipped_past == skipped


def test_the_relationship_of_an_old_car_starts_with_its_next_date_and_leaves_no_trail() -> None:
    now = local(date(2036, 8, 1))

    visits, _ = plan(programme("delivery-sales", "s3"), fact(), EVERY_DAY, now, first_import=True)

    assert [(visit.step, visit.due_on, visit.occurrence) for visit in visits] == [("relationship", date(2036, 8, 6), 1)]


def test_the_club_plans_no_relationship_after_month_9() -> None:
    visits, _ = plan(programme("delivery-club"), fact(), EVERY_DAY, local(date(2027, 2, 7)), first_import=True)

    assert visits == []


def test_an_uninsured_car_whose_day_7_call_is_past_is_chased_at_once() -> None:
    now = local(DELIVERED + timedelta(days=50))

    visits, _ = plan(programme("delivery-sales"), fact(insured=False), EVERY_DAY, now, first_import=True)

    assert [visit.due_on for visit in visits if visit.step == "chase"] == [DELIVERED + timedelta(days=50)]


def test_the_chase_waits_for_the_day_7_call() -> None:
    assert "chase" not in planned(programme("delivery-sales"), fact(insured=False))


# --- what starts nothing


@pytest.mark.parametrize(
    ("key", "trigger"),
    [
        ("delivery-sales", fact(excluded=True)),
        ("delivery-sales", order(DELIVERED)),
        ("after-maintenance", order(DELIVERED, "repair")),
        ("after-repair", order(DELIVERED, "maintenance")),
        ("after-repair", order(DELIVERED, "internal")),
        ("first-service", order(DELIVERED)),
    ],
)
def test_nothing_is_planned_from_a_fact_that_is_not_the_programmes(key: str, trigger: Fact) -> None:
    assert plan(programme(key), trigger, EVERY_DAY, local(DELIVERED), first_import=False) == ([], 0)


# --- whatever the fact and the calendar


VARIANTS = [load_pack(pack_text(pack.key, policy)) for pack in shipped_packs() for policy in pack.policies or [None]]
closures = st.frozensets(st.integers(0, 140), max_size=100)


@given(st.sampled_from(VARIANTS), st.integers(0, 23), st.integers(0, 500), st.booleans(), closures)
def test_planned_windows_are_in_order_open_and_ahead(
    of: Programme, hour: int, late_days: int, first_import: bool, closed_days: frozenset[int]
) -> None:
    rule = DayRule(open=False, ranges=None, name="休", source="store")
    calendar = StoreCalendar("Asia/Shanghai", days={DELIVERED + timedelta(days=n): rule for n in closed_days})
    trigger = fact(DELIVERED, f"{hour:02}:00", type=of.trigger, kind="repair", insured=False)
    now = trigger.at + timedelta(days=late_days)

    visits, skipped = plan(of, trigger, calendar, now, first_import=first_import)

    for visit in visits:
        assert visit.window_start <= visit.due_at < visit.window_end
        assert visit.due_on == calendar.day_of(visit.due_at)
        assert (visit.state == "expired") == (visit.window_end <= now)
        assert visit.state == "expired" or calendar.is_open(visit.due_on) or visit.shifts or of.key == "welcome"
    assert skipped == 0 or first_import
    assert plan(of, trigger, calendar, now, first_import=first_import) == (visits, skipped)
