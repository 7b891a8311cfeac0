"""From a due event to what the customer reads, and each row of the table of states."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.notifier.loops import take_all_events
from services.notifier.reconcile import reconcile
from tests.factories import NOW, make_consent, make_due_event, make_opt_out, vault
from tests.notifier.conftest import Desk, MakeDesk
from tests.support import provider as behave

NIGHT = datetime(2026, 11, 23, 13, 0, tzinfo=UTC)  # 21:00 in Shanghai


async def test_an_sms_after_three_calls_reaches_the_provider_once(desk: Desk) -> None:
    customer = await desk.customer("+8613912345678")
    car = await desk.car(customer["id"], model="途观L", plate="沪A12345")
    visit = await desk.due(customer_id=customer["id"], vehicle_id=car["id"])

    await desk.work()
    await desk.work()

    message = await desk.message(visit["id"])
    assert message["state"] == "accepted"
    assert [call.to for call in desk.provider.calls] == ["+8613912345678"]
    call = desk.provider.calls[0]
    assert call.headers["authorization"] == "Bearer secret"
    assert call.body["signature"] == "沪兴汽车"
    assert call.body["template"] == "unreached"
    assert call.text.startswith(
        "【沪兴汽车】王建国先生您好，我们几次致电未能联系上您，想了解途观L的使用和服务情况。请点 https://hf.example/s/"
    )
    assert "回复1-5" in call.text
    (attempt,) = await desk.attempts(message["id"])
    assert (str(attempt["id"]), attempt["outcome"], attempt["provider_id"]) == (call.id, "accepted", f"gw-{call.id}")
    assert attempt["io_started_at"] is not None
    assert message["wake_at"] == NOW + timedelta(hours=72)
    assert await desk.signals(visit["id"]) == {"message_accepted"}


async def test_an_event_for_a_call_is_only_marked(desk: Desk) -> None:
    await desk.due(step="call")
    await desk.work()
    assert await desk.owner.fetchval("SELECT count(*) FROM messages") == 0
    assert await desk.owner.fetchval("SELECT count(*) FROM due_contact_events WHERE handled_at IS NULL") == 0


async def test_a_second_event_for_the_same_step_makes_no_second_message(desk: Desk) -> None:
    visit = await desk.due()
    await desk.work()
    await make_due_event(desk.owner, visit_id=visit["id"], store_id=desk.store_id, due_seq=2)
    await desk.work()
    assert len(desk.provider.calls) == 1


async def test_a_survey_has_the_visits_id_and_a_token_that_finds_it(desk: Desk) -> None:
    visit = await desk.due()
    await desk.work()
    survey = await desk.owner.fetchrow("SELECT * FROM surveys")
    token = await desk.owner.fetchrow("SELECT * FROM public_tokens")
    assert survey is not None
    assert token is not None
    assert (survey["id"], survey["visit_id"]) == (visit["id"], visit["id"])
    assert (token["kind"], token["ref_id"], token["store_id"]) == ("survey", visit["id"], desk.store_id)


@pytest.mark.parametrize(
    ("arrange", "reason"),
    [
        ({"state": "completed"}, "visit_closed"),
        ({"state": "declined"}, "visit_closed"),
    ],
)
async def test_a_visit_that_is_over_sends_nothing(desk: Desk, arrange: dict[str, Any], reason: str) -> None:
    visit = await desk.due(**arrange)
    await desk.work()
    message = await desk.message(visit["id"])
    assert (message["state"], message["reason"], message["wake_at"]) == ("suppressed", reason, None)
    assert desk.provider.calls == []
    assert await desk.signals(visit["id"]) == {"message_suppressed"}


async def test_a_customer_who_opted_out_is_not_texted(desk: Desk) -> None:
    customer = await desk.customer("+8613912345678")
    await make_opt_out(desk.owner, number_index=vault().index("phone", "+8613912345678"))
    visit = await desk.due(customer_id=customer["id"])
    await desk.work()
    message = await desk.message(visit["id"])
    assert (message["state"], message["reason"]) == ("suppressed", "opted_out")
    assert desk.provider.calls == []


async def test_the_second_number_is_taken_when_the_first_is_wrong(desk: Desk) -> None:
    from tests.factories import make_contact_point

    customer = await desk.customer("+8613912345678")
    await desk.owner.execute("UPDATE contact_points SET wrong_at = $1", NOW)
    await make_contact_point(desk.owner, customer_id=customer["id"], store_id=desk.store_id, text="+8613800000002", rank=2)
    await desk.due(customer_id=customer["id"])
    await desk.work()
    assert [call.to for call in desk.provider.calls] == ["+8613800000002"]


async def test_without_a_number_nothing_goes_and_the_reason_is_said(desk: Desk) -> None:
    customer = await desk.customer("+862164001234")
    await desk.owner.execute("UPDATE contact_points SET textable = false")
    visit = await desk.due(customer_id=customer["id"])
    await desk.work()
    assert (await desk.message(visit["id"]))["reason"] == "no_address"


async def test_at_night_it_is_held_and_released_in_the_morning(desk: Desk) -> None:
    desk.clock.set(NIGHT)
    visit = await desk.due()
    await desk.work()
    message = await desk.message(visit["id"])
    assert (message["state"], message["reason"]) == ("held", "quiet_hours")
    assert message["wake_at"] == datetime(2026, 11, 24, 0, 30, tzinfo=UTC)
    assert desk.provider.calls == []

    desk.clock.set(datetime(2026, 11, 24, 0, 30, tzinfo=UTC))
    await desk.work()
    assert (await desk.message(visit["id"]))["state"] == "accepted"
    assert len(desk.provider.calls) == 1


async def test_an_opt_out_during_the_night_is_seen_in_the_morning(desk: Desk) -> None:
    desk.clock.set(NIGHT)
    customer = await desk.customer("+8613912345678")
    visit = await desk.due(customer_id=customer["id"])
    await desk.work()
    await make_opt_out(desk.owner, number_index=vault().index("phone", "+8613912345678"))
    desk.clock.set(datetime(2026, 11, 24, 0, 30, tzinfo=UTC))
    await desk.work()
    assert (await desk.message(visit["id"]))["reason"] == "opted_out"
    assert desk.provider.calls == []


async def test_the_third_message_of_a_day_to_one_number_waits_over_all_stores(desk: Desk) -> None:
    from tests.factories import make_store, make_visit

    visits = []
    for _ in range(3):
        store = await make_store(desk.owner)
        customer = await desk.customer("+8613912345678", store_id=store["id"])
        visit = await make_visit(desk.owner, store_id=store["id"], customer_id=customer["id"], state="trying", tries=3)
        await make_due_event(desk.owner, visit_id=visit["id"], store_id=store["id"])
        visits.append(visit["id"])
    await desk.work()
    await desk.work()
    rows = await desk.owner.fetch("SELECT state, reason FROM messages ORDER BY state")
    assert len(desk.provider.calls) == 2
    assert sorted(row["state"] for row in rows) == ["accepted", "accepted", "suppressed"]
    assert {row["reason"] for row in rows} == {None, "stale_cap_all"}


async def test_a_refused_message_is_tried_again_on_the_business_clock_and_then_given_up(desk: Desk) -> None:
    desk.provider.behave = behave.refuse("throttled", 429)
    visit = await desk.due()
    await desk.work()
    message = await desk.message(visit["id"])
    assert (message["state"], message["reason"], message["tries"]) == ("queued", "throttled", 1)
    assert timedelta(seconds=24) <= message["wake_at"] - NOW <= timedelta(seconds=36)
    assert await desk.owner.fetchval("SELECT count(*) FROM number_sends") == 0
    for _ in range(4):
        desk.clock.move(hours=1.5)
        await desk.work()
    message = await desk.message(visit["id"])
    assert (message["state"], message["reason"]) == ("rejected", "tries_used_up:throttled")
    assert len(desk.provider.calls) == 5
    assert await desk.signals(visit["id"]) == {"message_rejected"}


async def test_a_final_refusal_is_final(desk: Desk) -> None:
    desk.provider.behave = behave.refuse("bad_number")
    visit = await desk.due()
    await desk.work()
    message = await desk.message(visit["id"])
    assert (message["state"], message["reason"]) == ("rejected", "bad_number")


async def test_a_provider_that_is_down_costs_nothing_but_time(desk: Desk) -> None:
    await desk.provider.stop()
    visit = await desk.due()
    await desk.work()
    message = await desk.message(visit["id"])
    assert (message["state"], message["reason"]) == ("queued", "not_sent:ConnectError")
    (attempt,) = await desk.attempts(message["id"])
    assert attempt["io_started_at"] is None


@pytest.mark.parametrize(
    "manner",
    [
        behave.cut,
        behave.cut_in_the_middle,
        behave.garbage,
        behave.enormous,
        behave.fail_after_accepting(),
        behave.fail_before_accepting(),
    ],
    ids=["cut", "cut in the middle", "garbage", "enormous", "500 after", "500 before"],
)
async def test_whatever_is_uncertain_is_unknown_and_never_sent_again(desk: Desk, manner: behave.Behaviour) -> None:
    desk.provider.behave = manner
    visit = await desk.due()
    await desk.work()
    message = await desk.message(visit["id"])
    assert (message["state"], message["unknown_since"]) == ("unknown", NOW)
    desk.provider.behave = behave.accept
    for _ in range(5):
        desk.clock.move(hours=10)
        await desk.work()
    assert len(desk.provider.calls) == 1
    desk.clock.move(hours=30)
    await desk.work()
    message = await desk.message(visit["id"])
    assert (message["state"], message["wake_at"]) == ("unknown_final", None)
    assert len(desk.provider.calls) == 1


async def test_a_slow_provider_is_uncertain_and_a_receipt_settles_it(make_desk: MakeDesk) -> None:
    desk = await make_desk(patience=0.3)
    desk.provider.behave = behave.delay(1)
    visit = await desk.due()
    await desk.work()
    assert (await desk.message(visit["id"]))["state"] == "unknown"
    await desk.receipt({"id": desk.provider.calls[0].id, "status": "delivered"})
    message = await desk.message(visit["id"])
    assert (message["state"], message["wake_at"], message["delivered_at"]) == ("delivered", None, NOW)
    assert await desk.signals(visit["id"]) == {"message_unknown", "message_delivered"}


async def test_without_a_receipt_for_72_hours_it_says_so(desk: Desk) -> None:
    visit = await desk.due()
    await desk.work()
    desk.clock.move(hours=71)
    await reconcile(desk.ctx)
    assert (await desk.message(visit["id"]))["state"] == "accepted"
    desk.clock.move(hours=1)
    await reconcile(desk.ctx)
    message = await desk.message(visit["id"])
    assert (message["state"], message["wake_at"]) == ("receipt_timeout", None)


async def test_without_a_mail_server_an_email_is_refused_plainly(desk: Desk) -> None:
    customer = await desk.customer("+8613912345678", email="wang@example.com")
    visit = await desk.due(step="email", customer_id=customer["id"])
    await desk.work()
    message = await desk.message(visit["id"], "email")
    assert (message["state"], message["reason"]) == ("rejected", "no_smtp")


async def test_the_outbox_keeps_what_would_have_been_sent(outbox_desk: Desk) -> None:
    visits = [await outbox_desk.due() for _ in range(5)]
    await outbox_desk.work()
    for visit in visits:
        message = await outbox_desk.message(visit["id"])
        assert (message["state"], message["provider"], message["delivered_at"]) == ("delivered", "outbox", NOW)
        assert len(await outbox_desk.attempts(message["id"])) == 1


async def test_a_message_that_waited_too_long_is_not_sent(desk: Desk) -> None:
    visit = await desk.due()
    await take_all_events(desk.ctx)
    desk.clock.move(hours=25)
    await desk.deliver()
    message = await desk.message(visit["id"])
    assert (message["state"], message["reason"]) == ("suppressed", "stale")


async def test_a_hundred_messages_make_a_hundred_calls(desk: Desk) -> None:
    ids: list[UUID] = [(await desk.due())["id"] for _ in range(100)]
    await desk.work()
    assert len(desk.provider.calls) == len({call.to for call in desk.provider.calls}) == 100
    states = await desk.owner.fetch("SELECT state, count(*) FROM messages WHERE visit_id = ANY($1) GROUP BY 1", ids)
    assert [(row["state"], row["count"]) for row in states] == [("accepted", 100)]


async def test_10_9_a_message_of_a_file_that_was_merged_asks_the_one_that_stayed(desk: Desk) -> None:
    """Its number is the one that stays has, and the stricter consent of the two holds."""
    gone, stays = await desk.customer("+8613912345678"), await desk.customer("+8613912349999")
    asked = await desk.due(customer_id=gone["id"])
    refused = await desk.due(customer_id=gone["id"], step="sms", purposes=["satisfaction"], occurrence=2)
    await take_all_events(desk.ctx)
    await desk.owner.execute("UPDATE customers SET merged_into = $2 WHERE id = $1", gone["id"], stays["id"])
    await desk.owner.execute("UPDATE visits SET customer_id = $2 WHERE customer_id = $1", gone["id"], stays["id"])
    await make_consent(
        desk.owner, customer_id=stays["id"], purpose="satisfaction", channel="all", granted_at=NOW, withdrawn_at=NOW
    )

    await desk.work()

    assert [(await desk.message(visit["id"]))["reason"] for visit in (asked, refused)] == ["consent_withdrawn"] * 2
    assert desk.provider.calls == []
