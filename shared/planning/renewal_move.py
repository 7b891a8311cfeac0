"""Month 9: the file of a car passes from the insurance to the renewal specialist, all open work with it (S0, domain.md §3)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from uuid import UUID

import asyncpg

from shared.db import Connection
from shared.domain.programme import PlanCounts
from shared.domain.renewal import MOVE_AFTER_MONTHS
from shared.events import Actor
from shared.handover import Moved, move_open_visits
from shared.handover.people import log
from shared.stores import StoreContext

INSURANCE, RENEWAL = "insurance_specialist", "renewal_specialist"
MONTH_9 = "month_9"
CHUNK = 2000
# PostgreSQL clamps as we do: 31 May + 9 months is the last day of February.
_RIPE = f"""
    SELECT s.id, s.customer_id, s.vehicle_id, s.insurance_specialist_id, s.renewal_specialist_id, c.holder_id
    FROM sales s
    JOIN customers c ON c.store_id = s.store_id AND c.id = s.customer_id
    WHERE s.store_id = $1 AND s.renewal_moved_on IS NULL AND (s.delivered_on + interval '{MOVE_AFTER_MONTHS} months')::date <= $2
    ORDER BY s.delivered_on, s.id LIMIT {CHUNK} FOR UPDATE OF s
"""
_OPEN = """
    SELECT id, vehicle_id, assignee_id FROM visits
    WHERE store_id = $1 AND vehicle_id = ANY($2) AND role = 'insurance_specialist' AND closed_at IS NULL ORDER BY id
"""
_MOVE = """
    UPDATE sales s SET renewal_specialist_id = m.to_id, renewal_moved_on = $2, updated_at = $3, version = s.version + 1
    FROM unnest($4::uuid[], $5::uuid[]) AS m(id, to_id) WHERE s.store_id = $1 AND s.id = m.id
"""
_HOLD = """
    UPDATE customers c SET holder_id = m.to_id, updated_at = $2, version = c.version + 1
    FROM unnest($3::uuid[], $4::uuid[]) AS m(id, to_id) WHERE c.store_id = $1 AND c.id = m.id AND m.to_id IS NOT NULL
"""
_LOAD = """
    SELECT assignee_id, count(*) AS open FROM visits
    WHERE store_id = $1 AND assignee_id = ANY($2) AND closed_at IS NULL GROUP BY assignee_id
"""


async def move_to_renewal(conn: Connection, store: StoreContext, *, now: datetime, actor: Actor) -> PlanCounts:
    """The daily job: files whose month 9 has come pass to a renewal specialist, with every open visit and promise of that tier.

    A file passes once; a second run finds it moved. What was moved stands in `handovers`, a row for each who gave.
    """
    today = store.calendar.day_of(now)
    while rows := await conn.fetch(_RIPE, store.id, today):
        await _move(conn, store, rows, today, now, actor)
        if len(rows) < CHUNK:
            break
    return PlanCounts()


async def _move(
    conn: Connection, store: StoreContext, sales: Sequence[asyncpg.Record], today: date, now: datetime, actor: Actor
) -> None:
    visits = await conn.fetch(_OPEN, store.id, [sale["vehicle_id"] for sale in sales])
    receivers = await _receivers(conn, store, sales, today)
    by_car = {sale["vehicle_id"]: receivers[sale["id"]] for sale in sales}
    to = {visit["id"]: by_car[visit["vehicle_id"]] for visit in visits}
    moved = await move_open_visits(conn, store, list(to), to, reason=MONTH_9, now=now, actor=actor, role=RENEWAL)
    await conn.execute(_MOVE, store.id, today, now, [sale["id"] for sale in sales], [receivers[sale["id"]] for sale in sales])
    files = [sale for sale in sales if _passes_on(sale, store)]
    await conn.execute(_HOLD, store.id, now, [sale["customer_id"] for sale in files], [receivers[sale["id"]] for sale in files])
    await _log(conn, store, files, moved, receivers, now, actor)


async def _receivers(
    conn: Connection, store: StoreContext, sales: Sequence[asyncpg.Record], today: date
) -> dict[UUID, UUID | None]:
    """The renewal specialist a file names, while active; else whoever of them has least to do; None when there is none."""
    people = [person.id for person in store.staff.values() if person.active and RENEWAL in person.roles]
    present = [who for who in people if not any(start <= today <= end for start, end, _ in store.staff[who].absent)] or people
    load = Counter({row["assignee_id"]: row["open"] for row in await conn.fetch(_LOAD, store.id, people)})
    found: dict[UUID, UUID | None] = {}
    for sale in sales:
        named = sale["renewal_specialist_id"]
        chosen = named if named in people else min(present, key=lambda who: (load[who], str(who)), default=None)
        if chosen is not None:
            load[chosen] += 1
        found[sale["id"]] = chosen
    return found


def _passes_on(sale: asyncpg.Record, store: StoreContext) -> bool:
    """The file goes along when the insurance specialist holds it; a consultant's or an advisor's stays his."""
    holder = store.staff.get(sale["holder_id"]) if sale["holder_id"] else None
    return holder is not None and (sale["holder_id"] == sale["insurance_specialist_id"] or holder.roles == {INSURANCE})


async def _log(
    conn: Connection,
    store: StoreContext,
    files: Sequence[asyncpg.Record],
    moved: Sequence[Moved],
    receivers: Mapping[UUID, UUID | None],
    now: datetime,
    actor: Actor,
) -> None:
    """One row for each person who gave something away: visits, and files that were his to hold."""
    given: dict[UUID, dict[str, dict[str, UUID | None]]] = defaultdict(dict)
    for one in moved:
        if one.from_id is not None:
            given[one.from_id].setdefault("visits", {})[str(one.visit_id)] = one.to_id
    for sale in files:
        given[sale["holder_id"]].setdefault("files", {})[str(sale["customer_id"])] = receivers[sale["id"]]
    for staff_id, moves in given.items():
        await log(conn, store.id, staff_id, moves, reason=MONTH_9, now=now, actor=actor)
