"""The wire of work orders."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, model_validator

from services.api.wire import EXAMPLE_INSTANT, Fen, In, Instant, InstantIn, Line, Out, Text

Kind = Literal["maintenance", "repair", "bodywork", "claim", "internal"]
Km = Annotated[int, Field(ge=0, le=3_000_000, examples=[5000])]
Number = Annotated[Line, Field(examples=["RO20261123001"])]


class WorkOrderIn(In):
    """A closed order of a car: `vehicle_id`, or its VIN or plate. `contact_*` is who brought it, when that was not the owner."""

    vehicle_id: UUID | None = None
    vin: Line | None = Field(None, examples=["LSVAA49J132047371"], description="Instead of `vehicle_id`; the surest.")
    plate: Line | None = Field(None, examples=["沪A12345"], description="Instead of `vehicle_id`, in any usual spelling.")
    customer_id: UUID | None = Field(None, description="The car's owner; may be left out.")
    number: Number
    kind: Kind
    opened_at: InstantIn | None = None
    closed_at: InstantIn = Field(description="Never in the future.")
    advisor_id: UUID | None = None
    technician_id: UUID | None = None
    items: Text | None = Field(None, examples=["更换机油机滤"])
    fee_fen: Fen | None = None
    mileage_km: Km | None = None
    contact_name: Line | None = None
    contact_phone: Line | None = Field(
        None, description="Any usual spelling; kept sealed, shown masked.", examples=["13812341234"]
    )

    @model_validator(mode="after")
    def _names_a_car(self) -> WorkOrderIn:
        if self.vehicle_id is None and self.vin is None and self.plate is None:
            raise ValueError("vehicle_id, vin or plate names the car")
        return self


class WorkOrderPatch(In):
    """What changes of an order; its follow-up follows. Car and customer stay: an order of another car is another order."""

    number: Number = ""
    kind: Kind = "maintenance"
    opened_at: InstantIn | None = None
    closed_at: InstantIn = Field(EXAMPLE_INSTANT, validate_default=True)
    advisor_id: UUID | None = None
    technician_id: UUID | None = None
    items: Text | None = None
    fee_fen: Fen | None = None
    mileage_km: Km | None = None
    contact_name: Line | None = None
    contact_phone: Line | None = None


class WorkOrderOut(Out):
    """An order."""

    id: UUID
    customer_id: UUID
    customer_name: str = Field(examples=["王建国"])
    vehicle_id: UUID
    plate: str | None = Field(examples=["沪A12345"])
    number: Number
    kind: Kind
    opened_at: Instant | None
    closed_at: Instant
    advisor_id: UUID | None
    technician_id: UUID | None
    items: str | None
    fee_fen: int | None = Field(examples=[68000])
    mileage_km: int | None
    contact_name: str | None
    contact_phone: str | None = Field(description="Masked unless the caller may reveal.", examples=["138****1234"])
    first_service: bool = Field(description="The customer's first order with this car.")
    created_at: Instant
    updated_at: Instant
    version: int


class Filters(Out):
    """What a list of orders is narrowed by; days are the store's, both included."""

    customer_id: UUID | None = None
    vehicle_id: UUID | None = None
    advisor_id: UUID | None = None
    kind: Kind | None = None
    number: str | None = None
    closed_from: date | None = None
    closed_to: date | None = None
