"""The store's calendar: which days and hours it is open, and arithmetic in its own zone (domain.md §10.1–3)."""

import calendar as gregorian
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Literal
from zoneinfo import ZoneInfo

Ranges = tuple[tuple[time, time], ...]
"""Opening hours of one day as (start, end) pairs in order; an end at or before its start lies on the next day."""

Source = Literal["store", "statutory", "make_up", "assumed", "weekly"]

DEFAULT_HOURS: Ranges = ((time(9), time(18)),)
DEFAULT_WEEK: Mapping[int, Ranges] = {weekday: DEFAULT_HOURS for weekday in range(7)}

_FARTHEST_OPENING_DAYS = 400
_DAY = timedelta(days=1)


class NeverOpen(ValueError):
    """The calendar has no open day within 400 days."""


@dataclass(frozen=True)
class DayRule:
    """What holds for one day: open or not, its hours (None: the usual ones of the weekday), its name, who says so."""

    open: bool
    ranges: Ranges | None
    name: str
    source: Source


_WEEKLY_CLOSED = DayRule(open=False, ranges=None, name="每周休息", source="weekly")
_WEEKLY_OPEN = DayRule(open=True, ranges=None, name="", source="weekly")


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


@dataclass(frozen=True)
class StoreCalendar:
    """Opening hours of one store.

    `zone` is an IANA name; `weekly` maps Monday=0 … Sunday=6 to hours (an empty tuple or a missing weekday is closed);
    `days` holds statutory closures, make-up workdays and the store's own overrides. Holidays of `assumed_years` are
    not officially announced yet; of `unknown_years` nothing is known beyond the weekly hours.
    """

    zone: str
    weekly: Mapping[int, Ranges] = field(default_factory=lambda: DEFAULT_WEEK)
    days: Mapping[date, DayRule] = field(default_factory=dict)
    assumed_years: frozenset[int] = frozenset()
    unknown_years: frozenset[int] = frozenset()
    _openings: dict[date, datetime] = field(default_factory=dict, init=False, repr=False, compare=False)

    def local(self, instant: datetime) -> datetime:
        """The instant (aware) on the store's clock."""
        return instant.astimezone(_zone(self.zone))

    def day_of(self, instant: datetime) -> date:
        """The store's calendar day of an aware instant."""
        return self.local(instant).date()

    def at(self, day: date, t: time) -> datetime:
        """The UTC instant of a wall-clock time of the store."""
        return datetime.combine(day, t, _zone(self.zone)).astimezone(UTC)

    def rule(self, day: date) -> DayRule:
        """What holds for the day, and by whose word."""
        found = self.days.get(day)
        if found is not None:
            return found
        return _WEEKLY_OPEN if self.weekly.get(day.weekday()) else _WEEKLY_CLOSED

    def is_open(self, day: date) -> bool:
        """True when the store opens on that day."""
        return self.rule(day).open

    def opening(self, day: date) -> datetime:
        """The UTC instant the store opens; on a closed day, when it usually would. Asked thousands of times of the same days."""
        known = self._openings.get(day)
        if known is None:
            known = self._openings[day] = self.at(day, self._hours(day)[0][0])
        return known

    def closing(self, day: date) -> datetime:
        """The UTC instant the store closes, possibly after midnight; on a closed day, when it usually would."""
        start, end = self._hours(day)[-1]
        return self.at(day + _DAY if end <= start else day, end)

    def end_of_day(self, day: date) -> datetime:
        """The next midnight of the store as a UTC instant: the exclusive end of the day."""
        return self.at(day + _DAY, time.min)

    def next_open_day(self, day: date, *, inclusive: bool = True) -> date:
        """The first open day from `day` on (after it when not inclusive). Raises NeverOpen."""
        return self._seek_open(day, _DAY, inclusive)

    def previous_open_day(self, day: date, *, inclusive: bool = True) -> date:
        """The last open day up to `day` (before it when not inclusive). Raises NeverOpen."""
        return self._seek_open(day, -_DAY, inclusive)

    def spans(self, day: date) -> list[tuple[datetime, datetime]]:
        """The opening hours of a day as UTC instants, in order; none on a closed day."""
        return list(self._spans(day))

    def is_business_time(self, instant: datetime) -> bool:
        """True from an opening instant up to, not including, the closing instant."""
        today = self.day_of(instant)
        spans = (*self._spans(today - _DAY), *self._spans(today))
        return any(start <= instant < end for start, end in spans)

    def next_opening(self, instant: datetime) -> datetime:
        """The instant itself when the store is open, else the next time it opens (UTC). Raises NeverOpen."""
        start, _ = next(self._spans_from(instant))
        return start

    def add_business_time(self, instant: datetime, duration: timedelta) -> datetime:
        """The UTC instant by which `duration` (not negative) of opening time has passed since `instant`.

        17:50 plus an hour with hours 9–18 is 9:50 of the next open day. A duration that ends exactly at closing time
        ends there, not at the next opening. Raises NeverOpen, ValueError for a negative duration.
        """
        if duration < timedelta(0):
            raise ValueError("a duration is not negative")
        for start, end in self._spans_from(instant):
            if duration <= end - start:
                return start + duration
            duration -= end - start
            instant = end
        raise NeverOpen(self.zone)

    def fit_day(self, due: date, earliest: date, latest: date) -> tuple[date, str | None]:
        """Move a closed due day to the previous open day not before `earliest`, else to the next open day.

        The next open day may lie after `latest` when the whole rest of the window is closed. Out: the day, and the
        reason of a shift as `closed_day|from|to|name of the closure` (None when nothing moved).
        """
        if self.is_open(due):
            return due, None
        fitted = self._open_before(due, earliest) or self.next_open_day(due, inclusive=False)
        code = "closed_day" if fitted <= latest else "closed_window"
        return fitted, f"{code}|{due}|{fitted}|{self.rule(due).name}"

    def _open_before(self, due: date, earliest: date) -> date | None:
        while due > earliest:
            due -= _DAY
            if self.is_open(due):
                return due
        return None

    def _hours(self, day: date) -> Ranges:
        usual = self.weekly.get(day.weekday()) or next(filter(None, self.weekly.values()), DEFAULT_HOURS)
        return self.rule(day).ranges or usual

    def _spans(self, day: date) -> Iterator[tuple[datetime, datetime]]:
        if not self.is_open(day):
            return
        for start, end in self._hours(day):
            yield self.at(day, start), self.at(day + _DAY if end <= start else day, end)

    def _spans_from(self, instant: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Opening spans after the instant, in order and without overlap, the current one cut at the instant."""
        cursor = instant.astimezone(UTC)
        day = self.day_of(instant) - _DAY
        last_useful = day
        while (day - last_useful).days < _FARTHEST_OPENING_DAYS:
            for start, end in self._spans(day):
                if end > cursor:
                    yield max(start, cursor), end
                    cursor, last_useful = end, day
            day += _DAY
        raise NeverOpen(f"{self.zone} has no opening after {instant}")

    def _seek_open(self, day: date, step: timedelta, inclusive: bool) -> date:
        current = day if inclusive else day + step
        for _ in range(_FARTHEST_OPENING_DAYS):
            if self.is_open(current):
                return current
            current += step
        raise NeverOpen(f"{self.zone} has no open day around {day}")


def add_months(day: date, months: int) -> date:
    """The same day of the month `months` later (or earlier), clamped to the month's end: 31 May + 9 = 28/29 Feb."""
    if not months:
        return day
    years, month = divmod(day.month - 1 + months, 12)
    year, month = day.year + years, month + 1
    return date(year, month, min(day.day, gregorian.monthrange(year, month)[1]))


def anniversary(day: date, year: int) -> date:
    """The day in another year; 29 February is 28 February where the year has none."""
    return add_months(day, 12 * (year - day.year))
