"""May a message go: consent, opt-outs, marks, freezes, hours, caps."""

from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.consent import (
    Allowed,
    ContactFacts,
    ContactPolicy,
    Held,
    OptOutScope,
    Permission,
    Purpose,
    Sent,
    Standing,
    Suppressed,
    permission,
    strictest,
)
from shared.domain.visit import Channel

NOON = datetime(2026, 11, 24, 12, tzinfo=ZoneInfo("Asia/Shanghai"))
POLICY = ContactPolicy()
CONSENTED = ContactFacts(consent={Purpose.MARKETING: Standing.GRANTED})
SERVICE = Purpose.SERVICE_FOLLOWUP
DAY = timedelta(days=1)


def ask(
    facts: ContactFacts = CONSENTED,
    purpose: Purpose = SERVICE,
    channel: Channel = Channel.SMS,
    now: datetime = NOON,
    policy: ContactPolicy = POLICY,
) -> Permission:
    return permission(facts, purpose, channel, now, policy)


@pytest.mark.parametrize("purpose", [SERVICE, Purpose.SATISFACTION, Purpose.RECALL_SAFETY])
def test_contract_and_duty_need_no_consent(purpose: Purpose) -> None:
    assert ask(ContactFacts(), purpose) == Allowed()


@pytest.mark.parametrize("purpose", [Purpose.MARKETING, Purpose.THIRD_PARTY_SHARE])
def test_marketing_and_sharing_need_a_consent_row(purpose: Purpose) -> None:
    assert ask(ContactFacts(), purpose) == Suppressed("no_consent")
    assert ask(ContactFacts(consent={purpose: Standing.GRANTED}), purpose) == Allowed()


def test_withdrawn_is_withdrawn_for_every_purpose_but_recalls() -> None:
    withdrawn = ContactFacts(consent=dict.fromkeys(Purpose, Standing.WITHDRAWN))

    assert ask(withdrawn, SERVICE) == Suppressed("consent_withdrawn")
    assert ask(withdrawn, Purpose.RECALL_SAFETY) == Allowed()


@pytest.mark.parametrize(
    ("scope", "stopped"),
    [
        ("all_but_recall", {(SERVICE, Channel.SMS), (SERVICE, Channel.EMAIL), (Purpose.MARKETING, Channel.SMS)}),
        ("sms", {(SERVICE, Channel.SMS), (Purpose.MARKETING, Channel.SMS)}),
        ("email", {(SERVICE, Channel.EMAIL)}),
        ("marketing", {(Purpose.MARKETING, Channel.SMS)}),
        ("call", set()),
    ],
)
def test_an_opt_out_stops_what_it_names_and_never_a_recall(scope: OptOutScope, stopped: set[tuple[Purpose, Channel]]) -> None:
    facts = replace(CONSENTED, opt_outs=frozenset({scope}))
    for purpose, channel in [(SERVICE, Channel.SMS), (SERVICE, Channel.EMAIL), (Purpose.MARKETING, Channel.SMS)]:
        wanted = Suppressed("opted_out") if (purpose, channel) in stopped else Allowed()
        assert ask(facts, purpose, channel) == wanted
    assert ask(facts, Purpose.RECALL_SAFETY) == Allowed()


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        (replace(CONSENTED, deceased=True), "deceased"),
        (replace(CONSENTED, erased=True), "erased"),
        (replace(CONSENTED, still_owner=False), "not_owner"),
        (replace(CONSENTED, wanted=False), "visit_closed"),
        (replace(CONSENTED, has_address=False), "no_address"),
        (replace(CONSENTED, bad_address=True), "number_wrong"),
        (replace(CONSENTED, expire_at=NOON), "stale"),
    ],
)
@pytest.mark.parametrize("purpose", [SERVICE, Purpose.MARKETING, Purpose.RECALL_SAFETY])
def test_some_facts_stop_everything_recalls_too(facts: ContactFacts, reason: str, purpose: Purpose) -> None:
    assert ask(facts, purpose) == Suppressed(reason)


def test_an_open_complaint_holds_marketing_and_surveys_but_not_service_or_recalls() -> None:
    frozen = replace(CONSENTED, complaint_open=True)

    assert ask(frozen, Purpose.MARKETING) == Held(NOON + DAY, "complaint_open")
    assert ask(frozen, Purpose.SATISFACTION) == Held(NOON + DAY, "complaint_open")
    assert ask(frozen, SERVICE) == ask(frozen, Purpose.RECALL_SAFETY) == Allowed()


