"""The wire of customers."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from services.api.wire import Day, In, Instant, Line, Out, Text

Kind = Literal["person", "organisation"]
Lifecycle = Literal["prospect", "lead", "owner", "lost_deal", "churn_risk", "churned"]
Gender = Literal["male", "female"]
Preferred = Literal["phone", "wechat", "sms", "email"]
PointKind = Literal["phone", "email", "wechat"]
Clock = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$", examples=["18:00"])]
Hours = Annotated[list[Annotated[list[Clock], Field(min_length=2, max_length=2)]], Field(max_length=4)]
Words = Annotated[list[Line], Field(max_length=20)]
Purpose = Literal["service_followup", "satisfaction", "recall_safety", "marketing", "third_party_share"]
ConsentChannel = Literal["sms", "email", "phone", "wechat", "all"]


class ContactPointIn(In):
    """A phone number, e-mail address or WeChat name; for an organisation `label` names the contact person."""

    kind: PointKind
    value: Line = Field(examples=["13812345678"])
    label: Line | None = Field(None, examples=["张经理"])


class ContactPointPatch(In):
    """Its label, or its place among those of its kind (1 is used first). A number that proved right after all: `wrong` false."""

    label: Line | None = None
    rank: Annotated[int, Field(ge=1, le=100)] = 1
    wrong: Literal[False] | None = None


class ContactPointOut(Out):
    """A way to reach the customer; `value` is masked unless the caller may reveal."""

    id: UUID
    kind: PointKind
    rank: int
    label: str | None
    value: str = Field(examples=["138****5678"])
    textable: bool = Field(description="A mobile: it can be texted.")
    wrong_at: Instant | None
    wrong_reason: str | None
    warned_at: Instant | None = Field(
        None, description="Another file, here or elsewhere, found this number wrong; it may be right here."
    )
    warned_reason: str | None = Field(None, examples=["wrong"])
    opted_out: list[str] = Field(description="Channels the number wants no more of, in any store.")


class CustomerIn(In):
    """A new file. `phone`, `email` and `wechat` are short for contact points."""

    name: Line = Field(examples=["王建国"])
    kind: Kind = "person"
    external_code: Line | None = Field(None, description="The customer's code in the dealer's own system.")
    gender: Gender | None = None
    birthday: Day | None = None
    region: Line | None = None
    address: Text | None = None
    lifecycle: Lifecycle = "prospect"
    source: Line | None = None
    holder_id: UUID | None = Field(None, description="Whose file it is.")
    language: Literal["zh", "en"] | None = None
    preferred_channel: Preferred | None = None
    calling_hours: Hours | None = Field(None, examples=[[["18:00", "20:00"]]])
    service_preferences: Words = Field(default_factory=list, examples=[["original_parts"]])
    flags: Words = Field(default_factory=list, examples=[["high_value"]])
    note: Text | None = None
    filed_on: Day | None = None
    phone: Line | None = Field(None, examples=["13812345678"])
    email: Line | None = None
    wechat: Line | None = None
    contact_points: Annotated[list[ContactPointIn], Field(max_length=20)] = Field(default_factory=list)


class CustomerPatch(In):
    """What changes of a file."""

    name: Line = "?"
    kind: Kind = "person"
    external_code: Line | None = None
    gender: Gender | None = None
    birthday: Day | None = None
    region: Line | None = None
    address: Text | None = None
    lifecycle: Lifecycle = "prospect"
    source: Line | None = None
    holder_id: UUID | None = None
    language: Literal["zh", "en"] | None = None
    preferred_channel: Preferred | None = None
    calling_hours: Hours | None = None
    service_preferences: Words = Field(default_factory=list)
    flags: Words = Field(default_factory=list)
    note: Text | None = None
    filed_on: Day | None = None


class CustomerOut(Out):
    """A file."""

    id: UUID
    kind: Kind
    name: str = Field(examples=["王建国"])
    external_code: str | None
    gender: str | None
    birthday: date | None
    region: str | None
    address: str | None
    lifecycle: Lifecycle
    source: str | None
    holder_id: UUID | None
    language: str | None
    preferred_channel: str | None
    calling_hours: list[list[str]] | None
    service_preferences: list[str]
    flags: list[str]
    note: str | None
    filed_on: date | None
    merged_into: UUID | None
    merged_from: UUID | None = Field(None, description="The id asked for, when that file was merged into this one.")
    deceased_at: Instant | None
    contact_points: list[ContactPointOut]
    created_at: Instant
    updated_at: Instant
    version: int


class Duplicate(Out):
    """Another file that may be the same person, or a relation: a warning, nothing more."""

    customer_id: UUID
    name: str
    by: str = Field(examples=["phone"])


class CustomerCreated(CustomerOut):
    """The new file, and others with the same number or the same name and number."""

    duplicates: list[Duplicate]


class CustomerRow(Out):
    """A customer in a list."""

    id: UUID
    kind: Kind
    name: str
    lifecycle: Lifecycle
    holder_id: UUID | None
    holder_name: str | None
    phone: str | None = Field(description="The first number, masked.", examples=["138****5678"])
    plates: list[str]
    flags: list[str]
    preferred_channel: str | None
    last_contact_at: Instant | None
    next_visit_on: date | None
    deceased_at: Instant | None
    created_at: Instant
    updated_at: Instant


class TimelineItem(Out):
    """Something that happened, or is planned."""

    at: Instant
    kind: str = Field(examples=["attempt"])
    id: UUID
    detail: dict[str, Any]


class CardOut(Out):
    """管理卡: the file as the paper form knows it; `c` for a prospect, `owner` with its 回访记录表."""

    kind: Literal["c", "owner"]
    customer: CustomerOut
    vehicles: list[dict[str, Any]]
    sales: list[dict[str, Any]]
    policies: list[dict[str, Any]]
    work_orders: list[dict[str, Any]]
    leads: list[dict[str, Any]]
    lead_movements: list[dict[str, Any]] = Field(description="Every change of a lead's level and state, the latest first.")
    visits: list[dict[str, Any]] = Field(description="回访记录表: every follow-up with its result.")


class ConsentIn(In):
    """Consent given by the customer to one purpose on one channel."""

    purpose: Purpose
    channel: ConsentChannel = "all"
    source: Line = Field("counter", examples=["counter"])
    proof: Text | None = Field(None, description="Where the proof is kept.")
    notice_version: Line | None = None


class WithdrawIn(In):
    """Withdrawal needs no reason; without a channel it holds for all."""

    channel: ConsentChannel | None = None


class ConsentOut(Out):
    """A consent, standing until withdrawn."""

    id: UUID
    purpose: str
    channel: str
    basis: str
    notice_version: str | None
    source: str
    proof: str | None
    granted_at: Instant
    granted_by: UUID | None
    withdrawn_at: Instant | None
    withdrawn_by: UUID | None


class OptOutIn(In):
    """The number or address wants no more of a channel, in any store, whatever the purpose but recalls."""

    contact_point_id: UUID
    channel: Literal["sms", "email", "phone", "all"] = "all"


class RevealIn(In):
    """Show a whole number: the first phone unless another is named. It is recorded."""

    contact_point_id: UUID | None = Field(None, description="As the brief names it; a visit's id is whoever brought the car.")
    purpose: Line = Field(examples=["call"])


class RevealOut(Out):
    """A whole number or address."""

    contact_point_id: UUID
    kind: PointKind
    value: str = Field(examples=["+8613812345678"])


class DeceasedIn(In):
    """The customer has died: everything stops at once."""

    note: Text | None = None
