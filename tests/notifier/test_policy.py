"""The rules put to rows: which consent, which opt-out."""

from __future__ import annotations

import pytest

from services.notifier.policy import contact_policy, refuses, standing, wanted
from shared.domain.consent import Cap, Purpose, Standing


@pytest.mark.parametrize(
    ("opt_out", "channel", "purpose", "refused"),
    [
        (("sms", "all"), "sms", Purpose.SATISFACTION, True),
        (("sms", "all"), "sms", Purpose.RECALL_SAFETY, False),
        (("sms", "all"), "email", Purpose.SATISFACTION, False),
        (("all", "all_but_recall"), "email", Purpose.SERVICE_FOLLOWUP, True),
        (("email", "marketing"), "email", Purpose.SERVICE_FOLLOWUP, False),
        (("email", "marketing"), "email", Purpose.MARKETING, True),
        (("phone", "all"), "sms", Purpose.SATISFACTION, False),
    ],
)
def test_what_an_opt_out_forbids(opt_out: tuple[str, str], channel: str, purpose: Purpose, refused: bool) -> None:
    assert refuses(frozenset({opt_out}), purpose, channel) is refused


def test_a_consent_that_was_given_again_stands() -> None:
    rows = [("marketing", "sms", True), ("marketing", "all", False), ("satisfaction", "sms", True), ("nonsense", "sms", False)]
    assert standing(rows, "sms") == {Purpose.MARKETING: Standing.GRANTED, Purpose.SATISFACTION: Standing.WITHDRAWN}
    assert standing(rows, "email") == {Purpose.MARKETING: Standing.GRANTED}


def test_a_message_without_a_visit_is_wanted_and_one_of_a_closed_visit_is_not() -> None:
    assert wanted(None, None)
    assert wanted("trying", "phone")
    assert wanted("missed", "phone")
    assert not wanted("completed", "phone")
    assert wanted("completed", "sms")


def test_a_store_sets_its_own_hours_and_caps() -> None:
    policy = contact_policy({"contact": {"service_hours": ["10:00", "18:00"], "all_caps": [[1, 3]]}})
    assert policy.service_hours[0].hour == 10
    assert policy.all_caps[0].most == 1
    assert isinstance(policy.all_caps[0], Cap)
    assert contact_policy({}) == contact_policy({"contact": {}})
