"""Delivery: claim and commit, mark and commit, send, settle and commit. Nothing is open across the network.

Marks and settlements of calls that run side by side share transactions, so that the database is no slower than the provider.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from time import monotonic
from typing import Generic, TypeVar
from uuid import UUID

import asyncpg
import structlog

from services.notifier.channels import Result, Stopped
from services.notifier.claim import Taken, claim
from services.notifier.context import Context
from services.notifier.local import deliver_locally
from services.notifier.settle import NOT_STARTED, Claim, close_attempts, settle, tell, uncount
from shared.clock import machine_now
from shared.db import DATABASE_AWAY, Connection, store_transaction

IN_FLIGHT = {"sms": 64, "email": 32}
TOGETHER = 200
SETTLE_PATIENCE = 30.0
LEASE_LOST, HOURS_OVER = "lease_lost", "hours_over"

log = structlog.get_logger("notifier.deliver")

T = TypeVar("T")

_READY = """
    SELECT store_id, min(wake_at) AS at FROM messages WHERE state IN ('queued', 'held') AND channel = $1 GROUP BY store_id
"""
_LOCK_SHARED = "SELECT FROM numbers WHERE number_index = ANY($1) ORDER BY number_index FOR SHARE"
# The opt-outs are read by a statement of its own, after the lock: its snapshot then holds whatever the lock waited for.
_MARK = """
    UPDATE message_attempts a SET io_started_at = $1
    FROM messages m, unnest($3::uuid[], $4::uuid[], $5::timestamptz[]) AS u (store_id, id, closes_at)
    WHERE a.id = ANY($4) AND a.store_id = u.store_id AND a.id = u.id AND a.io_started_at IS NULL
        AND (u.closes_at IS NULL OR u.closes_at > $1)
        AND m.store_id = a.store_id AND m.id = a.message_id AND m.fence = a.n AND m.state = 'sending' AND m.lease_until > $2
        AND (m.purpose = 'recall_safety' OR NOT EXISTS (
            SELECT FROM opt_outs o WHERE o.number_index = m.number_index AND o.revoked_at IS NULL
                AND o.channel IN (m.channel, 'all') AND (o.scope <> 'marketing' OR m.purpose = 'marketing')))
    RETURNING a.id
"""
_STOP = """
    UPDATE messages SET state = 'suppressed', reason = $4, wake_at = NULL, lease_until = NULL, updated_at = $5
    WHERE store_id = $1 AND id = $2 AND fence = $3 AND state = 'sending' AND lease_until > $6 RETURNING id
"""
_RELEASE = """
    UPDATE messages m SET state = 'queued', wake_at = $2, lease_until = NULL, updated_at = $2
    FROM unnest($3::uuid[], $4::int[]) AS u (id, fence)
    WHERE m.store_id = $1 AND m.id = ANY($3) AND m.id = u.id AND m.fence = u.fence AND m.state = 'sending' RETURNING m.id
