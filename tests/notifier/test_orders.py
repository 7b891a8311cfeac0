"""What people order of a message."""

from __future__ import annotations

from uuid import UUID

import pytest

from services.notifier.orders import take_orders
from shared.ids import new_id
from tests.factories import NOW
from tests.notifier.conftest import Desk
from tests.support import provider as behave


async def order(desk: Desk, visit_id: UUID, kind: str) -> str:
    """Order something of the visit's SMS. Out: what came of the order."""
    message = await desk.message(visit_id)
    row = new_id()
    await desk.owner.execute(
        "INSERT INTO message_orders (store_id, id, message_id, kind, reason, at) VALUES ($1, $2, $3, $4, 'because', $5)",
        desk.store_id,
        row,
        message["id"],
        kind,
        NOW,
    )
    await take_orders(desk.ctx)
    outcome: str = await desk.owner.fetchval("SELECT outcome FROM message_orders WHERE id = $1", row)
    return outcome


async def uncertain(desk: Desk) -> UUID:
    desk.provider.behave = behave.cut
    visit = await desk.due()
    await desk.work()
    desk.provider.behave = behave.accept
    visit_id: UUID = visit["id"]
    return visit_id


async def test_only_a_persons_order_sends_an_uncertain_message_again(desk: Desk) -> None:
    visit_id = await uncertain(desk)
    assert await order(desk, visit_id, "resend") == "done"
    await desk.work()
    message = await desk.message(visit_id)
    assert message["state"] == "accepted"
    assert [row["outcome"] for row in await desk.attempts(message["id"])] == ["unknown", "accepted"]
    assert len(desk.provider.calls) == 2


async def test_a_late_receipt_of_the_first_call_counts_too(desk: Desk) -> None:
    visit_id = await uncertain(desk)
    await order(desk, visit_id, "resend")
    await desk.work()
    await desk.receipt({"id": desk.provider.calls[0].id, "status": "delivered"})
    assert (await desk.message(visit_id))["state"] == "delivered"


@pytest.mark.parametrize(("kind", "state"), [("settle_delivered", "delivered"), ("settle_undelivered", "undelivered")])
async def test_somebody_who_found_out_settles_it(desk: Desk, kind: str, state: str) -> None:
    visit_id = await uncertain(desk)
    assert await order(desk, visit_id, kind) == "done"
    message = await desk.message(visit_id)
    assert (message["state"], message["wake_at"]) == (state, None)
    assert f"message_{state}" in await desk.signals(visit_id)


async def test_what_waits_can_be_taken_out_and_what_went_cannot(desk: Desk) -> None:
    desk.clock.move(hours=12)
    visit = await desk.due()
    await desk.work()
    assert (await desk.message(visit["id"]))["state"] == "held"
    assert await order(desk, visit["id"], "hold") == "done"
    message = await desk.message(visit["id"])
    assert (message["state"], message["reason"]) == ("suppressed", "taken_out")
    assert await order(desk, visit["id"], "hold") == "too_late"
    assert await order(desk, visit["id"], "resend") == "too_late"
