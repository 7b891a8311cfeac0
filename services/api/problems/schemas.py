"""The wire of problems."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field

from services.api.wire import In, Instant, Out, Text
from shared.domain.complaint import Category, Department, Kind, ProblemState, Severity
from shared.domain.visit import ProblemType

Words = Annotated[Text, Field(min_length=1)]


class ProblemIn(In):
    """A problem a customer named. From a call it comes with the attempt; this is for the counter and the telephone."""

    customer_id: UUID
    vehicle_id: UUID | None = None
    visit_id: UUID | None = None
    type: ProblemType = Field(examples=["efficiency"])
    text: Words = Field(examples=["等待时间过长，约好 9 点，10 点才接车"])
    department: Department | None = Field(None, description="Answerable; by default that of the visit, else service.")
    head_id: UUID | None = Field(None, description="Who acts; the department's manager if absent.")


class ProblemPatch(In):
    """Another department or another person, while nothing was done yet."""

    department: Department = Department.SERVICE
    head_id: UUID | None = None
    type: ProblemType = ProblemType.OTHER


class ActIn(In):
    """What the department did."""

    action: Words = Field(examples=["优化预约流程，预约客户优先接车"])


class ToldIn(In):
    """The customer was told; `resolved`: and is content with it."""

    resolved: bool = False
    note: Text | None = None


class ToComplaintIn(In):
    """It is a complaint after all."""

    kind: Kind = Kind.SERVICE
    category: Category = Category.OTHER
    severity: Severity = Severity.NORMAL


class ProblemOut(Out):
    """A problem, from the call to its resolution."""

    id: UUID
    customer_id: UUID
    customer_name: str | None = Field(examples=["王建国"])
    vehicle_id: UUID | None
    visit_id: UUID | None
    attempt_id: UUID | None
    type: ProblemType
    department: Department
    head_id: UUID | None
    head_name: str | None = Field(examples=["刘经理"])
    text: str
    state: ProblemState
    action: str | None
    opened_at: Instant
    act_by: Instant
    overdue: bool
    acted_at: Instant | None
    told_at: Instant | None
    resolved_at: Instant | None
    complaint_id: UUID | None
    created_by: UUID | None
    updated_at: Instant
    version: int
