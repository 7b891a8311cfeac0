"""The wire of the worklist."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from pydantic import Field

from services.api.wire import Day, Instant, NextOut, Out
from shared.domain.assignment import Group
from shared.domain.visit import Channel, Outcome, State


class Blocked(Out):
    """Why the call waits, as a stable code, and until when (null: until somebody mends it)."""

    reason: str
    until: Instant | None


class OnBehalfOf(Out):
    """A person who is away, whose call somebody else makes."""

    id: UUID
    name: str = Field(examples=["王芳"])


class LastAttempt(Out):
    """The last try of the call's visits."""

    at: Instant
    outcome: Outcome
    channel: Channel


class Car(Out):
    """A car the call is about."""

    id: UUID
    plate: str | None
    model: str | None


class Capacity(Out):
    """A day's work of one person: how many calls, and how many of them are left."""

    limit: int = Field(examples=[60])
    left: int = Field(examples=[37])


class CallOut(Out):
    """One call: all visits of one customer that one person makes now."""

    call_id: UUID
    visit_ids: list[UUID]
    customer: dict[str, Any]
    callee_name: str | None = Field(description="Who brought the car, where that is who is rung.")
    vehicles: list[Car] = Field(description="All cars the call is about: of an organisation often several.")
    plate: str | None
    model: str | None
    programme: str
    step: str
    purposes: list[str]
    channel: Channel
    preferred_channel: str | None
    state: State
    assignee_id: UUID | None
    on_behalf_of: OnBehalfOf | None = Field(None, description="Whose call it is, while that person is away.")
    due_on: Day
    window_start: Instant
    window_end: Instant
    promised_at: Instant | None
    tries: int
    last_attempt: LastAttempt | None
    next: NextOut | None
    group: Group
    blocked: Blocked | None


class WorklistOut(Out):
    """The calls in order, and counts that are those of the same rows."""

    items: list[CallOut]
    counts: dict[str, int]
    done_today: int
    reached_today: int
    capacity: Capacity | None = Field(None, description="Of a list of one person.")
    to_confirm: int | None = Field(None, description="Results that wait for this manager's word; `GET /visits?to_confirm=true`.")
    as_of: Instant
