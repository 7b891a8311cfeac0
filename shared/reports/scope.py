"""What is asked of a report, and the one way its statements get their values."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from typing import Any
from uuid import UUID

import asyncpg

from shared.db import Connection
from shared.domain.month import Month
from shared.stores import StoreContext

Phones = Callable[[Connection, UUID, Collection[UUID]], Awaitable[Mapping[UUID, str]]]
"""The masked first number of each customer. Who may not read numbers (the scheduler) gives none."""

_MIDNIGHT = time()
_CASTS: Mapping[str, str] = {
    **dict.fromkeys(("cut", "from_at", "to_at", "closed_before"), "::timestamptz"),
    **dict.fromkeys(("first", "last", "today"), "::date"),
    **dict.fromkeys(("store", "staff", "customer", "complaint"), "::uuid"),
    **dict.fromkeys(("zone", "programme"), "::text"),
}
_NAMED = re.compile(r"(?<!:):([a-z_]+)\b")


@dataclass(frozen=True)
class Scope:
    """Which days, as seen when, of whom.

    `cut`: facts recorded later than this do not count (a closed month: when it closed; else now). `today`: the store's day at `cut`.
    `staff_id`, `programme`: only theirs; None for all. `customer_id`, `complaint_id`: the card or slip of one.
    """

    store: StoreContext
    first: date
    last: date
    now: datetime
    cut: datetime
    month: Month | None = None
    by: str | None = None
    staff_id: UUID | None = None
    programme: str | None = None
    customer_id: UUID | None = None
    complaint_id: UUID | None = None
    prepared_by: str = ""
    phones: Phones | None = None
    words: bool = True
    """May the customer's own words be read (the scheduler sees none)."""
    closed_tiers: tuple[str, ...] = ()
    """Tiers whose results are not for the reader: the club audits the consultants (S0)."""

    @property
    def today(self) -> date:
        return self.store.calendar.day_of(self.cut)

    @property
    def closed(self) -> bool:
        return self.month is not None and self.month.closes_at(self.store.calendar) <= self.now

    def values(self) -> dict[str, Any]:
        """What statements may name with a colon."""
        calendar = self.store.calendar
        return {
            "store": self.store.id,
            "first": self.first,
            "last": self.last,
            "cut": self.cut,
            "today": self.today,
            "zone": self.store.timezone,
            "staff": self.staff_id,
            "programme": self.programme,
            "customer": self.customer_id,
            "complaint": self.complaint_id,
            "closed_tiers": list(self.closed_tiers),
            "from_at": calendar.at(self.first, _MIDNIGHT),
            "to_at": calendar.end_of_day(self.last),
            "closed_before": Month.of(self.first).plus(-1).closes_at(calendar),
        }

    def of(self, month: Month) -> Scope:
        """The same of another month, as it stood when that month closed, or stands now."""
        return replace(
            self, first=month.first, last=month.last, month=month, cut=min(self.now, month.closes_at(self.store.calendar))
        )


def of_month(store: StoreContext, month: Month, *, now: datetime, **asked: Any) -> Scope:
    """The scope of a month."""
    return Scope(store, month.first, month.last, now, min(now, month.closes_at(store.calendar)), month, **asked)


def of_days(store: StoreContext, first: date, last: date, *, now: datetime, **asked: Any) -> Scope:
    """The scope of some days, as they stand now."""
    return Scope(store, first, last, now, now, None, **asked)


def bind(sql: str, values: Mapping[str, Any]) -> tuple[str, list[Any]]:
    """The statement with `$n` for each `:name`, and the values in that order."""
    names: list[str] = []

    def place(found: re.Match[str]) -> str:
        if found[1] not in names:
            names.append(found[1])
        return f"${names.index(found[1]) + 1}{_CASTS.get(found[1], '')}"

    text = _NAMED.sub(place, sql)
    return text, [values[name] for name in names]


async def fetch(conn: Connection, scope: Scope, sql: str, **more: Any) -> list[asyncpg.Record]:
    """The rows of a statement with named values, of the scope and of the caller's own."""
    text, values = bind(sql, scope.values() | more)
    return await conn.fetch(text, *values)
