"""Services that are killed, hundreds of times: around the send, at exact points, at random, several copies at once."""

from __future__ import annotations

import asyncio
import signal

import pytest

from tests.faults.house import House, all_of, opened
from tests.faults.killing import die_at, kill_around_the_send, kill_at_random
from tests.faults.record import record
from tests.faults.seeding import CLOSING, Plan
from tests.support.provider import Answer, Behaviour, Call, accepted

pytestmark = [pytest.mark.slow, pytest.mark.timeout(570)]


async def finish(house: House, plan: Plan) -> None:
    """The killing is over: both services run, everything due is done."""
    await house.start("scheduler")
    await house.start("notifier")
    await house.past(plan)
    await house.quiet()


async def settle_by_receipts(house: House) -> int:
    """The gateway reports on all it took; out: how many messages stay uncertain, of which it took none."""
    await house.report_all()
    await house.quiet()
    async with house.owner() as conn:
        uncertain: int = await conn.fetchval("SELECT count(*) FROM messages WHERE state = 'unknown'")
    return uncertain


async def test_f1_a_notifier_killed_around_the_send(fresh_database_url: str) -> None:
    plan = Plan(visits=4000, seconds=100)
    async with opened(fresh_database_url, plan) as house:
        scheduler = await house.start("scheduler")
        await kill_around_the_send(house, 150)
        await house.forks.signal(scheduler, signal.SIGTERM)
        await finish(house, plan)
        left = await settle_by_receipts(house)
        report = await house.check()
    record("F1 notifier killed around the send", "test_kills.py", house, report, f"{report.never_went} never went")
    assert left == report.never_went


async def test_f1_at_closing_time_nothing_begins_after_the_window(fresh_database_url: str) -> None:
    plan = Plan(visits=1500, seconds=30, start=CLOSING)
    async with opened(fresh_database_url, plan) as house:
        await house.start("scheduler")
        await all_of(kill_around_the_send(house, 15), kill_around_the_send(house, 15))
        await finish(house, plan)
        report = await house.check()
        async with house.owner() as conn:
            held = await conn.fetchval("SELECT count(*) FROM messages WHERE state = 'held' AND reason = 'quiet_hours'")
    record("F1 at closing time", "test_kills.py", house, report, f"{held} held till morning")
    assert held > 0


async def test_f2_killed_when_the_provider_has_taken_it(fresh_database_url: str) -> None:
    plan = Plan(visits=300, seconds=60, calls=False, shared_numbers=False)
    async with opened(fresh_database_url, plan) as house:
        usual = house.gateway.behave
        await house.start("scheduler")
        for _ in range(60):
            dead = asyncio.Event()
            house.gateway.behave = taken_then_dead(house, await house.start("notifier"), dead)
            await dead.wait()
        house.gateway.behave = usual
        await finish(house, plan)
        left = await settle_by_receipts(house)
        report = await house.check()
    record("F2 killed after the provider took it", "test_kills.py", house, report, f"{report.never_went} never went")
    assert left == report.never_went
    assert report.uncertain >= 60


def taken_then_dead(house: House, pid: int, dead: asyncio.Event) -> Behaviour:
    """The gateway takes a message, and whoever called dies before it hears so."""

    async def behave(call: Call) -> Answer:
        answer = accepted(call)
        if not dead.is_set():
            dead.set()
            await house.kill(pid)
        return answer

    return behave


async def test_f3_killed_between_the_claim_and_the_mark(fresh_database_url: str) -> None:
    plan = Plan(visits=800, seconds=5, calls=False, shared_numbers=False)
    async with opened(fresh_database_url, plan) as house:
        await house.start("scheduler")
        await die_at(house, "claimed", 80, patience=20)
        await finish(house, plan)
        report = await house.check()
    record("F3 killed between claim and mark", "test_kills.py", house, report, "each sent once, none uncertain")
    assert (report.calls, report.uncertain) == (plan.visits, 0)


async def test_killed_between_the_mark_and_the_first_byte(fresh_database_url: str) -> None:
    plan = Plan(visits=600, seconds=40, calls=False, shared_numbers=False)
    async with opened(fresh_database_url, plan) as house:
        await house.start("scheduler")
        await die_at(house, "marked", 40, patience=20)
        await finish(house, plan)
        report = await house.check()
    record("C4 killed between mark and first byte", "test_kills.py", house, report, f"{report.never_went} never went")
    assert report.calls + report.never_went == report.messages
    assert report.uncertain >= 40


async def test_a_scheduler_killed_at_random(fresh_database_url: str) -> None:
    plan = Plan(visits=6000, seconds=60)
    async with opened(fresh_database_url, plan) as house:
        await house.start("notifier")
        await all_of(kill_at_random(house, "scheduler", 60), kill_at_random(house, "scheduler", 60))
        await finish(house, plan)
        report = await house.check()
    record("scheduler killed, two copies", "test_kills.py", house, report, "one notifier, never killed")
    assert report.uncertain == 0


async def test_both_killed_at_random_two_copies_of_each(fresh_database_url: str) -> None:
    plan = Plan(visits=5000, seconds=90)
    async with opened(fresh_database_url, plan) as house:
        await all_of(
            kill_at_random(house, "scheduler", 40, 0.8),
            kill_at_random(house, "scheduler", 40, 0.8),
            kill_around_the_send(house, 60),
            kill_around_the_send(house, 60),
        )
        await finish(house, plan)
        left = await settle_by_receipts(house)
        report = await house.check()
    record("both killed, two copies of each", "test_kills.py", house, report, f"{report.never_went} never went")
    assert left == report.never_went
