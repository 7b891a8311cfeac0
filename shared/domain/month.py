"""The month a figure belongs to, and when a month is closed (decisions.md, Reports)."""

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from shared.domain.calendar import StoreCalendar, add_months

FREEZE_DAY, FREEZE_TIME = 5, time(6)
FORM_6_TIME = time(23)
_MONTH = re.compile(r"([0-9]{4})-([0-9]{2})")
_DAY = timedelta(days=1)
EARLIEST_YEAR, LATEST_YEAR = 1970, 2199


class NoMonth(ValueError):
    """This is no month such as 2026-11."""


@dataclass(frozen=True, order=True)
class Month:
    """A month of the calendar; in text 2026-11."""

    first: date

    @classmethod
    def of(cls, day: date) -> "Month":
        """The month a day lies in."""
        return cls(day.replace(day=1))

    @classmethod
    def read(cls, text: str) -> "Month":
        """From text such as 2026-11. Raises NoMonth."""
        found = _MONTH.fullmatch(text)
        if found is None or not EARLIEST_YEAR <= int(found[1]) <= LATEST_YEAR or not 1 <= int(found[2]) <= 12:
            raise NoMonth(text)
        return cls(date(int(found[1]), int(found[2]), 1))

    def __str__(self) -> str:
        return f"{self.first:%Y-%m}"

    @property
    def last(self) -> date:
        """Its last day."""
        return add_months(self.first, 1) - _DAY

    def plus(self, months: int) -> "Month":
        """So many months later (earlier when negative)."""
        return Month(add_months(self.first, months))

    def closes_at(self, calendar: StoreCalendar) -> datetime:
        """The instant it is frozen: the 5th of the next month, 6:00 on the store's clock. Source: decisions.md, Reports; S4."""
        return calendar.at(self.plus(1).first.replace(day=FREEZE_DAY), FREEZE_TIME)

    def form_6_at(self, calendar: StoreCalendar) -> datetime:
        """When form 6 is written: on its last day, late enough that the day is in it. Source: S0 five, 3."""
        return calendar.at(self.last, FORM_6_TIME)


def last_closed(calendar: StoreCalendar, now: datetime) -> Month:
    """The latest month that is closed at an instant."""
    month = Month.of(calendar.day_of(now)).plus(-1)
    return month if month.closes_at(calendar) <= now else month.plus(-1)
