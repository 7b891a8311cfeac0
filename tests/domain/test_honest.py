"""Honest work (domain.md §10.16): what is flagged, and what is not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from shared.domain.honest import (
    HonestPolicy,
    Work,
    all_fives,
    bulk_closes,
    denies,
    drawn,
    honest_policy,
    short_reach,
)
from shared.domain.visit import Channel, Outcome
from shared.ids import new_id

NOW = datetime(2026, 11, 23, 1, tzinfo=UTC)
POLICY = HonestPolicy()
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


def work(number: int = 1, *, after: timedelta = timedelta(0), **more: Any) -> Work:
    values: dict[str, Any] = {
        "attempt_id": UUID(int=number),
        "visit_id": UUID(int=1000 + number),
        "customer_id": UUID(int=2000 + number),
        "channel": Channel.PHONE,
        "outcome": Outcome.REACHED,
        "recorded_at": NOW + after,
        "closed": True,
    }
    return Work(**{**values, **more})


@pytest.mark.parametrize(
    ("more", "flagged"),
    [
        ({"talk_seconds": 3}, True),
        ({"talk_seconds": 0}, True),
        ({"talk_seconds": 4}, False),
        ({"opened_at": NOW - 3 * SECOND}, True),
        ({"opened_at": NOW - 4 * SECOND}, False),
        ({"opened_at": NOW + SECOND}, False),
        ({"opened_at": NOW - SECOND, "talk_seconds": 90}, True),
        ({}, False),
        ({"talk_seconds": 1, "outcome": Outcome.NO_ANSWER}, False),
        ({"talk_seconds": 1, "channel": Channel.WECHAT}, False),
        ({"talk_seconds": 1, "direction": "in"}, False),
    ],
)
def test_10_16_reached_in_three_seconds_is_flagged(more: dict[str, Any], flagged: bool) -> None:
    assert short_reach(work(**more), POLICY) is flagged


@pytest.mark.parametrize(
    ("count", "every", "more", "runs"),
    [
        (10, MINUTE, {}, 1),
        (9, MINUTE, {}, 0),
        (10, 2 * MINUTE, {}, 0),
        (30, 10 * SECOND, {}, 1),
        (10, MINUTE, {"talk_seconds": 40}, 0),
        (10, MINUTE, {"talk_seconds": 2}, 1),
        (10, MINUTE, {"closed": False}, 0),
        (10, MINUTE, {"customer_id": UUID(int=1)}, 0),
    ],
)
def test_10_16_many_closed_within_minutes_without_calls(count: int, every: timedelta, more: dict[str, Any], runs: int) -> None:
    found = bulk_closes([work(n, after=n * every, **more) for n in range(count)], POLICY)

    assert len(found) == runs
    assert all(len(run.visit_ids) == count for run in found)


def test_10_16_two_runs_of_a_day_are_two() -> None:
    morning = [work(n, after=n * SECOND) for n in range(12)]
    evening = [work(100 + n, after=timedelta(hours=8) + n * SECOND) for n in range(10)]

    assert [len(run.visit_ids) for run in bulk_closes([*evening, *morning], POLICY)] == [12, 10]


@pytest.mark.parametrize(("scores", "flagged"), [([5] * 10, True), ([5] * 9, False), ([5] * 9 + [4], False), ([], False)])
def test_10_16_all_scores_five_is_flagged(scores: list[int], flagged: bool) -> None:
    assert all_fives(scores, POLICY) is flagged


@pytest.mark.parametrize(
    ("answer", "denied"),
    [("no", True), (False, True), ("否", True), ("yes", False), (True, False), (None, False), ("", False), ("以后", False)],
)
def test_s0_the_club_asks_whether_the_consultant_called(answer: object, denied: bool) -> None:
    assert denies({"consultant_called": answer}) is denied
    assert denies(None) is False


def test_10_16_a_random_share_of_five_per_cent_is_drawn() -> None:
    ids = [new_id() for _ in range(20_000)]

    share = sum(drawn(visit_id, POLICY) for visit_id in ids) / len(ids)

    assert 0.04 < share < 0.06
    assert [drawn(visit_id, POLICY) for visit_id in ids[:100]] == [drawn(visit_id, POLICY) for visit_id in ids[:100]]


@pytest.mark.parametrize(("percent", "all_of"), [(0, False), (100, True)])
def test_10_16_the_share_is_the_stores_setting(percent: int, all_of: bool) -> None:
    policy = honest_policy({"sample_percent": percent, "unknown": 1})

    assert {drawn(new_id(), policy) for _ in range(200)} == {all_of}
