"""Settings of calls and bookings, checked when a store is changed: a wrong one is refused, and the old one stays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from services.api.stores.checks import Check, Faulty, one_of, whole
from services.api.visits.door import POLICIES as ANSWER_POLICIES
from services.api.visits.door import SETTING as REQUIRE_ANSWERS
from shared.appointments import SETTING as SLOTS
from shared.domain.appointment import PlanFault, plan_json, read_plan

BOUNDS: Final[Mapping[str, tuple[int, int]]] = {
    "load_grace_days": (0, 30),  # open days a call may be put off beyond its window for want of room
    "confirm_percent": (0, 100),  # share of plain results a manager looks at
}


def _plan(value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError("fields such as capacity, hours, days")
    try:
        return plan_json(read_plan(value))
    except PlanFault as fault:
        raise Faulty(fault.faults) from None


CHECKS: Final[Mapping[str, Check]] = {**whole(BOUNDS), REQUIRE_ANSWERS: one_of(ANSWER_POLICIES), SLOTS: _plan}
