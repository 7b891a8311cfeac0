"""The programmes of domain.md §4 that the calendar or a customer's silence starts: windows, policies, what they bring."""

from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import pytest

from shared.domain.calendar import StoreCalendar, anniversary
from shared.domain.churn import Silence, Standing, silence_of, standing, together
from shared.domain.festival import DEFAULT, KNOWN, FestivalRule, FestivalsInvalid, parse_festivals
from shared.domain.programme import INTERVAL, SYSTEM_ROLE, Fact, PlannedVisit, Trigger, follow_ons, plan, tasks_after
from shared.domain.voucher import KINDS
from shared.holidays import festival_days
from shared.packs import PackError, load_pack, pack_text
from tests.domain.programme_facts import (
    CONSULTANT,
    DELIVERED,
    EVERY_DAY,
    NATIONAL_DAY,
    closed,
    days_after,
    fact,
    first_order,
    local,
    planned,
    programme,
)


def occasion(trigger: Trigger, on: date, turn: int = 1, **attrs: str) -> Fact:
    return fact(on, "09:00", type=trigger, attrs={INTERVAL: str(turn), **attrs})


def silent(last_visit: date, expected: date, trigger: Trigger = Trigger.SILENT) -> Fact:
    dates = {"last_visit_on": last_visit.isoformat(), "maintenance_expected_on": expected.isoformat()}
    return occasion(trigger, last_visit, 7, **dates)


def only(visits: dict[str, PlannedVisit]) -> PlannedVisit:
    (visit,) = visits.values()
    return visit


# --- first-survey: message, day 3: 2-3 questions


def test_first_survey_is_a_message_on_day_3() -> None:
    visit = planned(programme("first-survey"), first_order(DELIVERED))["message"]

    assert (visit.role, visit.channel, visit.message) == (SYSTEM_ROLE, "sms", "survey")
    assert visit.due_on == DELIVERED + timedelta(days=3)
    assert "satisfaction" in visit.purposes


def test_first_survey_goes_on_the_third_day_though_the_store_is_closed() -> None:
    visit = planned(programme("first-survey"), first_order(date(2026, 9, 29)), StoreCalendar("Asia/Shanghai", days=NATIONAL_DAY))

    assert (visit["message"].due_on, visit["message"].shifts) == (date(2026, 10, 2), ())


# --- birthday, anniversary, holiday


def test_birthday_is_on_the_day_by_customer_with_a_voucher_and_needs_consent() -> None:
    visit = only(planned(programme("birthday"), occasion(Trigger.BIRTHDAY, DELIVERED, 2026)))
    step = programme("birthday").step("message")

    assert (visit.due_on, visit.vehicle_id, visit.role) == (DELIVERED, None, SYSTEM_ROLE)
    assert visit.window_end == EVERY_DAY.end_of_day(DELIVERED)
    assert (step.vouchers, step.marketing) == (("birthday",), True)
    assert (KINDS["birthday"].value_fen, KINDS["birthday"].zh) == (5000, "50元维修券")


def test_a_birthday_in_a_closed_week_is_still_on_its_day() -> None:
    calendar = StoreCalendar("Asia/Shanghai", days=NATIONAL_DAY)

    assert only(planned(programme("birthday"), occasion(Trigger.BIRTHDAY, date(2026, 10, 3)), calendar)).due_on == date(
        2026, 10, 3
    )


@pytest.mark.parametrize(
    ("year", "day"), [(2024, date(2024, 2, 29)), (2025, date(2025, 2, 28)), (2026, date(2026, 2, 28)), (2028, date(2028, 2, 29))]
)
def test_whoever_was_born_on_29_february_has_it_on_the_28th_in_other_years(year: int, day: date) -> None:
    assert anniversary(date(1992, 2, 29), year) == day


@pytest.mark.parametrize(("policy", "years", "comes"), [("every", 1, 1), ("every", 2, 1), ("first", 1, 1), ("first", 2, 0)])
def test_anniversary_comes_after_1_year_and_by_policy_each_further_year(policy: str, years: int, comes: int) -> None:
    visits = planned(programme("anniversary", policy), occasion(Trigger.ANNIVERSARY, DELIVERED, years))

    assert len(visits) == comes


def test_anniversary_brings_a_four_wheel_alignment_by_vehicle() -> None:
    step = programme("anniversary").step("message")

    assert programme("anniversary").scope == "vehicle"
    assert [KINDS[kind].zh for kind in step.vouchers] == ["免费四轮定位"]
    assert step.marketing


