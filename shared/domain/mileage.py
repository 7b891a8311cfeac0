"""Where a vehicle's odometer stands, and when its next maintenance is due (domain.md §3, decisions.md "Mileage")."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction

from shared.domain.calendar import add_months

DEFAULT_KM_PER_MONTH = 1250
FIRST_INTERVAL_MONTHS, FIRST_INTERVAL_KM = 3, 5000
INTERVAL_MONTHS, INTERVAL_KM = 6, 5000

_MONTHS_A_YEAR, _DAYS_A_YEAR = 12, 365


@dataclass(frozen=True, order=True)
class Reading:
    """The odometer in km on a store day."""

    on: date
    km: int


@dataclass(frozen=True)
class LastService:
    """The service the interval runs from (the delivery for a new car): its day, and the odometer in km when known."""

    on: date
    km: int | None


def usable_readings(readings: Iterable[Reading], today: date) -> tuple[Reading, ...]:
    """The readings up to `today`, one a day, in order, and only those since the odometer last fell.

    An odometer that falls was replaced or misread: a line through both sides of the fall would mean nothing.
    """
    highest = {reading.on: reading for reading in sorted(readings) if reading.on <= today}
    rising: list[Reading] = []
    for reading in highest.values():
        if rising and reading.km < rising[-1].km:
            rising = []
        rising.append(reading)
    return tuple(rising)


def km_per_day(readings: Iterable[Reading], today: date, default_km_per_month: int = DEFAULT_KM_PER_MONTH) -> Fraction:
    """The daily distance in km: from the first to the last usable reading; with fewer than two, the store's default."""
    usable = usable_readings(readings, today)
    if len(usable) < 2:
        return Fraction(default_km_per_month * _MONTHS_A_YEAR, _DAYS_A_YEAR)
    first, last = usable[0], usable[-1]
    return Fraction(last.km - first.km, (last.on - first.on).days)


def estimate_km(
    readings: Iterable[Reading], on: date, today: date, default_km_per_month: int = DEFAULT_KM_PER_MONTH
) -> int | None:
    """The odometer in km estimated for a day, never negative; None without any reading to start from."""
    usable = usable_readings(readings, today)
    if not usable:
        return None
    last = usable[-1]
    return max(0, round(last.km + km_per_day(usable, today, default_km_per_month) * (on - last.on).days))


def maintenance_due(
    readings: Iterable[Reading],
    last_service: LastService,
    interval_months: int,
    interval_km: int,
    today: date,
    default_km_per_month: int = DEFAULT_KM_PER_MONTH,
) -> date:
    """The day the maintenance interval ends, by time or by estimated mileage, whichever is first.

    Readings after `today` are not believed. The day may lie in the past (overdue), never before the last service.
    Source: domain.md §3 `maintenance`; intervals are months and km of the model (default first 3/5,000, then 6/5,000).
    """
    by_time = add_months(last_service.on, interval_months)
    by_km = _day_of_km(readings, last_service, interval_km, today, default_km_per_month)
    return by_time if by_km is None else max(last_service.on, min(by_time, by_km))


def _day_of_km(
    readings: Iterable[Reading], last_service: LastService, interval_km: int, today: date, default_km_per_month: int
) -> date | None:
    """The first day the odometer is expected at the end of the interval; None for a car that does not move."""
    serviced = () if last_service.km is None else (Reading(last_service.on, last_service.km),)
    usable = usable_readings((*readings, *serviced), today)
    rate = km_per_day(usable, today, default_km_per_month)
    if rate <= 0:
        return None
    anchor = usable[-1] if usable else None
    if anchor is None or last_service.km is None:
        return last_service.on + _days(interval_km / rate)
    return anchor.on + _days((last_service.km + interval_km - anchor.km) / rate)


def _days(days: Fraction) -> timedelta:
    """Whole days, rounded up, no longer than any calendar holds."""
    return timedelta(days=min(-(-days.numerator // days.denominator), _DAYS_A_YEAR * 100))
