"""Stores, their calendar, their staff, and who may sign in."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from shared.ids import new_id
from shared.tables.base import INSTANT, JSON, WORDS, StoreRow, within_store


class Store(SQLModel, table=True):
    """门店: the unit of isolation, of the calendar and of policies. Writer: api."""

    __tablename__ = "stores"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    code: str = Field(unique=True)
    name: str
    phone: str | None = None
    rescue_phone: str | None = None
    address: str | None = None
    timezone: str = "Asia/Shanghai"
    language: str = "zh"
    signature: str
    weekly_hours: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    policies: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    first_import_done_at: datetime | None = Field(default=None, sa_type=INSTANT)
    created_at: datetime = Field(sa_type=INSTANT)
    updated_at: datetime = Field(sa_type=INSTANT)
    version: int = 1


class StoreDay(StoreRow, table=True):
    """A day on which the store departs from its week and from the statutory calendar. Writer: api."""

    __tablename__ = "store_days"
    __table_args__ = (UniqueConstraint("store_id", "day"),)

    day: date
    open: bool
    ranges: list[Any] | None = Field(default=None, sa_type=JSON)
    name: str | None = None


class Account(SQLModel, table=True):
    """A sign-in; one account may have staff rows in several stores. Writer: api."""

    __tablename__ = "accounts"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    login: str = Field(unique=True)
    password_hash: str
    token_version: int = 1
    disabled_at: datetime | None = Field(default=None, sa_type=INSTANT)
    created_at: datetime = Field(sa_type=INSTANT)


class AccountStore(SQLModel, table=True):
    """Which staff row an account has in which store: read before the store is known. Writer: api."""

    __tablename__ = "account_stores"

    account_id: UUID = Field(primary_key=True, foreign_key="accounts.id")
    store_id: UUID = Field(primary_key=True, foreign_key="stores.id")
    staff_id: UUID


class Staff(StoreRow, table=True):
    """员工. A person named in an import has no account until somebody gives one. Writer: api."""

    __tablename__ = "staff"
    __table_args__ = (UniqueConstraint("store_id", "name", "ordinal"),)

    account_id: UUID | None = Field(default=None, foreign_key="accounts.id")
    name: str
    ordinal: int = 1
    roles: list[str] = Field(default_factory=list, sa_type=WORDS)
    phone: str | None = None
    email: str | None = None
    active: bool = True
    capacity: int = 60
    created_at: datetime = Field(sa_type=INSTANT)
    updated_at: datetime = Field(sa_type=INSTANT)
    version: int = 1


class StaffAbsence(StoreRow, table=True):
    """A period in which somebody's follow-ups go to a delegate. Writer: api."""

    __tablename__ = "staff_absences"
    __table_args__ = (within_store("staff_id", "staff"), within_store("delegate_id", "staff"))

    staff_id: UUID
    delegate_id: UUID | None = None
    from_on: date
    to_on: date
    reason: str | None = None


class RefreshToken(SQLModel, table=True):
    """Rotating refresh tokens; one used twice revokes its family. Writer: api."""

    __tablename__ = "refresh_tokens"

    token_index: bytes = Field(primary_key=True)
    account_id: UUID = Field(foreign_key="accounts.id", index=True)
    family: UUID
    expires_at: datetime = Field(sa_type=INSTANT)
    used_at: datetime | None = Field(default=None, sa_type=INSTANT)
    revoked_at: datetime | None = Field(default=None, sa_type=INSTANT)


class SignInFailure(SQLModel, table=True):
    """Failed sign-ins by account and by address: delays, never a lock. Writer: api."""

    __tablename__ = "sign_in_failures"

    subject: bytes = Field(primary_key=True)
    failures: int = 0
    blocked_until: datetime | None = Field(default=None, sa_type=INSTANT)


class ApiKey(SQLModel, table=True):
    """A key of an integration, found by its prefix before the store is known. Writer: api."""

    __tablename__ = "api_keys"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    store_id: UUID = Field(foreign_key="stores.id", index=True)
    name: str
    prefix: str = Field(unique=True)
    secret_hash: bytes
    scopes: list[str] = Field(default_factory=list, sa_type=WORDS)
    created_at: datetime = Field(sa_type=INSTANT)
    expires_at: datetime | None = Field(default=None, sa_type=INSTANT)
    revoked_at: datetime | None = Field(default=None, sa_type=INSTANT)


class IdempotencyKey(SQLModel, table=True):
    """What a POST answered under its Idempotency-Key, committed with its effect. Writer: api."""

    __tablename__ = "idempotency_keys"

    principal: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    request: bytes
    status: int
    headers: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    body: bytes
    expires_at: datetime = Field(sa_type=INSTANT, index=True)


class AuditEntry(StoreRow, table=True):
    """Who did what to what, append-only by grant. Writer: all services."""

    __tablename__ = "audit_log"
    __table_args__ = (Index("ix_audit_log_at", "store_id", "at"), Index("ix_audit_log_object", "store_id", "object_id"))

    at: datetime = Field(sa_type=INSTANT)
    actor_kind: str
    actor_id: UUID | None = None
    action: str
    object_kind: str
    object_id: UUID | None = None
    detail: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    request_id: str | None = None
