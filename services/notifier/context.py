"""What every part of the notifier works with: made once by `__main__`, and by tests."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from services.notifier.channels import Channel
from services.notifier.channels.email import Email
from services.notifier.channels.http import HttpGateway
from services.notifier.channels.local import NotSetUp, Outbox
from services.notifier.meters import Meters
from shared.clock import Clock
from shared.crypto import Vault
from shared.db import Pool
from shared.errors import SettingsInvalid
from shared.flood import Flood
from shared.settings import Settings
from shared.stores import StoreCache

PATIENCE_OF_LEASE = 0.7  # a call ends well inside its lease, so that nobody else takes it for dead


@dataclass
class Context:
    """Connections, keys, the clock, the ways out; and the bells that the loops sleep on."""

    settings: Settings
    pool: Pool
    vault: Vault
    clock: Clock
    channels: Mapping[str, Channel]
    stores: StoreCache = field(default_factory=StoreCache)
    meters: Meters = field(default_factory=Meters)
    events_bell: asyncio.Event = field(default_factory=asyncio.Event)
    told_bell: asyncio.Event = field(default_factory=asyncio.Event)
    flood: Flood = field(default_factory=Flood)
    overdue_bell: asyncio.Event = field(default_factory=asyncio.Event)
    notices_bell: asyncio.Event = field(default_factory=asyncio.Event)
    delivery_bells: Mapping[str, asyncio.Event] = field(init=False)

    def __post_init__(self) -> None:
        self.delivery_bells = {name: asyncio.Event() for name in self.channels}

    def ring(self) -> None:
        """Something was written down for us: events, callbacks or orders."""
        self.events_bell.set()
        self.told_bell.set()

    def ring_delivery(self) -> None:
        """Messages are ready, or ready earlier than known."""
        for bell in self.delivery_bells.values():
            bell.set()

    def ring_all(self) -> None:
        """Look at everything: at the start, after a lost connection, when the clock moved."""
        self.ring()
        self.ring_delivery()
        self.overdue_bell.set()
        self.notices_bell.set()

    async def close_channels(self) -> None:
        for channel in self.channels.values():
            await channel.close()


def open_channels(settings: Settings) -> dict[str, Channel]:
    """The ways out that the settings name. Raises SettingsInvalid."""
    patience = settings.lease_seconds * PATIENCE_OF_LEASE
    return {"sms": _sms(settings, patience), "email": _email(settings, patience)}


def _sms(settings: Settings, patience: float) -> Channel:
    if settings.sms_provider == "outbox":
        return Outbox()
    if not settings.sms_url:
        raise SettingsInvalid("HUIFANG_SMS_URL is not set, and HUIFANG_SMS_PROVIDER=http posts there")
    return HttpGateway(settings.sms_url, settings.sms_token, patience=min(13.0, patience))


def _email(settings: Settings, patience: float) -> Channel:
    if not settings.smtp_url:
        return NotSetUp("smtp", "no_smtp")
    return Email(settings.smtp_url, settings.smtp_from, patience=min(10.0, patience))
