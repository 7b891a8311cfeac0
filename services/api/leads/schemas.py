"""The wire of leads."""

from __future__ import annotations

from datetime import date
from typing import Literal
from uuid import UUID

from pydantic import Field, model_validator

from services.api.wire import Day, In, Instant, Line, Out, Text

LeadState = Literal["open", "won", "lost"]


class LeadIn(In):
    """An intent to buy."""

    customer_id: UUID
    consultant_id: UUID | None = Field(None, description="Who opened the file; the caller when he is a consultant.")
    model: Line | None = Field(None, examples=["途观 L"])
    expected_on: Day | None = Field(None, description="When the customer means to buy; the level follows from it.")
    first_visit_on: Day | None = None
    source: Line | None = None


class LeadPatch(In):
    """What changes of a lead; a lost one keeps its reason."""

    consultant_id: UUID | None = None
    model: Line | None = None
    expected_on: Day | None = None
    first_visit_on: Day | None = None
    source: Line | None = None
    state: LeadState = "open"
    lost_reason: Text | None = None

    @model_validator(mode="after")
    def _reasoned(self) -> LeadPatch:
        if self.state == "lost" and "state" in self.model_fields_set and not self.lost_reason:
            raise ValueError("a lost lead wants its lost_reason")
        return self


class LeadOut(Out):
    """A lead. `level` is today's, by the store's policy (`lead_policy`: by-days or abc)."""

    id: UUID
    customer_id: UUID
    consultant_id: UUID | None
    model: str | None
    expected_on: date | None
    first_visit_on: date | None
    source: str | None
    level: str | None = Field(examples=["within_7_days"])
    contact_every_days: int | None = Field(description="How often to be in touch at this level.")
    state: LeadState
    lost_reason: str | None
    created_at: Instant
    updated_at: Instant
    version: int
