"""The wire of leads."""

from __future__ import annotations

from datetime import date
from typing import Literal
from uuid import UUID

from pydantic import Field

from services.api.wire import Day, Fen, In, Instant, Line, Out, Text

LeadState = Literal["open", "won", "lost"]
LostKind = Literal[
    "price", "competitor", "other_dealer", "product", "stock", "financing", "service", "no_plan", "unreachable", "other"
]


class LeadIn(In):
    """An intent to buy."""

    customer_id: UUID
    consultant_id: UUID | None = Field(None, description="Who opened the file; the caller when he is a consultant.")
    model: Line | None = Field(None, examples=["途观 L"])
    expected_on: Day | None = Field(None, description="When the customer means to buy; the level follows from it.")
    first_visit_on: Day | None = Field(None, description="The first visit to the showroom; never in the future.")
    source: Line | None = Field(None, examples=["自然到店"])
    state: LeadState = "open"
    lost_kind: LostKind | None = Field(None, description="Of a lost lead: why, as reports count it.")
    lost_reason: Text | None = Field(None, examples=["价格"], description="Of a lost lead, which must have one, or a kind.")


class LeadPatch(In):
    """What changes of a lead. Who loses one says why; the reason stays when the lead is taken up again."""

    consultant_id: UUID | None = None
    model: Line | None = None
    expected_on: Day | None = None
    first_visit_on: Day | None = None
    source: Line | None = None
    state: LeadState = "open"
    lost_kind: LostKind | None = None
    lost_reason: Text | None = None
    next_on: Day | None = Field(
        None, description="The next contact, set by the consultant: of leads of the last level of by-days."
    )


class WonIn(In):
    """The customer has bought: by which delivery, when it is known, and for how much (the delivery's price unless said)."""

    sale_id: UUID | None = None
    deal_fen: Fen | None = None


class LostIn(In):
    """Lost, and why; `other` wants words."""

    kind: LostKind
    reason: Text | None = Field(None, examples=["对手店便宜五千"])


class ReactivateIn(In):
    """Taken up again, with what is known now."""

    expected_on: Day | None = None
    consultant_id: UUID | None = None


class MovementOut(Out):
    """A change of a lead's level or state; the first has nothing before it."""

    id: UUID
    lead_id: UUID
    consultant_id: UUID | None
    at: Instant
    from_level: str | None
    to_level: str | None = Field(examples=["within_7_days"])
    from_state: str | None
    to_state: LeadState
    reason: str | None = Field(examples=["day_nearer"])


class LeadOut(Out):
    """A lead. `level` is today's by the store's policy; of one that has ended it is the last it had."""

    id: UUID
    customer_id: UUID
    customer_name: str = Field(examples=["王建国"])
    consultant_id: UUID | None
    model: str | None
    expected_on: date | None
    first_visit_on: date | None
    source: str | None
    level: str | None = Field(examples=["within_7_days"], description="`lead_level` of /enumerations.")
    level_policy: str = Field(examples=["by-days"], description="The store's setting `lead_policy`: by-days (S0) or abc (S2).")
    contact_every_days: int | None = Field(description="How often to be in touch at this level; null when it has ended.")
    last_contact_on: date | None = Field(description="The last time the customer was reached about it, else the first visit.")
    next_contact_on: date | None = Field(description="When to be in touch again; a day that has passed is overdue.")
    state: LeadState
    lost_kind: str | None
    lost_reason: str | None
    closed_on: date | None
    reactivate_on: date | None = Field(description="When a lost lead is called once more: 90 days after.")
    next_on: date | None = Field(description="The next contact as the consultant set it.")
    sale_id: UUID | None
    deal_fen: int | None
    created_at: Instant
    updated_at: Instant
    version: int


class Filters(Out):
    """What a list of leads is narrowed by."""

    customer_id: UUID | None = None
    consultant_id: UUID | None = None
    state: LeadState | None = None
    level: Line | None = None
    expected_from: Day | None = None
    expected_to: Day | None = None
