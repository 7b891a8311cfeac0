"""The wire of staff."""

from __future__ import annotations

from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import Field, model_validator

from services.api.auth.schemas import Password
from services.api.permissions import ROLES, Role
from services.api.wire import Day, In, Instant, Line, Out, Text

Roles = Annotated[list[Role], Field(min_length=1, max_length=len(ROLES), examples=[["service_advisor"]])]
Login = Annotated[str, Field(min_length=2, max_length=100, pattern=r"^[^\s|]+$", examples=["wang"])]
Capacity = Annotated[int, Field(ge=0, le=1000, description="Calls a day.", examples=[60])]
Address = Annotated[
    str,
    Field(
        max_length=254,
        pattern=r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$",
        examples=["wang.fang@dealer.example"],
        description="Where escalations and reports go.",
    ),
]


class StaffIn(In):
    """Somebody new. A person of that name without a sign-in (from an import) is given the one that comes with it."""

    name: Line = Field(examples=["王芳"])
    roles: Roles
    phone: Line | None = Field(None, examples=["13800001111"])
    email: Address | None = None
    capacity: Capacity = 60
    login: Login | None = None
    password: Password | None = None

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        if self.password is not None and self.login is None:
            raise ValueError("a password wants a login")
        return self


class StaffPatch(In):
    """What changes of a person. `active: false` is refused while open visits are theirs."""

    name: Line = Field("", examples=["王芳"])
    roles: Roles = Field(default_factory=list)
    phone: Line | None = None
    email: Address | None = None
    capacity: Capacity = 60
    active: bool = True
    login: Login = ""
    password: Password = ""


class StaffOut(Out):
    """A person of the store."""

    id: UUID
    store_id: UUID
    name: str = Field(examples=["王芳"])
    ordinal: int = Field(examples=[1], description="Tells people of one name apart.")
    roles: list[str] = Field(examples=[["service_advisor"]])
    phone: str | None
    email: str | None = Field(examples=["wang.fang@dealer.example"])
    active: bool
    capacity: int = Field(examples=[60])
    login: str | None = Field(examples=["wang"])
    created_at: Instant
    updated_at: Instant
    version: int = Field(examples=[1])


class AbsenceIn(In):
    """Days away, both included. Follow-ups of these days go to the delegate, else to whoever has fewest."""

    from_on: Day
    to_on: Day
    delegate_id: UUID | None = None
    reason: Line | None = Field(None, examples=["年假"])


class AbsenceOut(Out):
    """Days away."""

    id: UUID
    staff_id: UUID
    from_on: Day
    to_on: Day
    delegate_id: UUID | None
    reason: str | None = Field(examples=["年假"])


Counts = Annotated[dict[str, int], Field(examples=[{"visits": 12, "files": 3}], description="How many of each kind.")]


class HandoverPreviewIn(In):
    """To whom; without a person it is split evenly among those in role who are there."""

    to_id: UUID | None = None


class HandoverIn(In):
    """Give everything open that is a person's to others."""

    to_id: UUID | None = Field(None, description="Everything to this person; split evenly in role when absent.")
    reason: Text | None = Field(None, examples=["离职"])
    deactivate: bool = Field(False, description="The person leaves in the same moment (administrators only).")


class ShareOut(Out):
    """What one person gets; null is the pool of the role."""

    staff_id: UUID | None
    name: str | None = Field(examples=["王芳"])
    work: Counts


class HandoverPreview(Out):
    """What a handover would come to; nothing has moved."""

    staff_id: UUID
    work: Counts
    shares: list[ShareOut]
    outside_role: int = Field(description="How many things the named person has no role for.")
    visits: list[dict[str, Any]] = Field(description="The visits, promises first, at most 200, each with `to_id`.")


class HandoverOut(Out):
    """A handover that was done: of an absence, of somebody leaving, or by hand."""

    id: UUID
    staff_id: UUID
    absence_id: UUID | None
    reason: str = Field(examples=["handover"])
    at: Instant
    by: UUID | None
    back_on: Day | None = Field(description="The day an absence gives it back.")
    shares: list[ShareOut]
    undone_at: Instant | None
    undone_by: UUID | None


class KeptOut(Out):
    """Something that stays where it is, and why: closed, worked_on, given_on."""

    kind: str = Field(examples=["visits"])
    id: UUID
    reason: str = Field(examples=["worked_on"])


class UndoneOut(Out):
    """What went back, and what could not."""

    restored: Counts
    kept: list[KeptOut]
