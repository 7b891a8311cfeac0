"""The wire of accidents."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from pydantic import Field

from services.api.wire import Day, In, Instant, InstantIn, Line, Out, Text


class AccidentIn(In):
    """An accident of a car. Whoever holds the file calls at once and every second day until the claim is closed."""

    vehicle_id: UUID
    happened_on: Day
    reported_at: InstantIn | None = Field(None, description="When the store learnt of it; now when left out.")
    place: Line | None = Field(None, examples=["沪太路环镇北路口"])
    description: Text | None = Field(None, examples=["追尾，前保险杠受损"])
    insurer: Line | None = Field(None, examples=["平安保险"])
    claim_number: Line | None = None
    external_code: Line | None = Field(None, description="The source's own number: the same one is the same accident.")


class AccidentPatch(In):
    """What became known; `claim_closed_on` ends the calls."""

    place: Line | None = None
    description: Text | None = None
    insurer: Line | None = None
    claim_number: Line | None = None
    claim_closed_on: Day | None = None
    outcome: Text | None = Field(None, examples=["保险全额赔付，车辆已修复交还"])


class AccidentOut(Out):
    """An accident; open while its claim is."""

    id: UUID
    customer_id: UUID
    customer_name: str = Field(examples=["王建国"])
    vehicle_id: UUID
    plate: str | None = Field(examples=["沪A12345"])
    external_code: str | None
    happened_on: date
    reported_at: Instant
    place: str | None
    description: str | None
    insurer: str | None
    claim_number: str | None
    claim_closed_on: date | None
    outcome: str | None
    created_at: Instant
    updated_at: Instant
    version: int
