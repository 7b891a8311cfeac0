"""How warm a lead is, from the day the customer means to buy (domain.md §2).

Two policies, of which a store chooses one: `by-days` (S0) and `abc` (S2).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from shared.domain.calendar import add_months

BY_DAYS, ABC = "by-days", "abc"
LATER_DAYS = 30
REACTIVATE_DAYS = 90
LOST_KINDS: Final = (
    "price", "competitor", "other_dealer", "product", "stock", "financing", "service", "no_plan", "unreachable", "other",
)  # fmt: skip
"""Why a lead was lost, as reports count it; `other` wants words."""

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Level:
    """A level: its key, names, up to how many days (or months) before the purchase it holds, and how often to call."""

    key: str
    zh: str
    en: str
    every_days: int
    within_days: int | None = None
    within_months: int | None = None

    def until(self, today: date) -> date | None:
        """The last expected day of which this level holds today; None for the last level, which holds for every later day."""
        if self.within_days is not None:
            return today + timedelta(days=self.within_days)
        return None if self.within_months is None else add_months(today, self.within_months)


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
        Level("C", "C级（一个月以上）", "C: later", LATER_DAYS),
    ),
}
"""The levels of each policy, the nearest first. Sources: S0 (by-days; later: the consultant's date, by default 30 days), S2 (abc)."""


class UnknownLevel(ValueError):
    """The policy has no level of that key."""


def levels_of(policy: str) -> tuple[Level, ...]:
    """The levels of a policy, the nearest first; a policy nobody knows is by-days."""
    return POLICIES.get(policy, POLICIES[BY_DAYS])


def level_of(expected_on: date | None, today: date, policy: str = BY_DAYS) -> Level:
    """The level of a lead on a day of the store.

    In: the day the customer means to buy (None: not known, the last level), today, the store's policy. A day that has passed is as
    near as can be. Sources: S0 (by-days), S2 (abc).
    """
    *nearer, last = levels_of(policy)
    if expected_on is None:
        return last
    return next((level for level in nearer if expected_on <= (level.until(today) or date.max)), last)


def next_contact_on(expected_on: date | None, last_contact_on: date, policy: str = BY_DAYS, set_on: date | None = None) -> date:
    """The next day to be in touch: the first on which as many days have passed as the level of that day asks for.

    So it comes nearer as the purchase does: a lead of level C on the day of the last contact is not left alone for 30 days when it
    turns B after 5. `set_on`: the day the consultant has set, which stands in for the default of the last level of by-days, and for no
    other. In: the expected day, the last contact (or the first visit to the showroom), the policy. Out: a day after the last
    contact; one that has passed is overdue. Source: domain.md §2 ("the next due date moves with it").
    """
    given = set_on if set_on is not None and set_on > last_contact_on and levels_of(policy) is POLICIES[BY_DAYS] else None
    day = last_contact_on + _DAY
    while not _is_due(level_of(expected_on, day, policy), day, last_contact_on, given):
        day += _DAY
    return day


def _is_due(level: Level, day: date, last_contact_on: date, set_on: date | None) -> bool:
    if set_on is not None and level.until(day) is None:
        return day >= set_on
    return (day - last_contact_on).days >= level.every_days


def expected_between(key: str, today: date, policy: str = BY_DAYS) -> tuple[date | None, date | None]:
    """Which expected days make a lead of this level today: later than the first, up to the second; None is no bound.

    A lead without an expected day belongs to the level without an upper bound. Raises UnknownLevel.
    """
    after: date | None = None
    for level in levels_of(policy):
        if level.key == key:
            return after, level.until(today)
        after = level.until(today)
    raise UnknownLevel(key)
