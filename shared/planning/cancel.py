"""Ending open visits because of what became of a car or a customer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

from shared.db import Connection
from shared.domain.programme import PlanCounts
from shared.events import Actor
from shared.planning.replan import cancel_visits, replan_facts
from shared.planning.rows import tell
from shared.planning.sources import facts_of_triggers
from shared.stores import StoreContext

Owner = Literal["vehicle_id", "customer_id", "trigger_id"]
_LOCK = "SELECT id FROM visits WHERE store_id = $1 AND {} = $2 AND state IN ('planned', 'due', 'trying') ORDER BY id FOR UPDATE"
_TRIGGERS = """
    SELECT DISTINCT trigger_type, trigger_id FROM visits
    WHERE store_id = $1 AND vehicle_id = ANY($2) AND state IN ('planned', 'due', 'trying')
"""


async def cancel_open(
    conn: Connection, store_id: UUID, owner: Owner, owner_id: UUID, reason: str, *, now: datetime, actor: Actor
) -> int:
    """Cancel every open visit of a car, of a customer or of a trigger; how many."""
    ids = [row["id"] for row in await conn.fetch(_LOCK.format(owner), store_id, owner_id)]
    await cancel_visits(conn, store_id, {reason: ids} if ids else {}, now, actor)
    await tell(conn, store_id, len(ids))
    return len(ids)


async def replan_vehicles(
    conn: Connection, store: StoreContext, vehicle_ids: Sequence[UUID], *, now: datetime, actor: Actor
) -> PlanCounts:
    """Bring open visits in line with what is known of their cars now, such as one that is excluded from follow-up."""
    rows = await conn.fetch(_TRIGGERS, store.id, list(vehicle_ids))
    facts = await facts_of_triggers(conn, store, {(row["trigger_type"], row["trigger_id"]) for row in rows})
    return await replan_facts(conn, store, list(facts.values()), now=now, actor=actor)
