"""Who gets what when somebody leaves (domain.md §10.10)."""

from __future__ import annotations

from collections import Counter
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.handover import Item, Taker, able_in, split

ADVISOR, FOLLOW_UP = "service_advisor", "followup_specialist"


def uid(number: int) -> UUID:
    return UUID(int=number)


def taker(number: int, *roles: str, capacity: int = 60, has: int = 0) -> Taker:
    return Taker(uid(number), frozenset(roles or {FOLLOW_UP}), capacity, has)


def visits(count: int, role: str = FOLLOW_UP, customers: int = 0) -> list[Item]:
    """Visits of as many customers unless fewer are named."""
    return [Item("visits", uid(1000 + n), uid(5000 + n % (customers or count)), role) for n in range(count)]


@pytest.mark.parametrize(
    ("has", "capacity", "shares"),
    [
        ((0, 0), (60, 60), (5, 5)),
        ((10, 0), (60, 60), (0, 10)),
        ((4, 0), (60, 60), (3, 7)),
        ((0, 0), (60, 30), (7, 3)),
        ((0, 0), (60, 0), (10, 0)),
    ],
)
def test_10_10_split_evenly_by_open_work_and_capacity(
    has: tuple[int, int], capacity: tuple[int, int], shares: tuple[int, int]
) -> None:
    takers = [taker(1, capacity=capacity[0], has=has[0]), taker(2, capacity=capacity[1], has=has[1])]

    shared = Counter(split(visits(10), takers).values())

    assert (shared[uid(1)], shared[uid(2)]) == shares


def test_10_10_what_a_customer_has_in_one_role_goes_to_one_person() -> None:
    items = visits(9, customers=3)

    shared = split(items, [taker(1), taker(2)])

    for customer in {item.customer_id for item in items}:
        assert len({shared[item.kind, item.id] for item in items if item.customer_id == customer}) == 1


def test_10_10_only_people_in_the_role_are_given_its_work() -> None:
    shared = split(visits(6, ADVISOR), [taker(1, ADVISOR), taker(2, FOLLOW_UP)])

    assert set(shared.values()) == {uid(1)}


@pytest.mark.parametrize(
    ("role", "there", "expected"),
    [
        ("insurance_specialist", "sales_consultant", 1),
        ("renewal_specialist", "insurance_specialist", 1),
        ("renewal_specialist", "sales_consultant", 1),
        (FOLLOW_UP, ADVISOR, 1),
        (ADVISOR, FOLLOW_UP, 0),
    ],
)
def test_decisions_assignment_nobody_in_the_role_the_one_that_stands_in(role: str, there: str, expected: int) -> None:
    assert len(able_in(role, [taker(1, there)])) == expected


def test_10_10_without_anybody_it_goes_to_the_pool_of_the_role() -> None:
    assert set(split(visits(3, "technician"), [taker(1)]).values()) == {None}


@given(st.integers(1, 40), st.integers(1, 5))
def test_10_10_the_same_facts_give_the_same_split(count: int, people: int) -> None:
    takers = [taker(n + 1) for n in range(people)]
    items = visits(count)

    assert split(items, takers) == split(list(reversed(items)), list(reversed(takers)))
    assert len(split(items, takers)) == count
