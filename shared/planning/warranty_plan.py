"""Calls about warranty that runs out: planned when the end comes within reach, moved with the odometer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from shared.db import Connection
from shared.domain.programme import PlanCounts
from shared.domain.warranty import LEAD_DAYS
from shared.events import Actor
from shared.planning.replan import replan_facts
from shared.planning.warranty import facts_of_warranty, refresh_warranty
from shared.stores import StoreContext

EARLIER_DAYS, HORIZON_DAYS = 5, 3
CHUNK = 2000
_NEAR_DAYS, _READ_SINCE_DAYS = 90, 7

# Far ends are looked at again only when the odometer was read.
_TO_REFRESH = """
    SELECT w.id FROM warranty_items w
    WHERE w.store_id = $1 AND (w.expected_on IS NULL OR w.expected_on BETWEEN $2 AND $3 OR EXISTS (
        SELECT FROM mileage_readings r WHERE r.store_id = w.store_id AND r.vehicle_id = w.vehicle_id AND r.read_on >= $4))
    ORDER BY w.id
"""
_NEAR = """
    SELECT w.id FROM warranty_items w
    WHERE w.store_id = $1 AND (w.expected_on BETWEEN $2 AND $3 OR w.id IN (
        SELECT trigger_id FROM visits WHERE store_id = $1 AND programme = 'warranty' AND closed_at IS NULL))
    ORDER BY w.id
"""


async def plan_warranty(conn: Connection, store: StoreContext, *, now: datetime, actor: Actor) -> PlanCounts:
    """The daily job: ends computed anew where the odometer was read or the end is near, calls for what ends soon."""
    today = store.calendar.day_of(now)
    stale = await _ids(
        conn, _TO_REFRESH, store.id, today, today + timedelta(days=_NEAR_DAYS), today - timedelta(days=_READ_SINCE_DAYS)
    )
    for chunk in _chunks(stale):
        await refresh_warranty(conn, store, chunk, today=today)
    until = today + timedelta(days=LEAD_DAYS + EARLIER_DAYS + HORIZON_DAYS)
    counts = PlanCounts()
    for chunk in _chunks(await _ids(conn, _NEAR, store.id, today, until)):
        made = await replan_facts(conn, store, await facts_of_warranty(conn, store, chunk), now=now, actor=actor)
        counts = PlanCounts(counts.planned + made.planned, counts.expired + made.expired)
    return counts


async def replan_warranty(
    conn: Connection, store: StoreContext, ids: Sequence[UUID], *, now: datetime, actor: Actor
) -> PlanCounts:
    """After the terms of items changed: their end, and what is planned or within reach."""
    today = store.calendar.day_of(now)
    await refresh_warranty(conn, store, ids, today=today)
    known = set(await _ids(conn, _NEAR, store.id, today, today + timedelta(days=LEAD_DAYS + EARLIER_DAYS + HORIZON_DAYS)))
    near = [item_id for item_id in ids if item_id in known]
    return await replan_facts(conn, store, await facts_of_warranty(conn, store, near), now=now, actor=actor)


async def _ids(conn: Connection, sql: str, *values: object) -> list[UUID]:
    return [row["id"] for row in await conn.fetch(sql, *values)]


def _chunks(ids: Sequence[UUID]) -> list[Sequence[UUID]]:
    return [ids[start : start + CHUNK] for start in range(0, len(ids), CHUNK)]
