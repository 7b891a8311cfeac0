"""Spreading calls over days: nobody has more than a day's work, and two tiers do not ring the same customer on one day.

After a holiday the backlog is spread by priority, by each person's capacity, inside the windows, with expiry (domain.md §10.15); tiers
are kept apart unless a deadline forces them together (§5.9, S0). What is moved says from when, to when and why.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from uuid import UUID

from shared.domain.calendar import StoreCalendar

DEFAULT_CAPACITY = 60
GRACE_DAYS = 2
LONGEST_SPREAD_DAYS = 120
TIERS = ("service", "club", "sales")
"""Whose call goes first when everything else is equal: what the workshop asks cannot wait as long as what the seller asks."""

_DAY = timedelta(days=1)
Capacity = Callable[[UUID, date], int]
"""How many calls a person makes on a day: 0 while absent."""


@dataclass(frozen=True)
class Call:
    """The visits one call covers: one person rung, one person ringing, one tier.

    `on`: the day it is to be made; `earliest`, `latest`: the days of its window. `fixed`: promised, tried already, or so urgent that it
    is never moved; it takes its place in the day's work.
    """

    ids: tuple[UUID, ...]
    customer_id: UUID
    assignee_id: UUID | None
    tier: str
    on: date
    earliest: date
    latest: date
    trigger_at: datetime
    fixed: bool = False
    high_value: bool = False


@dataclass(frozen=True)
class Shift:
    """A call that is made on another day. `reasons`: `code|from|to|detail` for /why, one for each push."""

    call: Call
    to: date
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Spread:
    """What becomes of the calls: those that move, and those for which there is no day left."""

    shifts: tuple[Shift, ...]
    expired: tuple[Call, ...]


def spread(
    calls: Iterable[Call], capacity: Capacity, calendar: StoreCalendar, today: date, *, grace_days: int = GRACE_DAYS
) -> Spread:
    """Give every call its day, from `today` on. Pure: the same calls give the same days; what fits already does not move.

    A day is filled in the order of the worklist: what is fixed, then by deadline, high value first, earliest trigger. What finds no room,
    or finds another tier with the same customer, goes on to the next open day: for the other tier only inside its window, for want
    of room also beyond it by as many open days as its window lost to closures, at least `grace_days`. What finds no day by then expires,
    but only once its last day has come: until then there may be room yet.
    """
    days: dict[date, list[_Waiting]] = defaultdict(list)
    for call in calls:
        days[max(call.on, today)].append(_Waiting(call))
    shifts: list[Shift] = []
    expired: list[Call] = []
    day = today
    while days and (day - today).days <= LONGEST_SPREAD_DAYS:
        waiting = days.pop(day, [])
        if waiting:
            following = calendar.next_open_day(day, inclusive=False)
            placed, pushed, lost = _fill(waiting, day, following, capacity, calendar, grace_days)
            shifts += [one.settled(day) for one in placed if one.reasons]
            days[following] += pushed
            if day == today:
                expired += [one.call for one in lost]
            else:  # its last day is still to come, and so may be room
                shifts += [one.settled(day) for one in lost if one.reasons]
            if not days[following]:
                del days[following]
        day += _DAY
    return Spread(tuple(shifts), tuple(expired))


def last_day(call: Call, calendar: StoreCalendar, grace_days: int = GRACE_DAYS) -> date:
    """The last day a call may be put off to: closures give back to its window the days they took, at least `grace_days`."""
    closed = sum(not calendar.is_open(call.earliest + _DAY * number) for number in range((call.latest - call.earliest).days + 1))
    day = call.latest
    for _ in range(max(closed, grace_days)):
        day = calendar.next_open_day(day, inclusive=False)
    return day


@dataclass(frozen=True)
class _Waiting:
    call: Call
    reasons: tuple[str, ...] = ()

    def pushed(self, code: str, day: date, to: date, detail: object) -> _Waiting:
        return replace(self, reasons=(*self.reasons, f"{code}|{day}|{to}|{detail}"))

    def settled(self, day: date) -> Shift:
        return Shift(self.call, day, self.reasons)


def _fill(
    waiting: Sequence[_Waiting], day: date, following: date, capacity: Capacity, calendar: StoreCalendar, grace_days: int
) -> tuple[list[_Waiting], list[_Waiting], list[_Waiting]]:
    """One day: who is placed, who goes on to the following open day, for whom there is none."""
    placed: list[_Waiting] = []
    pushed: list[_Waiting] = []
    lost: list[_Waiting] = []
    made: Counter[UUID | None] = Counter()
    tiers: dict[UUID, str] = {}
    for one in sorted(waiting, key=lambda each: _order(each.call)):
        call = one.call
        other = tiers.get(call.customer_id, call.tier)
        room = None if call.assignee_id is None else capacity(call.assignee_id, day)
        if not call.fixed and other != call.tier and following <= call.latest:
            pushed.append(one.pushed("other_tier", day, following, other))
        elif call.fixed or room is None or made[call.assignee_id] < room:
            placed.append(one)
            made[call.assignee_id] += 1
            tiers.setdefault(call.customer_id, call.tier)
        elif following <= last_day(call, calendar, grace_days):
            code = "load" if following <= call.latest else "load_past_window"
            pushed.append(one.pushed(code, day, following, room))
        else:
            lost.append(one)
    return placed, pushed, lost


def _order(call: Call) -> tuple[bool, date, bool, datetime, int, UUID]:
    tier = TIERS.index(call.tier) if call.tier in TIERS else len(TIERS)
    return (not call.fixed, call.latest, not call.high_value, call.trigger_at, tier, call.ids[0])
