"""Ways to kill: at random around the send, at random at all, at one exact point."""

from __future__ import annotations

import asyncio

from tests.faults.house import House

FIRST_CALL_PATIENCE = 1.5
AROUND = 0.2  # seconds after the first call; the gateway answers within 0.02


async def kill_around_the_send(house: House, times: int, around: float = AROUND) -> None:
    """A notifier lives until its first calls are under way, and up to `around` seconds more; again and again."""
    for _ in range(times):
        before = len(house.gateway.calls)
        pid = await house.start("notifier")
        await house.called(before, FIRST_CALL_PATIENCE)
        await asyncio.sleep(house.chance.uniform(0, around))
        await house.kill(pid)


async def kill_at_random(house: House, service: str, times: int, longest: float = 0.5) -> None:
    """A service lives for up to `longest` seconds, its start included; again and again."""
    for _ in range(times):
        pid = await house.start(service)
        await asyncio.sleep(house.chance.uniform(0.02, longest))
        await house.kill(pid)


async def die_at(house: House, point: str, times: int, patience: float) -> None:
    """A notifier kills itself at a point of `forks.POINTS`; again and again. One that finds no work lives until there is."""
    for _ in range(times):
        pid = await house.start("notifier", dies=point)
        assert await house.ended(pid, patience), f"for {patience} s no notifier came to the point `{point}`"
