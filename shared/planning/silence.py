"""Churn: cars that stay away, warned of one by one; customers who are lost, asked why; and what ends it (domain.md §4; S4 3.3, 4.2).

The turn of these visits is the day the silence began: one silence gives one warning and one reason call. What was silent already
when the store's files were first imported gives neither. Writes visits, and the lifecycle of customers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

import asyncpg

from shared.db import Connection
from shared.domain.churn import Silence, Standing, standing
from shared.domain.programme import INTERVAL, PlanCounts, Programme, Step
from shared.domain.programme.types import Anchor
from shared.domain.programme.windows import anchored
from shared.events import Actor
from shared.planning.occasions import HORIZON_DAYS, plan_occasions
from shared.planning.replan import cancel_visits
from shared.planning.silent import (
    facts_of_lost,
    facts_of_silent_cars,
    live_cars,
    lost_customer,
    silence_of_car,
    silences_of_owners,
    silent_car,
)
from shared.stores import StoreContext

WARNING, WIN_BACK = "churn-warning", "win-back"
CAME_BACK = "came_back"

_FIRST_IMPORT = "SELECT first_import_done_at FROM stores WHERE id = $1"
_OPEN = """
    SELECT v.id, v.trigger_type, v.trigger_id, v.occurrence FROM visits v
    WHERE v.store_id = $1 AND v.trigger_type IN ('vehicle.silent', 'customer.lost') AND v.state IN ('planned', 'due', 'trying')
      AND v.step = 'call' AND v.promised_at IS NULL{cars}
    ORDER BY v.id FOR UPDATE OF v
"""
_OF_CARS = _OPEN.format(
    cars="""
      AND v.trigger_id = ANY($2 || ARRAY(SELECT customer_id FROM vehicles WHERE store_id = $1 AND id = ANY($2)))"""
)
_OF_ALL = _OPEN.format(cars="")
_LIFECYCLE = """
    UPDATE customers c SET lifecycle = n.lifecycle, updated_at = $2, version = c.version + 1
    FROM unnest($3::uuid[], $4::text[]) AS n(id, lifecycle)
    WHERE c.store_id = $1 AND c.id = n.id AND c.lifecycle IN ('owner', 'churn_risk', 'churned') AND c.lifecycle <> n.lifecycle
"""


async def plan_silences(conn: Connection, store: StoreContext, *, now: datetime, actor: Actor) -> PlanCounts:
    """The daily job: an end to what came back, lifecycles as they are today, warnings and reason calls of the days ahead."""
    rows = await live_cars(conn, store)
    await end_silences(conn, store, now=now, actor=actor)
    cars = [(row, silence_of_car(row)) for row in rows]
    await _set_lifecycles(conn, store, cars, now)
    began: datetime | None = await conn.fetchval(_FIRST_IMPORT, store.id)
    history = store.calendar.day_of(began) if began else date.min
    today = store.calendar.day_of(now)
    warn, ask = (_bears_on(_first(store.programmes.get(key)), today, history) for key in (WARNING, WIN_BACK))
    near = [silent_car(row, silence, store) for row, silence in cars if warn(silence)]
    near += [lost_customer(last, silence, store) for last, silence in silences_of_owners(rows) if ask(silence)]
    return await plan_occasions(conn, store, near, now=now, actor=actor)


async def end_silences(
    conn: Connection, store: StoreContext, vehicle_ids: Sequence[UUID] | None = None, *, now: datetime, actor: Actor
) -> int:
    """Cancel the calls about silences that are over, for some cars (and their owners) or, None, for all; how many."""
    statement, cars = (_OF_ALL, ()) if vehicle_ids is None else (_OF_CARS, (list(vehicle_ids),))
    rows = await conn.fetch(statement, store.id, *cars)
    if not rows:
        return 0
    ids = {row["trigger_id"] for row in rows}
    facts = [*await facts_of_silent_cars(conn, store, ids), *await facts_of_lost(conn, store, ids)]
    running = {(str(fact.type), fact.id): int(fact.attrs[INTERVAL]) for fact in facts}
    over = [row["id"] for row in rows if running.get((row["trigger_type"], row["trigger_id"])) != row["occurrence"]]
    await cancel_visits(conn, store.id, {CAME_BACK: over} if over else {}, now, actor)
    return len(over)


def _bears_on(step: Step | None, today: date, history: date) -> Callable[[Silence], bool]:
    """Is the call of a silence due about now, and did it not fall due before the store's files came?"""
    if step is None or step.window is None:
        return lambda _silence: False
    anchor, since = step.anchor, today - timedelta(days=step.window.deadline)
    until = today + timedelta(days=HORIZON_DAYS - step.window.earliest)

    def bears(silence: Silence) -> bool:
        day = _day(anchor, silence)
        return history < day and since <= day <= until

    return bears


def _first(programme: Programme | None) -> Step | None:
    return next((step for step in programme.steps if not step.after), None) if programme else None


async def _set_lifecycles(
    conn: Connection, store: StoreContext, cars: Iterable[tuple[asyncpg.Record, Silence]], now: datetime
) -> None:
    today = store.calendar.day_of(now)
    warned, lost = (_first(store.programmes.get(key)) for key in (WARNING, WIN_BACK))
    if warned is None and lost is None:
        return
    days: dict[UUID, list[tuple[date | None, date | None]]] = defaultdict(list)
    was: dict[UUID, str] = {}
    for row, silence in cars:
        days[row["customer_id"]].append(
            (_day(warned.anchor, silence) if warned else None, _day(lost.anchor, silence) if lost else None)
        )
        was[row["customer_id"]] = row["lifecycle"]
    words = set(Standing)
    now_standing = {id_: str(standing(owned, today)) for id_, owned in days.items() if was[id_] in words}
    changed = {id_: word for id_, word in now_standing.items() if was[id_] != word}
    if changed:
        await conn.execute(_LIFECYCLE, store.id, now, list(changed), list(changed.values()))


def _day(anchor: Anchor, silence: Silence) -> date:
    return anchored(anchor, silence.last_visit_on, silence.day)
