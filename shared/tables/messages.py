"""Messages, the calls to providers, receipts, raw callbacks, surveys."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from shared.crypto import Sealed
from shared.ids import new_id
from shared.tables.base import INSTANT, JSON, Row, SealedBytes, StoreRow, within_store


class Message(StoreRow, table=True):
    """短信/邮件. One for each visit, channel and step of the ladder. Writer: notifier.

    A message is made thin: whom, by which channel, for which step. Address, words, survey and ruling are added when it is first looked
    at, in the transaction that claims, holds or suppresses it; until then it is `queued` with no `body`.
    `wake_at` (business time) is when the notifier must look again: release, retry, query, time-out of the receipt.
    `lease_until` (machine time) guards a claim; `fence` is the number of the attempt that holds it.
    """

    __tablename__ = "messages"
    __table_args__ = (
        within_store("customer_id", "customers"),
        UniqueConstraint("store_id", "visit_id", "channel", "step_no"),
        CheckConstraint(
            "state IN ('queued', 'held', 'suppressed', 'sending', 'accepted', 'delivered', 'undelivered', 'rejected',"
            " 'unknown', 'unknown_final', 'receipt_timeout')",
            name="state",
        ),
        Index("ix_messages_wake", "store_id", "channel", "wake_at", postgresql_where=text("state IN ('queued', 'held')")),
        Index("ix_messages_awaited", "store_id", "wake_at", postgresql_where=text("state IN ('accepted', 'unknown')")),
        Index("ix_messages_sending", "store_id", "lease_until", postgresql_where=text("state = 'sending'")),
        Index("ix_messages_customer", "store_id", "customer_id", "created_at"),
        Index("ix_messages_number", "number_index", "created_at", postgresql_where=text("number_index IS NOT NULL")),
        Index("ix_messages_created", "store_id", "created_at", "id"),
    )

    store_id: UUID = Field(primary_key=True)  # the customer's key says the store exists; a second check would cost the hot path
    visit_id: UUID | None = None  # taken from `visits` by the statement that inserts, and nobody can delete a visit
    event_id: UUID | None = None
    customer_id: UUID
    kind: str
    purpose: str
    channel: str
    step_no: int = 1
    template: str
    language: str = "zh"
    contact_point_id: UUID | None = None
    number_index: bytes | None = None
    address: Sealed | None = Field(default=None, sa_type=SealedBytes)
    subject: str | None = None
    body: str | None = None
    signature: str | None = None
    state: str = "queued"
    reason: str | None = None
    tries: int = 0
    fence: int = 0
    lease_until: datetime | None = Field(default=None, sa_type=INSTANT)
    wake_at: datetime | None = Field(default=None, sa_type=INSTANT)
    expire_at: datetime | None = Field(default=None, sa_type=INSTANT)
    provider: str | None = None
    provider_id: str | None = None
    created_at: datetime = Field(sa_type=INSTANT)
    sent_at: datetime | None = Field(default=None, sa_type=INSTANT)
    delivered_at: datetime | None = Field(default=None, sa_type=INSTANT)
    unknown_since: datetime | None = Field(default=None, sa_type=INSTANT)
    updated_at: datetime = Field(sa_type=INSTANT)


class MessageAttempt(StoreRow, table=True):
    """One call of a provider: committed before it, marked again right before the first byte. Writer: notifier."""

    __tablename__ = "message_attempts"
    __table_args__ = (
        within_store("message_id", "messages"),
        UniqueConstraint("store_id", "message_id", "n"),
        Index("ix_message_attempts_id", "id"),
    )

    message_id: UUID
    n: int
    claimed_at: datetime = Field(sa_type=INSTANT)
    io_started_at: datetime | None = Field(default=None, sa_type=INSTANT)
    closed_at: datetime | None = Field(default=None, sa_type=INSTANT)
    outcome: str | None = None
    code: str | None = None
    provider_id: str | None = None


class MessageOrder(StoreRow, table=True):
    """What a person orders of a message: send again, hold, settle an unknown. Writers: api inserts, notifier carries out."""

    __tablename__ = "message_orders"
    __table_args__ = (
        within_store("message_id", "messages"),
        Index("ix_message_orders_open", "store_id", "at", postgresql_where=text("handled_at IS NULL")),
    )

    message_id: UUID
    kind: str
    reason: str | None = None
    staff_id: UUID | None = None
    at: datetime = Field(sa_type=INSTANT)
    handled_at: datetime | None = Field(default=None, sa_type=INSTANT)
    outcome: str | None = None


class Receipt(StoreRow, table=True):
    """What a provider said later about an attempt, kept even when it changes nothing. Writer: notifier."""

    __tablename__ = "receipts"
    __table_args__ = (
        within_store("message_id", "messages"),
        UniqueConstraint("store_id", "message_id", "digest"),
    )

    message_id: UUID
    attempt_id: UUID
    status: str
    code: str | None = None
    at: datetime = Field(sa_type=INSTANT)
    digest: bytes
    applied: bool = False


class HookToken(SQLModel, table=True):
    """The secret part of a callback's path, found by its index. No store: any store of the deployment. Writer: api."""

    __tablename__ = "hook_tokens"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    token_index: bytes = Field(unique=True)
    store_id: UUID | None = Field(default=None, foreign_key="stores.id")
    kind: str
    provider: str
    created_at: datetime = Field(sa_type=INSTANT)
    revoked_at: datetime | None = Field(default=None, sa_type=INSTANT)


