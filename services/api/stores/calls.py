"""Settings of calls and bookings, checked when a store is changed: a wrong one is refused, and the old one stays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from services.api.visits.door import POLICIES as ANSWER_POLICIES
from services.api.visits.door import SETTING as REQUIRE_ANSWERS
from shared.appointments import SETTING as SLOTS
from shared.domain.appointment import PlanFault, plan_json, read_plan

BOUNDS: Final[Mapping[str, tuple[int, int]]] = {
    "load_grace_days": (0, 30),  # open days a call may be put off beyond its window for want of room
    "confirm_percent": (0, 100),  # share of plain results a manager looks at
}


def check(values: dict[str, Any]) -> None:
    """Check the settings of this page among `values`, in place. Raises ValueError with a sentence."""
    for name, (least, most) in BOUNDS.items():
        value = values.get(name)
        if value is not None and (not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most):
            raise ValueError(f"{name}: a whole number from {least} to {most}")
    if values.get(REQUIRE_ANSWERS) not in (None, *ANSWER_POLICIES):
        raise ValueError(f"{REQUIRE_ANSWERS}: one of {', '.join(ANSWER_POLICIES)}")
    if values.get(SLOTS) is not None:
        values[SLOTS] = _plan(values[SLOTS])


def _plan(value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError(f"{SLOTS}: fields such as capacity, hours, days")
    try:
        return plan_json(read_plan(value))
    except PlanFault as fault:
        raise ValueError(f"{SLOTS}: {fault}") from None