@pytest.mark.parametrize(
    ("policy", "role", "channel", "message"),
    [("message", SYSTEM_ROLE, "sms", "holiday"), ("call", "followup_specialist", "phone", None)],
)
def test_holiday_greets_one_week_before_by_message_or_call(policy: str, role: str, channel: str, message: str | None) -> None:
    festival = date(2026, 9, 25)
    early = local(festival - timedelta(days=20))

    visit = only(planned(programme("holiday", policy), occasion(Trigger.HOLIDAY, festival, 20260925), now=early))

    assert (visit.due_on, visit.role, visit.channel, visit.message) == (date(2026, 9, 18), role, channel, message)
    assert visit.vehicle_id is None
    assert programme("holiday", policy).step("greeting").marketing


SPRING_FESTIVALS = {
    2024: (2, 10), 2025: (1, 29), 2026: (2, 17), 2027: (2, 6), 2028: (1, 26), 2029: (2, 13), 2030: (2, 3), 2031: (1, 23), 2032: (2, 11),
    2033: (1, 31), 2034: (2, 19), 2035: (2, 8), 2036: (1, 28), 2037: (2, 15), 2038: (2, 4), 2039: (1, 24), 2040: (2, 12),
}  # fmt: skip
MID_AUTUMNS = {
    2024: (9, 17), 2025: (10, 6), 2026: (9, 25), 2027: (9, 15), 2028: (10, 3), 2029: (9, 22), 2030: (9, 12), 2031: (10, 1), 2032: (9, 19),
    2033: (9, 8), 2034: (9, 27), 2035: (9, 16), 2036: (10, 4), 2037: (9, 24), 2038: (9, 13), 2039: (10, 2), 2040: (9, 20),
}  # fmt: skip


@pytest.mark.parametrize("year", range(2024, 2041))
def test_the_usual_festivals_are_on_the_right_days_from_2024_to_2040(year: int) -> None:
    days = {rule.key: day for rule, day in festival_days(DEFAULT, date(year, 1, 1), date(year, 12, 31))}

    assert days == {
        "spring_festival": date(year, *SPRING_FESTIVALS[year]),
        "mid_autumn": date(year, *MID_AUTUMNS[year]),
        "national_day": date(year, 10, 1),
    }


@pytest.mark.parametrize("year", range(2024, 2041))
def test_new_years_eve_is_the_last_day_of_the_year_though_the_30th_is_missing(year: int) -> None:
    ((_, eve),) = festival_days([KNOWN["new_years_eve"]], date(year, 1, 1), date(year, 12, 31))

    assert eve == date(year, *SPRING_FESTIVALS[year]) - timedelta(days=1)


@pytest.mark.parametrize(("year", "month"), [(2025, 6), (2028, 5), (2033, 11)])
def test_a_day_of_a_leap_month_is_greeted_once(year: int, month: int) -> None:
    rule = FestivalRule("own", "庙会", "Fair", "lunar", month, 3)

    assert len(festival_days([rule], date(year, 1, 1), date(year + 1, 1, 31))) == 1


def test_festivals_are_those_of_the_store() -> None:
    own = {"key": "opening_day", "zh": "店庆", "en": "Our day", "calendar": "solar", "month": 6, "day": 18}

    assert parse_festivals(None) == DEFAULT
    assert parse_festivals([]) == ()
    assert [rule.zh for rule in parse_festivals(["lantern", own])] == ["元宵节", "店庆"]


@pytest.mark.parametrize(
    ("data", "pointers"),
    [
        ("spring_festival", [""]),
        (["easter"], ["/0"]),
        ([7], ["/0"]),
        (["lantern", "lantern"], [""]),
        ([{"key": "x", "zh": "店庆", "en": "x", "calendar": "solar", "month": 2, "day": 30}], ["/0/day"]),
        ([{"key": "x", "zh": "", "en": "x", "calendar": "moon", "month": 13, "day": 1}], ["/0/zh", "/0/calendar", "/0/month"]),
        (
            [{"key": "X Y", "zh": "店庆", "en": "x", "calendar": "lunar", "month": 1, "day": True, "more": 1}],
            ["/0/more", "/0/key", "/0/day"],
        ),
    ],
)
def test_a_list_of_festivals_with_faults_is_refused_with_where(data: object, pointers: list[str]) -> None:
    with pytest.raises(FestivalsInvalid) as refused:
        parse_festivals(data)

    assert [pointer for pointer, _ in refused.value.faults] == pointers


