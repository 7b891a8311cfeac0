"""The wire of stores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal
from uuid import UUID
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field, model_validator

from services.api.reports.door import KpiReferences, KpiTargets
from services.api.stores import calls, cars, occasions
from services.api.wire import In, Instant, Line, Out, Text, TimeOfDay


def _known_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("no such time zone")
    return name


Zone = Annotated[str, Field(max_length=60, examples=["Asia/Shanghai"]), AfterValidator(_known_zone)]
Code = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,20}$", examples=["S01"])]
HourRange = Annotated[list[TimeOfDay], Field(min_length=2, max_length=2, examples=[["09:00:00", "18:00:00"]])]
"""From and to on the store's clock; a `to` at or before `from` lies on the next day."""

Clock = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$", examples=["08:30"])]
Weekday = Annotated[str, Field(pattern="^[0-6]$")]
WeeklyHours = Annotated[
    dict[Weekday, Annotated[list[HourRange], Field(max_length=4)]], Field(json_schema_extra={"additionalProperties": False})
]
"""Opening hours by weekday, `0` Monday to `6` Sunday; a weekday with an empty list is closed, a missing one too.

Empty altogether: every day 09:00–18:00.
"""

Hour = Annotated[int, Field(ge=0, le=24)]


class LadderSettings(In):
    """The settings of the ladder a store may change; what is left out has its default (decisions.md)."""

    max_calls: Annotated[int, Field(ge=1, le=10, examples=[3])] | None = None
    parts: Annotated[list[tuple[Hour, Hour]], Field(min_length=1, max_length=6, examples=[[[9, 12], [14, 17]]])] | None = None
    sms_from: Clock | None = None
    sms_to: Clock | None = None
    email_after_hours: Annotated[int, Field(ge=0, le=240)] | None = None
    close_after_days: Annotated[int, Field(ge=0, le=60)] | None = None
    letter: bool | None = None
    late_answer_days: Annotated[int, Field(ge=0, le=365)] | None = None
    promise_early_minutes: Annotated[int, Field(ge=0, le=240)] | None = None
    rejections: Annotated[int, Field(ge=1, le=10)] | None = None


class HonestSettings(In):
    """What is flagged for a manager's second look, as a store may set it (domain.md §10.16)."""

    bulk_count: Annotated[int, Field(ge=2, le=1000, examples=[10])] | None = None
    bulk_minutes: Annotated[int, Field(ge=1, le=240, examples=[10])] | None = None
    short_seconds: Annotated[int, Field(ge=0, le=60, examples=[3])] | None = None
    fives: Annotated[int, Field(ge=2, le=1000, examples=[10])] | None = None
    sample_percent: Annotated[int, Field(ge=0, le=100, examples=[5])] | None = None


class ComplaintSettings(In):
    """The clocks of complaints as a store may set them (decisions.md, "Complaints"); up to 8 hours run in business hours."""

    clock: Literal["business", "around_the_clock"] | None = None
    respond_minutes: Annotated[int, Field(ge=5, le=480, examples=[60])] | None = None
    handle_hours: Annotated[int, Field(ge=1, le=240, examples=[24])] | None = None
    quality_hours: Annotated[int, Field(ge=1, le=480, examples=[48])] | None = None
    tell_hours: Annotated[int, Field(ge=1, le=240, examples=[24])] | None = None
    problem_hours: Annotated[int, Field(ge=1, le=240, examples=[24])] | None = None


Window = Annotated[list[Clock], Field(min_length=2, max_length=2, examples=[["09:00", "20:00"]])]
Caps = Annotated[
    list[Annotated[list[Annotated[int, Field(ge=1, le=30)]], Field(min_length=2, max_length=2)]],
    Field(max_length=5, examples=[[[1, 7], [3, 30]]], description="Pairs: at most so many messages in so many days."),
]


class ContactSettings(In):
    """When and how often automatic messages may go, and how long they wait after a complaint."""

    marketing_hours: Window | None = None
    service_hours: Window | None = None
    marketing_caps: Caps | None = None
    all_caps: Caps | None = None
    gap_after_complaint_days: Annotated[int, Field(ge=0, le=90, examples=[7])] | None = None
    urgent_recall: bool | None = None

    @model_validator(mode="after")
    def _ordered(self) -> ContactSettings:
        for window in (self.marketing_hours, self.service_hours):
            if window is not None and window[0] >= window[1]:
                raise ValueError("hours begin before they end")
        return self


CHECKED: Mapping[str, type[In]] = {
    "complaints": ComplaintSettings,
    "contact": ContactSettings,
    "kpi_targets": KpiTargets,
    "kpi_references": KpiReferences,
    "ladder": LadderSettings,
    "honest": HonestSettings,
}


def _policies(values: dict[str, Any]) -> dict[str, Any]:
    """The settings of the house are checked; others are the programmes' own."""
    for name, model in CHECKED.items():
        if values.get(name) is not None:
            values[name] = model.model_validate(values[name]).model_dump(exclude_none=True)
    occasions.check(values)
    calls.check(values)
    cars.check(values)
    return values


Policies = Annotated[dict[Line, Any], Field(max_length=100), AfterValidator(_policies)]


class StoreIn(In):
    """A new store. The signature stands in front of its messages; the name when not given."""

    code: Code
    name: Line = Field(examples=["通达汽车 城东店"])
    phone: Line | None = Field(None, examples=["021-64001234"])
    rescue_phone: Line | None = None
    address: Line | None = None
    timezone: Zone | None = Field(None, description="Default: the deployment's.")
    language: Annotated[str, Field(pattern="^(zh|en)$")] = "zh"
    signature: Annotated[str, Field(min_length=2, max_length=12, pattern=r"^[^【】]+$")] | None = Field(
        None, examples=["通达汽车"]
    )
    weekly_hours: WeeklyHours = Field(default_factory=dict, examples=[{"0": [["09:00:00", "18:00:00"]]}])
    policies: Policies = Field(default_factory=dict, examples=[{"ladder": {"max_calls": 3}}])


class StorePatch(In):
    """What changes of a store; a policy set to null goes back to its default."""

    name: Line = Field("", examples=["通达汽车 城东店"])
    phone: Line | None = None
    rescue_phone: Line | None = None
    address: Line | None = None
    timezone: Zone = "Asia/Shanghai"
    language: Annotated[str, Field(pattern="^(zh|en)$")] = "zh"
    signature: Annotated[str, Field(min_length=2, max_length=12, pattern=r"^[^【】]+$")] = Field("回访", examples=["通达汽车"])
    weekly_hours: WeeklyHours = Field(default_factory=dict, examples=[{"0": [["09:00:00", "18:00:00"]]}])
    policies: Policies = Field(default_factory=dict, examples=[{"ladder": {"max_calls": 3}}])


class StoreOut(Out):
    """A store."""

    id: UUID
    code: str = Field(examples=["S01"])
    name: str = Field(examples=["通达汽车 城东店"])
    phone: str | None
    rescue_phone: str | None
    address: Text | None
    timezone: str = Field(examples=["Asia/Shanghai"])
    language: str = Field(examples=["zh"])
    signature: str = Field(examples=["通达汽车"])
    weekly_hours: dict[str, list[list[str]]] = Field(examples=[{"0": [["09:00", "18:00"]]}])
    policies: dict[str, Any] = Field(examples=[{"ladder": {"max_calls": 3}}])
    created_at: Instant
    updated_at: Instant
    version: int
