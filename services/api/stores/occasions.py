"""Settings of a store for occasions and campaigns: which festivals it greets for, from which size on a campaign is approved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shared.domain.festival import FestivalsInvalid, parse_festivals

BOUNDS: Mapping[str, tuple[int, int]] = {"campaign_approval_size": (0, 1_000_000), "high_value_fen": (1, 10**9)}
FESTIVALS = "festivals"


def check(values: Mapping[str, Any]) -> None:
    """Raises ValueError that names the setting and what is wrong with it; null goes back to the default."""
    for name, (least, most) in BOUNDS.items():
        value = values.get(name)
        if value is None:
            continue
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise ValueError(f"{name}: a whole number from {least} to {most}")
    try:
        parse_festivals(values.get(FESTIVALS))
    except FestivalsInvalid as fault:
        raise ValueError("; ".join(f"{FESTIVALS}{pointer}: {message}" for pointer, message in fault.faults)) from None
