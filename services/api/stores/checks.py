"""How a setting is checked: from a value to the one that is kept, or a fault that says what it may be."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, TypeAlias

Check: TypeAlias = Callable[[Any], Any]
"""Raises ValueError; `Faulty` when there is a place within the value."""


class Faulty(ValueError):
    """Faults within a value: (JSON pointer within it, what is wrong)."""

    def __init__(self, faults: Sequence[tuple[str, str]]) -> None:
        super().__init__("; ".join(message for _, message in faults))
        self.faults = tuple(faults)


def whole(bounds: Mapping[str, tuple[int, int]]) -> dict[str, Check]:
    """Checks of settings that are whole numbers, by name, both bounds included."""
    return {name: _whole(least, most) for name, (least, most) in bounds.items()}


def one_of(words: Collection[str]) -> Check:
    """The check of a setting that is one of some words."""

    def check(value: Any) -> Any:
        if not isinstance(value, str) or value not in words:
            raise ValueError(f"one of {', '.join(words)}")
        return value

    return check


def _whole(least: int, most: int) -> Check:
    def check(value: Any) -> Any:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise ValueError(f"a whole number from {least} to {most}")
        return value

    return check
