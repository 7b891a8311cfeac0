"""Settings of a store for leads, mileage and warranty: by which policy leads are told apart, how long a new car is under warranty."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shared.domain.lead import POLICIES

BOUNDS: Mapping[str, tuple[int, int]] = {
    "warranty_months": (1, 240),
    "warranty_km": (1, 3_000_000),
    "km_per_month": (1, 50_000),
    "interval_months": (1, 60),
    "interval_km": (100, 200_000),
    "first_interval_months": (1, 60),
    "first_interval_km": (100, 200_000),
}


def check(values: Mapping[str, Any]) -> None:
    """Raises ValueError that names the setting and what is wrong with it; null goes back to the default."""
    for name, (least, most) in BOUNDS.items():
        value = values.get(name)
        if value is not None and (not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most):
            raise ValueError(f"{name}: a whole number from {least} to {most}")
    policy = values.get("lead_policy")
    if policy is not None and policy not in POLICIES:
        raise ValueError(f"lead_policy: one of {', '.join(POLICIES)}")
