"""Why a call cannot or should not be made at this instant, and until when. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from shared.stores import StoreContext

PROMISE_EARLY = timedelta(minutes=30)


@dataclass(frozen=True)
class CallFacts:
    """What decides whether a call may be made now. `calling_hours`: the customer's, `[["14:00", "18:00"]]`."""

    has_number: bool
    opted_out: bool
    deceased: bool
    calling_hours: Sequence[Sequence[str]] | None
    next_at: datetime | None
    promised_at: datetime | None
    other_tier_today: bool
    channel: str = "phone"


def blocked_until(call: CallFacts, store: StoreContext, now: datetime) -> dict[str, Any] | None:
    """`{reason, until}` or None. In this order: never (death, opt-out, no number), then not yet.

    A promise stands above the customer's hours and the next part of the day, not above an opt-out.
    """
    if call.deceased:
        return {"reason": "deceased", "until": None}
    if call.channel == "phone" and call.opted_out:
        return {"reason": "opted_out", "until": None}
    if call.channel == "phone" and not call.has_number:
        return {"reason": "no_number", "until": None}
    if call.promised_at is not None:
        return None if now >= call.promised_at - PROMISE_EARLY else {"reason": "promised_later", "until": call.promised_at}
    return _not_yet(call, store, now)


def _not_yet(call: CallFacts, store: StoreContext, now: datetime) -> dict[str, Any] | None:
    if call.other_tier_today:
        tomorrow = store.calendar.next_open_day(store.calendar.day_of(now), inclusive=False)
        return {"reason": "other_tier_today", "until": store.calendar.opening(tomorrow)}
    if not store.calendar.is_open(store.calendar.day_of(now)):
        return {"reason": "closed_day", "until": store.calendar.next_opening(now)}
    if call.next_at is not None and call.next_at > now:
        return {"reason": "next_try", "until": call.next_at}
    return _outside_hours(call.calling_hours, store, now)


def _outside_hours(hours: Sequence[Sequence[str]] | None, store: StoreContext, now: datetime) -> dict[str, Any] | None:
    if not hours:
        return None
    local = store.calendar.local(now).time()
    spans = sorted((time.fromisoformat(start), time.fromisoformat(end)) for start, end in hours)
    if any(start <= local < end for start, end in spans):
        return None
    day = store.calendar.day_of(now)
    later = next((start for start, _ in spans if start > local), None)
    if later is None:
        day, later = day + timedelta(days=1), spans[0][0]
    return {"reason": "customer_hours", "until": store.calendar.at(day, later)}
