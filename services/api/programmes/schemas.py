"""The wire of programmes."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints, model_validator

from services.api.wire import In, Instant, Line, Out

Pack = Annotated[
    str, StringConstraints(strip_whitespace=False), Field(min_length=1, max_length=200_000, description="The programme as YAML.")
]


class WindowOut(Out):
    """Earliest, due and deadline after the trigger."""

    earliest: int
    due: int
    deadline: int
    unit: str = Field(examples=["days"])


class StepOut(Out):
    """One visit of the programme."""

    key: str = Field(examples=["thanks"])
    name_zh: str
    name_en: str
    role: str = Field(examples=["sales_consultant"])
    channel: str = Field(examples=["phone"])
    purposes: list[str]
    window: WindowOut | None
    on_missed: str


class PolicyOut(Out):
    """A named variant of a programme."""

    key: str = Field(examples=["s0"])
    name_zh: str
    name_en: str


class ProgrammeOut(Out):
    """A programme in force."""

    id: UUID
    key: str = Field(examples=["delivery-sales"])
    name_zh: str
    name_en: str
    tier: str
    scope: str
    trigger: str
    policy: str | None
    policies: list[PolicyOut]
    enabled: bool
    version: int
    steps: list[StepOut]
    created_at: Instant
    open_visits: int = Field(description="Open visits planned by any version of it.")


class ProgrammeWithSource(ProgrammeOut):
    """A programme with its text."""

    source: str


class VersionOut(Out):
    """A version, in force until `retired_at`."""

    version: int
    policy: str | None
    enabled: bool
    created_at: Instant
    created_by: UUID | None
    retired_at: Instant | None


class ProgrammeIn(In):
    """A new version: another text, another policy of it, or on and off."""

    pack: Pack | None = None
    policy: Line | None = None
    enabled: bool | None = None

    @model_validator(mode="after")
    def _something(self) -> ProgrammeIn:
        if self.pack is None and self.policy is None and self.enabled is None:
            raise ValueError("one of pack, policy, enabled")
        return self
