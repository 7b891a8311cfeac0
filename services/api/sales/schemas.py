"""The wire of sales."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from pydantic import Field

from services.api.wire import Day, Fen, In, Instant, Line, Out


class SaleIn(In):
    """A delivery. `insured` and `plated` left out mean that nobody knows: it will be asked, not chased."""

    customer_id: UUID
    vehicle_id: UUID
    delivered_on: Day
    consultant_id: UUID | None = None
    insured: bool | None = None
    plated: bool | None = None
    card_handed_on: Day | None = Field(None, description="When the owner card went to after-sales.")
    file_uploaded_on: Day | None = Field(None, description="When the customer's file was uploaded to the maker's system.")
    insurance_specialist_id: UUID | None = Field(None, description="Who holds the insurance file until month 9.")
    renewal_specialist_id: UUID | None = Field(None, description="Who takes it over in month 9; chosen then when left out.")
    price_fen: Fen | None = None
    external_code: Line | None = None
    excluded: bool = Field(False, description="Internal, test and trade (二网) deliveries are not followed up.")


class SalePatch(In):
    """What became known of a delivery; planned visits move, or end when their reason went away."""

    delivered_on: Day = Field(date(2026, 11, 23))
    consultant_id: UUID | None = None
    insured: bool | None = None
    plated: bool | None = None
    card_handed_on: Day | None = None
    file_uploaded_on: Day | None = None
    insurance_specialist_id: UUID | None = None
    renewal_specialist_id: UUID | None = None
    price_fen: Fen | None = None
    external_code: Line | None = None
    excluded: bool = False


class CardIn(In):
    """The owner card was handed to after-sales; today when no day is given."""

    handed_on: Day | None = None


class FileIn(In):
    """The customer's file was uploaded; today when no day is given."""

    uploaded_on: Day | None = None


class SaleOut(Out):
    """A delivery."""

    id: UUID
    customer_id: UUID
    vehicle_id: UUID
    external_code: str | None
    delivered_on: date
    consultant_id: UUID | None
    insured: bool | None
    plated: bool | None
    card_handed_on: date | None
    file_uploaded_on: date | None
    insurance_specialist_id: UUID | None
    renewal_specialist_id: UUID | None
    renewal_moved_on: date | None = Field(description="When the file passed to the renewal specialist (month 9).")
    price_fen: int | None
    excluded: bool
    created_at: Instant
    updated_at: Instant
    version: int
