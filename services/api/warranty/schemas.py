"""The wire of warranty items."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import Field

from services.api.wire import Day, In, Instant, Line, Out

Months = Annotated[int, Field(ge=1, le=240, description="Under warranty for so many months.", examples=[36])]
Km = Annotated[
    int, Field(ge=1, le=3_000_000, description="Under warranty up to this reading of the odometer.", examples=[100000])
]


class WarrantyItemIn(In):
    """An item under warranty: for months, up to a mileage, or whichever comes first."""

    name: Line = Field(examples=["整车质保"])
    starts_on: Day | None = Field(None, description="The delivery's day when left out.")
    months: Months | None = None
    km: Km | None = None


class WarrantyItemPatch(In):
    """Other terms."""

    name: Line = "整车质保"
    starts_on: Day = Field(date(2026, 11, 23))
    months: Months | None = None
    km: Km | None = None


class WarrantyItemOut(Out):
    """An item, and when it is expected to end."""

    id: UUID
    vehicle_id: UUID
    name: str
    starts_on: date
    months: int | None
    km: int | None
    expected_on: date | None = Field(description="By time or by estimated mileage, whichever is first.")
    created_at: Instant
    updated_at: Instant
    version: int
