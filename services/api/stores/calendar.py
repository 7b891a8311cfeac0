"""The store's calendar over HTTP: its week, the days on which it departs from it, and what is only assumed."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Annotated
from uuid import UUID

import orjson
from fastapi import Path, Query
from pydantic import Field

from services.api import audit
from services.api.deps import Me, Now, StoreConnection
from services.api.routing import router as make_router
from services.api.stores.hours import check_ranges, stored_hours, stored_ranges
from services.api.stores.schemas import HourRange, WeeklyHours
from services.api.wire import Day, In, Line, Out
from shared.db import Connection
from shared.domain.calendar import NeverOpen, Ranges, StoreCalendar
from shared.errors import Invalid, NotFound
from shared.ids import new_id
from shared.stores import bump_store, load_store, read_ranges

LONGEST_SPAN = 370
USUAL_SPAN = 62

router = make_router("/stores/{store_id}/calendar", "calendar")


class CalendarDay(Out):
    """One day. `source` says by whose word: `store`, `statutory`, `make_up`, `assumed` (not announced yet), `weekly`."""

    day: Day
    open: bool
    ranges: list[tuple[str, str]] = Field(examples=[[["09:00", "18:00"]]])
    name: str = Field(examples=["国庆节"])
    source: str = Field(examples=["statutory"])


class CalendarOut(Out):
    """The week, keys `0` Monday to `6` Sunday, and each day asked for."""

    timezone: str = Field(examples=["Asia/Shanghai"])
    weekly_hours: dict[str, list[tuple[str, str]]] = Field(examples=[{"0": [["09:00", "18:00"]]}])
    days: list[CalendarDay]
    assumed_years: list[int] = Field(examples=[[2028]], description="Holidays of these years are not officially announced.")
    unknown_years: list[int] = Field(examples=[[2060]], description="Of these years only the weekly hours are known.")


class WeekIn(In):
    """The weekly hours; a weekday that is missing is closed. Empty: every day 09:00–18:00."""

    weekly_hours: WeeklyHours = Field(examples=[{"0": [["09:00:00", "18:00:00"]]}])


class DayIn(In):
    """How one day departs from the week. Without `ranges` an open day has the hours of its weekday."""

    open: bool
    ranges: Annotated[list[HourRange], Field(min_length=1, max_length=4)] | None = None
    name: Line | None = Field(None, examples=["盘点"])


@router.get("", operation_id="get_calendar")
async def get_calendar(
    connection: StoreConnection,
    me: Me,
    now: Now,
    from_on: Annotated[Day | None, Query(alias="from", description="Default: today.")] = None,
    to_on: Annotated[Day | None, Query(alias="to", description="Default: two months later; at most a year.")] = None,
) -> CalendarOut:
    """Which days the store is open, and why."""
    first = from_on or (await _calendar(connection, me.store_id, now.date())).day_of(now)
    last = to_on or first + timedelta(days=USUAL_SPAN)
    if not 0 <= (last - first).days <= LONGEST_SPAN:
        raise Invalid("`to` lies within a year after `from`", "query/to")
    calendar = await _calendar(connection, me.store_id, first)
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    years = {first.year, last.year}
    return CalendarOut(
        timezone=calendar.zone,
        weekly_hours={str(day): _texts(calendar.weekly.get(day, ())) for day in range(7)},
        days=[_day(calendar, day) for day in days],
        assumed_years=sorted(calendar.assumed_years & years),
        unknown_years=sorted(calendar.unknown_years & years),
    )


@router.put("/hours", operation_id="set_weekly_hours", status_code=204)
async def set_weekly_hours(body: WeekIn, connection: StoreConnection, me: Me, now: Now) -> None:
    """Set the week."""
    await connection.execute(
        "UPDATE stores SET weekly_hours = $2, updated_at = $3 WHERE id = $1",
        me.store_id,
        orjson.dumps(stored_hours(body.weekly_hours)).decode(),
        now,
    )
    await bump_store(connection, me.store_id)
    await audit.note(connection, me, "store.hours_changed", "store", me.store_id, now=now)


@router.put("/days/{day}", operation_id="set_calendar_day", status_code=204)
async def set_calendar_day(day: Annotated[Day, Path()], body: DayIn, connection: StoreConnection, me: Me, now: Now) -> None:
    """Set one day; it goes before the statutory calendar and the week."""
    check_ranges(body.ranges or [], "/ranges")
    ranges = stored_ranges(body.ranges) if body.open and body.ranges else None
    await connection.execute(
        "INSERT INTO store_days (store_id, id, day, open, ranges, name) VALUES ($1, $2, $3, $4, $5, $6)"
        " ON CONFLICT (store_id, day) DO UPDATE SET open = excluded.open, ranges = excluded.ranges, name = excluded.name",
        me.store_id,
        new_id(),
        day,
        body.open,
        orjson.dumps(ranges).decode() if ranges else None,
        body.name,
    )
    await _changed(connection, me.store_id, now)
    await audit.note(connection, me, "store.day_set", "store", me.store_id, now=now, detail={"day": day, "open": body.open})


@router.delete("/days/{day}", operation_id="unset_calendar_day", status_code=204)
async def unset_calendar_day(day: Annotated[Day, Path()], connection: StoreConnection, me: Me, now: Now) -> None:
    """Back to the statutory calendar and the week."""
    gone = await connection.execute("DELETE FROM store_days WHERE store_id = $1 AND day = $2", me.store_id, day)
    if gone == "DELETE 0":
        raise NotFound
    await _changed(connection, me.store_id, now)
    await audit.note(connection, me, "store.day_unset", "store", me.store_id, now=now, detail={"day": day})


async def _calendar(connection: Connection, store_id: UUID, day: date) -> StoreCalendar:
    return (await load_store(connection, store_id, today=day)).calendar


async def _changed(connection: Connection, store_id: UUID, now: datetime) -> None:
    await connection.execute("UPDATE stores SET updated_at = $2 WHERE id = $1", store_id, now)
    await bump_store(connection, store_id)


def _day(calendar: StoreCalendar, day: date) -> CalendarDay:
    rule = calendar.rule(day)
    ranges = rule.ranges if rule.ranges is not None else calendar.weekly.get(day.weekday(), ())
    if rule.open and not ranges:  # a make-up workday on a weekday that is closed: the usual hours, as the calendar has it
        ranges = _usual(calendar, day)
    return CalendarDay(day=day, open=rule.open, ranges=_texts(ranges) if rule.open else [], name=rule.name, source=rule.source)


def _usual(calendar: StoreCalendar, day: date) -> Ranges:
    try:
        opening, closing = calendar.local(calendar.opening(day)), calendar.local(calendar.closing(day))
    except NeverOpen:
        return ()
    return read_ranges([[f"{opening:%H:%M}", f"{closing:%H:%M}"]])


def _texts(ranges: Ranges) -> list[tuple[str, str]]:
    return [(f"{start:%H:%M}", f"{end:%H:%M}") for start, end in ranges]
