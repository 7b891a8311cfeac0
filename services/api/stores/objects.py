"""Settings of a store that are objects of several fields: the ladder, complaints, automatic messages, honest results."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from services.api.wire import In

Clock = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$", examples=["08:30"])]
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
