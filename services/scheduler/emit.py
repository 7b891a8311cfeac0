"""The bell: ids of due-contact events to the notifier through Redis, after the commit, beside the next claim.

A ring that is lost costs the notifier's next sweep: nothing here is ever retried, and nothing waits for Redis. While Redis is away
the stores are named by NOTIFY instead.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict, deque
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from uuid import UUID, uuid4

import structlog
from arq import create_pool
from arq.connections import ArqRedis, RedisSettings
from arq.constants import job_key_prefix
from arq.jobs import serialize_job
from arq.utils import timestamp_ms
from redis.exceptions import RedisError

from services.scheduler.meters import Meters
from shared.clock import Clock
from shared.db import Pool
from shared.events import NOTIFY_EVENTS, RING_JOB, RING_QUEUE, Ring, ring_payload

RING_SIZE = 500  # events a job
LARGEST_BACKLOG = 200_000  # events not yet rung; beyond it they are left to the sweep
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
MARK_AFTER, MARK_SIZE = 60.0, 5000  # by then the notifier has taken what it heard, a flood too, and its rows need no mark
LOOK_EVERY = 1.0
PATIENCE = 1

log = structlog.get_logger("scheduler")

# What the notifier has handled needs no mark: it was heard.
_MARK = """
    UPDATE due_contact_events SET rung_at = $3
    WHERE store_id = $1 AND id = ANY($2::uuid[]) AND rung_at IS NULL AND handled_at IS NULL
"""

Batch = tuple[UUID, Sequence[UUID]]


class Emitter:
    """Rings for events as they come. `ring` never waits; `run` does the work until told to stop, then empties what is left."""

    def __init__(self, redis_url: str, pool: Pool, clock: Clock, meters: Meters) -> None:
        self._redis_url, self._pool, self._clock, self._meters = redis_url, pool, clock, meters
        self._waiting: deque[Batch] = deque()
        self._count = 0
        self._bell = asyncio.Event()
        self._redis: ArqRedis | None = None
        self._pause = FIRST_PAUSE
        self._not_before = 0.0
        self._rung: deque[tuple[float, dict[UUID, list[UUID]]]] = deque()

    @property
    def idle(self) -> bool:
        return not self._waiting

    def ring(self, store_id: UUID, event_ids: Sequence[UUID]) -> None:
        """Take events that are committed (or about to be: a ring for what is not there finds nothing)."""
        if not event_ids:
            return
        if self._count > LARGEST_BACKLOG:
            self._meters.unrung.inc(len(event_ids))
            return
        self._waiting.append((store_id, event_ids))
        self._count += len(event_ids)
        self._bell.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Ring until `stop`; a last round after it."""
        while not stop.is_set():
            await self._round()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._bell.wait(), LOOK_EVERY)
            self._bell.clear()
        await self._round()
        await self._mark(at_once=True)
        await self._close()

    async def _round(self) -> None:
        while self._waiting:
            batch = self._take()
            if await self._ring(batch):
                self._rung.append((time.monotonic(), batch))
            else:
                await self._notify(batch)
        await self._mark()

    def _take(self) -> dict[UUID, list[UUID]]:
        """Up to RING_SIZE events, of as many stores as came together."""
        batch: dict[UUID, list[UUID]] = defaultdict(list)
        room = RING_SIZE
        while self._waiting and room > 0:
            store_id, ids = self._waiting.popleft()
            batch[store_id] += ids[:room]
            if len(ids) > room:
                self._waiting.appendleft((store_id, ids[room:]))
            room -= min(room, len(ids))
        self._count -= RING_SIZE - room
        return batch

    async def _ring(self, batch: dict[UUID, list[UUID]]) -> bool:
        """One job. False when Redis is away, which is said once for each absence."""
        if time.monotonic() < self._not_before:
            return False
        try:
            if self._redis is None:
                self._redis = await _open(self._redis_url)
            await _enqueue(self._redis, ring_payload(batch))
        except (RedisError, OSError, TimeoutError) as error:
            await self._lost(error)
            return False
        self._found()
        self._meters.rung.inc(sum(map(len, batch.values())))
        return True

    def _found(self) -> None:
        if self._not_before:
            log.info("redis_back")
        self._pause, self._not_before = FIRST_PAUSE, 0.0
        self._meters.redis_up.set(1)

    async def _lost(self, error: Exception) -> None:
        if not self._not_before:
            log.warning("redis_away", error=type(error).__name__)
        self._meters.redis_up.set(0)
        self._not_before = time.monotonic() + self._pause
        self._pause = min(self._pause * 2, LONGEST_PAUSE)
        await self._close()

    async def _notify(self, batch: dict[UUID, list[UUID]]) -> None:
        self._meters.unrung.inc(sum(map(len, batch.values())))
        notices = [(NOTIFY_EVENTS, str(store_id)) for store_id in batch]
        await self._quietly(self._pool.executemany("SELECT pg_notify($1, $2)", notices))

    async def _mark(self, *, at_once: bool = False) -> None:
        """Note in the rows what was rung and nobody has taken: it is for people who look, nothing depends on it."""
        while ripe := self._ripe(at_once=at_once):
            now = self._clock.now()
            for store_id, ids in ripe.items():
                await self._quietly(self._pool.execute(_MARK, store_id, ids, now))

    def _ripe(self, *, at_once: bool) -> dict[UUID, list[UUID]]:
        """Up to about MARK_SIZE events that were rung some seconds ago."""
        until, room = time.monotonic() - MARK_AFTER, MARK_SIZE
        ripe: dict[UUID, list[UUID]] = defaultdict(list)
        while self._rung and room > 0 and (at_once or self._rung[0][0] <= until):
            for store_id, ids in self._rung.popleft()[1].items():
                ripe[store_id] += ids
                room -= len(ids)
        return ripe

    async def _quietly(self, work: Awaitable[object]) -> None:
        """The notifier's sweep finds what a lost database keeps us from telling."""
        try:
            await work
        except Exception as error:
            log.warning("events_not_marked", error=type(error).__name__)

    async def _close(self) -> None:
        redis, self._redis = self._redis, None
        if redis is not None:
            with suppress(RedisError, OSError):
                await redis.aclose(close_connection_pool=True)


async def _enqueue(redis: ArqRedis, payload: Ring) -> None:
    """A job of arq's in one round trip: `enqueue_job` takes three more to see whether there is one of that id, which is made up here."""
    job_id, now = uuid4().hex, timestamp_ms()
    async with redis.pipeline(transaction=True) as pipe:
        pipe.psetex(job_key_prefix + job_id, redis.expires_extra_ms, serialize_job(RING_JOB, (payload,), {}, None, now))
        pipe.zadd(RING_QUEUE, {job_id: now})
        await pipe.execute()


async def _open(url: str) -> ArqRedis:
    """A pool that gives up at once: waiting for Redis is the emitter's own business."""
    settings = RedisSettings.from_dsn(url)
    settings.conn_retries, settings.conn_timeout = 0, PATIENCE
    return await create_pool(settings)
