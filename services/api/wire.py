"""The wire: how values look going in and out, the base classes of schemas, one way to write JSON.

Instants go out in the store's offset with three fractional digits; money is an integer of fen; bodies refuse what they do not
know.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
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
    GetCoreSchemaHandler,
    PlainSerializer,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import CoreSchema, PydanticCustomError, PydanticKnownError, core_schema

zone: ContextVar[tzinfo] = ContextVar("zone", default=UTC)
"""The zone instants are written in: the store's, once the route has found who calls."""

EXAMPLE_INSTANT = "2026-11-23T09:00:00.000+08:00"
EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
LARGEST_INTEGER = 2**31 - 1
_NO_TIME, _MINUTE = timedelta(0), timedelta(minutes=1)

T = TypeVar("T")


def use_zone(name: str) -> None:
    """Write instants of this request in the zone `name` (IANA)."""
    zone.set(ZoneInfo(name))


def instant_text(at: datetime) -> str:
    """An aware instant as RFC 3339 in the store's offset, to the millisecond.

    Before time zones there were offsets such as +05:50:20; RFC 3339 knows minutes only, so the seconds are left off the offset.
    """
    local = at.astimezone(zone.get())
    odd = (local.utcoffset() or _NO_TIME) % _MINUTE
    if odd:
        local = at.astimezone(timezone((local.utcoffset() or _NO_TIME) - odd))
    return local.isoformat(timespec="milliseconds")


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


def _iso(pattern: re.Pattern[str], kind: str, message: str) -> BeforeValidator:
    """Only text as ISO 8601 writes it: pydantic would take a number too, as seconds since 1970 or since midnight."""

    def check(value: object) -> object:
        if isinstance(value, str):
            if pattern.fullmatch(value.strip()):
                return value
        elif isinstance(value, date | time):
            return value
        raise PydanticCustomError(kind, message)

    return BeforeValidator(check)


def _flag(value: object) -> object:
    if isinstance(value, bool) or (isinstance(value, str) and value in ("true", "false")):
        return value
    raise PydanticKnownError("bool_parsing")


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

_INSTANT_LIKE = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d.*", re.ASCII)
_DAY_LIKE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_TIME_LIKE = re.compile(r"\d\d:\d\d(:\d\d(\.\d+)?)?", re.ASCII)

InstantIn = Annotated[
    AwareDatetime,
    AfterValidator(_within_reach),
    _iso(_INSTANT_LIKE, "datetime_parsing", "an instant such as 2026-11-23T09:00:00+08:00"),
    _INSTANT_SCHEMA,
]
"""An instant coming in: RFC 3339 with an offset, between 1970 and 2200; handed on in UTC."""

Day = Annotated[
    date,
    AfterValidator(_day_within_reach),
    _iso(_DAY_LIKE, "date_parsing", "a day such as 2026-11-23"),
    Field(examples=["2026-11-23"]),
]
"""A day of the store's calendar, between 1900 and 2200."""

TimeOfDay = Annotated[
    time,
    _iso(_TIME_LIKE, "time_parsing", "a time such as 09:00"),
    WithJsonSchema({"type": "string", "pattern": r"^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$", "examples": ["09:00"]}),
]
"""A time on the store's clock, without an offset."""

Flag = Annotated[bool, BeforeValidator(_flag)]
"""A boolean in a query or a form: `true` or `false`, as the contract says, and no other word."""

Fen = Annotated[int, Field(ge=0, le=10**12, description="Money in fen (0.01 yuan).", examples=[38800])]
Count = Annotated[int, Field(ge=0, le=LARGEST_INTEGER)]
_STORABLE = {"pattern": r"^[^\u0000]*$"}
_NOT_BLANK = {"pattern": r"^[^\u0000]*[^\s\u0000][^\u0000]*$"}
Text = Annotated[str, BeforeValidator(storable), Field(max_length=4000, json_schema_extra=_STORABLE)]
"""Free text, up to 4,000 characters; use it for query parameters too."""
Line = Annotated[str, BeforeValidator(storable), Field(min_length=1, max_length=200, json_schema_extra=_NOT_BLANK)]
"""A name or the like: one to 200 characters."""


def _number_only(value: object) -> object:
    if isinstance(value, str | bytes | bool):
        raise PydanticKnownError("int_type")
    return value


def _boolean_only(value: object) -> object:
    if not isinstance(value, bool):
        raise PydanticKnownError("bool_type")
    return value


def no_casts(schema: Any) -> None:
    """Make a pydantic schema take JSON as it is typed: `"5"` is no number, `1` no boolean. `5.0` is an integer, as JSON has it."""
    if isinstance(schema, list | tuple):
        for part in schema:
            no_casts(part)
    if not isinstance(schema, dict):
        return
    kind = schema.get("type")
    if kind in ("bool", "float"):
        schema["strict"] = True
    elif kind == "int" or (kind == "literal" and all(isinstance(one, bool) for one in schema["expected"])):
        plain: Any = dict(schema)
        schema.clear()
        check = _number_only if kind == "int" else _boolean_only
        schema.update(core_schema.no_info_before_validator_function(check, plain))
    else:
        for name, part in schema.items():
            if name not in {"metadata", "serialization", "cls"}:
                no_casts(part)


class In(BaseModel):
    """Base of every body that comes in: unknown fields are refused, so are text for a number and what cannot be stored."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        schema = handler(source)
        no_casts(schema)
        return schema

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
    until: Instant | None = Field(None, description="The end of the part of the day this try is meant for.")
    of_: int | None = Field(
        None, alias="of", description="How many counted tries there are before a message goes instead.", examples=[3]
    )


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
