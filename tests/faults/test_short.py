"""The short form of `make faults` for every check: some thirty kills of both services, and nothing lost, nothing twice."""

from __future__ import annotations

import pytest

from tests.faults.house import all_of, opened
from tests.faults.killing import kill_around_the_send, kill_at_random
from tests.faults.seeding import Plan


@pytest.mark.timeout(90)
async def test_thirty_kills_lose_nothing_and_send_nothing_twice(fresh_database_url: str) -> None:
    plan = Plan(visits=240, seconds=5)
    async with opened(fresh_database_url, plan, lease=2) as house:
        await all_of(
            kill_around_the_send(house, 10, 0.05), kill_around_the_send(house, 10, 0.05), kill_at_random(house, "scheduler", 10)
        )
        await house.start("scheduler")
        await house.start("notifier")
        await house.past(plan)
        await house.quiet()
        report = await house.check()
    assert report.total == 0, f"seed {house.seed}\n{report.said()}"
    assert house.kills == 30
    assert report.calls > plan.visits / 2
