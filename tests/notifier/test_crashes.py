"""Where a process may die, and what the next one makes of what it left behind (C3, C4, C6, C7, C8), and the race with an opt-out."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest

from services.notifier import deliver
from services.notifier.channels import Outgoing, Result, Stopped, Verdict
from services.notifier.channels.base import Mark
from services.notifier.channels.local import Outbox
from services.notifier.claim import Taken, claim
from services.notifier.deliver import Delivery, mark_all, settle_all
from services.notifier.loops import take_all_events
from services.notifier.reconcile import MOST_CLAIMS, reconcile
from services.notifier.settle import settle
from shared.clock import machine_now
from shared.db import store_transaction
from shared.opt_outs import enter_opt_out
from tests.factories import NOW, vault
from tests.notifier.conftest import Desk, MakeDesk


async def claimed(desk: Desk) -> Taken:
    """One message claimed and committed, as by a process that dies next."""
    async with store_transaction(desk.ctx.pool, desk.store_id) as conn:
        _, (taken,) = await claim(desk.ctx, conn, desk.store_id, "sms", 10)
    return taken


async def lapse(desk: Desk) -> None:
    """The lease of whatever is under way has run out."""
    await desk.owner.execute("UPDATE messages SET lease_until = $1 WHERE state = 'sending'", machine_now() - timedelta(seconds=1))


async def ready(desk: Desk) -> UUID:
    visit = await desk.due()
    await take_all_events(desk.ctx)
    visit_id: UUID = visit["id"]
    return visit_id


async def test_claimed_and_not_begun_goes_back_and_is_sent_once(desk: Desk) -> None:
    visit_id = await ready(desk)
    await claimed(desk)
    assert (await desk.message(visit_id))["state"] == "sending"
    await desk.work()
    assert desk.provider.calls == []

    await lapse(desk)
    await reconcile(desk.ctx)
    assert (await desk.message(visit_id))["state"] == "queued"
    await desk.work()

    message = await desk.message(visit_id)
    assert message["state"] == "accepted"
    assert len(desk.provider.calls) == 1
    assert [row["outcome"] for row in await desk.attempts(message["id"])] == ["not_started", "accepted"]
    assert await desk.owner.fetchval("SELECT count(*) FROM number_sends") == 1


async def test_begun_and_dead_is_unknown_and_never_sent_again(desk: Desk) -> None:
    visit_id = await ready(desk)
    taken = await claimed(desk)
    assert await mark_all(desk.ctx, [taken]) == [True]
    await lapse(desk)
    await desk.work()
    message = await desk.message(visit_id)
    assert (message["state"], message["reason"], message["unknown_since"]) == ("unknown", "lease_lapsed", NOW)
    for _ in range(3):
        desk.clock.move(hours=20)
        await desk.work()
    assert desk.provider.calls == []


async def test_a_bell_that_rings_twice_finds_nothing_to_do(desk: Desk) -> None:
    await desk.due()
    await desk.work()
    await asyncio.gather(desk.work(), desk.work(), desk.work())
    assert len(desk.provider.calls) == 1


async def test_two_notifiers_side_by_side_send_each_message_once(make_desk: MakeDesk) -> None:
    one, other = await make_desk(), await make_desk()
    for _ in range(60):
        await one.due()
    await asyncio.gather(one.work(), other.work())
    await asyncio.gather(one.work(), other.work())
    numbers = [call.to for call in one.provider.calls]
    assert len(numbers) == len(set(numbers)) == 60


async def test_a_receipt_that_is_quicker_than_the_answer_keeps_its_word(desk: Desk) -> None:
    visit_id = await ready(desk)
    taken = await claimed(desk)
    await mark_all(desk.ctx, [taken])
    await desk.receipt({"id": str(taken.claim.attempt_id), "status": "delivered"})
    assert (await desk.message(visit_id))["state"] == "delivered"
    await settle_all(desk.ctx, [(taken.claim, Result(Verdict.ACCEPTED, "200", "gw-1"))])
    message = await desk.message(visit_id)
    assert (message["state"], message["provider_id"], message["wake_at"]) == ("delivered", "gw-1", None)


async def test_a_worker_that_wakes_after_its_lease_writes_nothing_over_the_next_one(desk: Desk) -> None:
    visit_id = await ready(desk)
    zombie = await claimed(desk)
    await lapse(desk)
    await reconcile(desk.ctx)
    await desk.work()
    assert (await desk.message(visit_id))["state"] == "accepted"

    assert await mark_all(desk.ctx, [zombie]) == [False]
    await settle_all(desk.ctx, [(zombie.claim, Result(Verdict.REFUSED_FINAL, "late"))])
    message = await desk.message(visit_id)
    assert (message["state"], message["fence"]) == ("accepted", 2)
    assert len(desk.provider.calls) == 1


async def test_a_worker_whose_lease_ran_out_may_not_begin(desk: Desk) -> None:
    visit_id = await ready(desk)
    taken = await claimed(desk)
    await lapse(desk)
    assert await mark_all(desk.ctx, [taken]) == [False]
    await reconcile(desk.ctx)
    assert (await desk.message(visit_id))["state"] == "queued"


async def test_a_call_that_did_not_begin_before_the_hours_ended_waits_for_the_morning(desk: Desk) -> None:
    visit_id = await ready(desk)
    desk.clock.set(NOW.replace(hour=12, minute=29, second=59))  # a second before 20:30 in Shanghai
    taken = await claimed(desk)
    desk.clock.move(seconds=1)
    assert await mark_all(desk.ctx, [taken]) == [False]

    delivery = Delivery(desk.ctx)
    await delivery._send(taken)
    await delivery.pass_over("sms")
    message = await desk.message(visit_id)
    assert (message["state"], message["reason"]) == ("held", "quiet_hours")
    assert desk.provider.calls == []
    assert await desk.owner.fetchval("SELECT count(*) FROM number_sends") == 0


async def test_an_answer_that_comes_after_unknown_is_evidence(desk: Desk) -> None:
    visit_id = await ready(desk)
    taken = await claimed(desk)
    await mark_all(desk.ctx, [taken])
    await lapse(desk)
    await reconcile(desk.ctx)
    await settle_all(desk.ctx, [(taken.claim, Result(Verdict.ACCEPTED, "200", "gw-9"))])
    assert (await desk.message(visit_id))["state"] == "accepted"


async def test_a_message_that_kills_its_workers_is_taken_out(desk: Desk) -> None:
    visit_id = await ready(desk)
    await claimed(desk)
    await desk.owner.execute("UPDATE messages SET fence = $1", MOST_CLAIMS)
    await desk.owner.execute("UPDATE message_attempts SET n = $1", MOST_CLAIMS)
    await lapse(desk)
    await reconcile(desk.ctx)
    message = await desk.message(visit_id)
    assert (message["state"], message["reason"]) == ("rejected", "never_started")


async def test_stopping_lets_calls_end_and_gives_back_what_was_not_begun(make_desk: MakeDesk) -> None:
    begun, may_end = asyncio.Event(), asyncio.Event()

    class Slow(Outbox):
        wire = True

        async def send(self, message: Outgoing, mark: Mark) -> Result:
            if begun.is_set():
                await may_end.wait()  # the second one waits for a free line
            begun.set()
            await mark()
            await asyncio.sleep(0.2)
            return Result(Verdict.ACCEPTED)

    desk = await make_desk(sms=Slow())
    await desk.due()
    await desk.due()
    await take_all_events(desk.ctx)
    delivery = Delivery(desk.ctx)
    passing = asyncio.create_task(delivery.pass_over("sms"))
    await begun.wait()
    await asyncio.sleep(0.05)
    asyncio.get_running_loop().call_later(0.3, may_end.set)
    await delivery.drain(5)
    await passing
    rows = await desk.owner.fetch("SELECT state FROM messages ORDER BY state")
    assert [row["state"] for row in rows] == ["accepted", "queued"]


async def test_nobody_is_texted_after_an_opt_out_was_committed(desk: Desk) -> None:
    visit_id = await ready(desk)
    taken = await claimed(desk)
    async with desk.ctx.pool.acquire() as conn, conn.transaction():
        await enter_opt_out(conn, [taken.number_index], "sms", source="reply", store_id=None, at=NOW)
    assert await mark_all(desk.ctx, [taken]) == [False]

    await desk.owner.execute("UPDATE messages SET state = 'queued', wake_at = $1", NOW)
    await desk.work()
    assert (await desk.message(visit_id))["reason"] == "opted_out"
    assert desk.provider.calls == []


async def test_the_mark_waits_for_an_opt_out_that_is_being_entered(desk: Desk) -> None:
    await ready(desk)
    taken = await claimed(desk)
    async with desk.ctx.pool.acquire() as conn:
        transaction = conn.transaction()
        await transaction.start()
        await enter_opt_out(conn, [taken.number_index], "sms", source="reply", store_id=None, at=NOW)
        marking = asyncio.create_task(mark_all(desk.ctx, [taken]))
        await asyncio.sleep(0.1)
        assert not marking.done()
        await transaction.commit()
    assert await marking == [False]


async def test_an_opt_out_that_races_with_sending_stops_or_comes_too_late_but_never_both(desk: Desk) -> None:
    customers = [await desk.customer(f"+86139{number:08d}") for number in range(50)]
    for customer in customers:
        await desk.due(customer_id=customer["id"])
    await take_all_events(desk.ctx)
    stopped_at: dict[str, float] = {}
    loop = asyncio.get_running_loop()

    async def stop(number: int) -> None:
        phone = f"+86139{number:08d}"
        await asyncio.sleep(0.002 * number)
        async with desk.ctx.pool.acquire() as conn, conn.transaction():
            await enter_opt_out(conn, [vault().index("phone", phone)], "sms", source="reply", store_id=None, at=NOW)
        stopped_at[phone] = loop.time()

    await asyncio.gather(desk.deliver(), *(stop(number) for number in range(50)))
    begun = await desk.owner.fetch(
        "SELECT m.state, a.io_started_at FROM messages m JOIN message_attempts a ON a.message_id = m.id"
    )
    sent = [row for row in begun if row["io_started_at"] is not None]
    assert len(sent) == len(desk.provider.calls)
    assert {row["state"] for row in begun if row["io_started_at"] is None} <= {"suppressed"}


CUT = [asyncpg.InterfaceError("connection is closed"), asyncpg.InternalClientError("another operation is in progress")]


@pytest.mark.parametrize("fault", CUT)
async def test_the_database_that_goes_away_at_the_mark_sends_nothing(
    fault: Exception, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    visit_id = await ready(desk)
    delivery = Delivery(desk.ctx)

    async def away(_lot: object) -> list[bool]:
        raise fault

    monkeypatch.setattr(delivery._marks, "_work", away)
    await delivery.pass_over("sms")
    await delivery.idle()
    assert desk.provider.calls == []
    assert (await desk.message(visit_id))["state"] == "sending"
    await lapse(desk)
    await desk.work()
    await desk.work()
    assert len(desk.provider.calls) == 1


@pytest.mark.parametrize("fault", CUT)
async def test_a_result_outlives_a_database_that_goes_away(fault: Exception, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    visit_id = await ready(desk)
    faults = [fault]

    async def cut_once(*given: object) -> None:
        if faults:
            raise faults.pop()
        await settle(*given)  # type: ignore[arg-type]  # passed on as it came

    monkeypatch.setattr(deliver, "settle", cut_once)
    await desk.work()
    assert (await desk.message(visit_id))["state"] == "accepted"


def test_a_stop_says_why() -> None:
    assert str(Stopped("opted_out")) == "opted_out"
