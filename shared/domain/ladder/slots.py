"""Instants of the ladder: when a call or a message may be, in the store's own hours."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta

from shared.domain.calendar import StoreCalendar
from shared.domain.ladder.facts import LadderPolicy

_DAY = timedelta(days=1)
_INSTANT = timedelta(microseconds=1)


def message_slot(calendar: StoreCalendar, at: datetime, policy: LadderPolicy) -> datetime:
    """`at` itself when inside the sending window [sms_from, sms_to), else the next opening of that window; open and
    closed days alike.
    """
    day, clock = calendar.day_of(at), calendar.local(at).time()
    if clock < policy.sms_from:
        return calendar.at(day, policy.sms_from)
    if clock >= policy.sms_to:
        return calendar.at(day + _DAY, policy.sms_from)
    return at.astimezone(UTC)


def part_of_day(parts: Sequence[tuple[int, int]], clock: time) -> int:
    """Which part of the day a wall-clock time belongs to: the last one begun (13:00 is the morning's, 20:00 the
    evening's, 8:00 the first).
    """
    begun = [index for index, (start, _) in enumerate(parts) if clock >= time(start)]
    return begun[-1] if begun else 0


def next_part(calendar: StoreCalendar, last_try: datetime, policy: LadderPolicy) -> datetime:
    """The next try after `last_try`: the next open day, in the part after the one in which the last try was made.

    The answer is the part's first instant at which the store is open. A part in which the store is not open at all
    is passed over
    for the next one in the rotation; when none fits, the day's opening.
    """
    used = part_of_day(policy.parts, calendar.local(last_try).time())
    day = calendar.next_open_day(calendar.day_of(last_try), inclusive=False)
    for turn in range(1, len(policy.parts) + 1):
        start = _start_of(calendar, day, policy.parts[(used + turn) % len(policy.parts)])
        if start is not None:
            return start
    return calendar.opening(day)


def _start_of(calendar: StoreCalendar, day: date, part: tuple[int, int]) -> datetime | None:
    start, end = (calendar.at(day + _DAY * (hour // 24), time(hour % 24)) for hour in part)
    opens = calendar.next_opening(start)
    return opens if opens < end else None


def one_open_day_after(calendar: StoreCalendar, deadline: datetime) -> datetime:
    """The end of the next open day after the day on which `deadline` (exclusive) lies: people have one more open
    day.
    """
    return calendar.end_of_day(calendar.next_open_day(calendar.day_of(deadline - _INSTANT), inclusive=False))


def end_of_its_day(calendar: StoreCalendar, at: datetime) -> datetime:
    """The midnight that ends the store day of `at`."""
    return calendar.end_of_day(calendar.day_of(at))
