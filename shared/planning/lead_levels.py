"""Leads brought in line with today: their level, every movement of it, the next contact that follows (domain.md §2)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

import asyncpg

from shared.db import Connection
from shared.domain.lead import level_of
from shared.domain.programme import PlanCounts
from shared.events import Actor
from shared.ids import new_id
from shared.planning.leads import LOST, OPEN, facts_of_leads
from shared.planning.replan import replan_facts
from shared.stores import StoreContext

CHUNK = 2000
_LEVELS = """
    SELECT l.id, l.consultant_id, l.expected_on, l.level, l.state, coalesce(l.lost_kind, l.lost_reason) AS lost_for,
           m.to_level, m.to_state, m.id IS NOT NULL AS moved
    FROM leads l LEFT JOIN LATERAL (
        SELECT id, to_level, to_state FROM lead_movements WHERE store_id = l.store_id AND lead_id = l.id
        ORDER BY at DESC, id DESC LIMIT 1) m ON true
    WHERE l.store_id = $1 AND l.id = ANY($2) ORDER BY l.id
"""
_SET_LEVEL = """
    UPDATE leads l SET level = n.level, updated_at = $2, version = l.version + 1 FROM unnest($3::uuid[], $4::text[]) AS n(id, level)
    WHERE l.store_id = $1 AND l.id = n.id AND l.level IS DISTINCT FROM n.level
"""
_MOVED = """
    INSERT INTO lead_movements (store_id, id, lead_id, consultant_id, at, from_level, to_level, from_state, to_state, reason)
    SELECT $1, m.id, m.lead_id, m.consultant_id, $2, m.from_level, m.to_level, m.from_state, m.to_state, m.reason
    FROM unnest($3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[])
        AS m(id, lead_id, consultant_id, from_level, to_level, from_state, to_state, reason)
"""
_STANDING = """
    SELECT l.id, l.expected_on, l.level, EXISTS (
        SELECT FROM visits v WHERE v.store_id = l.store_id AND v.trigger_id = l.id AND v.closed_at IS NULL) AS waited_for
    FROM leads l WHERE l.store_id = $1 AND l.state = 'open' ORDER BY l.id
"""


async def settle_leads(
    conn: Connection, store: StoreContext, ids: Sequence[UUID], *, now: datetime, actor: Actor, reason: str | None = None
) -> PlanCounts:
    """Bring leads in line with today: their level, a movement for each change of level or state, the next contact.

    To be called after anything about a lead changed. Called again, it writes nothing.
    """
    rows = await conn.fetch(_LEVELS, store.id, list(ids))
    today, policy = store.calendar.day_of(now), store.lead_policy
    levels = {row["id"]: _level(row, today, policy) for row in rows}
    still_open = [row["id"] for row in rows if row["state"] == OPEN]
    await conn.execute(_SET_LEVEL, store.id, now, still_open, [levels[lead_id] for lead_id in still_open])
    moved = [_movement(row, levels[row["id"]], reason) for row in rows if _differs(row, levels[row["id"]])]
    if moved:
        await conn.execute(_MOVED, store.id, now, *zip(*moved, strict=True))
    return await replan_facts(conn, store, await facts_of_leads(conn, store, ids), now=now, actor=actor)


async def plan_leads(conn: Connection, store: StoreContext, *, now: datetime, actor: Actor) -> PlanCounts:
    """The daily job: levels that changed as the day came nearer, and open leads that nobody is to call."""
    today, policy = store.calendar.day_of(now), store.lead_policy
    rows = await conn.fetch(_STANDING, store.id)
    stale = [
        row["id"] for row in rows if not row["waited_for"] or row["level"] != level_of(row["expected_on"], today, policy).key
    ]
    planned = expired = 0
    for start in range(0, len(stale), CHUNK):
        counts = await settle_leads(conn, store, stale[start : start + CHUNK], now=now, actor=actor, reason="day_nearer")
        planned, expired = planned + counts.planned, expired + counts.expired
    return PlanCounts(planned, expired)


def _level(row: asyncpg.Record, today: date, policy: str) -> str:
    """Today's; of a lead that has ended the last it had."""
    if row["state"] != OPEN and row["level"] is not None:
        return str(row["level"])
    return level_of(row["expected_on"], today, policy).key


def _differs(row: asyncpg.Record, level: str) -> bool:
    return not row["moved"] or (row["to_level"], row["to_state"]) != (level, row["state"])


def _movement(row: asyncpg.Record, level: str, reason: str | None) -> tuple[object, ...]:
    why = row["lost_for"] if row["state"] == LOST and row["to_state"] != LOST else reason
    return (new_id(), row["id"], row["consultant_id"], row["to_level"], level, row["to_state"], row["state"], why)
