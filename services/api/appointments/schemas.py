"""The wire of appointments."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from services.api.wire import EARLIEST, Day, Fen, In, Instant, InstantIn, Line, Out, Text
from shared.domain.appointment import LARGEST_CAPACITY, LONGEST_AHEAD_DAYS, AppointmentState

Minutes = Annotated[int, Field(ge=5, le=1440, description="How long the work is estimated to take.", examples=[90])]
Items = Annotated[list[Line], Field(max_length=20, examples=[["保养", "空调滤芯"]])]
Direction = Literal["outbound", "inbound"]
Capacity = Annotated[int, Field(ge=0, le=LARGEST_CAPACITY, description="Cars an hour.", examples=[4])]
Clock = Annotated[str, Field(pattern=r"^(([01]\d|2[0-3]):00|24:00)$", examples=["09:00"])]


class AppointmentIn(In):
    """A booking. `outbound`: we offered it on a call; `inbound`: the customer asked."""

    customer_id: UUID
    vehicle_id: UUID | None = None
    starts_at: InstantIn
    direction: Direction = "inbound"
    minutes: Minutes = 60
    items: Items = Field(default_factory=list)
    quoted_fen: Fen | None = None
    advisor_id: UUID | None = Field(None, description="Who receives the car and confirms by telephone the open day before.")
    visit_id: UUID | None = Field(None, description="The follow-up on which it was made.")
    note: Text | None = None
    external_code: Line | None = Field(None, description="The code of another system; the same code books once.")


class AppointmentPatch(In):
    """What changes. Another `starts_at` moves the appointment: a new one takes its place and the old one points to it."""

    starts_at: InstantIn = EARLIEST
    minutes: Minutes = 60
    items: Items = Field(default_factory=list)
    quoted_fen: Fen | None = None
    advisor_id: UUID | None = None
    note: Text | None = None


class CancelIn(In):
    """Why it is cancelled."""

    reason: Line = Field(examples=["客户临时有事"])


class AppointmentOut(Out):
    """预约: a car expected at an hour."""

    id: UUID
    customer_id: UUID
    customer_name: str = Field(examples=["王建国"])
    vehicle_id: UUID | None
    plate: str | None = Field(examples=["沪A12345"])
    model: str | None
    visit_id: UUID | None
    external_code: str | None
    direction: Direction
    starts_at: Instant
    ends_at: Instant = Field(description="By the estimate.")
    minutes: int = Field(examples=[90])
    items: list[str] = Field(examples=[["保养"]])
    quoted_fen: int | None = Field(examples=[38800])
    advisor_id: UUID | None
    advisor_name: str | None = Field(examples=["陈刚"])
    note: str | None
    state: AppointmentState
    state_reason: str | None
    moved_to_id: UUID | None = Field(description="The one that took its place.")
    moved_from_id: UUID | None = Field(description="The one whose place it took.")
    confirmed_at: Instant | None
    arrived_at: Instant | None
    closed_at: Instant | None
    created_by: UUID | None
    created_at: Instant
    updated_at: Instant
    version: int


class HourRuleIn(In):
    """So many cars in each hour from `from` up to `to`, on these weekdays (0 Monday to 6 Sunday; all when left out)."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True, populate_by_name=True)

    weekdays: Annotated[list[Annotated[int, Field(ge=0, le=6)]], Field(min_length=1, max_length=7)] | None = None
    from_: Clock = Field(alias="from")
    to: Clock
    capacity: Capacity


class DayHourIn(In):
    """So many cars in each hour from `from` up to `to` of one day."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True, populate_by_name=True)

    from_: Clock = Field(alias="from")
    to: Clock
    capacity: Capacity


class DayPlanIn(In):
    """One day that differs from its weekday."""

    on: Day
    capacity: Capacity | None = None
    hours: Annotated[list[DayHourIn], Field(max_length=24)] = Field(default_factory=list)
    name: Line | None = Field(None, examples=["盘点"])


class SlotPlanIn(In):
    """How many cars the workshop takes an hour. Opening hours, breaks and holidays are those of `/calendar`."""

    capacity: Capacity = 4
    ahead_days: Annotated[int, Field(ge=0, le=LONGEST_AHEAD_DAYS, description="How far ahead one may book.")] = 60
    hours: Annotated[list[HourRuleIn], Field(max_length=100)] = Field(default_factory=list)
    days: Annotated[list[DayPlanIn], Field(max_length=400)] = Field(default_factory=list)


class HourRuleOut(Out):
    """A rule of the plan."""

    weekdays: list[int]
    from_: str = Field(alias="from", examples=["09:00"])
    to: str = Field(examples=["12:00"])
    capacity: int


class DayHourOut(Out):
    """An hour rule of one day."""

    from_: str = Field(alias="from", examples=["09:00"])
    to: str = Field(examples=["12:00"])
    capacity: int


class DayPlanOut(Out):
    """A day that differs."""

    on: Day
    capacity: int | None
    hours: list[DayHourOut]
    name: str | None


class SlotPlanOut(Out):
    """The plan in force."""

    capacity: int
    ahead_days: int
    hours: list[HourRuleOut]
    days: list[DayPlanOut]


class SlotOut(Out):
    """An hour of opening: `taken` of `total` places are held, `free` are left."""

    starts_at: Instant
    ends_at: Instant
    total: int = Field(examples=[6])
    taken: int = Field(examples=[3])
    free: int = Field(examples=[3])


class SlotsOut(Out):
    """The plan, and every hour between the days asked for. A day without hours is closed."""

    plan: SlotPlanOut
    slots: list[SlotOut]
    as_of: Instant


class OrderLine(Out):
    """A former work order of the car."""

    number: str
    kind: str
    closed_on: Day
    items: str | None
    mileage_km: int | None


class PreparationLine(Out):
    """What the workshop gets ready for one car."""

    appointment_id: UUID
    starts_at: Instant
    minutes: int
    state: AppointmentState
    customer_name: str
    flags: list[str] = Field(examples=[["high_value"]])
    service_preferences: list[str] = Field(examples=[["original_parts"]])
    vehicle_id: UUID | None
    plate: str | None
    model: str | None
    vin: str | None
    mileage_km: int | None = Field(description="The last reading.")
    items: list[str]
    quoted_fen: int | None
    advisor_name: str | None
    note: str | None
    open_complaint: bool = Field(description="Receive this customer with special care.")
    last_orders: list[OrderLine] = Field(description="The last three of the car, the newest first.")


class PreparationOut(Out):
    """The workshop's list of a day, in the order of the clock."""

    on: Day
    cars: int
    minutes: int = Field(description="All estimates together.")
    items: list[PreparationLine]


class FeedOut(Out):
    """The address for a calendar app. It is shown once; asking again makes a new one and ends the old."""

    url: str = Field(examples=["https://huifang.example/v1/stores/…/appointments.ics?token=…"])
