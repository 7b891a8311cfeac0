"""The wire of work orders."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from pydantic import Field, model_validator

from services.api.vehicles.schemas import Km
from services.api.wire import Fen, In, Instant, InstantIn, Line, Out, Text

Kind = Literal["maintenance", "repair", "bodywork", "claim", "internal"]


class WorkOrderIn(In):
    """A closed order. The customer is the car's owner; `contact_*` is who brought it, when that was another."""

    vehicle_id: UUID
    number: Line = Field(examples=["RO20261123001"])
    kind: Kind
    opened_at: InstantIn | None = None
    closed_at: InstantIn
    advisor_id: UUID | None = None
    technician_id: UUID | None = None
    items: Text | None = None
    fee_fen: Fen | None = None
    mileage_km: Km | None = None
    contact_name: Line | None = None
    contact_phone: Line | None = Field(None, description="Any usual spelling; kept as E.164, shown masked.")

    @model_validator(mode="after")
    def _ordered(self) -> WorkOrderIn:
        if self.opened_at and self.opened_at > self.closed_at:
            raise ValueError("opened_at lies after closed_at")
        return self


class WorkOrderPatch(In):
    """What changes of an order; its follow-up follows."""

    kind: Kind = "maintenance"
    opened_at: InstantIn | None = None
    closed_at: InstantIn | None = None
    advisor_id: UUID | None = None
    technician_id: UUID | None = None
    items: Text | None = None
    fee_fen: Fen | None = None
    mileage_km: Km | None = None
    contact_name: Line | None = None
    contact_phone: Line | None = None

    @model_validator(mode="after")
    def _closed(self) -> WorkOrderPatch:
        if "closed_at" in self.model_fields_set and self.closed_at is None:
            raise ValueError("closed_at cannot be taken away")
        return self


class WorkOrderOut(Out):
    """An order."""

    id: UUID
    customer_id: UUID
    vehicle_id: UUID
    number: str
    kind: Kind
    opened_at: Instant | None
    closed_at: Instant
    advisor_id: UUID | None
    technician_id: UUID | None
    items: str | None
    fee_fen: int | None
    mileage_km: int | None
    contact_name: str | None
    contact_phone: str | None = Field(description="Masked unless the caller may reveal.", examples=["138****1234"])
    first_service: bool = Field(description="The customer's first order with this car.")
    created_at: Instant
    updated_at: Instant
    version: int
