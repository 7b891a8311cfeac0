"""The wire of visits and attempts, as docs/openapi.json shows it."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, model_validator

from services.api.wire import Day, Fen, In, Instant, InstantIn, Line, NextOut, Out, Text
from shared.domain.complaint import Category, CrisisReason, Kind, Severity
from shared.domain.visit import Channel, Outcome, ProblemType, ReachedPerson, Result, State

Satisfaction = Annotated[int, Field(ge=1, le=5, description="1 to 5; 4 and 5 count as satisfied.", examples=[5])]
Answers = Annotated[
    dict[str, str | int | float | bool | None],
    Field(max_length=50, description="By the keys of the step's questions.", examples=[{"use_ok": True, "mileage_km": 1200}]),
]


class TriggerOut(Out):
    """What the visit was planned from."""

    type: str = Field(examples=["sale.delivered"])
    id: UUID
    at: Instant


class AttemptOut(Out):
    """One try within a visit."""

    id: UUID
    visit_id: UUID
    staff_id: UUID | None
    seq: int
    channel: Channel
    outcome: Outcome
    direction: Literal["out", "in"]
    at: Instant
    started_at: Instant | None
    talk_seconds: int | None
    reached_person: ReachedPerson | None
    contact_point_id: UUID | None
    note: str | None
    satisfaction: int | None
    problem_type: ProblemType | None
    answers: dict[str, Any] | None
    result: Result | None
    corrections: dict[str, Any] | None = Field(
        description="Names of the corrected fields; values of contact data are not repeated."
    )
    next_at: Instant | None
    late: bool = Field(description="Entered on a later day than its `at`.")
    withdrawn_at: Instant | None


class VisitOut(Out):
    """回访: one planned follow-up of one customer for one step."""

    id: UUID
    store_id: UUID
    customer_id: UUID
    vehicle_id: UUID | None
    programme: str = Field(examples=["delivery-sales"])
    step: str = Field(examples=["thanks"])
    occurrence: int
    purposes: list[str] = Field(examples=[["thanks", "use", "insurance", "plates"]])
    role: str | None
    assignee_id: UUID | None
    channel: Channel
    state: State
    state_reason: str | None
    late: bool
    follows_visit_id: UUID | None
    due_on: Day
    window_start: Instant
    window_end: Instant = Field(description="The deadline, exclusive.")
    target_at: Instant | None
    promised_at: Instant | None
    trigger: TriggerOut
    attempts: list[AttemptOut]
    tries: int = Field(description="Counted tries of the running ladder: the first phone attempt of each store day.")
    next: NextOut | None
    satisfaction: int | None
    problem_type: ProblemType | None
    closed_at: Instant | None
    confirmed_at: Instant | None
    confirmed_by: UUID | None
    to_confirm: Literal["declined", "invalid", "low_score", "sample"] | None = Field(
        None, description="Why a manager looks at it; only in a list that asks for these."
    )
    created_at: Instant
    updated_at: Instant
    version: int


class CorrectionsIn(In):
    """What the customer said is different; written back to the file with its history."""

    name: Line | None = None
    phone: Line | None = Field(None, description="A new number; it becomes the first of the file.")
    email: Line | None = None
    wechat: Line | None = None
    address: Text | None = None
    region: Line | None = None
    preferred_channel: Literal["phone", "wechat", "sms", "email"] | None = None
    plate: Line | None = None
    mileage_km: Annotated[int, Field(ge=0, le=3_000_000)] | None = None
    insured: bool | None = None
    plated: bool | None = None


class AppointmentMade(In):
    """An appointment made on the call. On the call that confirms one, the hour it is moved to. 409 `slot_full` records nothing."""

    at: InstantIn
    items: Text | None = Field(
        None, description="What is to be done; several separated by 、 or a comma.", examples=["保养、空调滤芯"]
    )
    minutes: Annotated[int, Field(ge=5, le=1440, examples=[90])] = 60
    quoted_fen: Fen | None = None
    advisor_id: UUID | None = Field(None, description="Who receives the car and confirms it.")
    note: Text | None = None


class ComplaintHeard(In):
    """A complaint the customer made on the call; it is registered with the attempt."""

    kind: Kind = Field(Kind.SERVICE, examples=["quality"])
    category: Category = Field(Category.OTHER, examples=["repair_quality"])
    severity: Severity = Severity.NORMAL
    crisis_reasons: Annotated[list[CrisisReason], Field(max_length=len(CrisisReason))] = Field(
        default_factory=list, description="Any of these makes it a crisis: the general manager knows at once."
    )
    text: Annotated[Text, Field(min_length=1, examples=["修了两次还是有异响"])]
    wish: Text | None = None


class ResultIn(In):
    """What a call means for one visit of it."""

    visit_id: UUID
    state: Result
    satisfaction: Satisfaction | None = None
    problem_type: ProblemType | None = None
    answers: Answers | None = None


class AttemptIn(In):
    """One try: what was done and what came of it."""

    channel: Channel = Channel.PHONE
    outcome: Outcome
    at: InstantIn | None = Field(None, description="When it was; now if absent; never in the future.")
    direction: Literal["out", "in"] = Field("out", description="`in`: the customer rang us.")
    started_at: InstantIn | None = None
    talk_seconds: Annotated[int, Field(ge=0, le=86_400)] | None = None
    reached_person: ReachedPerson | None = None
    contact_point_id: UUID | None = Field(None, description="The number that was used; the callee's first if absent.")
    note: Text | None = None
    satisfaction: Satisfaction | None = None
    problem_type: ProblemType | None = None
    answers: Answers | None = None
    corrections: CorrectionsIn | None = None
    next_at: InstantIn | None = Field(None, description="The promised instant (`call_later`) or the next date (`reached`).")
    appointment: AppointmentMade | None = None
    complaint: ComplaintHeard | None = None
    results: Annotated[list[ResultIn], Field(max_length=20)] = Field(
        default_factory=list, description="For the visits that this call covers; the visit of the path may be among them."
    )

    @model_validator(mode="after")
    def _fits(self) -> AttemptIn:
        if len({result.visit_id for result in self.results}) != len(self.results):
            raise ValueError("results name a visit twice")
        if self.started_at and self.at and self.started_at > self.at:
            raise ValueError("started_at lies after at")
        return self


class AttemptRecorded(AttemptOut):
    """The attempt, and the visit as it stands after it."""

    visit: VisitOut
    visits: list[VisitOut] = Field(description="All visits the call covered, the one of the path first.")


class VisitIn(In):
    """A follow-up planned by hand."""

    customer_id: UUID
    vehicle_id: UUID | None = None
    purposes: Annotated[list[Line], Field(min_length=1, max_length=10)]
    channel: Channel = Channel.PHONE
    role: Line | None = None
    assignee_id: UUID | None = None
    due_on: Day
    deadline_on: Day | None = None
    promised_at: InstantIn | None = None
    note: Text | None = None
    follows_visit_id: UUID | None = None

    @model_validator(mode="after")
    def _ordered(self) -> VisitIn:
        if self.deadline_on and self.deadline_on < self.due_on:
            raise ValueError("deadline_on lies before due_on")
        return self


class VisitPatch(In):
    """Cancel it with a reason, promise an instant, or move an untouched visit to another day."""

    state: Literal["cancelled"] | None = None
    reason: Text | None = None
    promised_at: InstantIn | None = None
    due_on: Day | None = None

    @model_validator(mode="after")
    def _reasoned(self) -> VisitPatch:
        if self.state == "cancelled" and not self.reason:
            raise ValueError("a cancellation wants a reason")
        return self


class ReassignIn(In):
    """Give the visit to somebody else."""

    assignee_id: UUID | None
    reason: Text | None = None


class ConfirmIn(In):
    """The manager's word on a result (S1)."""

    note: Text | None = None


