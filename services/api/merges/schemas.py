"""The wire of merging files."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from services.api.wire import In, Instant, Out

Counts = Annotated[dict[str, int], Field(examples=[{"visits": 4, "vehicles": 1}], description="How many rows of each kind.")]


class MergeIn(In):
    """The file that goes; the one of the path stays."""

    merged_id: UUID


class CarPair(Out):
    """Two rows that mean one car."""

    kept_id: UUID
    merged_id: UUID
    plate: str | None
    vin: str | None


class TwinsOut(Out):
    """Open visits for the same car, step and trigger: one stays, with the promise of either."""

    stays: UUID
    cancelled: list[UUID]
    promised_at: Instant | None


class ConsentChange(Out):
    """What the united file no longer grants, or now refuses."""

    purpose: str = Field(examples=["marketing"])
    channel: str = Field(examples=["sms"])
    granted: bool


class MergePreview(Out):
    """What merging would do; nothing has changed."""

    kept_id: UUID
    merged_id: UUID
    rows: Counts
    fields: dict[str, Any] = Field(description="What is filled or united in the file that stays.")
    cars: list[CarPair]
    visits: list[TwinsOut]
    consents_set_aside: int = Field(description="Grants that only one of the files has.")
    consents_added: list[ConsentChange]
    warnings: list[str] = Field(examples=[["names_differ"]], description="names_differ, no_common_number, kinds_differ.")


class MergeOut(Out):
    """A merge that stands, or stood."""

    id: UUID
    kept_id: UUID
    merged_id: UUID
    at: Instant
    by: UUID | None
    rows: Counts
    undone_at: Instant | None
    undone_by: UUID | None


class NotRestored(Out):
    """Something that could not be put back as it was, and why: changed_since, closed, out_of_window, taken."""

    kind: str = Field(examples=["visits"])
    id: UUID | None = None
    field: str | None = Field(None, examples=["address"])
    reason: str = Field(examples=["changed_since"])


class UnmergeOut(Out):
    """The merge that was undone, and what is not as it was."""

    merge: MergeOut
    not_restored: list[NotRestored]


class UndoMergeIn(In):
    """Which merge; the latest into this file when absent."""

    merge_id: UUID | None = None


class DuplicatePair(Out):
    """Two files that may be one customer."""

    one: dict[str, Any] = Field(examples=[{"id": "01939a5e-7c7e-7000-8000-00000000dead", "name": "王建国"}])
    other: dict[str, Any] = Field(examples=[{"id": "01939a5e-7c7e-7000-8000-00000000beef", "name": "王建国先生"}])
    by: list[str] = Field(examples=[["phone"]], description="phone, email, vin, plate.")
