"""One store as planning, the scheduler and the API need it: calendar, programmes in force, settings, people.

Reads by a connection of the store; a cache keeps the context of each store while `stores.version` stands still. Whoever changes
hours, days, programmes, settings, staff or absences calls `bump_store`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, time
from functools import lru_cache
from time import monotonic
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from shared.db import Connection
from shared.domain.calendar import DayRule, Ranges, StoreCalendar
from shared.domain.ladder import LadderPolicy
from shared.domain.lead import BY_DAYS, POLICIES
from shared.domain.programme import Programme
from shared.errors import NotFound
from shared.holidays import store_calendar
from shared.packs import load_pack

YEARS_BACK, YEARS_AHEAD = 2, 2
WEEKDAYS = range(7)


class StoreNotFound(NotFound):
    """There is no such store."""

    code = "store_not_found"


@dataclass(frozen=True)
class StaffFacts:
    """A person of the store as assignment sees one. `absent`: (first day, last day, delegate) of each absence."""

    id: UUID
    name: str
    roles: frozenset[str]
    active: bool
    capacity: int
    absent: tuple[tuple[date, date, UUID | None], ...] = ()


@dataclass(frozen=True, eq=False)
class StoreContext:
    """Everything about a store that decides when something is due and whose it is. One reading equals only itself."""

    id: UUID
    code: str
    name: str
    phone: str | None
    rescue_phone: str | None
    address: str | None
    timezone: str
    language: str
    signature: str
    calendar: StoreCalendar
    programmes: Mapping[str, Programme]
    policies: Mapping[str, Any]
    ladder: LadderPolicy
    staff: Mapping[UUID, StaffFacts]
    version: int

    @property
    def general_manager(self) -> str | None:
        """Who signs the store's letters: the general manager, the first by name of several."""
        names = sorted(person.name for person in self.staff.values() if person.active and "general_manager" in person.roles)
        return names[0] if names else None

    @property
    def lead_policy(self) -> str:
        """How levels of leads are told apart: the setting `lead_policy`, else the policy of programme `lead`, else by-days."""
        programme = self.programmes.get("lead")
        chosen = self.policies.get("lead_policy") or (programme.policy if programme is not None else None)
        return chosen if isinstance(chosen, str) and chosen in POLICIES else BY_DAYS

    def setting(self, name: str, default: int) -> int:
        """A whole number among the store's settings, or the default."""
        value = self.policies.get(name)
        return value if isinstance(value, int) and not isinstance(value, bool) else default


async def load_store(conn: Connection, store_id: UUID, *, today: date) -> StoreContext:
    """The store as it stands in the transaction of `conn`; the calendar covers the years around `today`.

    Raises StoreNotFound.
    """
    row = await conn.fetchrow(_STORE, store_id)
    if row is None:
        raise StoreNotFound
    policies: dict[str, Any] = orjson.loads(row["policies"])
    return StoreContext(
        **{name: row[name] for name in _PLAIN},
        calendar=await _calendar(conn, row, today),
        programmes=await _programmes(conn, store_id),
        policies=policies,
        ladder=ladder_policy(policies.get("ladder") or {}),
        staff=await _staff(conn, store_id),
    )


async def bump_store(conn: Connection, store_id: UUID) -> None:
    """Make every process read the store anew."""
    await conn.execute("UPDATE stores SET version = version + 1 WHERE id = $1", store_id)


class StoreCache:
    """Contexts by store, for one process. Looks at `stores.version` again after `seconds` of machine time (0: each time)."""

    def __init__(self, seconds: float = 2.0) -> None:
        self._seconds = seconds
        self._kept: dict[UUID, tuple[float, date, StoreContext]] = {}

    async def get(self, conn: Connection, store_id: UUID, *, today: date) -> StoreContext:
        """The context, fresh to `seconds`. Raises StoreNotFound."""
        looked_at, kept_for, context = self._kept.get(store_id, (0.0, None, None))
        if context is None or kept_for != today:
            return await self._load(conn, store_id, today)
        if self._seconds and monotonic() - looked_at < self._seconds:
            return context
        version = await conn.fetchval("SELECT version FROM stores WHERE id = $1", store_id)
        if version != context.version:
            return await self._load(conn, store_id, today)
        self._kept[store_id] = (monotonic(), today, context)
        return context

    def forget(self, store_id: UUID) -> None:
        """Drop what is kept of a store."""
        self._kept.pop(store_id, None)

    async def _load(self, conn: Connection, store_id: UUID, today: date) -> StoreContext:
        self.forget(store_id)
        context = await load_store(conn, store_id, today=today)
        self._kept[store_id] = (monotonic(), today, context)
        return context


