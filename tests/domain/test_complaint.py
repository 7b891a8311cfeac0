"""Complaints, by the rows of domain.md §6, §10.1, §11.4 and decisions.md "Complaints"; properties of their clocks."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.calendar import DayRule, StoreCalendar
from shared.domain.complaint import (
    CALL_DAYS,
    CHECKLIST,
    CONTACT_WITHIN,
    NEXT,
    Category,
    Clock,
    ClockPolicy,
    CrisisReason,
    Department,
    Kind,
    Name,
    Standing,
    State,
    Verdict,
    Way,
    clock_policy,
    clocks_of,
    due_steps,
    ends_at,
    escalated,
    level_role,
    look_at,
    may_become,
    moved_by_pause,
    new_checklist,
    opening_level,
    passed_over,
    pending_steps,
    sign_off_by,
    spent,
    tick,
    untick,
    verdict,
    way_of,
)

SHANGHAI = ZoneInfo("Asia/Shanghai")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
CLOSED = DayRule(open=False, ranges=None, name="盘点", source="store")
PLAIN = StoreCalendar("Asia/Shanghai", days={date(2026, 11, 25): CLOSED})
LUNCH = StoreCalendar("Asia/Shanghai", weekly={d: ((time(9), time(12)), (time(13), time(18))) for d in range(6)})
NIGHT = StoreCalendar("Asia/Shanghai", weekly={d: ((time(20), time(2)),) for d in range(7)})
POLICY, ROUND_THE_CLOCK = ClockPolicy(), ClockPolicy(around_the_clock=True)


def at(text: str) -> datetime:
    """`11-23 17:50` of 2026 in Shanghai, as UTC."""
    return datetime.fromisoformat(f"2026-{text.replace(' ', 'T')}").replace(tzinfo=SHANGHAI).astimezone(UTC)


def local(instant: datetime) -> str:
    return f"{instant.astimezone(SHANGHAI):%m-%d %H:%M}"


@pytest.mark.parametrize(
    ("row", "opened", "duration", "policy", "due"),
    [
        ("§10.1 17:50 with 1 h and hours 9–18 is due 9:50 next open day", "11-23 17:50", HOUR, POLICY, "11-24 09:50"),
        ("the next open day is not the next day", "11-24 17:50", HOUR, POLICY, "11-26 09:50"),
        ("in the night it begins with the opening", "11-23 03:00", HOUR, POLICY, "11-23 10:00"),
        ("1 h around the clock", "11-23 17:50", HOUR, ROUND_THE_CLOCK, "11-23 18:50"),
        ("8 h still run in business hours", "11-23 14:00", 8 * HOUR, POLICY, "11-24 13:00"),
        ("24 h run by the calendar", "11-23 14:00", 24 * HOUR, POLICY, "11-24 14:00"),
        ("24 h that end at night move to the next opening", "11-22 20:00", 24 * HOUR, POLICY, "11-24 09:00"),
        ("24 h that end on a closed day move to the next opening", "11-24 14:00", 24 * HOUR, POLICY, "11-26 09:00"),
        ("24 h around the clock", "11-24 14:00", 24 * HOUR, ROUND_THE_CLOCK, "11-25 14:00"),
        ("quality: 2 days (S0)", "11-21 10:00", 2 * DAY, POLICY, "11-23 10:00"),
    ],
)
def test_clocks_end(row: str, opened: str, duration: timedelta, policy: ClockPolicy, due: str) -> None:
    assert local(ends_at(at(opened), duration, way_of(duration, policy), PLAIN)) == due, row


@pytest.mark.parametrize(
    ("row", "kind", "allowed"),
    [
        ("handled within 24 h (S4)", Kind.SERVICE, 24 * HOUR),
        ("quality: 2 days (S0)", Kind.QUALITY, 2 * DAY),
        ("attitude: 24 h", Kind.ATTITUDE, 24 * HOUR),
    ],
)
def test_how_long_handling_may_take(row: str, kind: Kind, allowed: timedelta) -> None:
    assert POLICY.handling(kind) == allowed, row
    assert (POLICY.respond, POLICY.tell) == (HOUR, 24 * HOUR)


def test_a_store_sets_its_own_clocks() -> None:
    read = clock_policy({"clock": "around_the_clock", "respond_minutes": 30, "handle_hours": 12, "quality_hours": 72})
    assert read == ClockPolicy(True, timedelta(minutes=30), 12 * HOUR, 72 * HOUR)
    assert clock_policy({}) == POLICY
    assert way_of(12 * HOUR, clock_policy({"handle_hours": 12})) is Way.CALENDAR


@pytest.mark.parametrize(
    ("level", "department", "role"),
    [
        (0, Department.SERVICE, None),
        (1, Department.SERVICE, "service_manager"),
        (1, Department.SALES, "sales_manager"),
        (1, Department.CUSTOMER, "customer_manager"),
        (2, Department.SERVICE, "customer_manager"),
        (3, Department.SERVICE, "general_manager"),
        (9, Department.SALES, "general_manager"),
    ],
)
def test_advisor_then_service_manager_then_customer_manager_then_general_manager(
    level: int, department: Department, role: str | None
) -> None:
    assert level_role(level, department) == role


@pytest.mark.parametrize(
    ("level", "department", "higher"),
    [
        (0, Department.SERVICE, 1),
        (1, Department.SERVICE, 2),
        (2, Department.SERVICE, 3),
        (3, Department.SERVICE, 3),
        (1, Department.CUSTOMER, 3),  # the customer manager is the department's manager already
    ],
)
def test_an_escalation_goes_one_level_up(level: int, department: Department, higher: int) -> None:
    assert escalated(level, department) == higher


@pytest.mark.parametrize(
    ("row", "kind", "crisis", "level"),
    [
        ("attitude: straight to the general manager (forms 4, 5)", Kind.ATTITUDE, False, 3),
        ("crisis: general manager at once", Kind.SERVICE, True, 3),
        ("quality begins with its owner", Kind.QUALITY, False, 0),
        ("service begins with its owner", Kind.SERVICE, False, 0),
    ],
)
def test_who_knows_at_once(row: str, kind: Kind, crisis: bool, level: int) -> None:
    assert opening_level(kind, crisis=crisis) == level, row


@pytest.mark.parametrize(
    ("row", "opened", "by"),
    [
        ("by closing time of the day it was opened (S1)", "11-23 10:00", "11-23 18:00"),
        ("after closing: of the next open day", "11-23 18:00", "11-24 18:00"),
        ("on a closed day: of the next open day", "11-25 10:00", "11-26 18:00"),
    ],
)
def test_the_countersign(row: str, opened: str, by: str) -> None:
    assert local(sign_off_by(at(opened), PLAIN)) == by, row


@pytest.mark.parametrize(
    ("row", "state", "score", "answers", "word"),
    [
        ("satisfied in the follow-up: closed", "completed", None, {"complaint_settled": True}, Verdict.SATISFIED),
        ("as a form says it", "completed", None, {"complaint_settled": "yes"}, Verdict.SATISFIED),
        ("not satisfied: one level up", "completed", 5, {"complaint_settled": False}, Verdict.NOT_SATISFIED),
        ("4–5 is satisfied", "completed", 4, {}, Verdict.SATISFIED),
        ("3 is not", "completed", 3, {}, Verdict.NOT_SATISFIED),
        ("no answer is not a zero", "completed", None, {}, Verdict.SILENT),
        ("unreachable: nothing was said", "unreachable", None, {}, Verdict.SILENT),
        ("another date was set", "incomplete", 5, {"complaint_settled": True}, Verdict.SILENT),
    ],
)
def test_the_customers_word(row: str, state: str, score: int | None, answers: dict[str, object], word: Verdict) -> None:
    assert verdict(state, score, answers) is word, row


FORWARD = (State.OPEN, State.RESPONDED, State.HANDLING, State.TOLD, State.CLOSED_UNCONFIRMED, State.CLOSED)


def test_no_state_falls_back_but_to_a_new_loop() -> None:
    for state, following in NEXT.items():
        for after in following - {State.REJECTED}:
            back = after is State.OPEN
            assert back or FORWARD.index(after) > FORWARD.index(state), (state, after)
    assert {state for state in State if may_become(state, State.OPEN)} == {
        State.TOLD, State.CLOSED, State.CLOSED_UNCONFIRMED, State.REJECTED,
    }  # fmt: skip


def test_the_categories_and_reasons_are_those_of_the_sources() -> None:
    assert len(Category) == 9
    assert {"safety", "large_damage", "media", "lawyer", "police", "consumer_association", "authority"} <= set(CrisisReason)
    assert {"may_reach_media", "may_reach_court", "extreme_acts", "incident_in_workshop"} <= set(CrisisReason)
    assert (CONTACT_WITHIN, CALL_DAYS, len({item.key for item in CHECKLIST})) == (HOUR, (1, 3, 7), len(CHECKLIST))


def test_an_item_done_twice_stands_as_first_done() -> None:
    kept = tick(new_checklist(at("11-23 10:00"), responded=True), "truth", at("11-23 10:05"), "me", "如实说明")
    again = tick(kept, "truth", at("11-23 11:00"), "you")
    assert again["items"]["truth"] == {"at": at("11-23 10:05").isoformat(), "by": "me", "note": "如实说明"}
    assert datetime.fromisoformat(kept["contact_by"]) == at("11-23 11:00")
    assert untick(again, "truth")["items"] == {}
    with pytest.raises(KeyError):
        tick(kept, "nothing", at("11-23 10:05"), None)


# --- warnings, escalations, the countersign -------------------------------------------------------------------------------------


def fresh(opened: str = "11-23 17:50", kind: Kind = Kind.SERVICE, **more: object) -> Standing:
    start = at(opened)
    found = Standing(
        kind=kind,
        state=State.OPEN,
        since=start,
        respond_by=ends_at(start, HOUR, Way.BUSINESS, PLAIN),
        handle_by=ends_at(start, POLICY.handling(kind), Way.CALENDAR, PLAIN),
        sign_off_by=sign_off_by(start, PLAIN),
    )
    return replace(found, **more)  # type: ignore[arg-type]  # fields by name


def told(standing: Standing, now: str) -> list[str]:
    return [step.key for step in due_steps(standing, POLICY, PLAIN, at(now))]


def test_warnings_at_50_and_80_percent_and_an_escalation_at_100() -> None:
    steps = {step.key: local(step.at) for step in pending_steps(fresh(), POLICY, PLAIN)}
    assert steps == {
        "sign_off": "11-23 18:00",
        "respond:50": "11-24 09:20",
        "respond:80": "11-24 09:38",
        "respond:100": "11-24 09:50",
        "handle:50": "11-24 09:00",  # 05:50 is in the night
        "handle:80": "11-24 13:02",
        "handle:100": "11-24 17:50",
    }


def test_what_is_late_is_escalated_and_not_warned_of() -> None:
    assert told(fresh(), "11-24 09:40") == ["sign_off", "handle:50", "respond:50", "respond:80"]
    assert told(fresh(), "11-24 10:00") == ["sign_off", "handle:50", "respond:100"]
    over = passed_over(fresh(), POLICY, PLAIN, at("11-24 10:00"))
    assert {step.key for step in over} == {"respond:50", "respond:80"}


def test_a_step_is_taken_once() -> None:
    standing = fresh(warned=frozenset({"sign_off", "respond:50", "handle:50"}))
    assert told(standing, "11-24 09:38") == ["respond:80"]
    assert look_at(standing, POLICY, PLAIN) == at("11-24 09:38")


def test_a_response_ends_its_clock_and_telling_begins_with_the_handling() -> None:
    handled = fresh(
        "11-23 10:00",
        state=State.HANDLING,
        responded_at=at("11-23 10:30"),
        handled_at=at("11-23 15:00"),
        tell_by=at("11-24 15:00"),
    )
    assert [str(clock.name) for clock in clocks_of(handled, POLICY) if clock.done_at is None] == ["tell"]
    assert {step.key for step in pending_steps(handled, POLICY, PLAIN)} == {"sign_off", "tell:50", "tell:80", "tell:100"}


def test_once_told_only_the_countersign_is_awaited() -> None:
    done = fresh(state=State.TOLD, responded_at=at("11-23 17:55"), told_at=at("11-23 17:58"), handled_at=at("11-23 17:58"))
    assert [step.key for step in pending_steps(done, POLICY, PLAIN)] == ["sign_off"]
    assert look_at(replace(done, signed_off_at=at("11-23 17:59")), POLICY, PLAIN) is None


def test_while_it_stands_still_nothing_is_warned_of() -> None:
    paused = fresh("11-23 10:00", state=State.RESPONDED, responded_at=at("11-23 10:10"), paused_at=at("11-23 11:00"))
    assert [step.key for step in pending_steps(paused, POLICY, PLAIN)] == ["sign_off"]


def test_a_crisis_is_contacted_within_the_hour_around_the_clock() -> None:
    night = fresh("11-23 22:00", crisis=True, respond_by=at("11-23 23:00"))
    respond = clocks_of(night, POLICY)[0]
    assert (respond.way, local(respond.share_at(50, PLAIN)), local(respond.by)) == (Way.ALWAYS, "11-23 22:30", "11-23 23:00")


def test_a_crisis_declared_after_the_response_has_a_contact_of_its_own() -> None:
    later = fresh(
        "11-23 10:00", state=State.RESPONDED, responded_at=at("11-23 10:10"), contact_from=at("11-23 16:00"),
        contact_by=at("11-23 17:00"),
    )  # fmt: skip
    assert "contact:100" in told(later, "11-23 17:00")
    assert not any("contact" in key for key in told(replace(later, contacted_at=at("11-23 16:20")), "11-23 17:00"))


@pytest.mark.parametrize(
    ("now", "percent", "late"),
    [("11-24 09:20", 50, False), ("11-24 09:49", 98, False), ("11-24 09:50", 100, False), ("11-24 10:50", 200, True)],
)
def test_how_much_of_a_clock_is_used(now: str, percent: int, late: bool) -> None:
    clock = clocks_of(fresh(), POLICY)[0]
    assert (clock.used(at(now), PLAIN), clock.late(at(now))) == (percent, late)


# --- properties -----------------------------------------------------------------------------------------------------------------

CALENDARS = st.sampled_from([PLAIN, LUNCH, NIGHT])
INSTANTS = st.datetimes(datetime(2026, 11, 1), datetime(2026, 12, 20)).map(lambda moment: moment.replace(tzinfo=UTC))  # noqa: DTZ001
SHORT = st.timedeltas(timedelta(minutes=1), timedelta(hours=8))
ANY_DURATION = st.timedeltas(timedelta(minutes=1), timedelta(days=4))
SPANS = st.timedeltas(timedelta(0), timedelta(days=3))


def in_or_at_the_end_of_hours(instant: datetime, calendar: StoreCalendar) -> bool:
    day = calendar.day_of(instant)
    spans = [span for offset in (-1, 0) for span in calendar.spans(day + timedelta(days=offset))]
    return any(start <= instant <= end for start, end in spans)


@given(calendar=CALENDARS, start=INSTANTS, duration=ANY_DURATION)
def test_a_deadline_is_never_in_closed_hours_when_it_runs_in_business_hours(
    calendar: StoreCalendar, start: datetime, duration: timedelta
) -> None:
    by = ends_at(start, duration, way_of(duration, POLICY), calendar)
    assert by > start
    assert in_or_at_the_end_of_hours(by, calendar)


@given(calendar=CALENDARS, start=INSTANTS, duration=SHORT, after=SPANS, stood=SPANS)
def test_pause_and_resume_conserve_the_remainder_in_business_hours(
    calendar: StoreCalendar, start: datetime, duration: timedelta, after: timedelta, stood: timedelta
) -> None:
    by, paused, resumed = ends_at(start, duration, Way.BUSINESS, calendar), start + after, start + after + stood
    moved = moved_by_pause(by, paused, resumed, Way.BUSINESS, calendar)
    left = spent(paused, by, Way.BUSINESS, calendar)
    if by > paused:
        assert spent(resumed, moved, Way.BUSINESS, calendar) == left
        assert spent(start, moved, Way.BUSINESS, calendar, [(paused, resumed)]) == duration
        assert moved >= by
    else:
        assert moved == by


@given(calendar=CALENDARS, start=INSTANTS, duration=ANY_DURATION, after=SPANS, stood=SPANS)
def test_pause_and_resume_conserve_the_remainder_by_the_calendar(
    calendar: StoreCalendar, start: datetime, duration: timedelta, after: timedelta, stood: timedelta
) -> None:
    by, paused, resumed = ends_at(start, duration, Way.CALENDAR, calendar), start + after, start + after + stood
    moved = moved_by_pause(by, paused, resumed, Way.CALENDAR, calendar)
    if by > paused:
        assert moved == calendar.next_opening(resumed + (by - paused))
        assert moved_by_pause(by, paused, paused, Way.CALENDAR, calendar) == by  # a pause of no length moves nothing
    always = ends_at(start, duration, Way.ALWAYS, calendar)
    if always > paused:
        assert moved_by_pause(always, paused, resumed, Way.ALWAYS, calendar) == always + stood


@given(calendar=CALENDARS, start=INSTANTS, duration=ANY_DURATION, around=st.booleans())
def test_warnings_come_in_order_between_the_beginning_and_the_end(
    calendar: StoreCalendar, start: datetime, duration: timedelta, around: bool
) -> None:
    way = way_of(duration, replace(POLICY, around_the_clock=around))
    clock = Clock(Name.HANDLE, start, ends_at(start, duration, way, calendar), way)
    instants = [start, *(clock.share_at(percent, calendar) for percent in (0, 50, 80, 100))]
    assert instants == sorted(instants)
    assert instants[-1] == clock.by
    if not around:
        assert all(in_or_at_the_end_of_hours(moment, calendar) for moment in instants[1:])


@settings(max_examples=60)
@given(opened=INSTANTS, looks=st.lists(st.timedeltas(timedelta(minutes=1), timedelta(hours=30)), min_size=1, max_size=12))
def test_however_the_looks_fall_every_step_is_taken_once_and_the_end_of_each_clock_is_told(
    opened: datetime, looks: list[timedelta]
) -> None:
    standing = Standing(
        Kind.SERVICE, State.OPEN, opened, ends_at(opened, HOUR, Way.BUSINESS, PLAIN), ends_at(opened, DAY, Way.CALENDAR, PLAIN),
        sign_off_by=sign_off_by(opened, PLAIN),
    )  # fmt: skip
    taken: list[str] = []
    now = opened
    for look in [*looks, timedelta(days=30)]:
        now += look
        steps = due_steps(standing, POLICY, PLAIN, now)
        taken += [step.key for step in steps]
        over = passed_over(standing, POLICY, PLAIN, now)
        standing = replace(standing, warned=standing.warned | {step.key for step in (*steps, *over)})
        following = look_at(standing, POLICY, PLAIN)
        assert following is None or following > now
    assert len(taken) == len(set(taken))
    assert {"respond:100", "handle:100", "sign_off"} <= set(taken)
    assert look_at(standing, POLICY, PLAIN) is None