"""


class Together(Generic[T]):
    """Collects what callers bring while the last lot is worked on, then works on it in one go; each caller waits for its own."""

    def __init__(self, work: Callable[[Sequence[T]], Awaitable[Sequence[bool]]]) -> None:
        self._work = work
        self._waiting: list[tuple[T, asyncio.Future[bool]]] = []
        self._runner: asyncio.Task[None] | None = None

    async def __call__(self, item: T) -> bool:
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._runner is None or self._runner.done():
            self._runner = asyncio.create_task(self._run())
        return await future

    async def _run(self) -> None:
        while self._waiting:
            lot, self._waiting = self._waiting[:TOGETHER], self._waiting[TOGETHER:]
            answers: Sequence[bool | BaseException]
            try:
                answers = await self._work([item for item, _ in lot])
            except Exception as fault:
                answers = [fault] * len(lot)
            for (_, future), answer in zip(lot, answers, strict=True):
                if future.done():
                    continue
                if isinstance(answer, BaseException):
                    future.set_exception(answer)
                else:
                    future.set_result(answer)


class Delivery:
    """Sends what is ready, some dozens side by side for each channel. One for a process."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._marks: Together[Taken] = Together(partial(mark_all, ctx))
        self._settles: Together[tuple[Claim, Result]] = Together(partial(settle_all, ctx))
        self._running: dict[str, set[asyncio.Task[None]]] = defaultdict(set)
        self._unstarted: dict[UUID, Taken] = {}
        self._stopping = False

    async def pass_over(self, name: str) -> int:
        """Look once at every store with messages of a channel ready, and start or settle what may go. Out: how many."""
        now = self._ctx.clock.now()
        return sum([await self.serve(row["store_id"], name) for row in await self._ready(name) if row["at"] <= now])

    async def next_at(self, name: str) -> datetime | None:
        """The business instant at which the channel's next message is ready; None: none is waiting."""
        return min((row["at"] for row in await self._ready(name) if row["at"]), default=None)

    async def serve(self, store_id: UUID, name: str) -> int:
        """Everything of one store and channel that is ready now."""
        if self._ctx.channels[name].wire:
            return await self._over_the_wire(store_id, name)
        return await deliver_locally(self._ctx, store_id, name)

    async def idle(self) -> None:
        """Wait until no call is under way."""
        while tasks := [task for running in self._running.values() for task in running]:
            await asyncio.wait(tasks)

    async def drain(self, seconds: float) -> None:
        """Let calls under way end, give back what was not started; after `seconds` the rest is left to its lease."""
        self._stopping = True
        await self._give_back()
        with suppress(TimeoutError):
            await asyncio.wait_for(self.idle(), seconds)
        for running in self._running.values():
            for task in running:
                task.cancel()

    async def _ready(self, name: str) -> list[asyncpg.Record]:
        rows: list[asyncpg.Record] = await self._ctx.pool.fetch(_READY, name)
        return rows

    async def _over_the_wire(self, store_id: UUID, name: str) -> int:
        done, running = 0, self._running[name]
        while not self._stopping:
            if len(running) > IN_FLIGHT[name] // 2:
                await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                continue
            async with store_transaction(self._ctx.pool, store_id) as conn:
                looked, taken = await claim(self._ctx, conn, store_id, name, IN_FLIGHT[name] - len(running))
            for one in taken:
                self._unstarted[one.claim.attempt_id] = one
                task = asyncio.create_task(self._send(one))
                running.add(task)
                task.add_done_callback(running.discard)
            done += looked
            if not looked:
                break
        return done

    async def _send(self, taken: Taken) -> None:
        channel = self._ctx.channels[taken.channel]
        try:
            result = await channel.send(taken.outgoing, partial(self._mark, taken))
            self._ctx.meters.verdicts.labels(taken.channel, result.verdict).inc()
            await self._settles((taken.claim, result))
        except Stopped as stopped:
            self._ctx.meters.stopped.labels(stopped.reason).inc()
            if stopped.reason == HOURS_OVER:
                await give_back(self._ctx, taken.claim.store_id, [taken.claim])
            elif stopped.reason != LEASE_LOST:
                await stop(self._ctx, taken.claim, stopped.reason)
        except Exception as fault:  # whatever it was, the row says how far we came, and the lease will read it
            log.exception("send_failed", attempt_id=str(taken.claim.attempt_id), fault=type(fault).__name__)
        finally:
            self._unstarted.pop(taken.claim.attempt_id, None)

    async def _mark(self, taken: Taken) -> None:
        """Commit 2. After it a last look at our own lease: a process that slept through it sends nothing."""
        self._unstarted.pop(taken.claim.attempt_id, None)
        try:
            marked = await self._marks(taken)
        except DATABASE_AWAY:
            raise Stopped(LEASE_LOST) from None
        if not marked:
            over = taken.closes_at is not None and self._ctx.clock.now() >= taken.closes_at
            raise Stopped(HOURS_OVER if over else "opted_out")
        if monotonic() >= taken.until:
            raise Stopped(LEASE_LOST)

    async def _give_back(self) -> None:
        by_store: dict[UUID, list[Claim]] = defaultdict(list)
        for taken in self._unstarted.values():
            by_store[taken.claim.store_id].append(taken.claim)
        self._unstarted.clear()
        for store_id, claims in by_store.items():
            await give_back(self._ctx, store_id, claims)