# --- churn-warning and win-back


@pytest.mark.parametrize(
    ("key", "policy", "due"),
    [
        ("churn-warning", "interval", date(2026, 7, 31)),  # expected 1 July + 30 days
        ("churn-warning", "s4", date(2026, 4, 1)),  # 3 months after 1 January
        ("win-back", "interval", date(2026, 10, 29)),  # expected 1 July + 120 days
        ("win-back", "s4", date(2026, 7, 1)),  # 6 months after 1 January
    ],
)
def test_churn_counts_from_the_expected_maintenance_or_from_the_last_visit(key: str, policy: str, due: date) -> None:
    trigger = Trigger.SILENT if key == "churn-warning" else Trigger.LOST

    visit = planned(programme(key, policy), silent(date(2026, 1, 1), date(2026, 7, 1), trigger))["call"]

    earliest, day, deadline = days_after(due, 0, 0, 14)
    assert (visit.due_on, visit.role) == (day, "followup_specialist")
    assert (visit.window_start, visit.window_end) == (EVERY_DAY.opening(earliest), EVERY_DAY.end_of_day(deadline))


def test_churn_warning_clamps_months() -> None:
    visit = planned(programme("churn-warning", "s4"), silent(date(2026, 11, 30), date(2027, 5, 30)))["call"]

    assert visit.due_on == date(2027, 2, 28)


def test_interval_is_the_default_policy_of_churn() -> None:
    assert [load_pack(pack_text(key)).policy for key in ("churn-warning", "win-back")] == ["interval", "interval"]


def test_churn_hangs_on_the_car_and_win_back_on_the_customer() -> None:
    assert [programme(key).scope for key in ("churn-warning", "win-back")] == ["vehicle", "customer"]


def test_nobody_is_warned_who_has_an_appointment() -> None:
    trigger = silent(date(2026, 1, 1), date(2026, 7, 1))

    assert not planned(programme("churn-warning"), replace(trigger, attrs={**trigger.attrs, "appointment": "yes"}))


@pytest.mark.parametrize(
    ("reason", "steps", "vouchers", "tasks"),
    [
        ("quality", ["apology"], ["free_repair"], []),
        ("price", ["offer"], ["maintenance_20"], []),
        ("convenience", [], [], ["pick_up_service"]),
        ("moved", [], [], []),
        (None, [], [], []),
    ],
)
def test_win_back_goes_on_by_the_reason(reason: str | None, steps: list[str], vouchers: list[str], tasks: list[str]) -> None:
    of, trigger = programme("win-back"), silent(date(2026, 1, 1), date(2026, 7, 1), Trigger.LOST)
    day = date(2026, 10, 30)
    call = replace(closed("call", day, occurrence=7), answers={"reason": reason} if reason else {})

    visits = follow_ons(of, call, trigger, EVERY_DAY, local(day, "11:00"))

    assert [visit.step for visit in visits] == steps
    assert all((visit.due_on, visit.occurrence, visit.vehicle_id) == (day, 7, None) for visit in visits)
    assert [kind for visit in visits for kind in of.step(visit.step).vouchers] == vouchers
    opened = tasks_after(of, call, trigger, EVERY_DAY, local(day, "11:00"))
    assert [(task.kind, task.role) for task in opened] == [(kind, "service_advisor") for kind in tasks]


def test_the_reason_call_is_no_marketing_but_its_offers_are() -> None:
    assert {step.key: step.marketing for step in programme("win-back").steps} == {"call": False, "apology": True, "offer": True}


def test_the_price_offer_is_20_percent_off_for_a_month_and_the_repair_is_free() -> None:
    assert (KINDS["maintenance_20"].percent_off, KINDS["maintenance_20"].months) == (20, 1)
    assert KINDS["free_repair"].zh == "免费维修一次"


def test_nothing_follows_a_reason_call_that_was_never_made() -> None:
    trigger = silent(date(2025, 1, 1), date(2025, 7, 1), Trigger.LOST)

    visits, _ = plan(programme("win-back"), trigger, EVERY_DAY, local(date(2026, 11, 1)), first_import=False)

    assert [(visit.step, visit.state) for visit in visits] == [("call", "expired")]


