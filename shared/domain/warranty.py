"""When a warranty item ends: by time or by mileage, whichever is expected first (S0, domain.md §3)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from shared.domain.mileage import DEFAULT_KM_PER_MONTH, LastService, Reading, maintenance_due

DEFAULT_MONTHS: Final = 36
DEFAULT_KM: Final = 100_000
DEFAULT_NAME: Final = "整车质保"
LEAD_DAYS: Final = 30

_NEVER_MONTHS = 1200
_NEVER_KM = 100_000_000


@dataclass(frozen=True)
class Term:
    """How long an item is under warranty from `starts_on`: months, km, or both; at least one is given."""

    starts_on: date
    months: int | None
    km: int | None


def expected_end(
    term: Term, readings: Iterable[Reading], today: date, default_km_per_month: int = DEFAULT_KM_PER_MONTH
) -> date | None:
    """The day the item runs out, by time or by estimated mileage, whichever is first; None for a term without months and km.

    In: the term, the odometer's readings (km on a store day), today, the store's pace for cars with fewer than two readings.
    A car that does not move ends by time alone. The item counts from an odometer of 0. Source: S0 (《保修保养手册》).
    """
    if term.months is None and term.km is None:
        return None
    months, km = term.months or _NEVER_MONTHS, term.km or _NEVER_KM
    end = maintenance_due(readings, LastService(term.starts_on, 0), months, km, today, default_km_per_month)
    return end if term.months is not None or end < term.starts_on + timedelta(days=_NEVER_MONTHS * 30) else None
