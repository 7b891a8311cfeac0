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
