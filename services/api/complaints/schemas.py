"""The wire of complaints."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, model_validator

from services.api.wire import Day, Fen, In, Instant, InstantIn, Line, Out, Text
from shared.domain.complaint import Category, CrisisReason, Department, Kind, Severity, State

Words = Annotated[Text, Field(min_length=1)]
Reasons = Annotated[list[CrisisReason], Field(max_length=len(CrisisReason), examples=[["incident_in_workshop"]])]
Source = Literal["call", "phone", "counter", "online", "letter", "regional"]
Channel = Literal["phone", "wechat", "onsite", "sms", "email"]
Sort = Literal["next_by", "-opened_at", "opened_at"]


class ComplaintIn(In):
    """A complaint as the customer makes it. With a reason for a crisis it is one: the general manager knows at once."""

    customer_id: UUID
    vehicle_id: UUID | None = None
    visit_id: UUID | None = Field(None, description="The follow-up on which it was said.")
    work_order_id: UUID | None = None
    kind: Kind = Field(Kind.SERVICE, examples=["quality"])
    category: Category = Field(Category.OTHER, examples=["repair_quality"])
    severity: Severity = Severity.NORMAL
    crisis_reasons: Reasons = Field(default_factory=list)
    department: Department | None = Field(None, description="Answerable; by default that of the visit, else service.")
    source: Source = "phone"
    text: Words = Field(examples=["修了两次，发动机还是有异响"])
    wish: Text | None = Field(None, description="What the customer wants.", examples=["免费返修并说明原因"])
    owner_id: UUID | None = Field(
        None, description="Who keeps it from the first contact to the follow-up; chosen by the rules if absent."
    )


class ComplaintPatch(In):
    """What is written down as the complaint goes on. Another owner wants a reason. The customer's words stay as they were said."""

    kind: Kind = Kind.SERVICE
    category: Category = Category.OTHER
    severity: Severity = Severity.NORMAL
    department: Department = Department.SERVICE
    wish: Text | None = None
    cause: Text | None = Field(None, examples=["张紧轮轴承磨损"])
    solution: Text | None = None
    customer_opinion: Text | None = None
    result: Text | None = None
    summary: Text | None = None
    measure: Text | None = Field(None, description="The improvement (PDCA, S1).", examples=["试车后方可交车，由技术总监签字"])
    compensation_fen: Fen | None = None
    owner_id: UUID | None = None
    reason: Text | None = Field(None, description="Why it is given to another owner.")

    @model_validator(mode="after")
    def _reasoned(self) -> ComplaintPatch:
        if "owner_id" in self.model_fields_set and (self.owner_id is None or not self.reason):
            raise ValueError("another owner wants an owner_id and a reason")
        return self


class ResponseIn(In):
    """A contact with the customer about the complaint; the first is the first response. Later ones are its log."""

    text: Words = Field(examples=["已致电致歉，约客户明天到店检查"])
    channel: Channel = "phone"
    at: InstantIn | None = Field(None, description="When it was; now if absent.")
    handle_by: InstantIn | None = Field(None, description="The time told to the customer; not later than the rules allow.")


class HandleIn(In):
    """The solution and, with `done`, that it was carried out: the result is to be told within 24 hours."""

    solution: Words = Field(examples=["更换张紧轮，免工时费"])
    customer_opinion: Text | None = Field(None, examples=["同意"])
    cause: Text | None = None
    compensation_fen: Fen | None = None
    done: bool = True


class TellIn(In):
    """What the customer was told; the follow-up is planned by it."""

    result: Words = Field(examples=["已更换张紧轮并路试正常，客户已取车"])
    channel: Channel = "phone"
    customer_opinion: Text | None = None
    summary: Text | None = None
    measure: Text | None = None


class ResolveIn(In):
    """Settled. Before the result is told: handled and told in one, with `result`. After: what the customer said of it in the end.

    `confirmed` true: the customer is satisfied and said so after the follow-up had ended without his word; false: a manager closes
    without it, after a follow-up that reached nobody.
    """

    result: Text | None = Field(None, examples=["已更换张紧轮并路试正常"])
    solution: Text | None = None
    customer_opinion: Text | None = None
    confirmed: bool | None = None
    note: Text | None = Field(None, description="How the customer said so, or why it is closed without his word.")


class ReopenIn(In):
    """The customer is not satisfied: the loop again, one level up."""

    reason: Words = Field(examples=["客户称异响再次出现"])


class NoteIn(In):
    """A note, if any."""

    note: Text | None = None


class ReasonIn(In):
    """Why."""

    reason: Words = Field(examples=["等待厂家配件"])


