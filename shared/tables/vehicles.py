"""Vehicles and what happened to them: sales, insurance, work orders, readings; accidents, warranty;
and leads for those not yet bought.
"""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field

from shared.crypto import Sealed
from shared.tables.base import INSTANT, SealedBytes, StoreRow, within_store


class Vehicle(StoreRow, table=True):
    """车辆 of one owner. Under a new owner the same VIN is a new row that starts clean. Writer: api."""

    __tablename__ = "vehicles"
    __table_args__ = (
        within_store("customer_id", "customers"),
        Index(
            "ix_vehicles_vin",
            "store_id",
            "vin",
            unique=True,
            postgresql_where=text("ended_at IS NULL AND vin IS NOT NULL"),
        ),
        Index("ix_vehicles_plate", "store_id", "plate"),
        Index("ix_vehicles_customer", "store_id", "customer_id"),
        Index("ix_vehicles_maintenance", "store_id", "next_maintenance_on", postgresql_where=text("ended_at IS NULL")),
    )

    customer_id: UUID
    plate: str | None = None
    vin: str | None = None
    engine_number: str | None = None
    model: str | None = None
    colour: str | None = None
    purchased_on: date | None = None
    interval_months: int | None = None
    interval_km: int | None = None
    last_maintenance_on: date | None = None
    last_maintenance_km: int | None = None
    next_maintenance_on: date | None = None
    excluded: bool = False
    ended_at: datetime | None = Field(default=None, sa_type=INSTANT)
    end_reason: str | None = None
    created_at: datetime = Field(sa_type=INSTANT)
    updated_at: datetime = Field(sa_type=INSTANT)
    version: int = 1


class MileageReading(StoreRow, table=True):
    """A reading of the odometer. Writer: api."""

    __tablename__ = "mileage_readings"
    __table_args__ = (within_store("vehicle_id", "vehicles"), UniqueConstraint("store_id", "vehicle_id", "read_on"))

    vehicle_id: UUID
    read_on: date
    km: int
    source: str


class Sale(StoreRow, table=True):
    """交车: the delivery of a vehicle. Writer: api."""

    __tablename__ = "sales"
    __table_args__ = (
        within_store("customer_id", "customers"),
        within_store("vehicle_id", "vehicles"),
        within_store("consultant_id", "staff"),
        within_store("insurance_specialist_id", "staff"),
        within_store("renewal_specialist_id", "staff"),
        UniqueConstraint("store_id", "vehicle_id", "delivered_on"),
        Index("ix_sales_customer", "store_id", "customer_id"),
        Index("ix_sales_delivered", "store_id", "delivered_on"),
    )

    customer_id: UUID
    vehicle_id: UUID
    external_code: str | None = None
    delivered_on: date
    consultant_id: UUID | None = None
    insured: bool | None = None
    plated: bool | None = None
    card_handed_on: date | None = None
    file_uploaded_on: date | None = None
    insurance_specialist_id: UUID | None = None
    renewal_specialist_id: UUID | None = None
    renewal_moved_on: date | None = None
    price_fen: int | None = None
    excluded: bool = False
    created_at: datetime = Field(sa_type=INSTANT)
    updated_at: datetime = Field(sa_type=INSTANT)
    version: int = 1


class InsurancePolicy(StoreRow, table=True):
    """保险. Writer: api."""

    __tablename__ = "insurance_policies"
    __table_args__ = (
        within_store("customer_id", "customers"),
        within_store("vehicle_id", "vehicles"),
        UniqueConstraint("store_id", "vehicle_id", "expires_on"),
    )

    customer_id: UUID
    vehicle_id: UUID
    insurer: str | None = None
    number: str | None = None
    starts_on: date | None = None
    expires_on: date
    result: str | None = None
    result_on: date | None = None
    lost_reason: str | None = None
    created_at: datetime = Field(sa_type=INSTANT)
    updated_at: datetime = Field(sa_type=INSTANT)
    version: int = 1


