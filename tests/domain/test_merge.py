"""Two files of one customer made one (domain.md §10.9): the rules."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import product
from typing import Any
from uuid import UUID

import pytest

from shared.domain.consent import Purpose, Standing, strictest
from shared.domain.merge import (
    CHANNELS,
    CarFacts,
    ConsentRow,
    OpenVisit,
    consent_plan,
    same_cars,
    similar_names,
    twins,
    united_fields,
)

NOW = datetime(2026, 11, 23, 1, tzinfo=UTC)
DAY = date(2026, 11, 20)
CAR = UUID(int=77)


def uid(number: int) -> UUID:
    return UUID(int=number)


def visit(number: int, *, kept: bool, in_days: int = 0, **more: object) -> OpenVisit:
    values: dict[str, object] = {
        "vehicle_id": CAR,
        "programme": "after-maintenance",
        "step": "call",
        "trigger_type": "work_order.closed",
        "day": DAY,
        "due_at": NOW + timedelta(days=in_days),
    }
    return OpenVisit(id=uid(number), kept=kept, **{**values, **more})  # type: ignore[arg-type]  # values of a test


@pytest.mark.parametrize(
    ("of_kept", "of_merged", "stays"),
    [
        (visit(1, kept=True), visit(2, kept=False, in_days=1), 1),
        (visit(1, kept=True, in_days=1), visit(2, kept=False), 2),
        (visit(1, kept=True), visit(2, kept=False), 1),
        (visit(1, kept=True), visit(2, kept=False, in_days=1, tries=1), 2),
    ],
)
def test_10_9_of_two_visits_for_the_same_vehicle_step_and_trigger_the_earlier_stays(
    of_kept: OpenVisit, of_merged: OpenVisit, stays: int
) -> None:
    [found] = twins([of_kept, of_merged])

    assert found.stays == uid(stays)
    assert found.cancelled == (uid(3 - stays),)


@pytest.mark.parametrize(
    "differs",
    [{"vehicle_id": None}, {"step": "other"}, {"programme": "after-repair"}, {"trigger_type": "x.y"}, {"day": date(2026, 11, 1)}],
)
def test_10_9_visits_for_another_car_step_or_trigger_both_stay(differs: dict[str, Any]) -> None:
    assert twins([visit(1, kept=True), visit(2, kept=False, **differs)]) == []


def test_10_9_two_visits_of_one_file_are_no_twins() -> None:
    assert twins([visit(1, kept=True), visit(2, kept=True)]) == []


def test_10_7_a_delivery_is_one_trigger_whatever_day_each_file_has() -> None:
    ours = visit(1, kept=True, trigger_type="sale.delivered")
    theirs = visit(2, kept=False, trigger_type="sale.delivered", day=date(2026, 11, 21))

    assert len(twins([ours, theirs])) == 1


def test_10_11_a_promise_survives_the_merge_whichever_visit_stays() -> None:
    promised = NOW + timedelta(days=3)

    [found] = twins([visit(1, kept=True), visit(2, kept=False, in_days=1, promised_at=promised)])

    assert (found.stays, found.promised_at) == (uid(1), promised)


@pytest.mark.parametrize(
    ("kept", "merged", "same"),
    [
        (("LSVAA49J132047371", None), ("LSVAA49J132047371", "沪A12345"), True),
        (("LSVAA49J132047371", "沪A12345"), (None, "沪A12345"), True),
        (("LSVAA49J132047371", "沪A12345"), ("LSVAA49J332047372", "沪A12345"), False),
        ((None, "沪A12345"), (None, "沪A12346"), False),
        ((None, None), (None, None), False),
    ],
)
def test_10_9_two_file_rows_of_the_same_car_become_one(
    kept: tuple[str | None, str | None], merged: tuple[str | None, str | None], same: bool
) -> None:
    found = same_cars([CarFacts(uid(1), *kept)], [CarFacts(uid(2), *merged)])

    assert found == ({uid(2): uid(1)} if same else {})


def test_10_9_what_is_empty_is_filled_and_nothing_is_overwritten() -> None:
    kept = {"address": None, "gender": "male", "flags": ["a"], "service_preferences": [], "note": "一", "lifecycle": "lead",
            "filed_on": date(2026, 2, 1)}  # fmt: skip
    merged = {"address": "张江路", "gender": "female", "flags": ["b", "a"], "service_preferences": ["green"], "note": "二",
              "lifecycle": "owner", "filed_on": date(2026, 1, 1)}  # fmt: skip

    assert united_fields(kept, merged) == {
        "address": "张江路",
        "flags": ["a", "b"],
        "service_preferences": ["green"],
        "note": "一\n二",
        "filed_on": date(2026, 1, 1),
        "lifecycle": "owner",
    }


ROWS: dict[str, list[tuple[str, bool]]] = {
    "nothing": [],
    "granted": [("all", True)],
    "granted_sms": [("sms", True)],
    "withdrawn": [("all", False)],
    "withdrawn_sms": [("sms", False)],
    "again": [("all", False), ("all", True)],
    "mixed": [("all", True), ("sms", False)],
}


def rows_of(name: str, start: int) -> list[ConsentRow]:
    return [ConsentRow(uid(start + n), "marketing", channel, standing) for n, (channel, standing) in enumerate(ROWS[name])]


def said(rows: list[ConsentRow], channel: str) -> Standing:
    words = [row.standing for row in rows if row.channel in (channel, "all")]
    return Standing.SILENT if not words else Standing.GRANTED if any(words) else Standing.WITHDRAWN


@pytest.mark.parametrize(("kept", "merged"), list(product(ROWS, ROWS)))
def test_10_9_the_strictest_consent_wins_on_every_channel(kept: str, merged: str) -> None:
    mine, theirs = rows_of(kept, 1), rows_of(merged, 100)
    plan = consent_plan(mine, theirs)

    after = [row for row in mine if row.id not in plan.set_aside]
    after += [ConsentRow(uid(1000 + n), new.purpose, new.channel, new.granted) for n, new in enumerate(plan.added)]

    for channel in CHANNELS:
        both = strictest({Purpose.MARKETING: said(mine, channel)}, {Purpose.MARKETING: said(theirs, channel)})
        assert said(after, channel) <= both[Purpose.MARKETING], channel
        if both[Purpose.MARKETING] is Standing.GRANTED:
            assert said(after, channel) is Standing.GRANTED, channel
    assert len({(row.purpose, row.channel) for row in after if row.standing}) == sum(row.standing for row in after)


@pytest.mark.parametrize(
    ("one", "other", "similar"),
    [
        ("王建国", "王建国", True),
        ("王建国", "王建国先生", True),
        ("王建国", "王健国", True),
        ("王建国", "李梅", False),
        ("王芳", "李芳", False),
        ("王", "王建国", False),
    ],
)
def test_10_6_families_share_phones_so_a_name_must_be_similar_too(one: str, other: str, similar: bool) -> None:
    assert similar_names(one, other) is similar
