"""Birthdays, anniversaries and festivals: what the calendar gives occasion to, some days ahead (domain.md §4; S4 3.2, 4.2).

The number of a visit's turn is its occasion: the year of a birthday, the years of an anniversary, the day of a festival. Planned
again it is the same visit.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

import asyncpg
import structlog

from shared.db import Connection
from shared.domain.calendar import anniversary
from shared.domain.festival import FestivalRule, FestivalsInvalid, parse_festivals
from shared.domain.programme import INTERVAL, SYSTEM_ROLE, Fact, PlanCounts, PlannedVisit, Programme, Trigger
from shared.events import Actor
from shared.holidays import festival_days
from shared.planning.people import Assigner
from shared.planning.plan import Planner
from shared.planning.rows import Draft, tell, write_visits
from shared.stores import StoreContext

HORIZON_DAYS = 3
FESTIVALS = "festivals"
OWNERS = ("owner", "churn_risk", "churned")
_UNIT_DAYS = {"days": 1, "months": 31, "hours": 1}

log = structlog.get_logger("planning")

# Without any address there is nothing to greet by; a person must be there to be called.
_REACHABLE = """
    EXISTS (SELECT FROM contact_points p WHERE p.store_id = c.store_id AND p.customer_id = c.id AND p.wrong_at IS NULL
            AND p.kind IN ('phone', 'email'))
"""
_ALIVE = "c.deceased_at IS NULL AND c.merged_into IS NULL"
# Whoever bought or was served here, and whoever has a car on file: one entered by hand has no delivery and no order yet.
_OWNS = """
    (c.lifecycle = ANY({}) OR EXISTS (
        SELECT FROM vehicles o WHERE o.store_id = c.store_id AND o.customer_id = c.id AND o.ended_at IS NULL AND NOT o.excluded))
"""
_BORN = f"""
    SELECT c.id, c.birthday AS day, false AS excluded FROM customers c
    WHERE c.store_id = $1 AND c.kind = 'person' AND to_char(c.birthday, 'MMDD') = ANY($2) AND {_OWNS.format("$3")}
      AND {_ALIVE} AND {_REACHABLE}
"""
_SINCE = f"""
    SELECT v.id, v.customer_id, coalesce(s.delivered_on, v.purchased_on) AS day, w.advisor_id,
           v.ended_at IS NOT NULL OR v.excluded OR NOT ({_ALIVE}) AS excluded
    FROM vehicles v JOIN customers c ON c.store_id = v.store_id AND c.id = v.customer_id
    LEFT JOIN LATERAL (
        SELECT delivered_on FROM sales WHERE store_id = v.store_id AND vehicle_id = v.id AND customer_id = v.customer_id
        ORDER BY delivered_on DESC LIMIT 1) s ON true
    LEFT JOIN LATERAL (
        SELECT advisor_id FROM work_orders WHERE store_id = v.store_id AND vehicle_id = v.id ORDER BY closed_at DESC LIMIT 1) w ON true
    WHERE v.store_id = $1
"""
_DRIVEN = f"""
    {_SINCE} AND v.ended_at IS NULL AND NOT v.excluded AND {_ALIVE} AND {_REACHABLE}
        AND to_char(coalesce(s.delivered_on, v.purchased_on), 'MMDD') = ANY($2)
"""
_TURN = "(SELECT max(t.occurrence) FROM visits t WHERE t.store_id = $1 AND t.trigger_id = {} AND t.trigger_type = $3) AS turn"
_BIRTHDAY_TURNS = f"""
    SELECT c.id, c.birthday AS day, NOT ({_ALIVE}) AS excluded, {_TURN.format("c.id")} FROM customers c
    WHERE c.store_id = $1 AND c.id = ANY($2) AND c.birthday IS NOT NULL
"""
_FESTIVAL_TURNS = f"""
    SELECT c.id, NOT ({_ALIVE}) AS excluded, {_TURN.format("c.id")} FROM customers c WHERE c.store_id = $1 AND c.id = ANY($2)
