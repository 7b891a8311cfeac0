"""The wire of tasks."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from pydantic import Field

from services.api.wire import In, Instant, Out, Text


class TaskOut(Out):
    """One task."""

    id: UUID
    kind: str = Field(examples=["correct_file"])
    customer_id: UUID | None
    customer_name: str | None
    visit_id: UUID | None
    about_id: UUID | None = Field(description="What it is about where that is no visit: a sale, a complaint, a problem.")
    role: str | None
    assignee_id: UUID | None
    due_at: Instant | None
    detail: dict[str, Any]
    created_at: Instant
    done_at: Instant | None
    done_by: UUID | None


class TaskDone(In):
    """What was done about it."""

    note: Text | None = None


class LetterOut(Out):
    """A letter to be printed, signed by the general manager, and posted."""

    task_id: UUID
    to: str = Field(examples=["王建国"])
    address: str | None = Field(examples=["上海市浦东新区张江路1号"])
    subject: str | None
    body: str
