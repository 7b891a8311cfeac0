"""Customers of high value: more than 10,000 yuan in twelve months (S4 3.2), found anew each day.

Writes the flag `high_value` of customers and, when it is new, the file's holder: a dedicated service advisor. Priority in the
worklist and pick-up follow from the flag.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, time
from uuid import UUID

import asyncpg

from shared.db import Connection
from shared.domain.calendar import add_months
from shared.domain.programme import PlanCounts
from shared.events import Actor
from shared.stores import StoreContext

FLAG = "high_value"
ABOVE_FEN = 1_000_000
MONTHS = 12
ADVISOR = "service_advisor"

_SPENT = """
    SELECT customer_id, sum(fee_fen) AS fen, array_agg(advisor_id ORDER BY closed_at DESC) FILTER (WHERE advisor_id IS NOT NULL)
           AS advisors
    FROM work_orders
    WHERE store_id = $1 AND closed_at >= $2 AND closed_at <= $3 AND kind <> 'internal' AND fee_fen IS NOT NULL
    GROUP BY customer_id HAVING sum(fee_fen) > $4
"""
_FLAGGED = "SELECT id, holder_id FROM customers WHERE store_id = $1 AND flags @> ARRAY[$2::text]"
_ALIVE = """
    SELECT id, holder_id, flags @> ARRAY[$3::text] AS flagged FROM customers
    WHERE store_id = $1 AND id = ANY($2) AND deceased_at IS NULL AND merged_into IS NULL
"""
_RAISE = """
    UPDATE customers c SET flags = array_append(c.flags, $3), holder_id = n.holder_id, updated_at = $2, version = c.version + 1
    FROM unnest($4::uuid[], $5::uuid[]) AS n(id, holder_id) WHERE c.store_id = $1 AND c.id = n.id AND NOT c.flags @> ARRAY[$3::text]
"""
_LOWER = """
    UPDATE customers SET flags = array_remove(flags, $3), updated_at = $2, version = version + 1
    WHERE store_id = $1 AND id = ANY($4)
"""


async def flag_high_value(conn: Connection, store: StoreContext, *, now: datetime, actor: Actor) -> PlanCounts:
    """Set and take away the flag as the last twelve months' orders say. Plans nothing."""
    today = store.calendar.day_of(now)
    since = store.calendar.at(add_months(today, -MONTHS), time(0))
    spent = await conn.fetch(_SPENT, store.id, since, now, store.setting("high_value_fen", ABOVE_FEN))
    advisors = {row["customer_id"]: row["advisors"] or [] for row in spent}
    alive = await conn.fetch(_ALIVE, store.id, list(advisors), FLAG)
    fresh = {row["id"]: dedicated_advisor(store, row, advisors[row["id"]]) for row in alive if not row["flagged"]}
    if fresh:
        await conn.execute(_RAISE, store.id, now, FLAG, list(fresh), list(fresh.values()))
    standing = {row["id"] for row in alive}
    gone = [row["id"] for row in await conn.fetch(_FLAGGED, store.id, FLAG) if row["id"] not in standing]
    if gone:
        await conn.execute(_LOWER, store.id, now, FLAG, gone)
    return PlanCounts()


def dedicated_advisor(store: StoreContext, row: asyncpg.Record, advisors: Iterable[UUID]) -> UUID | None:
    """The holder when that is an advisor who works here, else the advisor of the latest order who does, else the holder as is."""
    holder: UUID | None = row["holder_id"]
    candidates = [holder, *advisors]
    return next((one for one in candidates if one is not None and _advises(store, one)), holder)


def _advises(store: StoreContext, staff_id: UUID) -> bool:
    person = store.staff.get(staff_id)
    return person is not None and person.active and ADVISOR in person.roles
