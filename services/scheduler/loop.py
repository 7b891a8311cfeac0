"""The timer: sleeps to the next due instant of any store, or until somebody tells of an earlier one, then works in rounds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from datetime import datetime
from uuid import UUID

import structlog

from services.scheduler.context import Context
from services.scheduler.jobs import run_due
from services.scheduler.signals import apply_signals
from services.scheduler.wakes import Wakes
from services.scheduler.work import BACKLOG, KEEPING_UP, Batch, work
from shared.clock import sleep_until
from shared.db import DATABASE_AWAY

CLAIMERS = 2  # batches at once; a second claimer is worth more than a larger batch
ROUND = 0.02  # machine seconds a round lasts at least, so that what falls due close together is one claim
LOOK_EVERY = 30.0  # machine seconds between looks at everything, in case a notice was lost
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 10.0

log = structlog.get_logger("scheduler")

_STORES = "SELECT id FROM stores"
_NEXT = "SELECT min(wake_at) FROM visit_wakes WHERE store_id = $1"


class Loop:
    """One scheduler's loop. `beat_at` is the machine's instant (monotonic) of its last turn, for whoever watches it."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._wakes = Wakes()
        self._jobs_at: datetime | None = None
        self._looked_at = 0.0
        self._swept_at = 0.0
        self._full: set[UUID] = set()
        self._beside: dict[str, asyncio.Task[None]] = {}
        self.beat_at = time.monotonic()

    async def run(self, stop: asyncio.Event) -> None:
        """Turn until `stop`; a lost database is waited for. A batch that was begun is finished."""
        pause = FIRST_PAUSE
        while not stop.is_set():
            try:
                await self.turn()
                pause = FIRST_PAUSE
            except DATABASE_AWAY as error:
                log.warning("database_away", error=type(error).__name__)
                self._context.notices.all()
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), pause)
                pause = min(pause * 2, LONGEST_PAUSE)
        await asyncio.gather(*self._beside.values(), return_exceptions=True)

    async def turn(self) -> bool:
        """One turn: hear what was told, run what is due, or sleep. Out: whether there was work."""
        self.beat_at = time.monotonic()
        await self._hear()
        clock = self._context.clock
        if self._jobs_at is not None and self._jobs_at <= clock.now() and self._start("jobs", self._run_jobs):
            self._jobs_at = None
        due = self._wakes.due(clock.now())
        if due:
            await self._round(due)
            return True
        ahead = [at for at in (self._wakes.next(), self._jobs_at) if at is not None]
        await sleep_until(
            clock, min(ahead, default=None), self._context.notices.bell, at_most=self._context.settings.sweep_seconds
        )
        return False

    async def _hear(self) -> None:
        """Take up the notices; now and then as if everything had been told."""
        context, notices = self._context, self._context.notices
        self._sweep()
        if notices.clock or (context.clock.movable and not context.clock.speed):
            notices.clock = False
            async with context.pool.acquire() as conn:
                await context.clock.refresh(conn)
        if notices.everywhere:
            notices.everywhere = False
            self._start("jobs", self._run_jobs)
            notices.stores.update(row["id"] for row in await context.pool.fetch(_STORES))
        if notices.signals and self._start("signals", self._apply_signals):
            notices.signals = False
        stores, notices.stores = notices.stores, set()
        await self._look(stores)

    def _start(self, name: str, work: Callable[[], Coroutine[None, None, None]]) -> bool:
        """Run something beside the claims, which must not wait for it. False while the last run of it is not over.

        Its fault is raised here, at the next turn.
        """
        last = self._beside.pop(name, None)
        if last is not None and not last.done():
            self._beside[name] = last
            return False
        if last is not None:
            last.result()
        self._beside[name] = task = asyncio.create_task(work())
        task.add_done_callback(lambda _: self._context.notices.bell.set())
        return True

    async def _run_jobs(self) -> None:
        self._jobs_at = await run_due(self._context)

    async def _apply_signals(self) -> None:
        await apply_signals(self._context)

    def _sweep(self) -> None:
        notices, now = self._context.notices, time.monotonic()
        if now - self._swept_at > self._context.settings.sweep_seconds:
            self._swept_at, notices.signals = now, True
        if now - self._looked_at > LOOK_EVERY:
            notices.everywhere = True
        if notices.everywhere:
            self._looked_at = now

    async def _look(self, stores: Iterable[UUID]) -> None:
        """The next instant of stores: one small read of an index each, which a sharded database sends to one place."""
        async with self._context.pool.acquire() as conn:
            for store_id in stores:
                self._wakes.set(store_id, await conn.fetchval(_NEXT, store_id))

    async def _round(self, due: list[UUID]) -> None:
        """One batch for as many stores as there are claimers; the claimers share a store that is behind when there is no other."""
        began = time.monotonic()
        behind = [store_id for store_id in due if store_id in self._full]
        places = (due + behind * CLAIMERS)[:CLAIMERS]
        results = await asyncio.gather(*(self._batch(store_id) for store_id in places), return_exceptions=True)
        faults = [result for result in results if isinstance(result, BaseException)]
        if faults:
            self._context.notices.everywhere = True
            raise faults[0]
        done = [(s, r) for s, r in zip(places, results, strict=True) if isinstance(r, Batch)]
        for store_id, batch in done:
            self._note(store_id, batch)
        if len(due) <= CLAIMERS and not any(batch.full for _, batch in done):  # with others waiting, the pause comes after them
            await asyncio.sleep(max(0.0, ROUND - (time.monotonic() - began)))

    async def _batch(self, store_id: UUID) -> Batch:
        return await work(self._context, store_id, limit=BACKLOG if store_id in self._full else KEEPING_UP)

    def _note(self, store_id: UUID, batch: Batch) -> None:
        """A store that is behind stays due, after the others."""
        if batch.full:
            self._full.add(store_id)
            self._wakes.set(store_id, self._context.clock.now())
        else:
            self._full.discard(store_id)
            self._wakes.set(store_id, batch.next_at)
