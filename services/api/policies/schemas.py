"""The wire of insurance policies."""

from __future__ import annotations

from datetime import date
from typing import Literal
from uuid import UUID

from pydantic import Field

from services.api.wire import Day, In, Instant, Line, Out, Text

Renewal = Literal["renewed", "lost"]


class PolicyIn(In):
    """A policy of a car."""

    vehicle_id: UUID
    customer_id: UUID | None = Field(None, description="The car's owner; may be left out.")
    insurer: Line | None = Field(None, examples=["平安保险"])
    number: Line | None = Field(None, examples=["PDAA202631010000012345"])
    starts_on: Day | None = None
    expires_on: Day
    result: Renewal | None = Field(None, description="How the renewal ended; null while nobody knows.")


class PolicyPatch(In):
    """What changes of a policy; `result` says how the renewal ended."""

    insurer: Line | None = None
    number: Line | None = None
    starts_on: Day | None = None
    expires_on: Day = Field(date(2027, 11, 23))
    result: Renewal | None = None


class NextPolicyIn(In):
    """The policy that follows; what is left out is taken from the one before, for a year from its end."""

    insurer: Line | None = None
    number: Line | None = None
    starts_on: Day | None = None
    expires_on: Day | None = None


class ResultIn(In):
    """How the renewal ended: it ends the calls. Renewed, the next policy is entered, or found when it is there."""

    result: Renewal
    on: Day | None = Field(None, description="When it was settled; today when left out.")
    lost_reason: Text | None = Field(None, examples=["别家便宜"])
    next: NextPolicyIn | None = None


class PolicyOut(Out):
    """A policy."""

    id: UUID
    customer_id: UUID
    customer_name: str = Field(examples=["王建国"])
    vehicle_id: UUID
    plate: str | None = Field(examples=["沪A12345"])
    insurer: str | None
    number: str | None
    starts_on: date | None
    expires_on: date
    result: Renewal | None
    result_on: date | None
    lost_reason: str | None
    next_policy_id: UUID | None = Field(description="The policy of the car that follows this one.")
    created_at: Instant
    updated_at: Instant
    version: int


class Filters(Out):
    """What a list of policies is narrowed by."""

    customer_id: UUID | None = None
    vehicle_id: UUID | None = None
    number: Line | None = None
    expires_from: Day | None = None
    expires_to: Day | None = None
    result: Literal["renewed", "lost", "open"] | None = None
