"""The wire: how values look going in and out, the base classes of schemas, one way to write JSON.

Instants go out in the store's offset with three fractional digits; money is an integer of fen; bodies refuse what they do not
know.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, date, datetime, tzinfo
from typing import Annotated, Any, Generic, Literal, Self, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
from fastapi import Response
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    WithJsonSchema,
    model_validator,
)

zone: ContextVar[tzinfo] = ContextVar("zone", default=UTC)
"""The zone instants are written in: the store's, once the route has found who calls."""

EXAMPLE_INSTANT = "2026-11-23T09:00:00.000+08:00"
EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
LARGEST_INTEGER = 2**31 - 1

T = TypeVar("T")


def use_zone(name: str) -> None:
    """Write instants of this request in the zone `name` (IANA)."""
    zone.set(ZoneInfo(name))


def instant_text(at: datetime) -> str:
    """An aware instant as RFC 3339 in the store's offset, to the millisecond."""
    return at.astimezone(zone.get()).isoformat(timespec="milliseconds")


def _within_reach(at: datetime) -> datetime:
    if not EARLIEST <= at < LATEST:
        raise ValueError("an instant between 1970 and 2200")
    return at.astimezone(UTC)


def _day_within_reach(day: date) -> date:
    if not 1900 <= day.year < 2200:
        raise ValueError("a day between 1900 and 2200")
    return day


def storable(text: object) -> object:
    """Text that PostgreSQL can keep: no NUL, no half of a surrogate pair."""
    if isinstance(text, str):
        if "\x00" in text:
            raise ValueError("text without the character NUL")
        try:
            text.encode()
        except UnicodeEncodeError:
            raise ValueError("text without half characters") from None
    return text


def _storable_tree(value: object) -> None:
    if isinstance(value, str):
        storable(value)
    elif isinstance(value, Mapping):
        for key, part in value.items():
            storable(key)
            _storable_tree(part)
    elif isinstance(value, list | tuple):
        for part in value:
            _storable_tree(part)


_INSTANT_SCHEMA = WithJsonSchema({"type": "string", "format": "date-time", "examples": [EXAMPLE_INSTANT]})

Instant = Annotated[datetime, PlainSerializer(instant_text, return_type=str, when_used="json"), _INSTANT_SCHEMA]
"""An instant going out."""

InstantIn = Annotated[AwareDatetime, AfterValidator(_within_reach), _INSTANT_SCHEMA]
"""An instant coming in: RFC 3339 with an offset; handed on in UTC."""

Day = Annotated[date, AfterValidator(_day_within_reach), Field(examples=["2026-11-23"])]
"""A day of the store's calendar."""

Fen = Annotated[int, Field(ge=0, le=10**12, description="Money in fen (0.01 yuan).", examples=[38800])]
Count = Annotated[int, Field(ge=0, le=LARGEST_INTEGER)]
Text = Annotated[str, BeforeValidator(storable), Field(max_length=4000)]
"""Free text, up to 4,000 characters; use it for query parameters too."""
Line = Annotated[str, BeforeValidator(storable), Field(min_length=1, max_length=200)]
"""A name or the like: one to 200 characters."""


class In(BaseModel):
    """Base of every body that comes in: unknown fields are refused, so is text that cannot be stored."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    @model_validator(mode="before")
    @classmethod
    def _storable_body(cls, value: object) -> object:
        _storable_tree(value)
        return value

    @property
    def given(self) -> dict[str, Any]:
        """Only the fields the caller sent: what a PATCH changes."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class Out(BaseModel):
    """Base of every answer; made from a row with `model_validate(row)`."""

    model_config = ConfigDict(from_attributes=True)

    @classmethod
    def of(cls, row: object) -> Self:
        """The answer for a row, an object, or an asyncpg record."""
        return cls.model_validate(dict(row.items()) if hasattr(row, "items") else row)


class Page(Out, Generic[T]):
    """One page of a list; `next_cursor` is null on the last one."""

    items: list[T]
    next_cursor: str | None = None


class NextOut(Out):
    """What happens next, when, and why as a stable code."""

    step: Literal["call", "sms", "email", "letter", "close"]
    at: Instant
    reason: str | None = Field(examples=["no_answer_1"])


def _default(value: object) -> object:
    if isinstance(value, datetime):
        return instant_text(value)
    if isinstance(value, date | UUID):
        return str(value)
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    raise TypeError(f"not for the wire: {type(value).__name__}")


def to_json(value: object) -> bytes:
    """JSON of plain values, records' dicts, instants, ids and schemas."""
    return orjson.dumps(value, _default, orjson.OPT_PASSTHROUGH_DATETIME)


def json_response(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """An answer written once, past FastAPI's validation: for hot reads. Name the schema with response_model all the same."""
    return Response(to_json(value), status, dict(headers or {}), "application/json")
