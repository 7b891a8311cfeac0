"""Warranty ends by time or by mileage, whichever is expected first."""

from datetime import date

import pytest

from shared.domain.mileage import Reading
from shared.domain.warranty import DEFAULT_KM, DEFAULT_MONTHS, Term, expected_end

DELIVERED, TODAY = date(2025, 11, 23), date(2026, 11, 23)
WHOLE_CAR = Term(DELIVERED, DEFAULT_MONTHS, DEFAULT_KM)


@pytest.mark.parametrize(
    ("term", "readings", "ends_on"),
    [
        # 3 years / 100,000 km at 1,250 km a month: time comes first
        (WHOLE_CAR, (), date(2028, 11, 23)),
        # a taxi: 50,000 km in its first year ends it in the second
        (WHOLE_CAR, (Reading(TODAY, 50_000),), date(2027, 11, 23)),
        # over the mileage already
        (WHOLE_CAR, (Reading(TODAY, 120_000),), date(2026, 9, 23)),
        # by time alone, by mileage alone
        (Term(DELIVERED, 24, None), (Reading(TODAY, 120_000),), date(2027, 11, 23)),
        (Term(DELIVERED, None, 60_000), (Reading(TODAY, 30_000),), date(2027, 11, 23)),
        # a car that does not move has no end by mileage
        (Term(DELIVERED, None, 60_000), (Reading(date(2026, 1, 1), 0), Reading(TODAY, 0)), None),
        (Term(DELIVERED, None, None), (), None),
    ],
)
def test_the_end_is_the_first_of_time_and_mileage(term: Term, readings: tuple[Reading, ...], ends_on: date | None) -> None:
    found = expected_end(term, readings, TODAY)

    assert (found is None) == (ends_on is None)
    if found is not None and ends_on is not None:
        assert abs((found - ends_on).days) <= 1, found
