"""The standing clock over HTTP, in development."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import Depends
from pydantic import Field

from services.api.deps import TheHouse
from services.api.dev import clock
from services.api.routing import router as make_router
from services.api.wire import In, Instant, InstantIn, Out
from shared.errors import NotFound

router = make_router("/dev", "dev")

_one_at_a_time = asyncio.Lock()


class ClockIn(In):
    """Where to move the clock."""

    to: InstantIn


class ClockOut(Out):
    """The business clock. `speed` 0: it stands still and is moved by hand."""

    now: Instant
    speed: float = Field(examples=[0.0])
    hops: int = Field(0, examples=[12], description="Due instants at which it stopped on the way.")


async def _in_development(house: TheHouse) -> None:
    if house.settings.production:
        raise NotFound


Development = Annotated[None, Depends(_in_development)]


@router.get("/clock", operation_id="get_clock")
async def get_clock(house: TheHouse, _development: Development) -> ClockOut:
    """What instant it is for the services."""
    return ClockOut(now=house.clock.now(), speed=house.clock.speed)


@router.post("/clock", operation_id="move_clock", responses={409: {}})
async def move_clock(body: ClockIn, house: TheHouse, _development: Development) -> ClockOut:
    """Move a clock that stands still; returns when nothing is due by then and the queues are empty.

    409 when the clock runs, when `to` is past, or when nobody does what is due (`waiting` says what).
    """
    async with _one_at_a_time:
        hops = await clock.move(house, body.to)
    return ClockOut(now=house.clock.now(), speed=house.clock.speed, hops=hops)
