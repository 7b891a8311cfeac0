"""Which programmes a fact starts: replacements, one visit per car and day."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.programme import Fact, Trigger, applicable, one_per_car_and_day
from shared.packs import shipped_packs
from tests.domain.programme_facts import DELIVERED, days_after, fact, first_order, order

ALL = [pack.programme for pack in shipped_packs()]


@pytest.mark.parametrize(
    ("trigger", "started"),
    [
        (fact(), ["delivery-club", "delivery-letter", "delivery-sales", "handover", "new-owner"]),
        (fact(type=Trigger.CARD_HANDED_OVER), ["delivery-service"]),
        (order(DELIVERED, "maintenance"), ["after-maintenance"]),
        (order(DELIVERED, "repair"), ["after-repair"]),
        (order(DELIVERED, "bodywork"), ["after-repair"]),
        (order(DELIVERED, "claim"), ["after-repair"]),
        (order(DELIVERED, "internal"), []),
        (first_order(DELIVERED), ["first-service", "first-survey", "new-customer-offer", "welcome"]),
        (fact(type=Trigger.MAINTENANCE_DUE), ["maintenance"]),
        (fact(excluded=True), []),
    ],
)
def test_a_fact_starts_its_programmes_less_the_replaced_ones(trigger: Fact, started: list[str]) -> None:
    assert [programme.key for programme in applicable(ALL, trigger)] == started


def test_without_the_first_service_programme_nothing_is_replaced() -> None:
    selected = [programme for programme in ALL if programme.key != "first-service"]

    started = [programme.key for programme in applicable(selected, first_order(DELIVERED))]

    assert started == ["after-maintenance", "first-survey", "new-customer-offer", "welcome"]


def test_several_orders_of_a_car_closed_on_one_day_are_one_visit_of_the_first() -> None:
    orders = [order(DELIVERED, "maintenance", "16:00", 2), order(DELIVERED, "repair", "10:00", 1)]

    (visit,) = one_per_car_and_day(orders)

    assert (visit.id, visit.kind) == (UUID(int=1), "repair")
    assert visit.attrs["work_order_ids"] == f"{UUID(int=1)},{UUID(int=2)}"


def test_the_weightiest_order_of_the_day_decides_the_kind() -> None:
    orders = [order(DELIVERED, "maintenance", "10:00", 1), order(DELIVERED, "claim", "16:00", 2)]

    (visit,) = one_per_car_and_day(orders)

    assert (visit.id, visit.kind) == (UUID(int=1), "claim")


def test_a_first_service_among_them_makes_the_day_a_first_service() -> None:
    orders = [order(DELIVERED, "repair", "10:00", 1), replace(first_order(DELIVERED, "12:00"), id=UUID(int=2))]

    assert [visit.first_service for visit in one_per_car_and_day(orders)] == [True]


def test_other_days_and_other_cars_and_orders_without_a_car_stay_apart() -> None:
    first, other_day = (order(day, number=n) for n, day in enumerate(days_after(DELIVERED, 0, 1), 1))
    other_car = replace(order(DELIVERED, number=3), vehicle_id=UUID(int=33))
    no_car, no_car_either = (replace(order(DELIVERED, number=n), vehicle_id=None) for n in (4, 5))

    assert len(one_per_car_and_day([first, other_day, other_car, no_car, no_car_either])) == 5


def test_internal_orders_and_excluded_cars_drop_out() -> None:
    internal = order(DELIVERED, "internal", "08:00", 1)
    repair = order(DELIVERED, "repair", "10:00", 2)

    assert [visit.id for visit in one_per_car_and_day([internal, repair, replace(repair, excluded=True)])] == [UUID(int=2)]


orders = st.builds(
    lambda day, kind, hour, number: order(days_after(DELIVERED, day)[0], kind, f"{hour:02}:00", number),
    st.integers(0, 2),
    st.sampled_from(["maintenance", "repair", "bodywork", "claim", "internal"]),
    st.integers(0, 23),
    st.integers(1, 1000),
)


@given(st.lists(orders, max_size=8, unique_by=lambda each: each.id))
def test_the_grouping_does_not_depend_on_the_order_of_the_rows(found: Sequence[Fact]) -> None:
    grouped = one_per_car_and_day(found)

    assert grouped == one_per_car_and_day(list(reversed(found)))
    assert one_per_car_and_day(grouped) == grouped
    assert len(grouped) == len({each.on for each in found if each.kind != "internal"})
