"""The insurance file of a car: whose it is, what one policy follows, and the date the next one ends on (domain.md §3)."""

from datetime import date, timedelta
from typing import Final

from shared.domain.calendar import add_months

MOVE_AFTER_MONTHS: Final = 9
POLICY_MONTHS: Final = 12
SUCCEEDS_AFTER_DAYS: Final = 180
"""A policy of the same car that ends so much later is the next one; compulsory and commercial insurance end close together."""


def moves_on(delivered_on: date) -> date:
    """The day the file passes from the insurance to the renewal specialist: month 9, clamped to the month's last day (S0)."""
    return add_months(delivered_on, MOVE_AFTER_MONTHS)


def holder_role(delivered_on: date | None, today: date) -> str:
    """Who holds the file: the insurance specialist before month 9, the renewal specialist from then on, and of cars not sold here."""
    new = delivered_on is not None and today < moves_on(delivered_on)
    return "insurance_specialist" if new else "renewal_specialist"


def next_term(expires_on: date) -> tuple[date, date]:
    """Beginning and end of the policy that follows one: from its last day on, for a year."""
    return expires_on, add_months(expires_on, POLICY_MONTHS)


def succeeds(expires_on: date, other_expires_on: date) -> bool:
    """True when the other policy of the car is a later term than this one."""
    return other_expires_on - expires_on >= timedelta(days=SUCCEEDS_AFTER_DAYS)