class WhyLine(Out):
    """One line of the story: when, what, who, with its particulars."""

    at: Instant | None
    kind: str = Field(examples=["planned"])
    text: str = Field(examples=["按方案「交车后销售回访」计划"])
    actor: str | None
    detail: dict[str, Any]


class WhyOut(Out):
    """Why the visit is as it is: the rule, the trigger, each shift, what was done, what was sent or not, what comes next."""

    visit_id: UUID
    state: State
    state_reason: str | None
    rule: dict[str, Any]
    trigger: TriggerOut
    story: list[WhyLine]
    messages: list[dict[str, Any]]
    next: NextOut | None


class QuestionOut(Out):
    """A question of the step."""

    key: str
    text: str
    type: Literal["score", "yes_no", "text", "choice", "number", "date"]
    required: bool
    visit_ids: list[UUID] = Field(description="The visits of the call that ask it.")
    options: list[dict[str, str]]


class ScriptLine(Out):
    """A part of the script, rendered."""

    part: str
    text: str


class BriefOut(Out):
    """Everything to know before the call, in one answer."""

    visit: VisitOut
    visit_ids: list[UUID] = Field(description="The visits this one call covers.")
    customer: dict[str, Any]
    callee: dict[str, Any]
    vehicle: dict[str, Any] | None
    sale: dict[str, Any] | None
    work_orders: list[dict[str, Any]]
    earlier: list[dict[str, Any]]
    messages: list[dict[str, Any]]
    vouchers: list[dict[str, Any]] = Field(description="What the customer may still redeem: code, text, last day.")
    complaints: list[dict[str, Any]] = Field(description="Open ones first; the text only for their owner and managers.")
    claims: list[dict[str, Any]] = Field(description="Warranty claims of the customer's cars.")
    problems: list[dict[str, Any]] = Field(description="Troubles raised on earlier calls, open ones first.")
    accidents: list[dict[str, Any]]
    warranty: list[dict[str, Any]] = Field(description="What runs out within 90 days, or ran out since; `ends_soon`: in 30.")
    insurance: dict[str, Any] | None = Field(description="The policy that ends last.")
    appointments: list[dict[str, Any]] = Field(description="The last five, the latest first.")
    appointment: dict[str, Any] | None = Field(
        description="The one the visit is about, else the next one the customer is expected for."
    )
    vehicles: list[dict[str, Any]] = Field(description="All cars of the customer; of an organisation, the ones to speak about.")
    promises: list[dict[str, Any]]
    script: list[ScriptLine]
    wechat_text: str | None = Field(description="Ready to be copied, where WeChat is the way; else null.")
    questions: list[QuestionOut]
    best_hours: list[dict[str, Any]]
    flags: list[str]
    callable: bool
    blocked: dict[str, Any] | None


class Filters(Out):
    """What a list of visits is narrowed by."""

    state: list[State] | None = None
    assignee_id: UUID | None = None
    customer_id: UUID | None = None
    vehicle_id: UUID | None = None
    programme: str | None = None
    due_from: date | None = None
    due_to: date | None = None
    to_confirm: bool = False
