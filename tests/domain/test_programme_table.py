"""Rows of domain.md §2 and §3 that the first programmes did not have: windows, roles, ends, tasks; named after the row they show."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from shared.domain.calendar import StoreCalendar
from shared.domain.programme import (
    INTERVAL,
    Fact,
    PolicyError,
    Programme,
    Trigger,
    applicable,
    duties,
    follow_ons,
    parse,
    plan,
    still_needed,
)
from shared.packs import shipped_packs
from tests.domain.programme_facts import DELIVERED, EVERY_DAY, NATIONAL_DAY, closed, days_after, fact, local, planned, programme

ENDS = date(2026, 8, 31)
NOW = local(date(2026, 6, 1))


def policy_fact(trigger: Trigger = Trigger.POLICY_EXPIRES, **attrs: str) -> Fact:
    return fact(ENDS, "09:00", type=trigger, attrs=attrs)


def lead_fact(state: str = "open", next_on: date = date(2026, 6, 3), turn: int = 1, **attrs: str) -> Fact:
    said = {"state": state, "next_contact_on": next_on.isoformat(), INTERVAL: str(turn), **attrs}
    return fact(date(2026, 6, 1), "09:00", type=Trigger.LEAD_OPEN, attrs=said)


def accident_fact(**attrs: str) -> Fact:
    return fact(date(2026, 6, 1), "15:00", type=Trigger.ACCIDENT_REPORTED, attrs=attrs)


# --- renewal, insurance


@pytest.mark.parametrize(
    ("row", "days"),
    [("d60", (65, 60, 55)), ("d30", (35, 30, 25)), ("d15", (20, 15, 10)), ("d7", (12, 7, 2))],
)
def test_renewal_60_30_15_7_days_before_the_policy_expires_plus_or_minus_5(row: str, days: tuple[int, int, int]) -> None:
    visit = planned(programme("renewal"), policy_fact(), now=NOW)[row]

    earliest, due, deadline = days_after(ENDS, *(-day for day in days))
    assert (visit.role, visit.channel, visit.due_on) == ("renewal_specialist", "phone", due)
    assert visit.window_start == EVERY_DAY.opening(earliest)
    assert visit.window_end == EVERY_DAY.end_of_day(deadline)


@pytest.mark.parametrize("result", ["renewed", "lost"])
def test_renewal_until_renewed_or_lost(result: str) -> None:
    ended = policy_fact(result=result)

    assert planned(programme("renewal"), ended, now=NOW) == {}
    assert not any(still_needed(step, ended) for step in programme("renewal").steps)


@pytest.mark.parametrize(("on_it", "due"), [("yes", None), ("no", ENDS - timedelta(days=7))])
def test_the_insurance_message_goes_7_days_before_only_where_no_renewal_visit_is_open(on_it: str, due: date | None) -> None:
    found = planned(programme("insurance"), policy_fact(Trigger.POLICY_NEARS_END, renewal_visit=on_it), now=NOW)

    assert [(visit.due_on, visit.role, visit.message) for visit in found.values()] == (
        [] if due is None else [(due, "system", "insurance_due")]
    )


# --- accident


@pytest.mark.parametrize(
    ("attrs", "role"),
    [
        ({"holder_role": "insurance_specialist"}, "insurance_specialist"),
        ({"holder_role": "renewal_specialist"}, "renewal_specialist"),
        ({}, "insurance_specialist"),
    ],
)
def test_an_accident_is_tracked_by_whoever_holds_the_file(attrs: Mapping[str, str], role: str) -> None:
    (visit,) = planned(programme("accident"), accident_fact(**attrs)).values()

    assert (visit.step, visit.role, visit.due_on) == ("first", role, date(2026, 6, 1))


def test_an_accident_is_tracked_every_2_days_until_the_claim_is_closed() -> None:
    of, first = programme("accident"), closed("first", date(2026, 6, 1))
    (second,) = follow_ons(of, first, accident_fact(), EVERY_DAY, local(date(2026, 6, 1)))
    (third,) = follow_ons(of, closed("track", second.due_on), accident_fact(), EVERY_DAY, local(second.due_on))

    assert [second.due_on, third.due_on] == [date(2026, 6, 3), date(2026, 6, 5)]
    assert (second.step, second.occurrence, third.occurrence) == ("track", 1, 2)
    assert follow_ons(of, closed("track", third.due_on), accident_fact(claim_closed="yes"), EVERY_DAY, local(third.due_on)) == []


def test_an_accident_that_nobody_could_reach_is_tracked_on() -> None:
    unreached = closed("track", date(2026, 6, 3), state="unreachable")

    assert follow_ons(programme("accident"), unreached, accident_fact(), EVERY_DAY, local(date(2026, 6, 3)))


# --- warranty, delivery-letter, new-owner


def test_warranty_30_days_before_each_item_ends() -> None:
    (visit,) = planned(programme("warranty"), fact(ENDS, type=Trigger.WARRANTY_ENDS), now=NOW).values()

    assert (visit.due_on, visit.role) == (ENDS - timedelta(days=30), "followup_specialist")


def test_the_thank_you_letter_goes_by_e_mail_within_3_days() -> None:
    (visit,) = planned(programme("delivery-letter"), fact(attrs={"email": "yes"})).values()

    assert (visit.step, visit.role, visit.channel, visit.message) == ("letter", "system", "email", "thank_you_letter")
    assert visit.window_end == EVERY_DAY.end_of_day(DELIVERED + timedelta(days=3))
    assert duties(programme("delivery-letter"), fact(attrs={"email": "yes"}), EVERY_DAY) == []


def test_without_e_mail_the_thank_you_letter_is_a_task_within_3_days() -> None:
    assert planned(programme("delivery-letter"), fact()) == {}
    (duty,) = duties(programme("delivery-letter"), fact(), EVERY_DAY)

    assert (duty.kind, duty.role) == ("letter", "sales_clerk")
    assert duty.due_at == EVERY_DAY.end_of_day(DELIVERED + timedelta(days=3))


def test_the_new_owner_is_called_from_day_2_and_reached_within_7_days() -> None:
    (visit,) = planned(programme("new-owner", "s2"), fact()).values()

    assert (visit.due_on, visit.role) == (DELIVERED + timedelta(days=2), "followup_specialist")
    assert visit.window_end == EVERY_DAY.end_of_day(DELIVERED + timedelta(days=7))


def test_new_owner_stands_in_for_the_clubs_first_call_and_no_other() -> None:
    club, new_owner = programme("delivery-club"), programme("new-owner", "s2")
    uninsured = fact(insured=False)
    started = {each.key: each for each in applicable([club, new_owner], uninsured)}

    assert not new_owner.enabled
    assert "first" in planned(club, uninsured)
    standing_in = planned(started["delivery-club"], uninsured)
    assert set(standing_in) == {"next", "relationship"}
    assert standing_in["next"].due_on == DELIVERED + timedelta(days=7)  # while not insured somebody of the club asks all the same
    assert set(planned(started["delivery-club"], fact())) == {"relationship"}


# --- handover


@pytest.mark.parametrize(
    ("delivered_on", "file_by"),
    [
        (date(2026, 5, 6), date(2026, 5, 9)),  # within three days
        (date(2026, 5, 29), date(2026, 5, 31)),  # and in the same month
        (date(2026, 5, 31), date(2026, 5, 31)),
        (date(2026, 2, 26), date(2026, 2, 28)),
    ],
)
def test_the_card_is_handed_over_by_day_7_and_the_file_uploaded_by_day_3_in_the_same_month(
    delivered_on: date, file_by: date
) -> None:
    month_end = (delivered_on.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    found = duties(programme("handover"), fact(delivered_on, attrs={"month_end_on": month_end.isoformat()}), EVERY_DAY)

    assert {duty.kind: duty.due_at for duty in found} == {
        "upload_file": EVERY_DAY.end_of_day(file_by),
        "hand_over_card": EVERY_DAY.end_of_day(delivered_on + timedelta(days=7)),
    }
    assert {duty.role for duty in found} == {"sales_clerk"}
    assert planned(programme("handover"), fact(delivered_on)) == {}  # tasks, not visits


def test_what_is_handed_over_is_no_task_any_more() -> None:
    done = fact(attrs={"card_handed": "yes", "file_uploaded": "yes"})

    assert duties(programme("handover"), done, EVERY_DAY) == []
    assert duties(programme("handover"), replace(fact(), excluded=True), EVERY_DAY) == []


# --- lead


def test_a_lead_is_contacted_on_the_day_its_level_asks_for_and_each_turn_once() -> None:
    visit = planned(programme("lead"), lead_fact(turn=4))["contact"]

    assert (visit.due_on, visit.role) == (date(2026, 6, 3), "sales_consultant")
    assert visit.vehicle_id is None
    (following,) = follow_ons(
        programme("lead"),
        closed("contact", date(2026, 6, 3), occurrence=4),
        lead_fact(turn=5, next_on=date(2026, 6, 6)),
        EVERY_DAY,
        local(date(2026, 6, 3), "11:00"),
    )
    assert (following.due_on, following.occurrence) == (date(2026, 6, 6), 5)


def test_an_open_lead_whose_day_has_long_passed_is_due_now_and_not_expired() -> None:
    visits, skipped = plan(programme("lead"), lead_fact(), EVERY_DAY, local(date(2026, 9, 1)), first_import=True)

    assert [(visit.state, visit.due_on) for visit in visits] == [("planned", date(2026, 9, 1))]
    assert skipped == 0


def test_a_contact_that_falls_on_a_closed_day_moves_to_the_next_open_one() -> None:
    calendar = StoreCalendar("Asia/Shanghai", days=NATIONAL_DAY)
    visit = planned(programme("lead"), lead_fact(next_on=date(2026, 10, 1)), calendar)["contact"]

    assert visit.due_on == date(2026, 10, 8)


@pytest.mark.parametrize(
    ("state", "attrs", "steps"),
    [
        ("open", {}, {"contact": date(2026, 6, 3)}),
        ("open", {"declined": "yes"}, {}),
        ("won", {}, {}),
        ("lost", {"lost_on": "2026-06-01"}, {"reactivation": date(2026, 8, 30)}),  # 90 days after
        ("gone", {}, {}),  # lost before we knew him
    ],
)
def test_a_lead_stops_on_won_or_lost_with_one_call_after_90_days(
    state: str, attrs: Mapping[str, Any], steps: Mapping[str, date]
) -> None:
    found = planned(programme("lead"), lead_fact(state, **attrs))

    assert {step: visit.due_on for step, visit in found.items()} == steps


# --- the language of packs


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"task": "x", "role": "system", "message": "m", "channel": "sms"}, "a task is for a role"),
        ({"repeat": {"from": "fact", "every_days": 3}}, "from: fact names its day itself"),
        ({"role": "king"}, "role cannot be"),
        ({"anchor": {"from": "someday"}}, "from cannot be"),
    ],
)
def test_what_a_pack_may_not_say(change: Mapping[str, object], says: str) -> None:
    step = {"key": "a", "name": {"zh": "名", "en": "n"}, "role": "sales_clerk", "purposes": ["x"], "window": _WINDOW, **change}
    with pytest.raises(PolicyError) as refused:
        parse({"key": "p", "name": {"zh": "名", "en": "n"}, "tier": "sales", "trigger": "sale.delivered", "steps": [step]})

    assert any(says in message for _, message in refused.value.faults)


def test_only_new_owner_is_shipped_switched_off() -> None:
    off: list[Programme] = [pack.programme for pack in shipped_packs() if not pack.programme.enabled]

    assert [each.key for each in off] == ["new-owner"]


_WINDOW = {"earliest": 0, "due": 1, "deadline": 2}
