"""What is offered to customers: appointments, vouchers, campaigns with their members."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlmodel import Field

from shared.tables.base import INSTANT, JSON, WORDS, StoreRow, within_store


class Appointment(StoreRow, table=True):
    """预约: a car expected in the workshop at an hour. A moved one points to the one that took its place. Writer: api."""

    __tablename__ = "appointments"
    __table_args__ = (
        within_store("customer_id", "customers"),
        within_store("vehicle_id", "vehicles"),
        within_store("visit_id", "visits"),
        within_store("advisor_id", "staff"),
        within_store("moved_to_id", "appointments"),
        UniqueConstraint("store_id", "external_code"),
        CheckConstraint("direction IN ('outbound', 'inbound')", name="direction"),
        CheckConstraint("state IN ('booked', 'confirmed', 'arrived', 'no_show', 'moved', 'cancelled')", name="state"),
        Index("ix_appointments_starts", "store_id", "starts_at"),
        Index("ix_appointments_customer", "store_id", "customer_id"),
    )

    customer_id: UUID
    vehicle_id: UUID | None = None
    visit_id: UUID | None = None
    external_code: str | None = None
    direction: str
    starts_at: datetime = Field(sa_type=INSTANT)
    minutes: int = 60
    items: list[str] = Field(default_factory=list, sa_type=WORDS)
    quoted_fen: int | None = None
    advisor_id: UUID | None = None
    note: str | None = None
    state: str = "booked"
    state_reason: str | None = None
    moved_to_id: UUID | None = None
    confirmed_at: datetime | None = Field(default=None, sa_type=INSTANT)
    arrived_at: datetime | None = Field(default=None, sa_type=INSTANT)
    closed_at: datetime | None = Field(default=None, sa_type=INSTANT)
    created_by: UUID | None = None
    created_at: datetime = Field(sa_type=INSTANT)
    updated_at: datetime = Field(sa_type=INSTANT)
    version: int = 1


class Voucher(StoreRow, table=True):
    """优惠券: a thing given to a customer, looked up by its code, redeemed once. Writers: api, scheduler (issues)."""

    __tablename__ = "vouchers"
    __table_args__ = (
        within_store("customer_id", "customers"),
        within_store("vehicle_id", "vehicles"),
        within_store("visit_id", "visits"),
        within_store("work_order_id", "work_orders"),
        UniqueConstraint("store_id", "code"),
        UniqueConstraint("store_id", "kind", "customer_id", "vehicle_id", "issued_for", postgresql_nulls_not_distinct=True),
        Index("ix_vouchers_customer", "store_id", "customer_id"),
    )

    code: str
    customer_id: UUID
    vehicle_id: UUID | None = None
    visit_id: UUID | None = None
    kind: str
    issued_for: str
    value_fen: int | None = None
    percent_off: int | None = None
    valid_from: date
    valid_to: date
    issued_at: datetime = Field(sa_type=INSTANT)
    issued_by: UUID | None = None
    redeemed_at: datetime | None = Field(default=None, sa_type=INSTANT)
    redeemed_by: UUID | None = None
    work_order_id: UUID | None = None
    cancelled_at: datetime | None = Field(default=None, sa_type=INSTANT)
    cancel_reason: str | None = None


class Campaign(StoreRow, table=True):
    """活动: an activity or a recall notice to a segment, as a call list or by message. Writers: api, scheduler (progress)."""

    __tablename__ = "campaigns"
    __table_args__ = (
        within_store("created_by", "staff"),
        within_store("approved_by", "staff"),
        CheckConstraint("state IN ('draft', 'approved', 'running', 'stopped', 'done')", name="state"),
        CheckConstraint("mode IN ('call_list', 'message')", name="mode"),
    )

    name: str
    purpose: str
    mode: str
    channel: str
    role: str | None = None
    segment: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    template: str | None = None
    text: str | None = None
    script: str | None = None
    voucher_kind: str | None = None
    starts_on: date
    ends_on: date
    a_day: int | None = None
    state: str = "draft"
    size: int | None = None
    created_by: UUID | None = None
    approved_by: UUID | None = None
    approved_at: datetime | None = Field(default=None, sa_type=INSTANT)
    launched_by: UUID | None = None
    launched_at: datetime | None = Field(default=None, sa_type=INSTANT)
    stopped_by: UUID | None = None
    stopped_at: datetime | None = Field(default=None, sa_type=INSTANT)
    stop_reason: str | None = None
    created_at: datetime = Field(sa_type=INSTANT)
    updated_at: datetime = Field(sa_type=INSTANT)
    version: int = 1


class CampaignMember(StoreRow, table=True):
    """One customer (or one car of theirs) of a launched campaign; `id` is the trigger of its visit. Writers: api, scheduler."""

    __tablename__ = "campaign_members"
    __table_args__ = (
        within_store("campaign_id", "campaigns"),
        within_store("customer_id", "customers"),
        within_store("vehicle_id", "vehicles"),
        UniqueConstraint("store_id", "campaign_id", "customer_id", "vehicle_id", postgresql_nulls_not_distinct=True),
        Index("ix_campaign_members_waiting", "store_id", "campaign_id", "on_day", postgresql_where=text("state = 'waiting'")),
    )

    campaign_id: UUID
    customer_id: UUID
    vehicle_id: UUID | None = None
    on_day: date
    state: str = "waiting"
    reason: str | None = None
