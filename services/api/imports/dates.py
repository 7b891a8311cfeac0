"""Dates and times of cells: the forms people and spreadsheets write, the store's zone, and what is no date."""

import re
from datetime import UTC, date, datetime, time, timedelta, timezone
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from services.api.imports.clean import CellFault, tidy
from services.api.imports.reasons import Reason

EARLIEST_YEAR: Final = 1980
EARLIEST_BIRTH_YEAR: Final = 1900
YEARS_AHEAD: Final = 20
# A day without its time of day is taken at noon, so that no zone moves it to another day. Exports write such a day as 00:00,
# an hour at which no workshop closes an order.
_NOON: Final = time(12)
_MIDNIGHT: Final = time(0)

_DAY = re.compile(r"([0-9]{4})\s*[-/.,年_\s]\s*([0-9]{1,2})\s*[-/.,月_\s]\s*([0-9]{1,2})\s*[日号]?")
_COMPACT = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})(?:[T\s]?([0-9]{2})([0-9]{2})([0-9]{2})?)?(?:\.0)?")
_SERIAL = re.compile(r"([0-9]{5})(?:\.([0-9]+))?")
_CLOCK = re.compile(
    r"(上午|下午|凌晨|早上|中午|晚上|am|pm|a\.m\.|p\.m\.)?\s*([0-9]{1,2})\s*[:时点.]\s*([0-9]{1,2})?\s*分?"
    r"(?:\s*[:.]?\s*([0-9]{1,2})(?:\.[0-9]+)?\s*秒?)?\s*(am|pm|a\.m\.|p\.m\.|上午|下午)?\s*(z|[+-][0-9]{2}:?[0-9]{2})?",
    re.IGNORECASE,
)
_WEEKDAY = re.compile(r"\s*[(]?(?:星期|周)[一二三四五六日天][)]?\s*")
_AFTERNOON: Final = frozenset(("下午", "晚上", "pm", "p.m."))
_MORNING: Final = frozenset(("上午", "凌晨", "早上", "am", "a.m."))
_EXCEL_EPOCH: Final = datetime(1899, 12, 30)  # noqa: DTZ001 - a spreadsheet's serial has no zone


@lru_cache(maxsize=32768)
def day(text: str) -> date:
    """The date of a cell; a time of day behind it is read and dropped. Raises CellFault."""
    return _parse(text)[0]


@lru_cache(maxsize=32768)
def moment(text: str, zone: str) -> datetime:
    """The instant of a cell, UTC; without an offset it is the store's time, a date alone is noon there. Raises CellFault."""
    on, at, offset = _parse(text)
    if offset is not None:
        return datetime.combine(on, at or _NOON, offset).astimezone(UTC)
    return datetime.combine(on, _NOON if at in (None, _MIDNIGHT) else at, ZoneInfo(zone)).astimezone(UTC)


def within(value: date, today: date, earliest_year: int = EARLIEST_YEAR) -> date:
    """The same date, if its year is one that a dealer's file can mean."""
    if not earliest_year <= value.year <= today.year + YEARS_AHEAD:
        raise CellFault(Reason.DATE_OUT_OF_RANGE)
    return value


def birthday(text: str, today: date) -> date:
    """A date of birth, between 1900 and today."""
    value = within(day(text), today, EARLIEST_BIRTH_YEAR)
    if value > today:
        raise CellFault(Reason.DATE_IN_FUTURE)
    return value


def _parse(text: str) -> tuple[date, time | None, timezone | None]:
    clean = _WEEKDAY.sub(" ", tidy(text)).strip()
    match = _DAY.match(clean)
    if match:
        return (_day_of(match[1], match[2], match[3]), *_time_of(clean[match.end() :]))
    match = _COMPACT.fullmatch(clean)
    if match:
        on = _day_of(match[1], match[2], match[3])
        return on, _clock(match[4], match[5], match[6]) if match[4] else None, None
    match = _SERIAL.fullmatch(clean)
    if match:
        return _from_serial(float(clean))
    raise CellFault(Reason.DATE_UNREADABLE)


def _day_of(year: str, month: str, of_month: str) -> date:
    try:
        return date(int(year), int(month), int(of_month))
    except ValueError as error:
        raise CellFault(Reason.DATE_IMPOSSIBLE) from error


def _from_serial(serial: float) -> tuple[date, time | None, None]:
    """Excel's count of days since 1899-12-30, the fraction a part of the day, rounded to the second."""
    instant = _EXCEL_EPOCH + timedelta(seconds=round(serial * 86400))
    return instant.date(), instant.time() if serial % 1 else None, None


def _time_of(rest: str) -> tuple[time | None, timezone | None]:
    rest = rest.strip().removeprefix("T").removeprefix("t").strip(" ,")
    if not rest:
        return None, None
    match = _CLOCK.fullmatch(rest)
    if match is None:
        raise CellFault(Reason.DATE_UNREADABLE)
    hour = _hour(int(match[2]), (match[1] or match[5] or "").casefold())
    return _clock(str(hour), match[3] or "0", match[4]), _offset(match[6])


def _hour(hour: int, half: str) -> int:
    """The hour of 24: 下午3 → 15, 12 PM → 12, 12 AM → 0, 下午15 stays."""
    if (half in _AFTERNOON or (half == "中午" and hour < 6)) and hour < 12:
        return hour + 12
    return 0 if half in _MORNING and hour == 12 else hour


def _clock(hour: str, minute: str, second: str | None) -> time:
    try:
        return time(int(hour), int(minute), int(second or 0))
    except ValueError as error:
        raise CellFault(Reason.DATE_IMPOSSIBLE) from error


def _offset(text: str | None) -> timezone | None:
    if text is None:
        return None
    if text in "zZ":
        return UTC
    hours, minutes = int(text[1:3]), int(text[-2:])
    if hours > 14 or minutes > 59:
        raise CellFault(Reason.DATE_IMPOSSIBLE)
    return timezone(timedelta(hours=hours, minutes=minutes) * (-1 if text[0] == "-" else 1))
