"""Appointments: which hours take how many cars, and what may become of a booking (S0: spread the load; S1: remind the day before)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Any

from shared.domain.calendar import StoreCalendar
from shared.domain.visit import Label

SHORTEST_PIECE = timedelta(minutes=30)
LARGEST_CAPACITY = 200
DEFAULT_CAPACITY = 4
DEFAULT_AHEAD_DAYS = 60
LONGEST_AHEAD_DAYS = 366
ALTERNATIVES = 3
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)


class AppointmentState(StrEnum):
    """Where an appointment stands."""

    BOOKED = "booked"
    CONFIRMED = "confirmed"
    ARRIVED = "arrived"
    NO_SHOW = "no_show"
    MOVED = "moved"
    CANCELLED = "cancelled"


STANDING: frozenset[AppointmentState] = frozenset({AppointmentState.BOOKED, AppointmentState.CONFIRMED})
"""The customer is expected."""

HOLDING: frozenset[AppointmentState] = STANDING | {AppointmentState.ARRIVED}
"""Counts against the capacity of its hour."""

_ENDS = frozenset({AppointmentState.ARRIVED, AppointmentState.NO_SHOW, AppointmentState.MOVED, AppointmentState.CANCELLED})
NEXT: Mapping[AppointmentState, frozenset[AppointmentState]] = {
    AppointmentState.BOOKED: _ENDS | {AppointmentState.CONFIRMED},
    AppointmentState.CONFIRMED: _ENDS,
    # Came after all, or a work order of the day shows it.
    AppointmentState.NO_SHOW: frozenset({AppointmentState.ARRIVED}),
    AppointmentState.ARRIVED: frozenset(),
    AppointmentState.MOVED: frozenset(),
    AppointmentState.CANCELLED: frozenset(),
}
APPOINTMENT_LABELS: Mapping[AppointmentState, Label] = {
    AppointmentState.BOOKED: Label("已约", "Booked"),
    AppointmentState.CONFIRMED: Label("已确认", "Confirmed"),
    AppointmentState.ARRIVED: Label("已到店", "Arrived"),
    AppointmentState.NO_SHOW: Label("未到", "No show"),
    AppointmentState.MOVED: Label("已改期", "Moved"),
    AppointmentState.CANCELLED: Label("已取消", "Cancelled"),
}
DIRECTION_LABELS: Mapping[str, Label] = {
    "outbound": Label("主动预约", "We offered it"),
    "inbound": Label("被动预约", "The customer asked"),
}


@dataclass(frozen=True)
class HourRule:
    """So many cars in each hour that begins from `start` up to, not including, `end`. Times of the store's clock."""

    start: time
    end: time
    capacity: int
    weekdays: frozenset[int] = frozenset(range(7))


@dataclass(frozen=True)
class DayPlan:
    """One day that differs: so many cars an hour (None: as on its weekday), and hours of that day that differ again."""

    capacity: int | None = None
    hours: tuple[HourRule, ...] = ()
    name: str | None = None


@dataclass(frozen=True)
class SlotPlan:
    """How many cars a store takes an hour. The day's own word goes before the rule of the hour, that before `capacity`.

    Hours in which the store is closed take none: hours, lunch breaks and holidays are the calendar's. `ahead_days`: how far
    ahead one may book.
    """

    capacity: int = DEFAULT_CAPACITY
    hours: tuple[HourRule, ...] = ()
    days: Mapping[date, DayPlan] = field(default_factory=dict)
    ahead_days: int = DEFAULT_AHEAD_DAYS


@dataclass(frozen=True)
class Slot:
    """An hour of opening: instants (UTC, end exclusive) and how many cars may come in it."""

    starts_at: datetime
    ends_at: datetime
    capacity: int


@dataclass(frozen=True)
class Taken:
    """A slot and how many hold a place in it."""

    slot: Slot
    taken: int

    @property
    def free(self) -> int:
        """Places left; never below zero, although a plan that was lowered leaves more bookings than places."""
        return max(0, self.slot.capacity - self.taken)


