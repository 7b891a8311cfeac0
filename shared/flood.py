"""A flood goes first: what makes contacts due, and messages of them, before what can wait a moment and would take its processors."""

from __future__ import annotations

import asyncio
from time import monotonic

STILL = 0.2  # seconds without a large batch, and the flood is over
AT_MOST = 10.0  # seconds that anything gives way to one flood; then both go on side by side
LARGE = 500  # rows that make a batch large


class Flood:
    """Large batches tell of themselves; work that can wait asks before each piece of its own."""

    def __init__(self) -> None:
        self._began = self._last = float("-inf")

    def note(self, size: int) -> None:
        """A batch of so many rows was done; a small one is no flood."""
        now = monotonic()
        if size < LARGE:
            return
        if now - self._last > STILL:
            self._began = now
        self._last = now

    async def give_way(self) -> None:
        """Wait for the end of the flood; not at all without one, and not for ever."""
        rest = min(self._last + STILL, self._began + AT_MOST) - monotonic()
        if rest > 0:
            await asyncio.sleep(rest)
            await self.give_way()  # fifty times at most: AT_MOST / STILL
