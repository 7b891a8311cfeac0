"""Why a call cannot or should not be made at this instant, and until when (decisions.md, worklist; desk.md, 暂不可打)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from shared.domain.calendar import StoreCalendar

PROMISE_EARLY = timedelta(minutes=30)


@dataclass(frozen=True)
class Blocked:
    """What stands in the way: deceased, opted_out, no_number, promised_later, complaint_open, other_tier_today,
    closed_day, next_try, customer_hours.

    `until`: the instant (UTC) from which it does not; None until somebody mends it.
    """

    reason: str
    until: datetime | None


@dataclass(frozen=True)
class CallFacts:
    """What decides whether a call may be made now. `calling_hours`: the customer's, `[["14:00", "18:00"]]`.

    `frozen`: an open complaint, or one closed shortly before, stands in the way of this call's marketing; `frozen_until` None: until it
    is closed.
    """

    has_number: bool
    opted_out: bool
    deceased: bool
    calling_hours: Sequence[Sequence[str]] | None
    next_at: datetime | None
    promised_at: datetime | None
    other_tier_today: bool
    channel: str = "phone"
    frozen: bool = False
    frozen_until: datetime | None = None


def blocked_until(call: CallFacts, calendar: StoreCalendar, now: datetime) -> Blocked | None:
    """What blocks the call, or None. In this order: never (death, opt-out, no number), then not yet.

    A promise stands above the customer's hours and the next part of the day, not above an opt-out.
    """
    if call.deceased:
        return Blocked("deceased", None)
    if call.channel == "phone" and call.opted_out:
        return Blocked("opted_out", None)
    if call.channel == "phone" and not call.has_number:
        return Blocked("no_number", None)
    if call.promised_at is not None:
        return None if now >= call.promised_at - PROMISE_EARLY else Blocked("promised_later", call.promised_at)
    return _not_yet(call, calendar, now)


def try_until(at: datetime, parts: Sequence[tuple[int, int]], calendar: StoreCalendar) -> datetime | None:
    """Until when a try that is planned for `at` is in the part of the day it was meant for (UTC); None outside every part.

    `parts`: hours of the store's clock, as `LadderPolicy.parts`. The store may close earlier.
    """
    local = calendar.local(at)
    end = next((end for start, end in parts if start <= local.hour < end), None)
    if end is None:
        return None
    day = local.date()
    until = calendar.at(day + timedelta(days=end // 24), time(end % 24))
    return min(until, calendar.closing(day)) if calendar.closing(day) > at else until


def _not_yet(call: CallFacts, calendar: StoreCalendar, now: datetime) -> Blocked | None:
    if call.frozen:
        return Blocked("complaint_open", call.frozen_until)
    if call.other_tier_today:
        tomorrow = calendar.next_open_day(calendar.day_of(now), inclusive=False)
        return Blocked("other_tier_today", calendar.opening(tomorrow))
    if not calendar.is_open(calendar.day_of(now)):
        return Blocked("closed_day", calendar.next_opening(now))
    if call.next_at is not None and call.next_at > now:
        return Blocked("next_try", call.next_at)
    return _outside_hours(call.calling_hours, calendar, now)


def _outside_hours(hours: Sequence[Sequence[str]] | None, calendar: StoreCalendar, now: datetime) -> Blocked | None:
    if not hours:
        return None
    local = calendar.local(now).time()
    spans = sorted((time.fromisoformat(start), time.fromisoformat(end)) for start, end in hours)
    if any(start <= local < end for start, end in spans):
        return None
    day = calendar.day_of(now)
    later = next((start for start, _ in spans if start > local), None)
    if later is None:
        day, later = day + timedelta(days=1), spans[0][0]
    return Blocked("customer_hours", calendar.at(day, later))
