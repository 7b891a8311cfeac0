"""What every part of the notifier works with: made once by `__main__`, and by tests."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from services.notifier.channels import Channel
from services.notifier.channels.email import Email
from services.notifier.channels.http import HttpGateway
from services.notifier.channels.local import NotSetUp, Outbox
from shared.clock import Clock
from shared.crypto import Vault
from shared.db import Pool
from shared.errors import SettingsInvalid
from shared.settings import Settings
from shared.stores import StoreCache

PATIENCE_OF_LEASE = 0.7  # a call ends well inside its lease, so that nobody else takes it for dead


@dataclass
class Context:
    """Connections, keys, the clock, the ways out; and two bells that the loops sleep on."""

    settings: Settings
    pool: Pool
    vault: Vault
    clock: Clock
    channels: Mapping[str, Channel]
    stores: StoreCache = field(default_factory=StoreCache)
    events_bell: asyncio.Event = field(default_factory=asyncio.Event)
    delivery_bell: asyncio.Event = field(default_factory=asyncio.Event)

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
