"""The connection that listens: the business clock moved, something changed that a live page may show."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from uuid import UUID

import structlog

from shared.clock import Clock
from shared.db import DATABASE_AWAY, connect
from shared.events import NOTIFY_CLOCK, NOTIFY_FEED

SHORTEST_PAUSE, LONGEST_PAUSE = 0.2, 10.0
HEARTBEAT = 15.0
BACKLOG = 1000

log = structlog.get_logger("api")


@dataclass(frozen=True)
class Change:
    """Something of a store changed: its kind, and its id unless several did."""

    kind: str
    id: UUID | None


class Feed:
    """Hands changes to whoever follows a store. A follower that does not keep up loses the oldest and is told `lost`."""

    def __init__(self) -> None:
        self._followers: dict[UUID, set[asyncio.Queue[Change | None]]] = defaultdict(set)

    @contextmanager
    def follow(self, store_id: UUID) -> Iterator[asyncio.Queue[Change | None]]:
        """A queue of the store's changes; None in it means the process ends."""
        queue: asyncio.Queue[Change | None] = asyncio.Queue(BACKLOG)
        self._followers[store_id].add(queue)
        try:
            yield queue
        finally:
            self._followers[store_id].discard(queue)
            if not self._followers[store_id]:
                del self._followers[store_id]

    def publish(self, store_id: UUID, change: Change) -> None:
        for queue in self._followers.get(store_id, ()):
            if queue.full():
                queue.get_nowait()
                queue.get_nowait()
                queue.put_nowait(Change("lost", None))
            queue.put_nowait(change)

    def close(self) -> None:
        for queues in self._followers.values():
            for queue in queues:
                with suppress(asyncio.QueueFull):
                    queue.put_nowait(None)


def read_change(payload: str) -> tuple[UUID, Change] | None:
    """`store_id:kind:id` as NOTIFY_FEED carries it; None for anything else."""
    parts = payload.split(":")
    try:
        store_id, kind, row = UUID(parts[0]), parts[1], parts[2]
        return store_id, Change(kind, UUID(row) if row else None)
    except (ValueError, IndexError):
        return None


async def listen(url: str, clock: Clock, feed: Feed) -> None:
    """Keep one connection listening, come back after every loss. Runs until cancelled."""
    pause = SHORTEST_PAUSE
    while True:
        try:
            await _listen_once(url, clock, feed)
            pause = SHORTEST_PAUSE
        except DATABASE_AWAY as error:
            log.warning("listening_lost", error=type(error).__name__)
        await asyncio.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE)


async def _listen_once(url: str, clock: Clock, feed: Feed) -> None:
    connection = await connect(url, "huifang-api-listen")
    moved = asyncio.Event()

    def on_clock(*_: object) -> None:
        moved.set()

    def on_feed(_connection: object, _pid: int, _channel: str, payload: object) -> None:
        found = read_change(str(payload))
        if found:
            feed.publish(*found)

    try:
        await connection.add_listener(NOTIFY_CLOCK, on_clock)
        await connection.add_listener(NOTIFY_FEED, on_feed)
        while not connection.is_closed():
            await clock.refresh(connection)
            with suppress(TimeoutError):
                await asyncio.wait_for(moved.wait(), HEARTBEAT)
            moved.clear()
    finally:
        connection.terminate()
