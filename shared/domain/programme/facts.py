"""Which facts trigger which programmes: replacements, conditions, one visit per car and day."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import groupby
from uuid import UUID

from shared.domain.programme.types import Fact, Programme, Step, Trigger

CARD_LATEST_DAYS = 7
INTERNAL = "internal"
ORDER_TRIGGERS = frozenset({Trigger.WORK_ORDER_CLOSED, Trigger.FIRST_SERVICE})

_KIND_WEIGHT = {"maintenance": 1, "bodywork": 2, "repair": 3, "claim": 4}

CONDITIONS: Mapping[str, Callable[[Fact], bool]] = {
    "not_insured": lambda fact: fact.insured is False,
    "not_plated": lambda fact: fact.plated is False,
    "no_maintenance": lambda fact: fact.attrs.get("maintenance_done") != "yes",
    "no_appointment": lambda fact: fact.attrs.get("appointment") != "yes",
    "not_done_nor_booked": lambda fact: "yes" not in (fact.attrs.get("maintenance_done"), fact.attrs.get("appointment")),
    "appointment_ahead": lambda fact: fact.attrs.get("appointment_ahead") == "yes",
    "appointment_missed": lambda fact: fact.attrs.get("appointment_missed") == "yes",
    "first_year": lambda fact: fact.attrs.get("interval") == "1",
    "crisis": lambda fact: fact.attrs.get("crisis") == "yes",
    "lead_open": lambda fact: fact.attrs.get("state") == "open" and fact.attrs.get("declined") != "yes",
    "lead_lost": lambda fact: fact.attrs.get("state") == "lost",
    "renewal_open": lambda fact: fact.attrs.get("result") is None,
    "no_renewal_visit": lambda fact: fact.attrs.get("renewal_visit") != "yes",
    "claim_open": lambda fact: fact.attrs.get("claim_closed") != "yes" and fact.attrs.get("covered") != "no",
    "card_not_handed": lambda fact: fact.attrs.get("card_handed") != "yes",
    "file_not_uploaded": lambda fact: fact.attrs.get("file_uploaded") != "yes",
    "has_email": lambda fact: fact.attrs.get("email") == "yes",
    "no_email": lambda fact: fact.attrs.get("email") != "yes",
}
"""What `while` may name. Blank "insured" and "plated" hold neither way: they are asked, not chased."""


def applicable(programmes: Iterable[Programme], fact: Fact) -> list[Programme]:
    """The programmes a fact starts, without those replaced by another of them.

    A first service starts the programmes of a closed order too, except the replaced ones. Excluded cars and internal
    orders start nothing.
    """
    started = [programme for programme in programmes if triggers(programme, fact)]
    replaced = {key for programme in started for key in programme.replaces}
    standing = [programme for programme in started if programme.key not in replaced]
    return [_without(programme, replaced) for programme in standing] if any("." in key for key in replaced) else standing


def _without(programme: Programme, replaced: Collection[str]) -> Programme:
    """The programme without its replaced steps; what came after one of them comes by its own rule."""
    gone = {step.key for step in programme.steps if f"{programme.key}.{step.key}" in replaced}
    if not gone:
        return programme
    left = (step for step in programme.steps if step.key not in gone)
    return replace(programme, steps=tuple(_freed(step, gone) for step in left))


def _freed(step: Step, gone: Collection[str]) -> Step:
    after = tuple(key for key in step.after if key not in gone)
    if after == step.after or after or step.repeat is None:
        return replace(step, after=after)
    return replace(step, after=after, repeat=replace(step.repeat, from_="anchor"))


def triggers(programme: Programme, fact: Fact) -> bool:
    """True when the fact is of the programme's trigger and at least one step is for its kind of order."""
    if fact.excluded or (fact.type in ORDER_TRIGGERS and fact.kind == INTERNAL):
        return False
    return programme.trigger in _trigger_types(fact) and any(is_for_kind(step, fact) for step in programme.steps)


def is_for_kind(step: Step, fact: Fact) -> bool:
    """True when the step is for this kind of work order, or for any."""
    return not step.only or fact.kind in step.only


def still_needed(step: Step, fact: Fact) -> bool:
    """False when the reason for the step went away, such as a chase of a car that is insured and plated by now.

    A planned or due visit of such a step is to be cancelled. Without conditions a step is always needed.
    """
    repeating = step.repeat.while_ if step.repeat else ()
    return all(not names or any(CONDITIONS[name](fact) for name in names) for names in (step.while_, repeating))


def needs_next_date(programme: Programme, step_key: str, fact: Fact) -> bool:
    """True when a result of this step must set the next date (the club, while a car is not insured or not plated)."""
    following = (step for step in programme.steps if step_key in (*step.after, step.key))
    return any(step.repeat is not None and step.repeat.next_date and still_needed(step, fact) for step in following)


def card_fact(sale: Fact, handed_over_on: date | None) -> Fact:
    """The hand-over of the owner card to after-sales: on its day, at the latest on day 7 after the delivery (S0).

    Keeps the id of the sale, so that a card handed over later changes no visit that is planned already.
    """
    latest = sale.on + timedelta(days=CARD_LATEST_DAYS)
    day = latest if handed_over_on is None else max(sale.on, min(handed_over_on, latest))
    return replace(
        sale,
        type=Trigger.CARD_HANDED_OVER,
        on=day,
        at=sale.at + (day - sale.on),
        attrs={"delivered_on": sale.on.isoformat(), **sale.attrs},
    )


def one_per_car_and_day(facts: Iterable[Fact]) -> list[Fact]:
    """Closed work orders with several orders of one car on one day made one fact, oldest first.

    The first order of the day gives the trigger id, the person and the customer; the weightiest kind counts (claim,
    repair, bodywork, maintenance); one first service makes all of them one. Internal orders, excluded cars drop out.
    """
    orders = sorted((fact for fact in facts if fact.kind != INTERNAL and not fact.excluded), key=_visit_key)
    groups = (list(group) for _, group in groupby(orders, key=_car_and_day))
    return sorted((_merged(group) for group in groups), key=lambda fact: (fact.at, fact.id))


def _trigger_types(fact: Fact) -> frozenset[Trigger]:
    if fact.type in ORDER_TRIGGERS and (fact.first_service or fact.type is Trigger.FIRST_SERVICE):
        return ORDER_TRIGGERS
    return frozenset({fact.type})


def _car_and_day(fact: Fact) -> tuple[UUID, date]:
    return fact.vehicle_id or fact.id, fact.on


def _visit_key(fact: Fact) -> tuple[UUID, date, datetime, UUID]:
    return (*_car_and_day(fact), fact.at, fact.id)


def _merged(orders: Sequence[Fact]) -> Fact:
    first = orders[0]
    if len(orders) == 1:
        return first
    return replace(
        first,
        kind=max((order.kind for order in orders), key=lambda kind: _KIND_WEIGHT.get(kind or "", 0)),
        first_service=any(order.first_service for order in orders),
        attrs={**first.attrs, "work_order_ids": ",".join(str(order.id) for order in orders)},
    )