class Accident(StoreRow, table=True):
    """事故: an accident of a car, tracked every second day until the claim is closed. Writer: api."""

    __tablename__ = "accidents"
    __table_args__ = (
        within_store("customer_id", "customers"),
        within_store("vehicle_id", "vehicles"),
        UniqueConstraint("store_id", "external_code"),
        Index("ix_accidents_vehicle", "store_id", "vehicle_id"),
    )

    customer_id: UUID
    vehicle_id: UUID
    external_code: str | None = None
    happened_on: date
    reported_at: datetime = Field(sa_type=INSTANT)
    place: str | None = None
    description: str | None = None
    insurer: str | None = None
    claim_number: str | None = None
    claim_closed_on: date | None = None
    outcome: str | None = None
    created_at: datetime = Field(sa_type=INSTANT)
    updated_at: datetime = Field(sa_type=INSTANT)
    version: int = 1


class WarrantyItem(StoreRow, table=True):
    """质保项目: what is under warranty until a date or a mileage, whichever comes first. Writers: api, scheduler (`expected_on`)."""

    __tablename__ = "warranty_items"
    __table_args__ = (
        within_store("vehicle_id", "vehicles"),
        UniqueConstraint("store_id", "vehicle_id", "name"),
        Index("ix_warranty_items_expected", "store_id", "expected_on"),
    )

    vehicle_id: UUID
    name: str
    starts_on: date
    months: int | None = None
    km: int | None = None
    expected_on: date | None = None
    created_at: datetime = Field(sa_type=INSTANT)
    updated_at: datetime = Field(sa_type=INSTANT)
    version: int = 1


class WorkOrder(StoreRow, table=True):
    """工单. Who brought the car may be another than the owner: `contact_name`, `contact_phone`. Writer: api."""

    __tablename__ = "work_orders"
    __table_args__ = (
        within_store("customer_id", "customers"),
        within_store("vehicle_id", "vehicles"),
        within_store("advisor_id", "staff"),
        within_store("technician_id", "staff"),
        UniqueConstraint("store_id", "number"),
        Index("ix_work_orders_vehicle", "store_id", "vehicle_id", "closed_at"),
        Index("ix_work_orders_customer", "store_id", "customer_id", "closed_at"),
        Index("ix_work_orders_closed", "store_id", "closed_at"),
    )

    customer_id: UUID
    vehicle_id: UUID
    number: str
    kind: str
    opened_at: datetime | None = Field(default=None, sa_type=INSTANT)
    closed_at: datetime = Field(sa_type=INSTANT)
    advisor_id: UUID | None = None
    technician_id: UUID | None = None
    items: str | None = None
    fee_fen: int | None = None
    mileage_km: int | None = None
    contact_name: str | None = None
    contact_phone: Sealed | None = Field(default=None, sa_type=SealedBytes)
    contact_phone_index: bytes | None = None
    first_service: bool = False
    created_at: datetime = Field(sa_type=INSTANT)
    updated_at: datetime = Field(sa_type=INSTANT)
    version: int = 1


class Lead(StoreRow, table=True):
    """意向: an intent to buy with an expected date. Writer: api."""

    __tablename__ = "leads"
    __table_args__ = (
        within_store("customer_id", "customers"),
        within_store("consultant_id", "staff"),
        UniqueConstraint("store_id", "customer_id", "model", "first_visit_on", postgresql_nulls_not_distinct=True),
    )

    customer_id: UUID
    consultant_id: UUID | None = None
    model: str | None = None
    expected_on: date | None = None
    first_visit_on: date | None = None
    source: str | None = None
    level: str | None = None
    state: str = "open"
    lost_kind: str | None = None
    lost_reason: str | None = None
    closed_on: date | None = None
    reactivate_on: date | None = None
    next_on: date | None = None
    sale_id: UUID | None = None
    deal_fen: int | None = None
    created_at: datetime = Field(sa_type=INSTANT)
    updated_at: datetime = Field(sa_type=INSTANT)
    version: int = 1


class LeadMovement(StoreRow, table=True):
    """A lead that changed level or state, append-only: what the D table counts. Writers: api, scheduler."""

    __tablename__ = "lead_movements"
    __table_args__ = (within_store("lead_id", "leads"), Index("ix_lead_movements_at", "store_id", "at"))

    lead_id: UUID
    consultant_id: UUID | None = None
    at: datetime = Field(sa_type=INSTANT)
    from_level: str | None = None
    to_level: str | None = None
    from_state: str | None = None
    to_state: str
    reason: str | None = None
