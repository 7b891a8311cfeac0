"""Large changes that can be undone: files merged, work handed over; and the store's own scripts."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field

from shared.tables.base import INSTANT, JSON, StoreRow, within_store


class CustomerMerge(StoreRow, table=True):
    """Two files made one: what was moved and what was there before, so that it can be undone. Writer: api."""

    __tablename__ = "customer_merges"
    __table_args__ = (
        within_store("kept_id", "customers"),
        within_store("merged_id", "customers"),
        Index("ix_customer_merges_standing", "store_id", "merged_id", unique=True, postgresql_where=text("undone_at IS NULL")),
    )

    kept_id: UUID
    merged_id: UUID
    at: datetime = Field(sa_type=INSTANT)
    by: UUID | None = None
    moved: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    undone_at: datetime | None = Field(default=None, sa_type=INSTANT)
    undone_by: UUID | None = None


class Handover(StoreRow, table=True):
    """One person's open work given to others, for good or for an absence: who got what. Writers: api, scheduler (absence, month 9)."""

    __tablename__ = "handovers"
    __table_args__ = (
        within_store("staff_id", "staff"),
        within_store("absence_id", "staff_absences"),
        Index("ix_handovers_staff", "store_id", "staff_id"),
    )

    staff_id: UUID
    absence_id: UUID | None = None
    reason: str
    at: datetime = Field(sa_type=INSTANT)
    by: UUID | None = None
    back_on: date | None = None
    moves: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    undone_at: datetime | None = Field(default=None, sa_type=INSTANT)
    undone_by: UUID | None = None


class StoreScript(StoreRow, table=True):
    """话术: a store's own words for a step of a programme; without one the programme's own hold. Writer: api."""

    __tablename__ = "store_scripts"
    __table_args__ = (UniqueConstraint("store_id", "programme", "step"),)

    programme: str
    step: str
    text: str
    questions: list[Any] | None = Field(default=None, sa_type=JSON)
    updated_at: datetime = Field(sa_type=INSTANT)
    updated_by: UUID | None = None
    version: int = 1
