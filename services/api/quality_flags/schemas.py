"""The wire of quality flags."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from services.api.wire import In, Instant, Out, Text
from shared.domain.honest import FlagKind
from shared.domain.visit import Outcome

FlagState = Literal["open", "cleared", "upheld"]


class SecondCall(In):
    """What came of the manager's own call to the customer."""

    at: Instant | None = Field(None, description="Now when absent.")
    outcome: Outcome = Field(examples=["reached"])
    customer_confirms: bool | None = Field(None, description="Does the customer say that the follow-up was as recorded?")
    note: Text | None = None


class DecisionIn(In):
    """The manager's word on a flag: the work was honest (`cleared`), or it was not (`upheld`)."""

    decision: Literal["cleared", "upheld"]
    note: Text = Field(examples=["已致电客户，确实接到电话。"])
    second_call: SecondCall | None = None


class FlagOut(Out):
    """A cause to look again."""

    id: UUID
    kind: FlagKind
    staff_id: UUID | None
    staff_name: str | None = Field(examples=["王芳"])
    visit_id: UUID | None
    attempt_id: UUID | None
    customer_id: UUID | None
    customer_name: str | None
    programme: str | None = Field(examples=["delivery-sales"])
    day: str = Field(examples=["2026-11-23"], description="The day, or the month, it is about.")
    at: Instant
    detail: dict[str, Any] = Field(description="What was seen; `second_call` once the manager has called.")
    state: FlagState
    note: str | None
    decided_at: Instant | None
    decided_by: UUID | None
