"""Who stays away: the silence of a car and of its owner, and the lifecycle that follows from it.

Churn hangs on customer × vehicle (domain.md §10.7): a warning is for one car; a customer is lost when none of their cars comes any
more. The days a programme counts from are two: the last visit to the store, and the maintenance that was expected (S4 3.3, 4.2).
"""

from collections.abc import Sequence
from datetime import date
from enum import StrEnum
from typing import Final, NamedTuple

LAST_VISIT_ON: Final = "last_visit_on"
EXPECTED_ON: Final = "maintenance_expected_on"


class Standing(StrEnum):
    """What silence makes of a customer's lifecycle."""

    OWNER = "owner"
    CHURN_RISK = "churn_risk"
    CHURNED = "churned"


class Silence(NamedTuple):
    """A car (or all of a customer's) that does not come: since when, and when maintenance was expected."""

    last_visit_on: date
    expected_on: date

    def day(self, name: str) -> date | None:
        """The day that a programme's anchor names."""
        if name == LAST_VISIT_ON:
            return self.last_visit_on
        return self.expected_on if name == EXPECTED_ON else None


def silence_of(last_visit_on: date, next_maintenance_on: date | None) -> Silence:
    """The silence of a car. A car that came after its maintenance fell due, for whatever reason, is expected from then on."""
    return Silence(last_visit_on, max(next_maintenance_on or last_visit_on, last_visit_on))


def together(silences: Sequence[Silence]) -> Silence:
    """The silence of a customer with several cars: of the car that was seen, or is expected, last."""
    return Silence(max(one.last_visit_on for one in silences), max(one.expected_on for one in silences))


def standing(cars: Sequence[tuple[date | None, date | None]], today: date) -> Standing:
    """The lifecycle of a customer from the (warning day, day of loss) of each of their cars.

    Lost when all cars are; at risk when all cars are at least warned of; None: that programme is not in force.
    """
    if cars and all(lost is not None and lost <= today for _, lost in cars):
        return Standing.CHURNED
    if cars and all(any(day is not None and day <= today for day in days) for days in cars):
        return Standing.CHURN_RISK
    return Standing.OWNER
