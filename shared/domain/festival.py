"""Festivals a store greets its customers for: which, by the sun or by the moon, from plain data with every fault named.

The list is the store's setting `festivals`: names of known festivals, or days of its own
`{key, zh, en, calendar: solar|lunar, month, day}` (domain.md §4 `holiday`; S4 3.2, 4.2). Their dates are `shared.holidays`'.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Calendar = Literal["solar", "lunar"]
Fault = tuple[str, str]

MOST = 30
_KEY = re.compile(r"[a-z][a-z0-9_]{0,39}")
_FIELDS = frozenset({"key", "zh", "en", "calendar", "month", "day"})
_LONGEST_MONTH = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_LUNAR_MONTH = 30


@dataclass(frozen=True)
class FestivalRule:
    """A festival and its day of each year. The 30th of a lunar month that has 29 days is the month's last day."""

    key: str
    zh: str
    en: str
    calendar: Calendar
    month: int
    day: int


KNOWN: Mapping[str, FestivalRule] = {
    rule.key: rule
    for rule in (
        FestivalRule("new_year", "元旦", "New Year", "solar", 1, 1),
        FestivalRule("new_years_eve", "除夕", "Chinese New Year's Eve", "lunar", 12, 30),
        FestivalRule("spring_festival", "春节", "Spring Festival", "lunar", 1, 1),
        FestivalRule("lantern", "元宵节", "Lantern Festival", "lunar", 1, 15),
        FestivalRule("labour_day", "劳动节", "Labour Day", "solar", 5, 1),
        FestivalRule("dragon_boat", "端午节", "Dragon Boat Festival", "lunar", 5, 5),
        FestivalRule("mid_autumn", "中秋节", "Mid-Autumn Festival", "lunar", 8, 15),
        FestivalRule("double_ninth", "重阳节", "Double Ninth Festival", "lunar", 9, 9),
        FestivalRule("national_day", "国庆节", "National Day", "solar", 10, 1),
    )
}
DEFAULT: tuple[FestivalRule, ...] = tuple(KNOWN[key] for key in ("spring_festival", "mid_autumn", "national_day"))
"""Greeted for unless the store says otherwise (domain.md §4)."""


class FestivalsInvalid(ValueError):
    """A list of festivals that cannot be used. `faults`: (JSON pointer within the list, what is wrong)."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(f"{pointer or '/'}: {message}" for pointer, message in faults))
        self.faults = tuple(faults)


def parse_festivals(data: object) -> tuple[FestivalRule, ...]:
    """The festivals of a store's list; None means the usual three, an empty list none. Raises FestivalsInvalid."""
    if data is None:
        return DEFAULT
    if not isinstance(data, list):
        raise FestivalsInvalid([("", "a list of festivals")])
    faults: list[Fault] = [("", f"at most {MOST} festivals")] if len(data) > MOST else []
    rules = [_rule(item, f"/{place}", faults) for place, item in enumerate(data)]
    keys = [rule.key for rule in rules if rule]
    faults += [("", f"{key} stands here twice") for key in sorted({key for key in keys if keys.count(key) > 1})]
    if faults:
        raise FestivalsInvalid(faults)
    return tuple(rule for rule in rules if rule)


def _rule(item: object, pointer: str, faults: list[Fault]) -> FestivalRule | None:
    if isinstance(item, str):
        if item not in KNOWN:
            faults.append((pointer, f"no such festival; known are {', '.join(KNOWN)}"))
        return KNOWN.get(item)
    if not isinstance(item, Mapping):
        faults.append((pointer, "the name of a festival, or a day of your own with key, zh, en, calendar, month, day"))
        return None
    found = list(_faults(item, pointer))
    faults.extend(found)
    return None if found else FestivalRule(*(item[name] for name in ("key", "zh", "en", "calendar", "month", "day")))


def _faults(item: Mapping[str, object], pointer: str) -> Iterator[Fault]:
    for name in sorted(set(item) - _FIELDS):
        yield f"{pointer}/{name}", "no such field"
    key = item.get("key")
    if not isinstance(key, str) or not _KEY.fullmatch(key):
        yield f"{pointer}/key", "small letters, digits and _"
    for name in ("zh", "en"):
        text = item.get(name)
        if not isinstance(text, str) or not 0 < len(text.strip()) <= 20:
            yield f"{pointer}/{name}", "the name, up to 20 characters"
    calendar, month, day = item.get("calendar"), item.get("month"), item.get("day")
    if calendar not in ("solar", "lunar"):
        yield f"{pointer}/calendar", "solar or lunar"
    if not _whole(month) or not 1 <= int(str(month)) <= 12:
        yield f"{pointer}/month", "1 to 12"
    elif not _whole(day) or not 1 <= int(str(day)) <= _length(calendar, int(str(month))):
        yield f"{pointer}/day", "a day of that month"


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _length(calendar: object, month: int) -> int:
    return _LUNAR_MONTH if calendar == "lunar" else _LONGEST_MONTH[month - 1]
