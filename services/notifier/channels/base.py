"""What a channel is given and what it answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol, TypeAlias
from uuid import UUID


class Verdict(StrEnum):
    """What became of one call of a provider."""

    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    REFUSED_RETRY = "refused_retry"
    REFUSED_FINAL = "refused_final"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Result:
    """The verdict, the provider's code or our word for the fault, and the provider's own id of the message."""

    verdict: Verdict
    code: str | None = None
    provider_id: str | None = None


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with an e-mail: its name, its type (`application`, `pdf`), its bytes."""

    name: str
    maintype: str
    subtype: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message on its way: whom, what, and the attempt under whose id the provider knows it. `at`: business time."""

    attempt_id: UUID
    to: str
    text: str
    at: datetime
    signature: str = ""
    template: str = ""
    subject: str = ""
    sender_name: str = ""
    html_layout: str | None = None
    unsubscribe_url: str | None = None
    language: str = "zh"
    attachment: Attachment | None = None


class Stopped(Exception):
    """The mark was refused: somebody opted out meanwhile, or the claim is no longer ours. Nothing may be sent."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


Mark: TypeAlias = Callable[[], Awaitable[None]]
"""Awaited immediately before the first byte of the message leaves. Raises Stopped."""


class Channel(Protocol):
    """A way out. `wire`: it crosses a network, so every send is marked; `receipts`: the provider reports delivery later."""

    provider: str
    wire: bool
    receipts: bool

    async def send(self, message: Outgoing, mark: Mark) -> Result:
        """Send once. Raises nothing but Stopped (from the mark) and CancelledError."""

    async def close(self) -> None:
        """Let go of connections."""
