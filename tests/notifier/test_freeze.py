"""§10.12: an open complaint holds marketing, birthday and survey messages, not renewal, never recalls; a gap follows."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.factories import NOW, make_consent
from tests.factories.complaints import make_complaint
from tests.notifier.conftest import Desk

DAY = timedelta(days=1)


async def due(desk: Desk, *purposes: str) -> Any:
    """A message by itself, good for a month, that is due to a customer who wants marketing."""
    customer = await desk.customer("+8613912345678")
    await make_consent(desk.owner, customer_id=customer["id"])
    return await desk.due(
        customer_id=customer["id"], purposes=list(purposes), channel="sms", message_template="welcome", window_end=NOW + 30 * DAY,
        state="due", tries=0,
    )  # fmt: skip


@pytest.mark.parametrize("purposes", [["birthday"], ["campaign"], ["holiday"], ["satisfaction", "repair_result"]])
async def test_what_is_frozen_waits_and_says_why(desk: Desk, purposes: list[str]) -> None:
    visit = await due(desk, *purposes)
    await make_complaint(desk.owner, customer_id=visit["customer_id"])
    await desk.work()

    message = await desk.message(visit["id"])
    assert (message["state"], message["reason"], desk.provider.calls) == ("held", "complaint_open", [])
    assert message["wake_at"] >= NOW + DAY


@pytest.mark.parametrize("purposes", [["renewal"], ["maintenance"], ["complaint_result"], ["recall_safety"]])
async def test_renewal_service_and_recalls_are_not_frozen(desk: Desk, purposes: list[str]) -> None:
    visit = await due(desk, *purposes)
    await make_complaint(desk.owner, customer_id=visit["customer_id"])
    await desk.work()
    assert (await desk.message(visit["id"]))["state"] == "accepted"


async def test_it_resumes_with_a_gap_of_seven_days(desk: Desk) -> None:
    visit = await due(desk, "campaign")
    await make_complaint(desk.owner, customer_id=visit["customer_id"], state="closed", closed_at=NOW - 6 * DAY)
    await desk.work()
    held = await desk.message(visit["id"])
    assert (held["state"], held["reason"], held["wake_at"]) == ("held", "complaint_gap", NOW + DAY)

    desk.clock.set(NOW + DAY)
    await desk.work()
    assert (await desk.message(visit["id"]))["state"] == "accepted"


async def test_it_is_asked_again_at_the_moment_of_sending(desk: Desk) -> None:
    visit = await due(desk, "campaign")
    desk.clock.set(NOW.replace(hour=14))  # ten in the evening: held for the night
    await desk.work()
    assert (await desk.message(visit["id"]))["reason"] == "quiet_hours"

    await make_complaint(desk.owner, customer_id=visit["customer_id"])
    desk.clock.set(NOW + DAY)
    await desk.work()
    assert (await desk.message(visit["id"]))["reason"] == "complaint_open"


async def test_a_ladders_message_that_could_only_go_when_it_is_stale_says_so(desk: Desk) -> None:
    visit = await desk.due(purposes=["satisfaction"])
    await make_complaint(desk.owner, customer_id=visit["customer_id"])
    await desk.work()
    message = await desk.message(visit["id"])
    assert (message["state"], message["reason"]) == ("suppressed", "stale_complaint_open")


async def test_the_complaint_of_somebody_else_freezes_nobody(desk: Desk) -> None:
    visit = await due(desk, "campaign")
    await make_complaint(desk.owner, store_id=desk.store_id)
    await desk.work()
    assert (await desk.message(visit["id"]))["state"] == "accepted"
