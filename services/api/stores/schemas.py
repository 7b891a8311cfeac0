"""The wire of stores."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field

from services.api.stores.policies import check_policies
from services.api.wire import In, Instant, Line, Out, Text, TimeOfDay


def _known_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("no such time zone")
    return name


Zone = Annotated[str, Field(max_length=60, examples=["Asia/Shanghai"]), AfterValidator(_known_zone)]
Code = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,20}$", examples=["S01"])]
HourRange = Annotated[list[TimeOfDay], Field(min_length=2, max_length=2, examples=[["09:00:00", "18:00:00"]])]
"""From and to on the store's clock; a `to` at or before `from` lies on the next day."""

Weekday = Annotated[str, Field(pattern="^[0-6]$")]
WeeklyHours = Annotated[
    dict[Weekday, Annotated[list[HourRange], Field(max_length=4)]], Field(json_schema_extra={"additionalProperties": False})
]
"""Opening hours by weekday, `0` Monday to `6` Sunday; a weekday with an empty list is closed, a missing one too.

Empty altogether: every day 09:00–18:00.
"""

Policies = Annotated[dict[Line, Any], Field(max_length=100), AfterValidator(check_policies)]


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
