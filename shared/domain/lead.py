"""How warm a lead is, from the day the customer means to buy (domain.md §2).

Two policies, of which a store chooses one: `by-days` (S0) and `abc` (S2).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from shared.domain.calendar import add_months

BY_DAYS, ABC = "by-days", "abc"
REACTIVATE_AFTER_DAYS = 90
LATER_DAYS = 30


@dataclass(frozen=True)
class Level:
    """A level: its key, names, up to how many days (or a month) before the purchase it holds, and how often to call."""

    key: str
    zh: str
    en: str
    every_days: int
    within_days: int | None = None
    within_months: int | None = None

    def holds(self, expected_on: date, today: date) -> bool:
        """True when the purchase is as near as this level says; the last level of a policy holds for every day."""
        if self.within_days is not None:
            return expected_on <= today + timedelta(days=self.within_days)
        return self.within_months is None or expected_on <= add_months(today, self.within_months)


POLICIES: Final[Mapping[str, tuple[Level, ...]]] = {
    BY_DAYS: (
        Level("within_3_days", "3天内", "within 3 days", 1, within_days=3),
        Level("within_7_days", "7天内", "within 7 days", 3, within_days=7),
        Level("within_15_days", "15天内", "within 15 days", 5, within_days=15),
        Level("within_a_month", "一个月内", "within a month", 7, within_months=1),
        Level("later", "一个月以上", "later", LATER_DAYS),
    ),
    ABC: (
        Level("A", "A级（一周内）", "A: within a week", 2, within_days=7),
        Level("B", "B级（一个月内）", "B: within a month", 7, within_months=1),
        Level("C", "C级（一个月以上）", "C: later", 30),
    ),
}


def level_of(expected_on: date | None, today: date, policy: str = BY_DAYS) -> Level:
    """The level of a lead on a day of the store.

    In: the day the customer means to buy (None: not known, the last level), today, the store's policy (an unknown one is by-days).
    A day that has passed is as near as can be. Sources: S0 (by-days), S2 (abc).
    """
    levels = POLICIES.get(policy, POLICIES[BY_DAYS])
    if expected_on is None:
        return levels[-1]
    return next(level for level in levels if level.holds(expected_on, today))


def contact_on(level: Level, last_contact_on: date) -> date:
    """The next day to be in touch, from the last (or from the first visit to the showroom)."""
    return last_contact_on + timedelta(days=level.every_days)
