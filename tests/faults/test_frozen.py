"""Processes that are stopped and go on later: past their lease, and inside a transaction."""

from __future__ import annotations

import asyncio
import signal
from time import monotonic

import pytest

from tests.faults.house import LEASE_SECONDS, House, all_of, opened
from tests.faults.record import record
from tests.faults.seeding import Plan

pytestmark = [pytest.mark.slow, pytest.mark.timeout(570)]

FROZEN = LEASE_SECONDS + 1.5
NOTIFIERS = 4


async def freeze_and_thaw(house: House, pid: int, times: int) -> None:
    """Stop a process somewhere in its work until its leases have run out, let it go on for a while; again and again."""
    for _ in range(times):
        before = len(house.gateway.calls)
        await house.called(before, patience=2)
        await asyncio.sleep(house.chance.uniform(0, 0.03))
        await house.forks.signal(pid, signal.SIGSTOP)
        await asyncio.sleep(FROZEN)
        await house.forks.signal(pid, signal.SIGCONT)
        await asyncio.sleep(house.chance.uniform(0.3, 1.0))


async def test_f13_notifiers_frozen_past_their_lease(fresh_database_url: str) -> None:
    times = 12
    plan = Plan(visits=5000, seconds=100)
    async with opened(fresh_database_url, plan) as house:
        await house.start("scheduler")
        sleepers = [await house.start("notifier") for _ in range(NOTIFIERS)]
        await house.start("notifier")
        await all_of(*(freeze_and_thaw(house, pid, times) for pid in sleepers))
        await house.past(plan)
        await house.quiet()
        report = await house.check()
    doubles, freezes = len(report.breaches["I1"]), times * NOTIFIERS
    note = f"{freezes} freezes of {FROZEN} s; {doubles} sent twice; {report.late} calls reached the gateway late (C8)"
    record("F13 notifiers frozen past their lease", "test_frozen.py", house, report, note)


async def test_what_a_frozen_process_holds_is_taken_from_it(fresh_database_url: str) -> None:
    """Frozen inside a transaction it holds rows; the database ends that transaction, and others go on, long before anybody looks."""
    plan = Plan(visits=2500, seconds=25, shared_numbers=False)
    async with opened(fresh_database_url, plan) as house:
        await house.start("scheduler")
        sleepers = [await house.start("notifier") for _ in range(NOTIFIERS)]
        for pid in sleepers:
            await freeze_in_a_transaction(house, pid)
        held = await transactions_held(house)
        await house.start("notifier")
        await house.past(plan)
        began = monotonic()
        await house.quiet(patience=60)
        waited = monotonic() - began
        for pid in sleepers:
            await house.forks.signal(pid, signal.SIGCONT)
        await asyncio.sleep(LEASE_SECONDS)
        await house.quiet()
        report = await house.check()
    note = f"{held} transactions held by {NOTIFIERS} frozen notifiers; all done {waited:.0f} s after the last was due"
    record("frozen inside a transaction", "test_frozen.py", house, report, note)
    assert held > 0


async def freeze_in_a_transaction(house: House, pid: int) -> None:
    """Stop the process at a moment at which it holds a transaction, if one comes within ten seconds; at any other else."""
    before, until = await transactions_held(house), monotonic() + 10
    while True:
        await house.forks.signal(pid, signal.SIGSTOP)
        await asyncio.sleep(0.06)
        if await transactions_held(house) > before or monotonic() > until:
            return
        await house.forks.signal(pid, signal.SIGCONT)
        await asyncio.sleep(house.chance.uniform(0.005, 0.05))


async def transactions_held(house: House) -> int:
    """Transactions of notifiers in which nothing has happened for a while."""
    async with house.owner() as conn:
        held: int = await conn.fetchval(_HELD)
    return held


_HELD = """
    SELECT count(*) FROM pg_stat_activity
    WHERE application_name = 'huifang-notifier' AND datname = current_database()
        AND state = 'idle in transaction' AND state_change < clock_timestamp() - interval '50 ms'
"""