class ExtendIn(In):
    """A later deadline for handling, for a reason; the customer was told."""

    handle_by: InstantIn
    reason: Words = Field(examples=["厂家配件 28 日到"])


class RejectIn(In):
    """Not valid: why, and that it was explained patiently to the customer (S3)."""

    reason: Words = Field(examples=["异响为胎噪，试车确认"])


class CrisisIn(In):
    """What makes it a crisis."""

    reasons: Annotated[list[CrisisReason], Field(min_length=1, max_length=len(CrisisReason), examples=[["media"]])]
    note: Text | None = None


class ItemIn(In):
    """An item of the checklist, done or open again."""

    item: Line = Field(examples=["contact"])
    done: bool = True
    note: Text | None = None


class RegionalIn(In):
    """Ask for the report to the regional office, because the house cannot settle it, or say that it was made."""

    reported: bool = False
    reason: Text | None = Field(None, examples=["店内无法解决"])


class ClockOut(Out):
    """One clock of the present loop. `way`: business (opening hours only), calendar (moved to the next opening), always."""

    name: Literal["respond", "contact", "handle", "tell"]
    way: Literal["business", "calendar", "always"]
    start: Instant
    by: Instant
    done_at: Instant | None
    paused: bool
    used_percent: int = Field(examples=[42])
    late: bool


class ComplaintOut(Out):
    """A complaint. Its words are for the owner and managers: to others (`readable` false) they are null."""

    id: UUID
    number: str = Field(examples=["202611-0007"])
    customer_id: UUID
    customer_name: str | None = Field(examples=["王建国"])
    vehicle_id: UUID | None
    plate: str | None = Field(examples=["沪A12345"])
    visit_id: UUID | None
    work_order_id: UUID | None
    kind: Kind
    category: Category
    severity: str = Field(examples=["normal"])
    crisis: bool
    crisis_reasons: list[str] | None
    source: str = Field(examples=["call"])
    department: str | None = Field(examples=["service"])
    state: State
    owner_id: UUID | None
    owner_name: str | None = Field(examples=["陈经理"])
    level: int = Field(description="0 the owner's own, 1 the department's manager, 2 customer manager, 3 general manager.")
    readable: bool
    text: str | None
    wish: str | None
    valid: bool | None
    invalid_reason: str | None
    cause: str | None
    solution: str | None
    customer_opinion: str | None
    result: str | None
    summary: str | None
    measure: str | None
    compensation_fen: int | None
    opened_at: Instant
    respond_by: Instant
    handle_by: Instant
    tell_by: Instant | None
    next_by: Instant | None = Field(description="The deadline that is next; null when no clock runs.")
    overdue: bool
    clocks: list[ClockOut]
    late_reason: str | None
    late_approved_by: UUID | None
    responded_at: Instant | None
    handled_at: Instant | None
    told_at: Instant | None
    resolved_at: Instant | None = Field(description="When the result was told; the customer's word follows as `confirmed_at`.")
    confirmed_at: Instant | None
    closed_at: Instant | None
    sign_off_by: Instant | None
    signed_off_at: Instant | None
    signed_off_by: UUID | None
    regional_at: Instant | None
    paused_at: Instant | None
    pause_reason: str | None
    reopened: int = Field(description="How often the customer was not satisfied.")
    created_by: UUID | None
    created_at: Instant
    updated_at: Instant
    version: int


class ItemOut(Out):
    """An item of a crisis's checklist: what, by whom and when it was done."""

    key: str = Field(examples=["contact"])
    zh: str = Field(examples=["1 小时内联系客户"])
    en: str = Field(examples=["Contact the customer within 1 hour"])
    done_at: Instant | None
    done_by: str | None = Field(description="The id of a person, or `system`.")
    note: str | None


class ChecklistOut(Out):
    """The checklist of a crisis."""

    complaint_id: UUID
    crisis: bool
    declared_at: Instant | None
    contact_by: Instant | None
    items: list[ItemOut]


class HappenedOut(Out):
    """One line of a complaint's history."""

    id: UUID
    at: Instant
    kind: str = Field(examples=["responded"])
    actor_kind: str = Field(examples=["staff"])
    actor_id: UUID | None
    actor: str | None = Field(examples=["陈经理"])
    detail: dict[str, Any]


class Filters(Out):
    """What a list is narrowed to."""

    state: list[State] | None = None
    kind: Kind | None = None
    category: Category | None = None
    department: Department | None = None
    owner_id: UUID | None = None
    customer_id: UUID | None = None
    crisis: bool | None = None
    overdue: bool | None = None
    open: bool | None = None
    opened_from: Day | None = None
    opened_to: Day | None = None
