"""The wire of campaigns."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from services.api.wire import Day, In, Instant, Line, Out, Text
from shared.domain.voucher import VoucherKey

Purpose = Literal["campaign", "recall_safety"]
Mode = Literal["call_list", "message"]
Channel = Literal["phone", "sms", "email"]
State = Literal["draft", "approved", "running", "stopped", "done"]
MemberState = Literal["waiting", "planned", "excluded", "stopped"]
Caller = Literal[
    "sales_consultant", "insurance_specialist", "renewal_specialist", "service_advisor", "followup_specialist", "technician"
]
SegmentData = Annotated[
    dict[str, Any],
    Field(
        max_length=30,
        description="Conditions that must all hold: lifecycle, flags, without_flags, tier, regions, service_preferences,"
        " preferred_channels, holder_ids, customer_ids, last_visit_before, last_visit_after, spent {least_fen, most_fen, months},"
        " voucher {kind, state, expires_before}, models, vins, mileage_km {least, most}, car_age_months {least, most},"
        " delivered_after, delivered_before.",
        examples=[{"lifecycle": ["owner"], "models": ["途观L"], "last_visit_before": "2026-08-23"}],
    ),
]
ADay = Annotated[int, Field(ge=1, le=10_000, description="How many members a day.", examples=[40])]


class CampaignIn(In):
    """A campaign as a draft. A message has a `template` or a `text`; a call list a `role` and perhaps a `script`."""

    name: Line = Field(examples=["夏季空调免费检测"])
    purpose: Purpose = Field("campaign", description="`recall_safety` knows no opt-out and needs no consent.")
    mode: Mode
    channel: Channel
    role: Caller | None = Field(None, description="Who calls; a call list only.")
    segment: SegmentData
    template: Line | None = Field(None, description="The key of a message there is.", examples=["maintenance_due"])
    text: Text | None = Field(None, description="The words, with the variables of templates.")
    script: Text | None = Field(None, description="`部分：文字` a line; a shipped one unless given.")
    voucher_kind: VoucherKey | None = Field(None, description="A voucher each member gets.")
    starts_on: Day
    ends_on: Day
    a_day: ADay | None = None


class CampaignPatch(In):
    """What changes of a campaign that is not launched yet; an approval is void afterwards."""

    name: Line = "?"
    purpose: Purpose = "campaign"
    mode: Mode = "message"
    channel: Channel = "sms"
    role: Caller | None = None
    segment: SegmentData = Field(default_factory=dict)
    template: Line | None = None
    text: Text | None = None
    script: Text | None = None
    voucher_kind: VoucherKey | None = None
    starts_on: Day = date(2026, 1, 1)
    ends_on: Day = date(2026, 1, 1)
    a_day: ADay | None = None


class Counts(Out):
    """How far a campaign is, by state."""

    members: dict[str, int] = Field(examples=[{"planned": 480, "waiting": 20, "excluded": 31}])
    excluded: dict[str, int] = Field(description="Left out, by reason.", examples=[{"no_consent": 20, "opted_out": 11}])
    visits: dict[str, int] = Field(examples=[{"completed": 300, "due": 180}])
    messages: dict[str, int] = Field(examples=[{"delivered": 290, "accepted": 10}])


class CampaignOut(Out):
    """A campaign."""

    id: UUID
    name: str
    purpose: Purpose
    mode: Mode
    channel: Channel
    role: str | None
    segment: dict[str, Any]
    template: str | None
    text: str | None
    script: str | None
    voucher_kind: str | None
    starts_on: date
    ends_on: date
    a_day: int | None
    state: State
    size: int | None = Field(description="How many it reaches, as last counted; fixed by the launch.")
    created_by: UUID | None
    approved_by: UUID | None
    approved_at: Instant | None
    launched_by: UUID | None
    launched_at: Instant | None
    stopped_by: UUID | None
    stopped_at: Instant | None
    stop_reason: str | None
    created_at: Instant
    updated_at: Instant
    version: int


class CampaignWithCounts(CampaignOut):
    """A campaign and how far it is."""

    counts: Counts


class DayOut(Out):
    """A day of a campaign and how many members it has."""

    on: date
    members: int


class Sample(Out):
    """One of those it would reach."""

    customer_id: UUID
    vehicle_id: UUID | None
    name: str
    plate: str | None


class CampaignPreview(Out):
    """Whom a campaign would reach if it were launched now, and whom not, and why."""

    candidates: int = Field(description="Whom the segment means.")
    size: int = Field(description="Of those, how many would be reached.")
    excluded: dict[str, int] = Field(
        description="deceased, no_number, opted_out, no_consent, consent_withdrawn, complaint, cap.",
        examples=[{"no_consent": 12}],
    )
    needs_approval: bool
    fits: bool = Field(description="Whether its days hold them all.")
    days: list[DayOut]
    sample: list[Sample]
    unknown_vins: list[str] = Field(description="VINs of the segment that no car of the store has.")
    text: str | None = Field(description="The message with sample values, signature included.")
    sms_segments: int | None = Field(description="What one SMS is billed as.")


class StopIn(In):
    """Why it is stopped."""

    reason: Line = Field(examples=["活动取消"])


class MemberOut(Out):
    """A member: a customer, or a car of theirs, and the visit that came of it."""

    id: UUID
    customer_id: UUID
    customer_name: str
    vehicle_id: UUID | None
    plate: str | None
    on_day: date
    state: MemberState
    reason: str | None
    visit_id: UUID | None
    visit_state: str | None
    assignee_id: UUID | None
