"""The wire of vehicles."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field

from services.api.wire import Day, In, Instant, Line, Out, Text
from shared.domain.plate import PlateFault, normalise_plate
from shared.domain.vin import VinFault, normalise_vin

HIGHEST_READING = 3_000_000


def _plate(text: str) -> str:
    try:
        return normalise_plate(text)
    except PlateFault as fault:
        raise ValueError(f"not a plate: {fault.code}") from None


def _vin(text: str) -> str:
    try:
        return normalise_vin(text)
    except VinFault as fault:
        raise ValueError(f"not a VIN: {fault.code}") from None


Plate = Annotated[Line, AfterValidator(_plate), Field(examples=["沪A12345"])]
Vin = Annotated[Line, AfterValidator(_vin), Field(examples=["LSVAA49J132047371"])]
Km = Annotated[int, Field(ge=0, le=HIGHEST_READING, examples=[5000])]
Months = Annotated[int, Field(ge=1, le=120, examples=[6])]
IntervalKm = Annotated[int, Field(ge=500, le=200_000, examples=[5000])]


class VehicleIn(In):
    """A car of a customer."""

    customer_id: UUID
    plate: Plate | None = None
    vin: Vin | None = None
    engine_number: Line | None = None
    model: Line | None = Field(None, examples=["朗逸 1.5L"])
    colour: Line | None = None
    purchased_on: Day | None = None
    interval_months: Months | None = Field(None, description="Maintenance interval; the store's when absent.")
    interval_km: IntervalKm | None = None
    last_maintenance_on: Day | None = None
    last_maintenance_km: Km | None = None
    excluded: bool = Field(False, description="Internal, test and trade (二网) cars are not followed up.")


class VehiclePatch(In):
    """What changes of a car."""

    plate: Plate | None = None
    vin: Vin | None = None
    engine_number: Line | None = None
    model: Line | None = None
    colour: Line | None = None
    purchased_on: Day | None = None
    interval_months: Months | None = None
    interval_km: IntervalKm | None = None
    last_maintenance_on: Day | None = None
    last_maintenance_km: Km | None = None
    excluded: bool = False


class VehicleOut(Out):
    """A car under one owner."""

    id: UUID
    customer_id: UUID
    plate: str | None = Field(examples=["沪A12345"])
    vin: str | None
    engine_number: str | None
    model: str | None
    colour: str | None
    purchased_on: date | None
    interval_months: int | None
    interval_km: int | None
    last_maintenance_on: date | None
    last_maintenance_km: int | None
    next_maintenance_on: date | None = Field(description="By time or by estimated mileage, whichever is first.")
    excluded: bool
    ended_at: Instant | None = Field(description="When it left this owner.")
    end_reason: str | None
    created_at: Instant
    updated_at: Instant
    version: int


class ReadingIn(In):
    """A reading of the odometer."""

    km: Km
    read_on: Day | None = Field(None, description="Today when absent; never in the future.")
    source: Annotated[Line, Field(examples=["call"])] = "call"


class ReadingOut(Out):
    """A reading; of several on one day the highest stands."""

    id: UUID
    vehicle_id: UUID
    read_on: date
    km: int
    source: str


class TransferIn(In):
    """The car passes to another customer: a clean start under the same VIN, with nothing of the old file."""

    customer_id: UUID
    plate: Plate | None = None
    reason: Text | None = None
