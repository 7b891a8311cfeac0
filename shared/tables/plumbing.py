"""Tables of the machinery: the clock's anchor, scheduled jobs, heartbeats."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field, SQLModel

from shared.tables.base import INSTANT


class BusinessClock(SQLModel, table=True):
    """The anchor of business time; empty in production. Writers: the first process to start, api (development)."""

    __tablename__ = "business_clock"

    id: int = Field(default=1, primary_key=True, sa_column_kwargs={"autoincrement": False})
    machine_at: datetime = Field(sa_type=INSTANT)
    business_at: datetime = Field(sa_type=INSTANT)
    speed: float


class ScheduledJob(SQLModel, table=True):
    """What runs on the calendar, and when next (business time). Writer: scheduler."""

    __tablename__ = "scheduled_jobs"

    name: str = Field(primary_key=True)
    next_at: datetime = Field(sa_type=INSTANT)
    last_at: datetime | None = Field(default=None, sa_type=INSTANT)


class Heartbeat(SQLModel, table=True):
    """Sign of life of a process (machine time). Writer: each service its own."""

    __tablename__ = "heartbeats"

    name: str = Field(primary_key=True)
    beat_at: datetime = Field(sa_type=INSTANT)
    detail: str | None = None