@pytest.mark.parametrize(
    ("next_maintenance", "expected"),
    [(date(2026, 7, 1), date(2026, 7, 1)), (date(2025, 12, 1), date(2026, 1, 1)), (None, date(2026, 1, 1))],
)
def test_a_car_that_came_after_its_maintenance_fell_due_is_expected_from_then_on(
    next_maintenance: date | None, expected: date
) -> None:
    assert silence_of(date(2026, 1, 1), next_maintenance) == Silence(date(2026, 1, 1), expected)


def test_a_customer_is_as_silent_as_the_car_that_was_seen_last() -> None:
    old, new = Silence(date(2025, 1, 1), date(2025, 7, 1)), Silence(date(2026, 1, 1), date(2026, 3, 1))

    assert together([old, new]) == new


TODAY, PAST, AHEAD = date(2026, 7, 1), date(2026, 6, 1), date(2026, 8, 1)


@pytest.mark.parametrize(
    ("cars", "becomes"),
    [
        ([(AHEAD, AHEAD)], Standing.OWNER),
        ([(TODAY, AHEAD)], Standing.CHURN_RISK),
        ([(PAST, TODAY)], Standing.CHURNED),
        ([(PAST, PAST), (AHEAD, AHEAD)], Standing.OWNER),
        ([(PAST, PAST), (PAST, AHEAD)], Standing.CHURN_RISK),
        ([(PAST, PAST), (PAST, PAST)], Standing.CHURNED),
        ([(None, PAST)], Standing.CHURNED),
        ([(PAST, None)], Standing.CHURN_RISK),
        ([(None, None)], Standing.OWNER),
        ([], Standing.OWNER),
    ],
)
def test_a_lifecycle_follows_from_all_cars_of_the_customer(
    cars: list[tuple[date | None, date | None]], becomes: Standing
) -> None:
    assert standing(cars, TODAY) is becomes


# --- new-customer offer, welcome


def test_new_customer_offer_is_10_percent_off_within_3_months_of_the_first_and_gifts() -> None:
    visit, step = (
        planned(programme("new-customer-offer"), first_order(DELIVERED))["message"],
        programme("new-customer-offer").steps[0],
    )

    assert visit.due_on == DELIVERED + timedelta(days=1)
    assert step.marketing
    assert [(KINDS[kind].zh, KINDS[kind].months, KINDS[kind].from_trigger) for kind in step.vouchers] == [
        ("下次到店9折", 3, True),
        ("免费添加玻璃水", 3, True),
        ("免费轮胎检测", 3, True),
    ]
    assert KINDS["new_customer"].percent_off == 10


def test_the_welcome_guide_leaves_the_task_to_add_wechat_to_the_advisor() -> None:
    tasks = tasks_after(programme("welcome"), closed("message", DELIVERED), first_order(DELIVERED), EVERY_DAY, local(DELIVERED))

    assert [(task.kind, task.role) for task in tasks] == [("add_wechat", "service_advisor")]
    assert UUID(int=0) != CONSULTANT


# --- the language of packs


WIN_BACK = pack_text("win-back")


@pytest.mark.parametrize(
    ("was", "becomes", "says"),
    [
        ("when: {reason: price}", "when: {reason: weather}", "which no choice of the visit before can answer"),
        ("when: {reason: convenience}", "when: {why: convenience}", "which no choice of the visit before can answer"),
        ("vouchers: [free_repair]", "vouchers: [gold]", "vouchers cannot be 'gold'"),
        ("role: service_advisor, when", "role: king, when", "role cannot be 'king'"),
        ("kind: pick_up_service, ", "", "kind is missing"),
        ("days: 120", "days: soon", "days must be a whole number"),
        ("from: last_visit_on, months: 6", "from: birth, months: 6", "from cannot be 'birth'"),
        ("any_day: true", "any_day: perhaps", "any_day must be true or false"),
    ],
)
def test_a_fault_is_refused_with_its_line(was: str, becomes: str, says: str) -> None:
    lines = [number for number, line in enumerate(WIN_BACK.splitlines(), start=1) if was in line]

    with pytest.raises(PackError) as refused:
        load_pack(WIN_BACK.replace(was, becomes, 1))

    assert says in refused.value.errors[0]
    assert refused.value.errors[0].startswith(f"line {lines[0]}:")