class Callback(Row, table=True):
    """A callback as it came, sealed, until the notifier has applied it. Writers: api inserts, notifier marks."""

    __tablename__ = "callbacks"
    __table_args__ = (Index("ix_callbacks_open", "received_at", postgresql_where=text("handled_at IS NULL")),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    hook_token_id: UUID = Field(foreign_key="hook_tokens.id")
    kind: str
    body: Sealed = Field(sa_type=SealedBytes)
    received_at: datetime = Field(sa_type=INSTANT)
    handled_at: datetime | None = Field(default=None, sa_type=INSTANT)
    outcome: str | None = None


class Reply(StoreRow, table=True):
    """An inbound message of a customer, matched to a visit or left for a person. Writer: notifier."""

    __tablename__ = "replies"
    __table_args__ = (within_store("customer_id", "customers"), within_store("visit_id", "visits"))

    customer_id: UUID | None = None
    visit_id: UUID | None = None
    message_id: UUID | None = None
    number_index: bytes
    body: Sealed = Field(sa_type=SealedBytes)
    meaning: str
    score: int | None = None
    at: datetime = Field(sa_type=INSTANT)


class Survey(StoreRow, table=True):
    """满意度调查 by a link; the token is derived from the id, never stored.

    Writers: notifier inserts and enters a score sent by SMS, api enters the answers of the page.
    """

    __tablename__ = "surveys"
    __table_args__ = (
        within_store("visit_id", "visits"),
        within_store("customer_id", "customers"),
        UniqueConstraint("store_id", "visit_id"),
    )

    visit_id: UUID
    customer_id: UUID
    language: str = "zh"
    questions: list[Any] = Field(default_factory=list, sa_type=JSON)
    created_at: datetime = Field(sa_type=INSTANT)
    expires_at: datetime = Field(sa_type=INSTANT)
    answered_at: datetime | None = Field(default=None, sa_type=INSTANT)
    channel: str | None = None
    score: int | None = None
    answers: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    comment: str | None = None
    wants_call: bool = False


class MessageTemplate(StoreRow, table=True):
    """A store's own wording of a message in one language; without one the shipped wording is used. Writer: api."""

    __tablename__ = "message_templates"
    __table_args__ = (UniqueConstraint("store_id", "key", "channel", "language"),)

    key: str
    channel: str
    language: str = "zh"
    subject: str | None = None
    body: str
    html: str | None = None
    updated_at: datetime = Field(sa_type=INSTANT)
    version: int = 1
