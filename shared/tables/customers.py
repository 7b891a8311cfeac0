"""Customers, how to reach them, what they consented to."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from shared.crypto import Sealed
from shared.ids import new_id
from shared.tables.base import INSTANT, JSON, WORDS, SealedBytes, StoreRow, within_store


class Customer(StoreRow, table=True):
    """客户: a person or an organisation. Writer: api."""

    __tablename__ = "customers"
    __table_args__ = (
        within_store("holder_id", "staff"),
        within_store("merged_into", "customers"),
        UniqueConstraint("store_id", "external_code"),
        Index("ix_customers_name", "store_id", "name"),
        Index("ix_customers_deceased", "store_id", "id", postgresql_where=text("deceased_at IS NOT NULL")),
        Index("ix_customers_initials", "store_id", "initials"),
        Index("ix_customers_merged_into", "store_id", "merged_into", postgresql_where=text("merged_into IS NOT NULL")),
        Index("ix_customers_name_trgm", "name", postgresql_using="gin", postgresql_ops={"name": "gin_trgm_ops"}),
    )

    external_code: str | None = None
    kind: str = "person"
    name: str
    initials: str = ""
    gender: str | None = None
    birthday: date | None = None
    region: str | None = None
    address: str | None = None
    lifecycle: str = "prospect"
    source: str | None = None
    holder_id: UUID | None = None
    language: str | None = None
    preferred_channel: str | None = None
    calling_hours: list[Any] | None = Field(default=None, sa_type=JSON)
    service_preferences: list[str] = Field(default_factory=list, sa_type=WORDS)
    flags: list[str] = Field(default_factory=list, sa_type=WORDS)
    note: str | None = None
    filed_on: date | None = None
    merged_into: UUID | None = None
    deceased_at: datetime | None = Field(default=None, sa_type=INSTANT)
    created_at: datetime = Field(sa_type=INSTANT)
    updated_at: datetime = Field(sa_type=INSTANT)
    version: int = 1


class ContactPoint(StoreRow, table=True):
    """A phone number, an e-mail address or a WeChat name of a customer, sealed; found by its blind index. Writer: api."""

    __tablename__ = "contact_points"
    __table_args__ = (
        within_store("customer_id", "customers"),
        UniqueConstraint("store_id", "customer_id", "kind", "value_index"),
        Index("ix_contact_points_value_index", "value_index"),
        Index("ix_contact_points_last4", "store_id", "last4_index"),
    )

    customer_id: UUID
    kind: str
    rank: int = 1
    label: str | None = None
    value: Sealed = Field(sa_type=SealedBytes)
    value_index: bytes
    last4_index: bytes | None = None
    textable: bool = True
    wrong_at: datetime | None = Field(default=None, sa_type=INSTANT)
    wrong_reason: str | None = None
    created_at: datetime = Field(sa_type=INSTANT)


class Consent(StoreRow, table=True):
    """Consent for one purpose on one channel; withdrawn, never deleted. Writer: api."""

    __tablename__ = "consents"
    __table_args__ = (
        within_store("customer_id", "customers"),
        Index("ix_consents_customer", "store_id", "customer_id"),
        Index(
            "ix_consents_standing",
            "store_id",
            "customer_id",
            "purpose",
            "channel",
            unique=True,
            postgresql_where=text("withdrawn_at IS NULL"),
        ),
    )

    customer_id: UUID
    purpose: str
    channel: str
    basis: str = "consent"
    notice_version: str | None = None
    source: str
    proof: str | None = None
    granted_at: datetime = Field(sa_type=INSTANT)
    granted_by: UUID | None = None
    withdrawn_at: datetime | None = Field(default=None, sa_type=INSTANT)
    withdrawn_by: UUID | None = None


class OptOut(SQLModel, table=True):
    """A number or address that wants no more of a channel, over all stores. Writers: api, notifier."""

    __tablename__ = "opt_outs"
    __table_args__ = (
        Index(
            "ix_opt_outs_standing",
            "number_index",
            "channel",
            "scope",
            unique=True,
            postgresql_where=text("revoked_at IS NULL"),
        ),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    number_index: bytes
    channel: str
    scope: str = "all"
    source: str
    store_id: UUID | None = None
    at: datetime = Field(sa_type=INSTANT)
    revoked_at: datetime | None = Field(default=None, sa_type=INSTANT)


class Number(SQLModel, table=True):
    """What is known of a number over all stores; its row is the lock under which caps are counted. Writers: api, notifier."""

    __tablename__ = "numbers"

    number_index: bytes = Field(primary_key=True)
    wrong_at: datetime | None = Field(default=None, sa_type=INSTANT)
    wrong_reason: str | None = None


class NumberSend(SQLModel, table=True):
    """An automatic message that a number was sent, for the caps. Writer: notifier."""

    __tablename__ = "number_sends"
    __table_args__ = (Index("ix_number_sends_number", "number_index", "at"),)

    message_id: UUID = Field(primary_key=True)
    number_index: bytes
    purpose: str
    channel: str
    at: datetime = Field(sa_type=INSTANT)


class PublicToken(SQLModel, table=True):
    """A link's token (survey, unsubscribe), found before the store is known. Writers: api, notifier."""

    __tablename__ = "public_tokens"

    token_index: bytes = Field(primary_key=True)
    store_id: UUID = Field(foreign_key="stores.id")
    kind: str
    ref_id: UUID
    expires_at: datetime | None = Field(default=None, sa_type=INSTANT)
