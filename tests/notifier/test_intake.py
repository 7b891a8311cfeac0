"""From due events to thin messages: what is decided when a message is made, and what only when it is looked at."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from services.notifier.loops import take_all_events
from shared.packs import pack_text
from tests.factories import NOW, make_due_event, make_programme
from tests.notifier.conftest import Desk


async def test_an_event_for_many_visits_makes_a_message_for_each(desk: Desk) -> None:
    visits = [await desk.due() for _ in range(3)]
    await desk.owner.execute("DELETE FROM due_contact_events")
    ids = [visit["id"] for visit in visits]
    await make_due_event(desk.owner, visit_id=ids[0], store_id=desk.store_id, visit_ids=ids)

    await desk.work()

    messages = [await desk.message(visit_id) for visit_id in ids]
    assert {message["state"] for message in messages} == {"accepted"}
    assert len(desk.provider.calls) == len(visits)


async def test_a_message_that_nobody_looked_at_yet_has_no_address_and_no_words(desk: Desk) -> None:
    visit = await desk.due()

    await take_all_events(desk.ctx)

    message = await desk.message(visit["id"])
    assert (message["state"], message["wake_at"], message["purpose"]) == ("queued", NOW, "satisfaction")
    assert (message["address"], message["number_index"], message["body"]) == (None, None, None)
    assert await desk.owner.fetchval("SELECT count(*) FROM surveys") == 0

    await desk.deliver()

    message = await desk.message(visit["id"])
    assert message["number_index"] is not None
    assert message["body"].startswith("【沪兴汽车】")
    assert await desk.owner.fetchval("SELECT count(*) FROM surveys") == 1


@pytest.mark.parametrize(
    ("arrange", "purpose"),
    [
        ({"purposes": ["satisfaction", "use"]}, "satisfaction"),
        ({"purposes": ["maintenance"]}, "service_followup"),
        ({"purposes": ["birthday"], "programme": "welcome"}, "marketing"),
        ({"purposes": ["recall_safety"], "programme": "welcome"}, "recall_safety"),
    ],
)
async def test_the_purpose_is_that_of_the_visit_and_of_the_programme(desk: Desk, arrange: dict[str, Any], purpose: str) -> None:
    advertising = pack_text("welcome").replace("    channel: sms", "    channel: sms\n    marketing: true")
    await make_programme(desk.owner, "welcome", store_id=desk.store_id, source=advertising)
    visit = await desk.due(**arrange)
    await desk.owner.execute("UPDATE visits SET step = 'message'")

    await take_all_events(desk.ctx)

    assert (await desk.message(visit["id"]))["purpose"] == purpose


@pytest.mark.parametrize(
    ("arrange", "step", "made"),
    [
        ({"tries": 3}, "sms", ("ladder", "unreached", timedelta(hours=24))),
        ({"tries": 0, "state": "due"}, "sms", ("ladder", "survey", timedelta(hours=24))),
        ({"tries": 3}, "email", ("ladder", "unreached", timedelta(days=3))),
        (
            {"tries": 0, "state": "due", "channel": "sms", "message_template": "welcome"},
            "sms",
            ("automatic", "welcome", timedelta(hours=63)),
        ),
        (
            {"tries": 0, "state": "due", "channel": "sms", "message_template": "welcome", "window_end": NOW + timedelta(hours=1)},
            "sms",
            ("automatic", "welcome", timedelta(hours=24)),
        ),
    ],
)
async def test_what_it_is_and_how_long_it_is_of_use(
    desk: Desk, arrange: dict[str, Any], step: str, made: tuple[str, str, timedelta]
) -> None:
    visit = await desk.due(step=step, **arrange)

    await take_all_events(desk.ctx)

    message = await desk.message(visit["id"], step)
    assert (message["kind"], message["template"], message["expire_at"] - NOW) == made
