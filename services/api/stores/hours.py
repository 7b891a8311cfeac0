"""Opening hours as they come in, are checked, and are kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import time
from typing import Any

from shared.errors import Invalid


class BadHours(Invalid):
    """Hours come in order and do not overlap; only the last of a day may end after midnight."""

    code = "bad_hours"
    zh = "营业时间须按先后排列且不重叠，只有当天最后一段可以跨过午夜。"


class NoOpenDay(Invalid):
    """A week has at least one open day."""

    code = "no_open_day"
    zh = "一周至少有一天营业。"


def stored_hours(weekly: Mapping[str, Sequence[Sequence[time]]]) -> dict[str, Any]:
    """Weekly hours as the database keeps them: `{"0": [["09:00", "18:00"]]}`, Monday = 0. Raises BadHours, NoOpenDay."""
    for day, ranges in weekly.items():
        check_ranges(ranges, f"/weekly_hours/{day}")
    if weekly and not any(weekly.values()):
        raise NoOpenDay(pointer="/weekly_hours")
    return {day: stored_ranges(ranges) for day, ranges in sorted(weekly.items())}


def stored_ranges(ranges: Sequence[Sequence[time]]) -> list[list[str]]:
    """The hours of one day as kept, to the minute."""
    return [[f"{at:%H:%M}" for at in pair] for pair in ranges]


def check_ranges(ranges: Sequence[Sequence[time]], pointer: str) -> None:
    """Raises BadHours for hours out of order."""
    for index, (start, end) in enumerate(ranges):
        overnight = end <= start
        if (overnight and index < len(ranges) - 1) or (index and start < ranges[index - 1][1]):
            raise BadHours(pointer=f"{pointer}/{index}")
