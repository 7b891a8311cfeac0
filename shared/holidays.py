"""China's statutory holidays, make-up workdays and lunar festivals for the store's calendar (domain.md §10.2).

Wraps chinesecalendar (official announcements), holidays (the law's days, for years not announced yet) and lunardate.
"""

from calendar import monthrange
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache, lru_cache

import chinese_calendar
import holidays
from lunardate import LunarDate

from shared.domain.calendar import DEFAULT_WEEK, DayRule, Ranges, StoreCalendar
from shared.domain.festival import FestivalRule

CHINA = "CN"
_CHINESE_NAMES: Mapping[str, str] = {
    "New Year's Day": "元旦",
    "Spring Festival": "春节",
    "Tomb-sweeping Day": "清明节",
    "Labour Day": "劳动节",
    "Dragon Boat Festival": "端午节",
    "Mid-autumn Festival": "中秋节",
    "National Day": "国庆节",
}


@dataclass(frozen=True)
class Festival:
    """A festival the store greets for: key, names, its date in one year."""

    key: str
    name_zh: str
    name_en: str
    on: date


@dataclass(frozen=True)
class _Year:
    days: tuple[tuple[date, DayRule], ...]
    assumed: bool = False
    unknown: bool = False


def store_calendar(
    zone: str,
    weekly: Mapping[int, Ranges] | None,
    overrides: Mapping[date, DayRule],
    years: Iterable[int],
) -> StoreCalendar:
    """The calendar of one store over some years; the same input gives the same, shared object.

    In: IANA zone, weekly hours (None: every day 9–18), the store's own days (they win over everything), the years.
    A statutory holiday closes, a make-up workday opens; an ordinary weekend follows the weekly hours. A year without
    an official announcement is in `assumed_years`, one nobody knows in `unknown_years`.
    """
    week = DEFAULT_WEEK if weekly is None else weekly
    return _store_calendar(
        zone, tuple(sorted(week.items())), tuple(sorted(overrides.items(), key=_by_day)), tuple(sorted(set(years)))
    )


def lunar_to_solar(year: int, month: int, day: int) -> date:
    """The solar date of a lunar one (year 1900–2099).

    The 30th of a month with 29 days is its last day (腊月三十 is missing in 2024–2028); a leap month is never used, so
    that a day is greeted once a year. Raises ValueError for what no lunar month has.
    """
    try:
        return _solar(year, month, day)
    except ValueError:
        if day != 30:
            raise
        return _solar(year, month, 29)


@cache
def festivals(year: int) -> tuple[Festival, ...]:
    """The festivals of a solar year (1900–2099) that greetings go out for, in order (S4)."""
    return (
        Festival("spring_festival", "春节", "Spring Festival", lunar_to_solar(year, 1, 1)),
        *sorted(
            (
                Festival("mid_autumn", "中秋节", "Mid-Autumn Festival", lunar_to_solar(year, 8, 15)),
                Festival("national_day", "国庆节", "National Day", date(year, 10, 1)),
            ),
            key=lambda festival: festival.on,
        ),
    )


def festival_days(rules: Iterable[FestivalRule], since: date, until: date) -> list[tuple[FestivalRule, date]]:
    """The festivals between two days, both included, in order. Good for 1901–2099; a leap month is never greeted a second time."""
    found = []
    for rule in rules:
        years = range(since.year - (rule.calendar == "lunar"), until.year + 1)
        found += [(rule, day) for year in years if since <= (day := _day_of(rule, year)) <= until]
    return sorted(found, key=lambda pair: (pair[1], pair[0].key))


def _day_of(rule: FestivalRule, year: int) -> date:
    if rule.calendar == "lunar":
        return lunar_to_solar(year, rule.month, rule.day)
    return date(year, rule.month, min(rule.day, monthrange(year, rule.month)[1]))


def _by_day(item: tuple[date, DayRule]) -> date:
    return item[0]


def _solar(year: int, month: int, day: int) -> date:
    solar = LunarDate(year, month, day).to_solar_date()
    return date(solar.year, solar.month, solar.day)


@lru_cache(maxsize=4096)
def _store_calendar(
    zone: str,
    weekly: tuple[tuple[int, Ranges], ...],
    overrides: tuple[tuple[date, DayRule], ...],
    years: tuple[int, ...],
) -> StoreCalendar:
    known = {year: _year(year) for year in years}
    days = {day: rule for year in known.values() for day, rule in year.days}
    return StoreCalendar(
        zone=zone,
        weekly=dict(weekly),
        days={**days, **dict(overrides)},
        assumed_years=frozenset(number for number, year in known.items() if year.assumed),
        unknown_years=frozenset(number for number, year in known.items() if year.unknown),
    )


@cache
def _year(year: int) -> _Year:
    if year in _announced_years():
        return _Year(_announced(year))
    assumed = _assumed(year)
    return _Year(assumed, assumed=bool(assumed), unknown=not assumed)


@cache
def _announced_years() -> frozenset[int]:
    return frozenset(day.year for day in chinese_calendar.workdays)


def _announced(year: int) -> tuple[tuple[date, DayRule], ...]:
    closed = (
        (day, DayRule(False, None, _chinese_name(name), "statutory"))
        for day, name in chinese_calendar.holidays.items()
        if day.year == year
    )
    made_up = (
        (day, DayRule(True, None, f"{_chinese_name(name)}调休上班", "make_up"))
        for day, name in chinese_calendar.workdays.items()
        if day.year == year
    )
    return (*closed, *made_up)


def _assumed(year: int) -> tuple[tuple[date, DayRule], ...]:
    named = holidays.country_holidays(CHINA, years=[year], language="zh_CN")
    return tuple((day, DayRule(False, None, str(name), "assumed")) for day, name in sorted(named.items()) if day.year == year)


def _chinese_name(name: str) -> str:
    return _CHINESE_NAMES.get(name, name)
