"""Campaigns: who is left out and why, how members are spread over days, what becomes of a member."""

from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.campaign import (
    NEXT,
    CampaignState,
    DoesNotFit,
    Plan,
    Reach,
    left_out,
    member_fact,
    programme_of,
    spread,
    text_key,
)
from shared.domain.consent import MARKETING_PURPOSES
from shared.domain.programme import SYSTEM_ROLE, plan
from shared.domain.programme.steps import script_faults
from tests.domain.programme_facts import EVERY_DAY, local

FREE = Reach(numbers=1, free=1, consent=True)
DAY = date(2026, 11, 23)
DAYS = [DAY + timedelta(days=count) for count in range(3)]


@pytest.mark.parametrize(
    ("reach", "campaign", "recall"),
    [
        (FREE, None, None),
        (replace(FREE, deceased=True), "deceased", "deceased"),
        (replace(FREE, numbers=0, free=0), "no_number", "no_number"),
        (replace(FREE, free=0), "opted_out", None),
        (replace(FREE, consent=None), "no_consent", None),
        (replace(FREE, consent=False), "consent_withdrawn", None),
        (replace(FREE, complaint=True), "complaint", None),
        (replace(FREE, capped=True), "cap", None),
        (Reach(), "no_number", "no_number"),
        (replace(FREE, free=0, consent=None, complaint=True), "opted_out", None),
    ],
)
def test_marketing_asks_for_everything_and_a_recall_only_for_a_living_person_and_a_number(
    reach: Reach, campaign: str | None, recall: str | None
) -> None:
    assert (left_out(reach, "campaign"), left_out(reach, "recall_safety")) == (campaign, recall)


@pytest.mark.parametrize(
    ("count", "a_day", "at_once", "per_day"),
    [
        (0, None, False, []),
        (7, None, True, [7]),
        (7, None, False, [3, 3, 1]),
        (7, 4, False, [4, 3]),
        (7, 4, True, [4, 3]),
        (9, 3, False, [3, 3, 3]),
    ],
)
def test_members_are_spread_over_the_days(count: int, a_day: int | None, at_once: bool, per_day: list[int]) -> None:
    days = spread(count, DAYS, a_day, at_once=at_once)

    assert [days.count(day) for day in DAYS if day in days] == per_day


def test_more_members_than_the_days_hold_are_refused_with_how_many_fit() -> None:
    with pytest.raises(DoesNotFit) as refused:
        spread(10, DAYS, 3, at_once=False)
    assert refused.value.room == 9
    with pytest.raises(DoesNotFit):
        spread(1, [], None, at_once=False)


@given(st.integers(0, 500), st.integers(1, 30), st.integers(1, 60), st.booleans())
def test_no_day_has_more_than_it_may_and_nobody_is_lost(count: int, days: int, a_day: int, at_once: bool) -> None:
    open_days = [DAY + timedelta(days=number) for number in range(days)]
    if a_day * days < count:
        with pytest.raises(DoesNotFit):
            spread(count, open_days, a_day, at_once=at_once)
        return
    given_days = spread(count, open_days, a_day, at_once=at_once)
    assert len(given_days) == count
    assert given_days == sorted(given_days)
    assert all(given_days.count(day) <= a_day for day in set(given_days))


CALLS = Plan(UUID(int=5), "冬季检测", "campaign", "call_list", "phone", "service_advisor", DAYS[2])
TEXTS = Plan(UUID(int=5), "冬季检测", "campaign", "message", "sms", None, DAYS[2], has_text=True, voucher_kind="screen_wash")


def test_a_member_of_a_call_list_is_a_call_of_the_role_until_the_campaign_ends() -> None:
    fact = member_fact(UUID(int=9), UUID(int=1), UUID(int=2), DAY, local(DAY))

    ((visit,), _) = plan(programme_of(CALLS, DAY, of_a_car=True), fact, EVERY_DAY, local(DAY), first_import=False)

    assert (visit.programme, visit.step, visit.role, visit.channel) == ("campaign", "call", "service_advisor", "phone")
    assert (visit.trigger_type, visit.trigger_id, visit.vehicle_id) == ("campaign.launched", UUID(int=9), UUID(int=2))
    assert (visit.due_on, visit.window_end) == (DAY, EVERY_DAY.end_of_day(DAYS[2]))
    assert visit.purposes == ("campaign",)


def test_a_member_of_a_message_campaign_is_a_message_in_its_own_words_with_its_voucher() -> None:
    of = programme_of(TEXTS, DAY, of_a_car=False)
    fact = member_fact(UUID(int=9), UUID(int=1), None, DAY, local(DAY))

    ((visit,), _) = plan(of, fact, EVERY_DAY, local(DAY), first_import=False)

    assert (visit.role, visit.channel, visit.message) == (SYSTEM_ROLE, "sms", text_key(UUID(int=5)))
    assert (visit.purposes, of.step("message").vouchers) == (("campaign", "voucher"), ("screen_wash",))


@pytest.mark.parametrize(("purpose", "marketing"), [("campaign", True), ("recall_safety", False)])
def test_only_a_campaign_is_marketing(purpose: str, marketing: bool) -> None:
    step = programme_of(replace(CALLS, purpose=purpose), DAY, of_a_car=True).step("call")

    assert step.marketing is marketing
    assert (purpose in MARKETING_PURPOSES) is marketing


@pytest.mark.parametrize("name", ["冬季检测", "{{ evil }}", "a\nb：c"])
@pytest.mark.parametrize("purpose", ["campaign", "recall_safety"])
def test_the_script_that_comes_by_itself_is_a_good_one(name: str, purpose: str) -> None:
    script = programme_of(replace(CALLS, name=name, purpose=purpose), DAY, of_a_car=True).step("call").script

    assert script_faults(script or "") == []


def test_what_has_ended_or_runs_is_never_launched_again() -> None:
    launchable = {state for state in CampaignState if CampaignState.RUNNING in NEXT[state]}

    assert launchable == {CampaignState.DRAFT, CampaignState.APPROVED}
