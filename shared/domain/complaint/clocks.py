"""The clocks of a complaint: when each runs, when it ends, what a pause does to it (decisions.md "Complaints", domain.md §10.1)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from shared.domain.calendar import StoreCalendar
from shared.domain.complaint.words import Kind

BUSINESS_UP_TO = timedelta(hours=8)
Pauses = Sequence[tuple[datetime, datetime]]
"""From when to when a clock stood still, in order."""

_DAY = timedelta(days=1)
_NOTHING = timedelta(0)


class Way(StrEnum):
    """How time counts: in opening hours only; by the calendar, the end moved to the next opening; around the clock."""

    BUSINESS = "business"
    CALENDAR = "calendar"
    ALWAYS = "always"


class Name(StrEnum):
    """The clocks: first response, handling, telling the result; the first contact in a crisis declared later."""

    RESPOND = "respond"
    HANDLE = "handle"
    TELL = "tell"
    CONTACT = "contact"


@dataclass(frozen=True)
class ClockPolicy:
    """The store's settings under `complaints`. `warn_at`: the shares of a clock at which its owner is warned."""

    around_the_clock: bool = False
    respond: timedelta = timedelta(hours=1)
    handle: timedelta = timedelta(hours=24)
    handle_quality: timedelta = timedelta(days=2)
    tell: timedelta = timedelta(hours=24)
    problem: timedelta = timedelta(hours=24)
    warn_at: tuple[int, ...] = (50, 80)

    def handling(self, kind: Kind) -> timedelta:
        """How long handling may take: product quality 2 days (S0), everything else 24 hours (S4)."""
        return self.handle_quality if kind is Kind.QUALITY else self.handle


_UNITS: Mapping[str, tuple[str, timedelta]] = {
    "respond_minutes": ("respond", timedelta(minutes=1)),
    "handle_hours": ("handle", timedelta(hours=1)),
    "quality_hours": ("handle_quality", timedelta(hours=1)),
    "tell_hours": ("tell", timedelta(hours=1)),
    "problem_hours": ("problem", timedelta(hours=1)),
}


def clock_policy(settings: Mapping[str, Any]) -> ClockPolicy:
    """The policy of a store from its settings: `clock` ("business" | "around_the_clock") and whole numbers by name."""
    given = {field: unit * settings[name] for name, (field, unit) in _UNITS.items() if isinstance(settings.get(name), int)}
    return ClockPolicy(around_the_clock=settings.get("clock") == "around_the_clock", **given)


def way_of(duration: timedelta, policy: ClockPolicy) -> Way:
    """Up to 8 hours run in business hours, longer ones by the calendar; all around the clock when the store says so."""
    if policy.around_the_clock:
        return Way.ALWAYS
    return Way.BUSINESS if duration <= BUSINESS_UP_TO else Way.CALENDAR


@dataclass(frozen=True)
class Clock:
    """One clock. `done_at`: when what it asks for was done; `stopped_at`: since when it stands still."""

    name: Name
    start: datetime
    by: datetime
    way: Way
    done_at: datetime | None = None
    stopped_at: datetime | None = None
    pauses: Pauses = ()

    def used(self, now: datetime, calendar: StoreCalendar) -> int:
        """The share of its time that has passed, in percent (over 100 when it is late); of a done one, when it was done."""
        until = min(moment for moment in (self.done_at, self.stopped_at, now) if moment is not None)
        total = spent(self.start, self.by, self.way, calendar, self.pauses)
        gone = spent(self.start, until, self.way, calendar, self.pauses)
        if total <= _NOTHING:
            return 100 if until >= self.by else 0
        share = int(100 * (gone / total))
        return max(share, 100) if until >= self.by else min(share, 99)

    def late(self, now: datetime) -> bool:
        """True when it ended before what it asks for was done."""
        return (self.done_at or self.stopped_at or now) > self.by

    def share_at(self, percent: int, calendar: StoreCalendar) -> datetime:
        """When `percent` of its time has passed; never in closed hours unless it runs around the clock, never after its end."""
        if percent >= 100:
            return self.by
        total = spent(self.start, self.by, self.way, calendar, self.pauses)
        at = _walk(self.start, total * percent / 100, self.way, calendar, self.pauses)
        return min(calendar.next_opening(at) if self.way is Way.CALENDAR else at, self.by)


def ends_at(start: datetime, duration: timedelta, way: Way, calendar: StoreCalendar) -> datetime:
    """When a clock of `duration` that starts at `start` ends (UTC). 17:50 plus an hour with hours 9–18: 9:50, next open day."""
    if way is Way.BUSINESS:
        return calendar.add_business_time(start, duration)
    end = start + duration
    return calendar.next_opening(end) if way is Way.CALENDAR else end


def moved_by_pause(by: datetime, paused_at: datetime, resumed_at: datetime, way: Way, calendar: StoreCalendar) -> datetime:
    """The new end of a clock that stood still: what was left at the pause is left at the resumption. A late one stays late."""
    if by <= paused_at:
        return by
    return ends_at(resumed_at, spent(paused_at, by, way, calendar), way, calendar)


def spent(start: datetime, until: datetime, way: Way, calendar: StoreCalendar, pauses: Pauses = ()) -> timedelta:
    """The time that counts between two instants, without the pauses."""
    return sum((_measure(a, b, way, calendar) for a, b in _running(start, until, pauses)), _NOTHING)


def _walk(start: datetime, amount: timedelta, way: Way, calendar: StoreCalendar, pauses: Pauses) -> datetime:
    """When `amount` of counting time has passed since `start`."""
    current = start
    for began, ended in pauses:
        if ended <= current:
            continue
        gone = _measure(current, began, way, calendar) if began > current else _NOTHING
        if amount <= gone:
            break
        amount, current = amount - gone, ended
    return calendar.add_business_time(current, amount) if way is Way.BUSINESS else current + amount


def _running(start: datetime, until: datetime, pauses: Pauses) -> Iterator[tuple[datetime, datetime]]:
    current = start
    for began, ended in pauses:
        if began >= until:
            break
        if began > current:
            yield current, began
        current = max(current, ended)
    if current < until:
        yield current, until


def _measure(start: datetime, until: datetime, way: Way, calendar: StoreCalendar) -> timedelta:
    return _business_between(start, until, calendar) if way is Way.BUSINESS else until - start


def _business_between(start: datetime, until: datetime, calendar: StoreCalendar) -> timedelta:
    day, cursor, total = calendar.day_of(start) - _DAY, start, _NOTHING
    while day <= calendar.day_of(until):
        for opens, closes in calendar.spans(day):
            begins, ends = max(opens, cursor), min(closes, until)
            if ends > begins:
                total, cursor = total + (ends - begins), ends
        day += _DAY
    return total
