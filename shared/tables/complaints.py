"""Complaints with their clocks and their history, and smaller problems raised on a call."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlmodel import Field

from shared.tables.base import INSTANT, JSON, WORDS, StoreRow, within_store


class Complaint(StoreRow, table=True):
    """投诉/抱怨: from the first word of the customer to the customer's own word that it is settled. Writers: api, scheduler (clocks).

    `respond_by`, `handle_by`, `tell_by` are the clocks as they stand (moved by a pause or an approved extension); `wake_at` is when
    the scheduler must look again. `round_at`: when the loop it is in began, if not the first; `pauses`: [from, to] of each pause in it.
    `number` counts a store's complaints of a month: 202611-0007.
    """

    __tablename__ = "complaints"
    __table_args__ = (
        within_store("customer_id", "customers"),
        within_store("vehicle_id", "vehicles"),
        within_store("visit_id", "visits"),
        within_store("work_order_id", "work_orders"),
        within_store("owner_id", "staff"),
        UniqueConstraint("store_id", "number"),
        CheckConstraint("kind IN ('quality', 'attitude', 'service')", name="kind"),
        CheckConstraint(
            "state IN ('open', 'responded', 'handling', 'told', 'closed', 'closed_unconfirmed', 'rejected')", name="state"
        ),
        Index("ix_complaints_wake", "store_id", "wake_at", postgresql_where=text("wake_at IS NOT NULL")),
        Index("ix_complaints_customer", "store_id", "customer_id"),
        Index("ix_complaints_opened", "store_id", "opened_at"),
        Index("ix_complaints_open", "store_id", "owner_id", postgresql_where=text("closed_at IS NULL")),
        Index("ix_complaints_of_visit", "store_id", "visit_id", "source", unique=True, postgresql_where=text("source = 'score'")),
    )

    number: str
    customer_id: UUID
    vehicle_id: UUID | None = None
    visit_id: UUID | None = None
    work_order_id: UUID | None = None
    kind: str
    category: str
    severity: str = "normal"
    crisis: bool = False
    crisis_reasons: list[str] = Field(default_factory=list, sa_type=WORDS)
    crisis_checklist: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    source: str = "call"
    department: str | None = None
    text: str
    wish: str | None = None
    state: str = "open"
    owner_id: UUID | None = None
    level: int = 0
    valid: bool | None = None
    invalid_reason: str | None = None
    cause: str | None = None
    solution: str | None = None
    customer_opinion: str | None = None
    result: str | None = None
    summary: str | None = None
    measure: str | None = None
    compensation_fen: int | None = None
    opened_at: datetime = Field(sa_type=INSTANT)
    round_at: datetime | None = Field(default=None, sa_type=INSTANT)
    respond_by: datetime = Field(sa_type=INSTANT)
    handle_by: datetime = Field(sa_type=INSTANT)
    tell_by: datetime | None = Field(default=None, sa_type=INSTANT)
    late_reason: str | None = None
    late_approved_by: UUID | None = None
    responded_at: datetime | None = Field(default=None, sa_type=INSTANT)
    handled_at: datetime | None = Field(default=None, sa_type=INSTANT)
    told_at: datetime | None = Field(default=None, sa_type=INSTANT)
    resolved_at: datetime | None = Field(default=None, sa_type=INSTANT)
    confirmed_at: datetime | None = Field(default=None, sa_type=INSTANT)
    closed_at: datetime | None = Field(default=None, sa_type=INSTANT)
    sign_off_by: datetime | None = Field(default=None, sa_type=INSTANT)
    signed_off_at: datetime | None = Field(default=None, sa_type=INSTANT)
    signed_off_by: UUID | None = None
    regional_at: datetime | None = Field(default=None, sa_type=INSTANT)
    paused_at: datetime | None = Field(default=None, sa_type=INSTANT)
    pause_reason: str | None = None
    pauses: list[Any] | None = Field(default=None, sa_type=JSON)
    warned: list[str] = Field(default_factory=list, sa_type=WORDS)
    reopened: int = 0
    wake_at: datetime | None = Field(default=None, sa_type=INSTANT)
    created_by: UUID | None = None
    created_at: datetime = Field(sa_type=INSTANT)
    updated_at: datetime = Field(sa_type=INSTANT)
    version: int = 1


class ComplaintEvent(StoreRow, table=True):
    """The history of a complaint, append-only by grant: responses, warnings, escalations, the log of a crisis. Writers: api, scheduler."""

    __tablename__ = "complaint_events"
    __table_args__ = (
        within_store("complaint_id", "complaints"),
        Index("ix_complaint_events_complaint", "store_id", "complaint_id", "at"),
    )

    complaint_id: UUID
    at: datetime = Field(sa_type=INSTANT)
    kind: str
    actor_kind: str
    actor_id: UUID | None = None
    detail: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)


class Problem(StoreRow, table=True):
    """A problem raised on a call that is no complaint: pending at once, the department acts in 24 h, the customer is told. Writer: api."""

    __tablename__ = "problems"
    __table_args__ = (
        within_store("customer_id", "customers"),
        within_store("vehicle_id", "vehicles"),
        within_store("visit_id", "visits"),
        within_store("head_id", "staff"),
        within_store("complaint_id", "complaints"),
        CheckConstraint("state IN ('pending', 'acted', 'told', 'resolved', 'complaint')", name="state"),
        Index("ix_problems_open", "store_id", "department", "act_by", postgresql_where=text("resolved_at IS NULL")),
        Index("ix_problems_customer", "store_id", "customer_id"),
        Index("ix_problems_visit", "store_id", "visit_id"),
    )

    customer_id: UUID
    vehicle_id: UUID | None = None
    visit_id: UUID | None = None
    attempt_id: UUID | None = None
    type: str
    department: str
    head_id: UUID | None = None
    text: str
    state: str = "pending"
    action: str | None = None
    opened_at: datetime = Field(sa_type=INSTANT)
    act_by: datetime = Field(sa_type=INSTANT)
    acted_at: datetime | None = Field(default=None, sa_type=INSTANT)
    told_at: datetime | None = Field(default=None, sa_type=INSTANT)
    resolved_at: datetime | None = Field(default=None, sa_type=INSTANT)
    complaint_id: UUID | None = None
    warned_at: datetime | None = Field(default=None, sa_type=INSTANT)
    created_by: UUID | None = None
    updated_at: datetime = Field(sa_type=INSTANT)
    version: int = 1
