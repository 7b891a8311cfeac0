"""The wire of programmes."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, StringConstraints, model_validator

from services.api.wire import Day, In, Instant, Line, Out

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
    replan: bool = Field(
        False,
        description="Planned visits follow the change: moved, done otherwise, cancelled, added. Tried and promised ones stay.",
    )

    @model_validator(mode="after")
    def _something(self) -> ProgrammeIn:
        if self.pack is None and self.policy is None and self.enabled is None:
            raise ValueError("one of pack, policy, enabled")
        return self


class RehearsalIn(In):
    """A change to try: another text (`pack`, or the same as an object in `programme`), another policy, on or off."""

    pack: Pack | None = None
    programme: dict[str, Any] | None = Field(None, max_length=50, description="The programme as an object, instead of `pack`.")
    policy: Line | None = None
    enabled: bool | None = None
    days: Annotated[int, Field(ge=1, le=60, examples=[14])] = 14
    replan: bool = Field(True, description="As if put in force with `replan`: planned visits follow the change.")

    @model_validator(mode="after")
    def _one_text(self) -> RehearsalIn:
        if self.pack is not None and self.programme is not None:
            raise ValueError("pack or programme, not both")
        return self


class DayOut(Out):
    """Calls of one person on one day."""

    on: Day
    before: int
    after: int
    over: bool = Field(description="More than the person's capacity, after the change.")


class VolumeOut(Out):
    """Calls of one person; without a person, those that wait in the pool of a role."""

    staff_id: UUID | None
    name: str | None = Field(examples=["林静"])
    role: str | None
    capacity: int | None = Field(examples=[60])
    before: int
    after: int
    days: list[DayOut]


class StepVolumeOut(Out):
    """Contacts a step brings in these days."""

    programme: str = Field(examples=["after-repair"])
    step: str = Field(examples=["call"])
    channel: str = Field(examples=["phone"])
    before: int
    after: int


class ChangeOut(Out):
    """What becomes of one planned visit."""

    kind: Literal["moved", "recast", "cancelled", "added"]
    visit_id: UUID | None
    customer_id: UUID
    step: str
    from_on: Day | None
    to_on: Day | None
    from_id: UUID | None = Field(description="Whose it is.")
    to_id: UUID | None = Field(description="Whose it would be.")
    reason: str | None


class TextOut(Out):
    """A message that would go. Links and vouchers are made only when it is sent."""

    customer_id: UUID
    customer_name: str = Field(examples=["王建国"])
    programme: str
    step: str
    channel: str
    to: str | None = Field(examples=["138****5678"])
    at: Instant
    subject: str | None
    text: str | None
    hindrance: str | None = Field(description="Why it would not go after all.", examples=["no_consent"])


class OverrunOut(Out):
    """Somebody would have more calls than they can make."""

    staff_id: UUID | None
    name: str | None
    on: Day
    before: int
    after: int
    capacity: int


class RehearsalOut(Out):
    """What would be: nothing of it has been written or sent."""

    key: str = Field(examples=["after-repair"])
    policy: str | None
    first: Day
    last: Day
    replan: bool
    counts: dict[str, int] = Field(examples=[{"moved": 12, "recast": 0, "cancelled": 1, "added": 0}])
    changes: list[ChangeOut] = Field(description="The first 200.")
    volumes: list[VolumeOut]
    overruns: list[OverrunOut]
    steps: list[StepVolumeOut]
    messages_before: int
    messages_after: int
    sample: list[TextOut] = Field(description="The first 20 messages of the programme, or of any where it sends none.")
