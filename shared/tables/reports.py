"""Frozen months, what is flagged for a manager's second look, notices to staff by e-mail."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlmodel import Field

from shared.tables.base import INSTANT, JSON, StoreRow, within_store


class FrozenReport(StoreRow, table=True):
    """A report of a month as it was when the month was closed; never changed after. Writers: api, scheduler insert."""

    __tablename__ = "frozen_reports"
    __table_args__ = (UniqueConstraint("store_id", "name", "month"),)

    name: str
    month: str
    frozen_at: datetime = Field(sa_type=INSTANT)
    content: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)


class QualityFlag(StoreRow, table=True):
    """Work that looks too good, or a random share of it, for a manager's second call. Writers: api, scheduler."""

    __tablename__ = "quality_flags"
    __table_args__ = (
        within_store("staff_id", "staff"),
        within_store("visit_id", "visits"),
        within_store("attempt_id", "attempts"),
        UniqueConstraint("store_id", "kind", "staff_id", "visit_id", "attempt_id", "day", postgresql_nulls_not_distinct=True),
        CheckConstraint("state IN ('open', 'cleared', 'upheld')", name="state"),
        Index("ix_quality_flags_open", "store_id", "kind", "at", postgresql_where=text("state = 'open'")),
    )

    kind: str
    staff_id: UUID | None = None
    visit_id: UUID | None = None
    attempt_id: UUID | None = None
    day: str
    at: datetime = Field(sa_type=INSTANT)
    detail: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    state: str = "open"
    note: str | None = None
    decided_at: datetime | None = Field(default=None, sa_type=INSTANT)
    decided_by: UUID | None = None


class StaffNotice(StoreRow, table=True):
    """Word to one of the staff that goes out by e-mail: an escalation, the monthly report. Writers: api, scheduler; notifier sends.

    `report_name` and `report_month` name a frozen report that is attached as an Excel file.
    """

    __tablename__ = "staff_notices"
    __table_args__ = (
        within_store("staff_id", "staff"),
        UniqueConstraint("store_id", "staff_id", "kind", "ref"),
        CheckConstraint("state IN ('queued', 'sending', 'sent', 'failed', 'no_address')", name="state"),
        Index("ix_staff_notices_open", "store_id", "wake_at", postgresql_where=text("state IN ('queued', 'sending')")),
    )

    staff_id: UUID
    kind: str
    ref: str
    subject: str
    body: str
    report_name: str | None = None
    report_month: str | None = None
    state: str = "queued"
    tries: int = 0
    wake_at: datetime | None = Field(default=None, sa_type=INSTANT)
    lease_until: datetime | None = Field(default=None, sa_type=INSTANT)
    reason: str | None = None
    created_at: datetime = Field(sa_type=INSTANT)
    sent_at: datetime | None = Field(default=None, sa_type=INSTANT)
