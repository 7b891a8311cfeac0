"""The wire of messages."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from pydantic import Field

from services.api.wire import In, Instant, Line, Out, Text
from shared.domain.message import MessageState


class MessageAttemptOut(Out):
    """One call of the provider. `io_started_at` null: nothing was ever sent by it."""

    id: UUID
    n: int = Field(examples=[1])
    claimed_at: Instant
    io_started_at: Instant | None
    closed_at: Instant | None
    outcome: str | None = Field(examples=["accepted"])
    code: str | None
    provider_id: str | None


class MessageOut(Out):
    """One SMS or e-mail. `to` is masked; `attempts` only when one message is asked for.

    Address and words are made when the notifier first looks at it, as a rule within a second: until then a queued message has no `to`
    and no `text`.
    """

    id: UUID
    store_id: UUID
    visit_id: UUID | None
    customer_id: UUID
    customer_name: str | None = Field(None, examples=["王建国"])
    kind: str = Field(examples=["ladder"], description="ladder: after calls that reached nobody; automatic: a step of its own.")
    purpose: str = Field(examples=["satisfaction"])
    channel: Literal["sms", "email"]
    template: str = Field(examples=["unreached"])
    language: str = Field(examples=["zh"])
    to: str | None = Field(examples=["138****1234"])
    subject: str | None
    text: str | None
    segments: int = Field(examples=[2], description="What an SMS is billed as; 0 for an e-mail.")
    state: MessageState
    reason: str | None = Field(examples=["quiet_hours"])
    release_at: Instant | None = Field(description="When a waiting message is looked at again.")
    expire_at: Instant | None
    provider: str | None
    provider_id: str | None
    attempts: list[MessageAttemptOut] = Field(default_factory=list)
    created_at: Instant
    sent_at: Instant | None
    delivered_at: Instant | None
    unknown_since: Instant | None
    updated_at: Instant


class UpcomingOut(Out):
    """Something that will go out: a message that waits, or the visit of an automatic step whose message is not made yet."""

    kind: Literal["message", "visit"]
    message_id: UUID | None
    visit_id: UUID | None
    customer_id: UUID
    customer_name: str
    channel: str = Field(examples=["sms"])
    template: str | None = Field(examples=["maintenance_due"])
    at: Instant
    state: str = Field(examples=["planned"])
    reason: str | None


class ResendIn(In):
    """Send again although the first may have arrived."""

    accept_duplicate_risk: Literal[True] = Field(description="The customer may get it twice; say that this is understood.")
    reason: Line | None = None


class HoldIn(In):
    """Take a message out before it goes."""

    reason: Text


class SettleIn(In):
    """What became of an uncertain message, as somebody found out."""

    received: bool
    reason: Line | None = None


class OrderOut(Out):
    """The order is written down and carried out at once by the notifier; the message shows what came of it."""

    id: UUID
    message_id: UUID
    kind: str = Field(examples=["resend"])
    at: Instant


class WhyLine(Out):
    """One thing that happened."""

    at: Instant
    kind: str = Field(examples=["queued"])
    text: str = Field(examples=["三次致电未接通，发送短信"])


class MessageWhyOut(Out):
    """Why this message exists and why it went, waits or never went."""

    message_id: UUID
    state: MessageState
    reason: str | None
    reason_text: str | None = Field(examples=["在免打扰时段内，等到下一个可发送时段"])
    rule: str = Field(examples=["after-maintenance/call"])
    story: list[WhyLine]
