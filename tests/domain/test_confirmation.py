"""The manager confirms all declined, invalid and low scores, and five in a hundred of the rest (S1; decisions.md, "Reports")."""

from __future__ import annotations

from uuid import UUID

import pytest

from shared.domain.confirmation import sample_of, to_confirm
from shared.domain.visit import State

PICKED = next(UUID(int=number) for number in range(1000) if sample_of(UUID(int=number)) < 500)
PASSED = next(UUID(int=number) for number in range(1000) if sample_of(UUID(int=number)) >= 500)


@pytest.mark.parametrize(
    ("visit_id", "state", "satisfaction", "reason"),
    [
        (PASSED, "declined", None, "declined"),
        (PASSED, "invalid", None, "invalid"),
        (PASSED, "completed", 1, "low_score"),
        (PASSED, "completed", 2, "low_score"),
        (PASSED, "incomplete", 2, "low_score"),
        (PASSED, "completed", 3, None),
        (PICKED, "completed", 5, "sample"),
        (PICKED, "incomplete", None, "sample"),
        (PICKED, "missed", None, None),  # nobody vouches for it
        (PICKED, "due", None, None),
        (PASSED, "completed", None, None),
    ],
)
def test_who_is_looked_at(visit_id: UUID, state: str, satisfaction: int | None, reason: str | None) -> None:
    assert to_confirm(visit_id, State(state), satisfaction) == reason


def test_the_sample_is_five_in_a_hundred_and_always_the_same() -> None:
    picked = [number for number in range(20_000) if to_confirm(UUID(int=number), State.COMPLETED, 5)]

    assert 900 <= len(picked) <= 1100
    assert picked == [number for number in range(20_000) if to_confirm(UUID(int=number), State.COMPLETED, 5)]


@pytest.mark.parametrize(("percent", "reason"), [(0, None), (100, "sample")])
def test_the_share_is_a_setting(percent: int, reason: str | None) -> None:
    assert to_confirm(PASSED, State.COMPLETED, 5, percent) == reason