def test_after_the_complaint_seven_days_of_peace() -> None:
    closed = replace(CONSENTED, complaint_closed_at=NOON - 6 * DAY)

    assert ask(closed, Purpose.MARKETING) == Held(NOON + DAY, "complaint_gap")
    assert ask(closed, Purpose.MARKETING, now=NOON + DAY) == Allowed()


@pytest.mark.parametrize(
    ("purpose", "hour", "minute", "release"),
    [
        (Purpose.MARKETING, 8, 59, NOON.replace(hour=9)),
        (Purpose.MARKETING, 9, 0, None),
        (Purpose.MARKETING, 19, 59, None),
        (Purpose.MARKETING, 20, 0, NOON.replace(hour=9) + DAY),
        (SERVICE, 8, 29, NOON.replace(hour=8, minute=30)),
        (SERVICE, 8, 30, None),
        (SERVICE, 20, 29, None),
        (SERVICE, 20, 30, NOON.replace(hour=8, minute=30) + DAY),
        (Purpose.RECALL_SAFETY, 22, 0, NOON.replace(hour=8, minute=30) + DAY),
    ],
)
def test_quiet_hours_hold(purpose: Purpose, hour: int, minute: int, release: datetime | None) -> None:
    answer = ask(purpose=purpose, now=NOON.replace(hour=hour, minute=minute))

    assert answer == (Held(release, "quiet_hours") if release else Allowed())


def test_an_urgent_recall_goes_at_night() -> None:
    night = NOON.replace(hour=23)

    assert ask(purpose=Purpose.RECALL_SAFETY, now=night, policy=replace(POLICY, urgent_recall=True)) == Allowed()


def test_one_marketing_message_a_week_and_three_a_month() -> None:
    week = replace(CONSENTED, sent=[Sent(NOON - 6 * DAY, Purpose.MARKETING)])
    month = replace(CONSENTED, sent=[Sent(NOON - days * DAY, Purpose.MARKETING) for days in (8, 16, 24)])

    assert ask(week, Purpose.MARKETING) == Held(NOON + DAY, "cap_marketing")
    assert ask(month, Purpose.MARKETING) == Held(NOON + 6 * DAY, "cap_marketing")
    assert ask(month, SERVICE) == Allowed()


def test_two_messages_of_any_kind_a_day_recalls_excepted() -> None:
    full = replace(CONSENTED, sent=[Sent(NOON - timedelta(hours=h), SERVICE) for h in (2, 3)])

    assert ask(full) == Held(NOON.replace(hour=9) + DAY, "cap_all")
    assert ask(full, Purpose.RECALL_SAFETY) == Allowed()


def test_a_hold_ends_inside_the_hours() -> None:
    early = replace(CONSENTED, sent=[Sent(NOON.replace(hour=7), SERVICE), Sent(NOON.replace(hour=9), SERVICE)])

    assert ask(early) == Held(NOON.replace(hour=8, minute=30) + DAY, "cap_all")


def test_what_could_only_go_after_it_expired_is_suppressed_with_the_reason() -> None:
    frozen = replace(CONSENTED, complaint_open=True, expire_at=NOON + timedelta(hours=6))

    assert ask(frozen, Purpose.MARKETING) == Suppressed("stale_complaint_open")


@given(
    st.lists(st.tuples(st.integers(0, 31 * 24), st.sampled_from(Purpose)), max_size=12),
    st.sampled_from(Purpose),
    st.integers(0, 47),
)
def test_asked_again_at_the_release_a_cap_never_keeps_somebody_waiting_for_ever(
    history: list[tuple[int, Purpose]], purpose: Purpose, half_hour: int
) -> None:
    now = NOON.replace(hour=half_hour // 2, minute=30 * (half_hour % 2))
    sent = [Sent(now - timedelta(hours=hours), kind) for hours, kind in history]
    facts = ContactFacts(consent=dict.fromkeys(Purpose, Standing.GRANTED), sent=sent)
    answer = ask(facts, purpose, now=now)
    if isinstance(answer, Held):
        assert answer.release_at > now
        assert ask(facts, purpose, now=answer.release_at) == Allowed()


def test_of_two_merged_files_the_stricter_word_wins() -> None:
    merged = strictest({Purpose.MARKETING: Standing.GRANTED}, {Purpose.SATISFACTION: Standing.WITHDRAWN})

    assert merged[Purpose.MARKETING] is Standing.SILENT
    assert merged[Purpose.SATISFACTION] is Standing.WITHDRAWN
