"""The wire of insurance policies."""

from __future__ import annotations

from datetime import date
from typing import Literal
from uuid import UUID

from pydantic import Field, model_validator

from services.api.wire import Day, In, Instant, Line, Out

Renewal = Literal["renewed", "lost"]


class PolicyIn(In):
    """A policy of a car."""

    customer_id: UUID
    vehicle_id: UUID
    insurer: Line | None = Field(None, examples=["平安保险"])
    number: Line | None = None
    starts_on: Day | None = None
    expires_on: Day
    result: Renewal | None = None

    @model_validator(mode="after")
    def _ordered(self) -> PolicyIn:
        if self.starts_on and self.starts_on > self.expires_on:
            raise ValueError("starts_on lies after expires_on")
        return self


class PolicyPatch(In):
    """What changes of a policy; `result` says how the renewal ended."""

    insurer: Line | None = None
    number: Line | None = None
    starts_on: Day | None = None
    expires_on: Day = Field(date(2027, 11, 23))
    result: Renewal | None = None


class PolicyOut(Out):
    """A policy."""

    id: UUID
    customer_id: UUID
    vehicle_id: UUID
    insurer: str | None
    number: str | None
    starts_on: date | None
    expires_on: date
    result: Renewal | None
    created_at: Instant
    updated_at: Instant
    version: int
