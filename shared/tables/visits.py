"""Programmes, visits, attempts, due-contact events: what this service is for."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlmodel import Field

from shared.crypto import Sealed
from shared.tables.base import IDS, INSTANT, JSON, WORDS, SealedBytes, StoreRow, within_store


class ProgrammeRow(StoreRow, table=True):
    """A version of a 回访方案 of a store; the one without `retired_at` is in force. Writer: api."""

    __tablename__ = "programmes"
    __table_args__ = (
        UniqueConstraint("store_id", "key", "version"),
        Index("ix_programmes_current", "store_id", "key", unique=True, postgresql_where=text("retired_at IS NULL")),
    )

    key: str
    version: int = 1
    policy: str | None = None
    enabled: bool = True
    source: str
    created_at: datetime = Field(sa_type=INSTANT)
    created_by: UUID | None = None
    retired_at: datetime | None = Field(default=None, sa_type=INSTANT)


class Visit(StoreRow, table=True):
    """回访: one planned follow-up of one customer for one step. Writers: api, scheduler, after SELECT … FOR UPDATE.

    `due_at` is when it becomes due, as planned; `next_*` is what the API shows; `wake_at` is when the scheduler must look again:
    whoever sets it calls `shared.wakes.wake`. `due_seq` numbers the due-contact events, `due_event_id` is that of its promotion.

    Half of each page is left free and no index holds what a promotion changes (open is `closed_at IS NULL`, not a list of states), so
    that a day's visits become due in place, without a write to any index.
    """

    __tablename__ = "visits"
    __table_args__ = (
        within_store("customer_id", "customers"),
        within_store("vehicle_id", "vehicles"),
        within_store("assignee_id", "staff"),
        within_store("follows_visit_id", "visits"),
        UniqueConstraint("store_id", "trigger_id", "programme", "step", "occurrence"),
        CheckConstraint(
            "state IN ('planned', 'due', 'trying', 'completed', 'incomplete', 'unreachable', 'invalid',"
            " 'declined', 'cancelled', 'missed', 'expired')",
            name="state",
        ),
        Index("ix_visits_open", "store_id", "assignee_id", "window_start", postgresql_where=text("closed_at IS NULL")),
        Index("ix_visits_customer", "store_id", "customer_id"),
        Index("ix_visits_vehicle", "store_id", "vehicle_id"),
        Index("ix_visits_due_on", "store_id", "due_on"),
        {"postgresql_with": {"fillfactor": 50}},
    )

    customer_id: UUID
    vehicle_id: UUID | None = None
    programme: str
    programme_version: int = 1
    step: str
    occurrence: int = 1
    tier: str = "service"
    purposes: list[str] = Field(default_factory=list, sa_type=WORDS)
    role: str | None = None
    assignee_id: UUID | None = None
    channel: str
    message_template: str | None = None
    state: str = "planned"
    state_reason: str | None = None
    late: bool = False
    follows_visit_id: UUID | None = None
    due_on: date
    due_at: datetime = Field(sa_type=INSTANT)
    window_start: datetime = Field(sa_type=INSTANT)
    window_end: datetime = Field(sa_type=INSTANT)
    target_at: datetime | None = Field(default=None, sa_type=INSTANT)
    promised_at: datetime | None = Field(default=None, sa_type=INSTANT)
    trigger_type: str
    trigger_id: UUID
    trigger_at: datetime = Field(sa_type=INSTANT)
    callee_name: str | None = None
    callee_phone: Sealed | None = Field(default=None, sa_type=SealedBytes)
    callee_phone_index: bytes | None = None
    on_missed: str = "none"
    next_step: str | None = None
    next_at: datetime | None = Field(default=None, sa_type=INSTANT)
    next_reason: str | None = None
    wake_at: datetime | None = Field(default=None, sa_type=INSTANT)
    due_seq: int = 0
    due_event_id: UUID | None = None
    tries: int = 0
    satisfaction: int | None = None
    problem_type: str | None = None
    closed_at: datetime | None = Field(default=None, sa_type=INSTANT)
    confirmed_at: datetime | None = Field(default=None, sa_type=INSTANT)
    confirmed_by: UUID | None = None
    created_at: datetime = Field(sa_type=INSTANT)
    updated_at: datetime = Field(sa_type=INSTANT)
    version: int = 1


class VisitWake(StoreRow, table=True):
    """Look at these visits then: the scheduler's queue, deleted when taken. The truth is `visits.wake_at`.

    For every visit with a `wake_at` there is a row at that instant or before it; a row that finds nothing due is out of date and means
    nothing. Up to a hundred visits with one instant share a row. Writers: api and scheduler, by `shared.wakes.wake`.
    """

    __tablename__ = "visit_wakes"
    __table_args__ = (
        Index("ix_visit_wakes_at", "store_id", "wake_at"),
        {"postgresql_with": {"autovacuum_vacuum_scale_factor": 0.02}},  # a queue: what was taken is in the way of what comes next
    )

    wake_at: datetime = Field(sa_type=INSTANT)
    visit_ids: list[UUID] = Field(sa_type=IDS)


class Attempt(StoreRow, table=True):
    """联系记录: one try within a visit, to the minute. Written once; a withdrawal is marked, not deleted. Writer: api."""

    __tablename__ = "attempts"
    __table_args__ = (
        within_store("visit_id", "visits"),
        within_store("staff_id", "staff"),
        UniqueConstraint("store_id", "visit_id", "seq"),
        Index("ix_attempts_at", "store_id", "at"),
    )

    visit_id: UUID
    seq: int
    staff_id: UUID | None = None
    channel: str
    outcome: str
    direction: str = "out"
    contact_point_id: UUID | None = None
    reached_person: str | None = None
    at: datetime = Field(sa_type=INSTANT)
    started_at: datetime | None = Field(default=None, sa_type=INSTANT)
    talk_seconds: int | None = None
    note: str | None = None
    satisfaction: int | None = None
    problem_type: str | None = None
    answers: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    result: str | None = None
    corrections: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    next_at: datetime | None = Field(default=None, sa_type=INSTANT)
    late: bool = False
    withdrawn_at: datetime | None = Field(default=None, sa_type=INSTANT)
    created_at: datetime = Field(sa_type=INSTANT)


class VisitEvent(StoreRow, table=True):
    """The history of a visit, append-only: what `why` tells. Writers: api, scheduler, notifier."""

    __tablename__ = "visit_events"
    __table_args__ = (within_store("visit_id", "visits"), Index("ix_visit_events_visit", "store_id", "visit_id", "at"))

    store_id: UUID = Field(primary_key=True)  # the visit's key says the store exists; a second check would cost the hot path
    visit_id: UUID
    at: datetime = Field(sa_type=INSTANT)
    kind: str
    actor_kind: str
    actor_id: UUID | None = None
    detail: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)


class DueContactEvent(StoreRow, table=True):
    """Contacts are due: written in the transaction that makes them due, rung through Redis, handled by the notifier.

    One row for up to a hundred visits with one step and one instant. A promotion is found from the visit (`visits.due_event_id`);
    what the ladder decided of one visit is a row with `visit_id`. Writers: api and scheduler insert, the scheduler marks `rung_at`,
    the notifier `handled_at`.
    """

    __tablename__ = "due_contact_events"
    __table_args__ = (
        within_store("visit_id", "visits"),
        UniqueConstraint("store_id", "visit_id", "due_seq"),
        Index("ix_due_contact_events_open", "store_id", "created_at", postgresql_where=text("handled_at IS NULL")),
    )

    visit_ids: list[UUID] = Field(sa_type=IDS)
    visit_id: UUID | None = None
    due_seq: int
    step: str
    due_at: datetime = Field(sa_type=INSTANT)
    created_at: datetime = Field(sa_type=INSTANT)
    rung_at: datetime | None = Field(default=None, sa_type=INSTANT)
    handled_at: datetime | None = Field(default=None, sa_type=INSTANT)


class VisitSignal(StoreRow, table=True):
    """Word to the scheduler that something about a visit changed. Writer: notifier inserts, scheduler marks."""

    __tablename__ = "visit_signals"
    __table_args__ = (
        within_store("visit_id", "visits"),
        UniqueConstraint("store_id", "visit_id", "kind", "ref_id"),
        Index("ix_visit_signals_open", "store_id", "at", postgresql_where=text("handled_at IS NULL")),
    )

    visit_id: UUID
    kind: str
    ref_id: UUID
    at: datetime = Field(sa_type=INSTANT)
    handled_at: datetime | None = Field(default=None, sa_type=INSTANT)


class Task(StoreRow, table=True):
    """Something a person must do that is not a call: correct a file, read a reply, name the new owner, hand a card over.

    `about_id`: what it is about where that is no visit: a complaint, a problem, the sale of a card. Writers: api, scheduler, notifier.
    """

    __tablename__ = "tasks"
    __table_args__ = (
        within_store("customer_id", "customers"),
        within_store("visit_id", "visits"),
        within_store("assignee_id", "staff"),
        Index(
            "ix_tasks_once",
            "store_id",
            "kind",
            "customer_id",
            "visit_id",
            "about_id",
            unique=True,
            postgresql_where=text("done_at IS NULL"),
            postgresql_nulls_not_distinct=True,
        ),
        Index("ix_tasks_about", "store_id", "about_id", postgresql_where=text("about_id IS NOT NULL")),
    )

    kind: str
    customer_id: UUID | None = None
    visit_id: UUID | None = None
    about_id: UUID | None = None
    role: str | None = None
    assignee_id: UUID | None = None
    due_at: datetime | None = Field(default=None, sa_type=INSTANT)
    detail: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    created_at: datetime = Field(sa_type=INSTANT)
    done_at: datetime | None = Field(default=None, sa_type=INSTANT)
    done_by: UUID | None = None