def read_ranges(ranges: list[list[str]]) -> Ranges:
    """Hours from JSON, `[["09:00", "18:00"]]`. Raises ValueError."""
    return tuple((time.fromisoformat(start), time.fromisoformat(end)) for start, end in ranges)


def read_week(weekly: Mapping[str, list[list[str]]]) -> dict[int, Ranges] | None:
    """Weekly hours from JSON, keys "0" (Monday) to "6"; nothing there means the usual hours on all days."""
    if not weekly:
        return None
    return {day: read_ranges(weekly.get(str(day)) or []) for day in WEEKDAYS}


def ladder_policy(settings: Mapping[str, Any]) -> LadderPolicy:
    """The ladder's settings: the names of LadderPolicy, times as "HH:MM", parts of the day as pairs of hours."""
    known = {name: value for name, value in settings.items() if name in LadderPolicy.__dataclass_fields__}
    for name in ("sms_from", "sms_to"):
        if name in known:
            known[name] = time.fromisoformat(known[name])
    if "parts" in known:
        known["parts"] = tuple((start, end) for start, end in known["parts"])
    return LadderPolicy(**known)


_PLAIN = ("id", "code", "name", "phone", "rescue_phone", "address", "timezone", "language", "signature", "version")
_STORE = f"SELECT {', '.join(_PLAIN)}, weekly_hours, policies FROM stores WHERE id = $1"
_DAYS = "SELECT day, open, ranges, name FROM store_days WHERE store_id = $1 AND day BETWEEN $2 AND $3"
_PROGRAMMES = """
    SELECT key, version, policy, source FROM programmes WHERE store_id = $1 AND retired_at IS NULL AND enabled ORDER BY key
"""
_STAFF = """
    SELECT s.id, s.name, s.roles, s.active, s.capacity, a.from_on, a.to_on, a.delegate_id
    FROM staff s LEFT JOIN staff_absences a ON a.store_id = s.store_id AND a.staff_id = s.id
    WHERE s.store_id = $1 ORDER BY s.name, s.id, a.from_on
"""


async def _calendar(conn: Connection, store: asyncpg.Record, today: date) -> StoreCalendar:
    years = range(today.year - YEARS_BACK, today.year + YEARS_AHEAD + 1)
    rows = await conn.fetch(_DAYS, store["id"], date(years[0], 1, 1), date(years[-1], 12, 31))
    own = {
        row["day"]: DayRule(
            open=row["open"],
            ranges=read_ranges(orjson.loads(row["ranges"])) if row["ranges"] and row["ranges"] != "null" else None,
            name=row["name"] or "",
            source="store",
        )
        for row in rows
    }
    return store_calendar(store["timezone"], read_week(orjson.loads(store["weekly_hours"])), own, years)


async def _programmes(conn: Connection, store_id: UUID) -> dict[str, Programme]:
    rows = await conn.fetch(_PROGRAMMES, store_id)
    return {row["key"]: replace(_parsed(row["source"], row["policy"]), version=row["version"]) for row in rows}


@lru_cache(maxsize=1024)
def _parsed(source: str, policy: str | None) -> Programme:
    """Stores of one house mostly run the same packs: each text is read once for a process."""
    return load_pack(source, policy)


async def _staff(conn: Connection, store_id: UUID) -> dict[UUID, StaffFacts]:
    found: dict[UUID, StaffFacts] = {}
    for row in await conn.fetch(_STAFF, store_id):
        person = found.get(row["id"]) or StaffFacts(
            row["id"], row["name"], frozenset(row["roles"]), row["active"], row["capacity"]
        )
        if row["from_on"] is not None:
            person = replace(person, absent=(*person.absent, (row["from_on"], row["to_on"], row["delegate_id"])))
        found[person.id] = person
    return found
