"""When each store has something to do next: a heap of instants, the only time the scheduler keeps in memory."""

from __future__ import annotations

import heapq
from datetime import datetime
from uuid import UUID


class Wakes:
    """The next wake instant of each store. Setting another instant leaves the old entry in the heap, where it is passed over."""

    def __init__(self) -> None:
        self._next: dict[UUID, datetime] = {}
        self._heap: list[tuple[datetime, int, UUID]] = []

    def set(self, store_id: UUID, at: datetime | None) -> None:
        """The store's next instant; None: nothing waits there."""
        if at is None:
            self._next.pop(store_id, None)
        elif self._next.get(store_id) != at:
            self._next[store_id] = at
            heapq.heappush(self._heap, (at, store_id.int, store_id))

    def due(self, now: datetime) -> list[UUID]:
        """The stores whose instant has come, earliest first."""
        return [store_id for at, store_id in sorted((at, store_id) for store_id, at in self._next.items()) if at <= now]

    def next(self) -> datetime | None:
        """The earliest instant of any store."""
        while self._heap and self._next.get(self._heap[0][2]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None
