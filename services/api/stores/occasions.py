"""Settings of a store for occasions and campaigns: which festivals it greets for, from which size on a campaign is approved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from services.api.stores.checks import Check, Faulty, whole
from shared.domain.festival import FestivalsInvalid, parse_festivals

BOUNDS: Final[Mapping[str, tuple[int, int]]] = {"campaign_approval_size": (0, 1_000_000), "high_value_fen": (1, 10**9)}


def _festivals(value: Any) -> Any:
    try:
        parse_festivals(value)
    except FestivalsInvalid as fault:
        raise Faulty(fault.faults) from None
    return value


CHECKS: Final[Mapping[str, Check]] = {**whole(BOUNDS), "festivals": _festivals}
