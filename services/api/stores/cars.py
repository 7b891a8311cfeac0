"""Settings of a store for leads, mileage and warranty: by which policy leads are told apart, how long a new car is under warranty."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from services.api.stores.checks import Check, one_of, whole
from shared.domain.lead import POLICIES

BOUNDS: Final[Mapping[str, tuple[int, int]]] = {
    "warranty_months": (1, 240),
    "warranty_km": (1, 3_000_000),
    "km_per_month": (1, 50_000),
    "interval_months": (1, 60),
    "interval_km": (100, 200_000),
    "first_interval_months": (1, 60),
    "first_interval_km": (100, 200_000),
}
CHECKS: Final[Mapping[str, Check]] = {**whole(BOUNDS), "lead_policy": one_of(POLICIES)}
