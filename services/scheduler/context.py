"""What every part of the scheduler works with: made once by `__main__`, and by tests."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from uuid import UUID

from services.scheduler.emit import Emitter
from services.scheduler.meters import Meters
from shared.clock import Clock
from shared.db import Pool
from shared.flood import Flood
from shared.settings import Settings
from shared.stores import StoreCache


@dataclass
class Notices:
    """What NOTIFY told since somebody looked: stores with something new, `everywhere` when it is not known which, signals.

    `complaints` is the bell of those who keep the clocks of complaints.
    """

    bell: asyncio.Event = field(default_factory=asyncio.Event)
    complaints: asyncio.Event = field(default_factory=asyncio.Event)
    stores: set[UUID] = field(default_factory=set)
    everywhere: bool = True
    signals: bool = True
    clock: bool = True

    def due(self, payload: str) -> None:
        """Something of a store may be due earlier than known; without a store's id, of any."""
        try:
            self.stores.add(UUID(payload))
        except ValueError:
            self.everywhere = True
        self.bell.set()

    def signalled(self) -> None:
        self.signals = True
        self.bell.set()

    def clock_moved(self) -> None:
        self.clock = True
        self.bell.set()
        self.complaints.set()

    def all(self) -> None:
        """Look at everything again: at the start, after a lost connection, now and then."""
        self.everywhere = self.signals = self.clock = True
        self.bell.set()
        self.complaints.set()


@dataclass
class Context:
    """Connections, the clock, the bell to the notifier, what was told, what is counted."""

    settings: Settings
    pool: Pool
    clock: Clock
    emitter: Emitter
    meters: Meters
    stores: StoreCache = field(default_factory=StoreCache)
    notices: Notices = field(default_factory=Notices)
    flood: Flood = field(default_factory=Flood)