"""
_ANNIVERSARY_TURNS = f"SELECT b.*, {_TURN.format('b.id')} FROM ({_SINCE} AND v.id = ANY($2)) b"
_OWNERS = f"SELECT c.id FROM customers c WHERE c.store_id = $1 AND {_OWNS.format('$2')} AND {_ALIVE} AND {_REACHABLE}"
# A marketing call is made by a person, so what forbids it must be known before it stands in a list.
_MAY_CALL = """
    SELECT c.id FROM customers c
    WHERE c.store_id = $1 AND c.id = ANY($2)
      AND EXISTS (SELECT FROM consents n WHERE n.store_id = c.store_id AND n.customer_id = c.id AND n.purpose = 'marketing'
                  AND n.channel IN ('phone', 'all') AND n.withdrawn_at IS NULL)
      AND EXISTS (SELECT FROM contact_points p WHERE p.store_id = c.store_id AND p.customer_id = c.id AND p.kind = 'phone'
                  AND p.wrong_at IS NULL AND NOT EXISTS (
                      SELECT FROM opt_outs o WHERE o.number_index = p.value_index AND o.channel IN ('phone', 'all')
                      AND o.revoked_at IS NULL))
"""


async def plan_birthdays(conn: Connection, store: StoreContext, *, now: datetime, actor: Actor) -> PlanCounts:
    """Birthdays of owners in the days ahead; whoever was born on 29 February has it on the 28th in other years."""
    span = _span(store, "birthday", now)
    if span is None:
        return PlanCounts()
    rows = await conn.fetch(_BORN, store.id, _days_of_year(*span), list(OWNERS))
    facts = [fact for row in rows for fact in _birthdays(row, store, *span)]
    return await plan_occasions(conn, store, facts, now=now, actor=actor)


async def plan_anniversaries(conn: Connection, store: StoreContext, *, now: datetime, actor: Actor) -> PlanCounts:
    """Cars that have been with their owners for a whole number of years."""
    span = _span(store, "anniversary", now)
    if span is None:
        return PlanCounts()
    rows = await conn.fetch(_DRIVEN, store.id, _days_of_year(*span))
    facts = [fact for row in rows for fact in _anniversaries(row, store, *span)]
    return await plan_occasions(conn, store, facts, now=now, actor=actor)


async def plan_festivals(conn: Connection, store: StoreContext, *, now: datetime, actor: Actor) -> PlanCounts:
    """Greetings of the festivals of the store's list to all owners; festivals on one day are one greeting."""
    span = _span(store, "holiday", now)
    days = sorted({day for _, day in festival_days(festivals_of(store), *span)}) if span else []
    if not days:
        return PlanCounts()
    ids = [row["id"] for row in await conn.fetch(_OWNERS, store.id, list(OWNERS))]
    facts = [_festival(id_, day, store) for day in days for id_ in ids]
    return await plan_occasions(conn, store, facts, now=now, actor=actor)


async def facts_of_birthdays(conn: Connection, store: StoreContext, ids: Collection[UUID]) -> list[Fact]:
    """The birthday that the newest visit of each of these customers is for."""
    rows = await conn.fetch(_BIRTHDAY_TURNS, store.id, list(ids), str(Trigger.BIRTHDAY))
    return [_birthday(row, row["turn"], store) for row in rows if row["turn"]]


async def facts_of_anniversaries(conn: Connection, store: StoreContext, ids: Collection[UUID]) -> list[Fact]:
    """The anniversary that the newest visit of each of these cars is for."""
    rows = await conn.fetch(_ANNIVERSARY_TURNS, store.id, list(ids), str(Trigger.ANNIVERSARY))
    return [_anniversary(row, row["turn"], store) for row in rows if row["turn"] and row["day"]]


async def facts_of_festivals(conn: Connection, store: StoreContext, ids: Collection[UUID]) -> list[Fact]:
    """The festival that the newest greeting of each of these customers is for."""
    rows = await conn.fetch(_FESTIVAL_TURNS, store.id, list(ids), str(Trigger.HOLIDAY))
    return [_festival(row["id"], day_of_turn(row["turn"]), store, excluded=row["excluded"]) for row in rows if row["turn"]]


async def plan_occasions(
    conn: Connection, store: StoreContext, facts: Sequence[Fact], *, now: datetime, actor: Actor
) -> PlanCounts:
    """Plan facts that come again. What its window has closed on is left out: nobody is greeted late, and nobody misses it."""
    planner = Planner(store, now)
    planned = [
        (visit, programme, fact) for fact in facts for visit, programme in planner.visits(fact) if visit.state == "planned"
    ]
    callable_ids = await _callable(conn, store.id, planned)
    kept = [one for one in planned if not _is_marketing_call(*one[:2]) or one[0].customer_id in callable_ids]
    assigner = await Assigner.load(conn, store, now=now, customer_ids={visit.customer_id for visit, _, _ in kept})
    drafts = [Draft(visit, programme, assigner.assign(visit, fact)) for visit, programme, fact in kept]
    written = await write_visits(conn, store.id, drafts, now=now, actor=actor, vault=None)
    await tell(conn, store.id, written.planned)
    return PlanCounts(written.planned, written.expired)