async def mark_all(ctx: Context, lot: Sequence[Taken]) -> list[bool]:
    """Mark attempts as begun, unless somebody opted out, the hours are over or the claim is lost. Out: for each whether it may go.

    Whoever enters an opt-out holds the number's row: either its commit comes first and is seen here, or ours does.
    """
    async with ctx.pool.acquire() as conn, conn.transaction():
        await conn.fetch(_LOCK_SHARED, [taken.number_index for taken in lot])
        rows = await conn.fetch(
            _MARK,
            ctx.clock.now(),
            machine_now(),
            [taken.claim.store_id for taken in lot],
            [taken.claim.attempt_id for taken in lot],
            [taken.closes_at for taken in lot],
        )
    marked = {row["id"] for row in rows}
    return [taken.claim.attempt_id in marked for taken in lot]


async def settle_all(ctx: Context, lot: Sequence[tuple[Claim, Result]]) -> list[bool]:
    """Write results, store by store. A database that is away is asked again for 30 s; then the lease settles it as unknown."""
    by_store: dict[UUID, list[tuple[Claim, Result]]] = defaultdict(list)
    for claimed, result in lot:
        by_store[claimed.store_id].append((claimed, result))
    for store_id, results in by_store.items():
        await _settle_patiently(ctx, store_id, results)
    return [True] * len(lot)


async def _settle_patiently(ctx: Context, store_id: UUID, results: Sequence[tuple[Claim, Result]]) -> None:
    until, wait = monotonic() + SETTLE_PATIENCE, 0.2
    while True:
        try:
            async with store_transaction(ctx.pool, store_id) as conn:
                await settle(conn, store_id, results, ctx.clock.now())
            return
        except DATABASE_AWAY as fault:
            if monotonic() + wait > until:
                log.error("results_not_written", store_id=str(store_id), messages=len(results), fault=type(fault).__name__)
                return
            await asyncio.sleep(wait)
            wait = min(wait * 2, 5.0)


async def stop(ctx: Context, claimed: Claim, reason: str) -> None:
    """Nothing was sent, and nothing will be: suppress, unless the claim has gone to somebody else."""
    now = ctx.clock.now()
    async with store_transaction(ctx.pool, claimed.store_id) as conn:
        stopped = await conn.fetch(_STOP, claimed.store_id, claimed.message_id, claimed.fence, reason, now, machine_now())
        if stopped:
            await close_attempts(conn, claimed.store_id, [(claimed.attempt_id, NOT_STARTED, reason, None)], now)
            await uncount(conn, [claimed.message_id])
            await tell(conn, claimed.store_id, [(claimed.visit_id, claimed.message_id, "suppressed", reason)], now)


async def give_back(ctx: Context, store_id: UUID, claims: Sequence[Claim]) -> None:
    """Release claims in a transaction of its own."""
    async with store_transaction(ctx.pool, store_id) as conn:
        await release(conn, store_id, claims, ctx.clock.now())


async def release(conn: Connection, store_id: UUID, claims: Sequence[Claim], now: datetime) -> None:
    """Give claims back that were never started: queued again at once."""
    rows = await conn.fetch(
        _RELEASE, store_id, now, [claimed.message_id for claimed in claims], [claimed.fence for claimed in claims]
    )
    released = {row["id"] for row in rows}
    freed = [claimed for claimed in claims if claimed.message_id in released]
    await close_attempts(conn, store_id, [(claimed.attempt_id, NOT_STARTED, None, None) for claimed in freed], now)
    await uncount(conn, [claimed.message_id for claimed in freed])
