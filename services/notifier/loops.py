"""The loops of one notifier. Each sleeps on its bell and looks by itself every few seconds; none needs Redis; none dies of a fault."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from uuid import UUID

import orjson
import structlog

from services.notifier.callbacks import take_callbacks
from services.notifier.context import Context
from services.notifier.deliver import Delivery
from services.notifier.intake import stores_with_events, take_events
from services.notifier.listen import listen
from services.notifier.orders import take_orders
from services.notifier.reconcile import reconcile
from services.notifier.staff_notices import next_notice_at, send_notices
from services.notifier.worker import supervise
from shared.clock import machine_now

TAKERS = 2  # while one batch is being inserted, the next is being worded
DRAIN_SECONDS = 12.0
BEAT_EVERY = 5.0
SHORTEST_REST = 0.05
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 10.0
NAME = "notifier"

log = structlog.get_logger("notifier")

_BEAT = """
    INSERT INTO heartbeats (name, beat_at, detail) VALUES ($1, $2, $3)
    ON CONFLICT (name) DO UPDATE SET beat_at = excluded.beat_at, detail = excluded.detail
"""


async def run(ctx: Context, stop: asyncio.Event) -> None:
    """Everything until `stop`; then nothing new is claimed, calls under way end, and what was not begun is given back."""
    delivery = Delivery(ctx)
    sweep = ctx.settings.sweep_seconds
    rounds: list[Awaitable[None]] = [
        _loop(ctx, "events", partial(take_all_events, ctx), ctx.events_bell, stop, sweep),
        _loop(ctx, "callbacks", partial(take_told, ctx), ctx.told_bell, stop, sweep),
        _loop(ctx, "reconcile", partial(_reconcile, ctx), ctx.overdue_bell, stop, min(sweep, ctx.settings.lease_seconds / 6)),
        _loop(ctx, "beat", partial(_beat, ctx), asyncio.Event(), stop, BEAT_EVERY),
        _loop(ctx, "staff_notices", partial(send_notices, ctx), ctx.notices_bell, stop, partial(_until_next_notice, ctx)),
        *(_deliver(ctx, delivery, name, stop) for name in ctx.channels),
        supervise(ctx, stop),
    ]
    listening = asyncio.create_task(listen(ctx))
    running = [asyncio.ensure_future(each) for each in rounds]
    log.info("started", clock=ctx.clock.now().isoformat(), speed=ctx.clock.speed)
    await stop.wait()
    ctx.ring_all()
    await delivery.drain(DRAIN_SECONDS)
    await asyncio.wait(running, timeout=3)
    for task in (listening, *running):
        task.cancel()
    await asyncio.gather(listening, *running, return_exceptions=True)
    log.info("stopped")


async def take_all_events(ctx: Context) -> int:
    """Every open event of every store. Out: how many were handled."""
    return sum([await _take_store(ctx, store_id) for store_id in await stores_with_events(ctx)])


async def take_told(ctx: Context) -> int:
    """Whatever the API wrote down for us: callbacks of providers, orders of people."""
    callbacks = await take_callbacks(ctx)
    ctx.meters.callbacks.inc(callbacks)
    return callbacks + await take_orders(ctx)


async def _take_store(ctx: Context, store_id: UUID) -> int:
    async def take() -> int:
        done = 0
        while count := await take_events(ctx, store_id):
            done += count
        return done

    done = sum(await asyncio.gather(*(take() for _ in range(TAKERS))))
    ctx.meters.events.inc(done)
    return done


async def _reconcile(ctx: Context) -> int:
    settled = await reconcile(ctx)
    ctx.meters.reconciled.inc(settled)
    if settled:
        ctx.ring_delivery()
    return settled


async def _until_next_notice(ctx: Context) -> float:
    next_at = await next_notice_at(ctx)
    ahead = ctx.clock.machine_seconds_until(next_at) if next_at else None
    return ctx.settings.sweep_seconds if ahead is None else max(SHORTEST_REST, min(ahead, ctx.settings.sweep_seconds))


async def _beat(ctx: Context) -> int:
    await ctx.pool.execute(_BEAT, NAME, machine_now(), orjson.dumps({"pid": os.getpid()}).decode())
    return 0


async def _deliver(ctx: Context, delivery: Delivery, name: str, stop: asyncio.Event) -> None:
    """One channel's own loop: a mail server that hangs holds up no SMS."""
    bell = ctx.delivery_bells[name]

    async def once() -> int:
        return await delivery.pass_over(name)

    async def rest() -> float:
        next_at = await delivery.next_at(name)
        ahead = ctx.clock.machine_seconds_until(next_at) if next_at else None
        return ctx.settings.sweep_seconds if ahead is None else max(SHORTEST_REST, min(ahead, ctx.settings.sweep_seconds))

    await _loop(ctx, f"deliver_{name}", once, bell, stop, rest)


async def _loop(
    ctx: Context,
    name: str,
    once: Callable[[], Awaitable[int]],
    bell: asyncio.Event,
    stop: asyncio.Event,
    rest: float | Callable[[], Awaitable[float]],
) -> None:
    """Work until there is none, then sleep until the bell or for `rest`. A fault is said, waited out, and gone over again."""
    pause = FIRST_PAUSE
    while not stop.is_set():
        bell.clear()
        try:
            if await once():
                pause = FIRST_PAUSE
                continue
            seconds = rest if isinstance(rest, int | float) else await rest()
        except Exception as fault:
            log.error("round_failed", loop=name, fault=type(fault).__name__, detail=str(fault)[:200])
            ctx.meters.faults.labels(name).inc()
            seconds, pause = pause, min(pause * 2, LONGEST_PAUSE)
        with suppress(TimeoutError):
            await asyncio.wait_for(bell.wait(), seconds)