def festivals_of(store: StoreContext) -> tuple[FestivalRule, ...]:
    """The festivals the store greets for; a list that cannot be read (it was written past the API) is the usual one."""
    try:
        return parse_festivals(store.policies.get(FESTIVALS))
    except FestivalsInvalid as fault:
        log.warning("festivals_invalid", store=str(store.id), faults=fault.faults)
        return parse_festivals(None)


def turn_of_day(day: date) -> int:
    """The number of a festival's turn: its day, 20260217."""
    return day.year * 10_000 + day.month * 100 + day.day


def day_of_turn(turn: int) -> date:
    """The day that `turn_of_day` made a number of."""
    return date(turn // 10_000, turn // 100 % 100, turn % 100)


def span_of(programme: Programme, today: date) -> tuple[date, date]:
    """The days of an occasion that bear on today: their window is open, or opens within the horizon."""
    windows = [step.window for step in programme.steps if step.window is not None and not step.after]
    latest = max(window.deadline * _UNIT_DAYS[window.unit] for window in windows)
    earliest = min(window.earliest * _UNIT_DAYS[window.unit] for window in windows)
    return today - timedelta(days=latest), today + timedelta(days=HORIZON_DAYS - earliest)


def _span(store: StoreContext, key: str, now: datetime) -> tuple[date, date] | None:
    programme = store.programmes.get(key)
    return span_of(programme, store.calendar.day_of(now)) if programme else None


def _days_of_year(since: date, until: date) -> list[str]:
    """The days as MMDD; where a year has no 29 February, those born on it are looked for on the 28th."""
    days = {since + timedelta(days=count) for count in range((until - since).days + 1)}
    leap = {"0229"} if any((day.month, day.day) == (2, 28) for day in days) else set()
    return sorted({f"{day:%m%d}" for day in days} | leap)


def _birthdays(row: asyncpg.Record, store: StoreContext, since: date, until: date) -> Iterator[Fact]:
    for year in range(since.year, until.year + 1):
        if year > row["day"].year and since <= anniversary(row["day"], year) <= until:
            yield _birthday(row, year, store)


def _birthday(row: asyncpg.Record, year: int, store: StoreContext) -> Fact:
    return _fact(Trigger.BIRTHDAY, row["id"], anniversary(row["day"], year), store, row["id"], None, year, row["excluded"])


def _anniversaries(row: asyncpg.Record, store: StoreContext, since: date, until: date) -> Iterator[Fact]:
    for years in range(since.year - row["day"].year, until.year - row["day"].year + 1):
        if years > 0 and since <= anniversary(row["day"], row["day"].year + years) <= until:
            yield _anniversary(row, years, store)


def _anniversary(row: asyncpg.Record, years: int, store: StoreContext) -> Fact:
    day = anniversary(row["day"], row["day"].year + years)
    return _fact(Trigger.ANNIVERSARY, row["id"], day, store, row["customer_id"], row["id"], years, row["excluded"])


def _festival(customer_id: UUID, day: date, store: StoreContext, *, excluded: bool = False) -> Fact:
    return _fact(Trigger.HOLIDAY, customer_id, day, store, customer_id, None, turn_of_day(day), excluded)


def _fact(
    trigger: Trigger,
    id_: UUID,
    day: date,
    store: StoreContext,
    customer_id: UUID,
    vehicle_id: UUID | None,
    turn: int,
    excluded: bool,
) -> Fact:
    return Fact(
        type=trigger,
        id=id_,
        on=day,
        at=store.calendar.opening(day),
        customer_id=customer_id,
        vehicle_id=vehicle_id,
        excluded=excluded,
        attrs={INTERVAL: str(turn)},
    )


def _is_marketing_call(visit: PlannedVisit, programme: Programme) -> bool:
    step = programme.step(visit.step)
    return step.marketing and step.role != SYSTEM_ROLE


async def _callable(conn: Connection, store_id: UUID, planned: Sequence[tuple[PlannedVisit, Programme, Fact]]) -> set[UUID]:
    ids = {visit.customer_id for visit, programme, _ in planned if _is_marketing_call(visit, programme)}
    return {row["id"] for row in await conn.fetch(_MAY_CALL, store_id, list(ids))} if ids else set()