class PlanFault(ValueError):
    """A plan that cannot be used. `faults`: (JSON pointer, what is wrong) in the order they stand."""

    def __init__(self, faults: Sequence[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{pointer}: {message}" for pointer, message in faults))
        self.faults = tuple(faults)


def may_become(state: AppointmentState, to: AppointmentState) -> bool:
    """Whether the table has that edge; staying is always allowed (a second click changes nothing)."""
    return to == state or to in NEXT[state]


def slots_of(day: date, plan: SlotPlan, calendar: StoreCalendar) -> list[Slot]:
    """The slots of a store day in order: its opening hours cut at whole hours; pieces under half an hour are none."""
    return [
        Slot(start, end, capacity_at(plan, day, calendar.local(start).time()))
        for start, end in _pieces(day, calendar)
        if end - start >= SHORTEST_PIECE
    ]


def slot_at(instant: datetime, plan: SlotPlan, calendar: StoreCalendar) -> Slot | None:
    """The slot an instant lies in; None when the store takes nobody then."""
    today = calendar.day_of(instant)
    candidates = (slot for day in (today, today - _DAY) for slot in slots_of(day, plan, calendar))
    return next((slot for slot in candidates if slot.starts_at <= instant < slot.ends_at), None)


def capacity_at(plan: SlotPlan, day: date, clock: time) -> int:
    """How many cars may come in the hour of a day, as far as the plan says (the calendar may still close it)."""
    own = plan.days.get(day)
    if own is not None:
        rule = _rule(own.hours, clock, day.weekday())
        if rule is not None:
            return rule.capacity
        if own.capacity is not None:
            return own.capacity
    rule = _rule(plan.hours, clock, day.weekday())
    return plan.capacity if rule is None else rule.capacity


def last_bookable(plan: SlotPlan, today: date) -> date:
    """The last day one may book on `today`."""
    return today + timedelta(days=plan.ahead_days)


def alternatives(wanted: datetime, slots: Iterable[Taken], now: datetime, count: int = ALTERNATIVES) -> list[Taken]:
    """Free slots still ahead, nearest to the wanted instant first, told in the order of the clock."""
    free = (one for one in slots if one.free > 0 and one.slot.starts_at > now)
    nearest = sorted(free, key=lambda one: (abs(one.slot.starts_at - wanted), one.slot.starts_at))[:count]
    return sorted(nearest, key=lambda one: one.slot.starts_at)


def read_plan(data: Mapping[str, Any]) -> SlotPlan:
    """A plan from JSON: `{"capacity": 4, "ahead_days": 60, "hours": [{"weekdays": [0], "from": "09:00", "to": "12:00",
    "capacity": 6}], "days": [{"on": "2026-12-31", "capacity": 0, "hours": [], "name": "盘点"}]}`.

    What is left out has its default. Raises PlanFault with every fault: a capacity out of bounds, hours that end before they
    begin, two rules for one hour, a day named twice, a field nobody reads.
    """
    faults: list[tuple[str, str]] = []
    _only(data, {"capacity", "ahead_days", "hours", "days"}, "", faults)
    capacity = _number(data, "capacity", "", faults, DEFAULT_CAPACITY, LARGEST_CAPACITY)
    ahead = _number(data, "ahead_days", "", faults, DEFAULT_AHEAD_DAYS, LONGEST_AHEAD_DAYS)
    hours = _hours(data.get("hours"), "/hours", faults, with_weekdays=True)
    days = _days(data.get("days"), faults)
    if faults:
        raise PlanFault(faults)
    return SlotPlan(capacity or 0, hours, days, ahead or 0)


def plan_json(plan: SlotPlan) -> dict[str, Any]:
    """A plan as `read_plan` reads it."""
    days = sorted(plan.days.items())
    return {
        "capacity": plan.capacity,
        "ahead_days": plan.ahead_days,
        "hours": [{"weekdays": sorted(rule.weekdays), **_rule_json(rule)} for rule in plan.hours],
        "days": [
            {"on": day.isoformat(), "capacity": own.capacity, "hours": [_rule_json(rule) for rule in own.hours], "name": own.name}
            for day, own in days
        ],
    }


def _rule_json(rule: HourRule) -> dict[str, Any]:
    return {"from": f"{rule.start:%H:%M}", "to": _clock_text(rule.end), "capacity": rule.capacity}


def _clock_text(clock: time) -> str:
    return "24:00" if clock == time.max else f"{clock:%H:%M}"


def _rule(rules: Iterable[HourRule], clock: time, weekday: int) -> HourRule | None:
    return next((rule for rule in rules if weekday in rule.weekdays and rule.start <= clock < rule.end), None)


def _pieces(day: date, calendar: StoreCalendar) -> Iterator[tuple[datetime, datetime]]:
    for start, end in calendar.spans(day):
        cursor = start
        while cursor < end:
            local = calendar.local(cursor)
            past = timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
            until = min(cursor - past + _HOUR, end)
            yield cursor, until
            cursor = until


def _only(data: Mapping[str, Any], known: set[str], at: str, faults: list[tuple[str, str]]) -> None:
    faults += [
        (f"{at}/{name}", f"没有此项 / unknown field; known are {', '.join(sorted(known))}") for name in data if name not in known
    ]


def _number(
    data: Mapping[str, Any], name: str, at: str, faults: list[tuple[str, str]], default: int | None, largest: int
) -> int | None:
    value = data.get(name)
    if value is None:
        return default
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= largest:
        faults.append((f"{at}/{name}", f"须为 0 至 {largest} 的整数 / a whole number from 0 to {largest}"))
        return default
    return value


def _hours(value: Any, at: str, faults: list[tuple[str, str]], *, with_weekdays: bool) -> tuple[HourRule, ...]:
    rules: list[HourRule] = []
    for place, item in enumerate(_listed(value, at, faults)):
        here = f"{at}/{place}"
        _only(item, {"from", "to", "capacity"} | ({"weekdays"} if with_weekdays else set()), here, faults)
        rule = _hour_rule(item, here, faults, with_weekdays=with_weekdays)
        if rule is None:
            continue
        if any(_overlap(rule, other) for other in rules):
            faults.append((here, "与前一条时段重叠 / overlaps an earlier rule"))
        rules.append(rule)
    return tuple(rules)


def _hour_rule(item: Mapping[str, Any], at: str, faults: list[tuple[str, str]], *, with_weekdays: bool) -> HourRule | None:
    start, end = _clock(item, "from", at, faults), _clock(item, "to", at, faults)
    weekdays = _weekdays(item.get("weekdays"), at, faults) if with_weekdays else frozenset(range(7))
    before = len(faults)
    capacity = _number(item, "capacity", at, faults, None, LARGEST_CAPACITY)
    if capacity is None and len(faults) == before:
        faults.append((f"{at}/capacity", "缺少容量 / capacity is missing"))
    if start is None or end is None or capacity is None:
        return None
    if end <= start:
        faults.append((f"{at}/to", "结束须晚于开始 / `to` must lie after `from`"))
        return None
    return HourRule(start, end, capacity, weekdays)


def _overlap(one: HourRule, other: HourRule) -> bool:
    return bool(one.weekdays & other.weekdays) and one.start < other.end and other.start < one.end


def _clock(item: Mapping[str, Any], name: str, at: str, faults: list[tuple[str, str]]) -> time | None:
    text = item.get(name)
    try:
        if not isinstance(text, str):
            raise ValueError
        clock = time.max if text == "24:00" else time.fromisoformat(text)
    except ValueError:
        faults.append((f"{at}/{name}", "须为 HH:MM / a time such as 09:00"))
        return None
    if clock.tzinfo is not None or (clock.minute and clock != time.max):
        faults.append((f"{at}/{name}", "须为整点 / a whole hour: capacity is counted by the hour"))
        return None
    return clock


def _weekdays(value: Any, at: str, faults: list[tuple[str, str]]) -> frozenset[int]:
    if value is None:
        return frozenset(range(7))
    right = isinstance(value, Sequence) and not isinstance(value, str) and len(value) > 0
    if not right or not all(isinstance(day, int) and not isinstance(day, bool) and 0 <= day <= 6 for day in value):
        faults.append((f"{at}/weekdays", "须为 0（周一）至 6（周日）/ days from 0 (Monday) to 6 (Sunday)"))
        return frozenset()
    return frozenset(value)


def _days(value: Any, faults: list[tuple[str, str]]) -> dict[date, DayPlan]:
    found: dict[date, DayPlan] = {}
    for place, item in enumerate(_listed(value, "/days", faults)):
        at = f"/days/{place}"
        _only(item, {"on", "capacity", "hours", "name"}, at, faults)
        day = _day(item.get("on"), at, faults)
        own = DayPlan(
            _number(item, "capacity", at, faults, None, LARGEST_CAPACITY),
            _hours(item.get("hours"), f"{at}/hours", faults, with_weekdays=False),
            str(item["name"]) if item.get("name") is not None else None,
        )
        if day is None:
            continue
        if day in found:
            faults.append((f"{at}/on", "此日已列出 / this day is named twice"))
        found[day] = own
    return found


def _day(value: Any, at: str, faults: list[tuple[str, str]]) -> date | None:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    try:
        return date.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        faults.append((f"{at}/on", "须为日期 / a date such as 2026-12-31"))
        return None


def _listed(value: Any, at: str, faults: list[tuple[str, str]]) -> list[Mapping[str, Any]]:
    if value is None:
        return []
    if isinstance(value, str) or not isinstance(value, Sequence) or not all(isinstance(item, Mapping) for item in value):
        faults.append((at, "须为列表 / a list"))
        return []
    return list(value)
