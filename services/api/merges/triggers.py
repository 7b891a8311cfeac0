"""Visits started by a row that stays behind go on as those of its like in the file that stays, so that nothing replans them away."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from services.api.merges.tables import LIKE
from shared.db import Connection

_LIKE = """
    SELECT t.id AS gone, k.id AS stays FROM {table} t JOIN {table} k ON k.store_id = t.store_id AND {same}
    WHERE t.store_id = $1 AND t.vehicle_id = $2 AND k.vehicle_id = $3
"""
_STARTED = """
    SELECT v.id, v.trigger_id, v.promised_at, o.id AS other_id, o.closed_at IS NOT NULL AS other_closed, m.stays
    FROM unnest($3::uuid[], $4::uuid[]) AS m(gone, stays)
    JOIN visits v ON v.store_id = $1 AND v.trigger_id = m.gone AND v.customer_id = $2 AND v.closed_at IS NULL
    LEFT JOIN visits o ON o.store_id = v.store_id AND o.trigger_id = m.stays AND o.programme = v.programme AND o.step = v.step
        AND o.occurrence = v.occurrence
"""
# By way of the visit's own id, which no other visit has as its trigger with the same step: two of them may change places.
_ASIDE = "UPDATE visits SET trigger_id = id WHERE store_id = $1 AND id = ANY($2::uuid[])"
_SET = """
    UPDATE visits v SET trigger_id = m.trigger_id FROM unnest($2::uuid[], $3::uuid[]) AS m(id, trigger_id)
    WHERE v.store_id = $1 AND v.id = m.id
"""
_TAKEN = """
    SELECT v.id FROM unnest($2::uuid[], $3::uuid[]) AS m(id, trigger_id) JOIN visits v ON v.store_id = $1 AND v.id = m.id
    JOIN visits o ON o.store_id = v.store_id AND o.trigger_id = m.trigger_id AND o.programme = v.programme AND o.step = v.step
        AND o.occurrence = v.occurrence AND o.id <> ALL($2::uuid[])
"""


async def likes(conn: Connection, store_id: UUID, cars: Mapping[UUID, UUID]) -> dict[UUID, UUID]:
    """Which rows of the cars that go have their like among those of the cars that stay: id → id."""
    found: dict[UUID, UUID] = dict(cars)
    for gone, stays in cars.items():
        for table, same in LIKE.items():
            rows = await conn.fetch(_LIKE.format(table=table, same=same), store_id, gone, stays)
            found |= {row["gone"]: row["stays"] for row in rows}
    return found


async def plan_triggers(
    conn: Connection, store_id: UUID, kept_id: UUID, mapping: Mapping[UUID, UUID], cancelled: set[UUID]
) -> tuple[dict[UUID, tuple[UUID, UUID]], list[UUID]]:
    """(visit → its trigger before and after; visits whose like was done already and that nobody promised, to be cancelled)."""
    moves: dict[UUID, tuple[UUID, UUID]] = {}
    done: list[UUID] = []
    if not mapping:
        return moves, done
    for row in await conn.fetch(_STARTED, store_id, kept_id, list(mapping), list(mapping.values())):
        if row["id"] in cancelled:
            continue
        if row["other_id"] is None:
            moves[row["id"]] = (row["trigger_id"], row["stays"])
        elif row["other_id"] in cancelled:
            moves[row["id"]] = (row["trigger_id"], row["stays"])
            moves[row["other_id"]] = (row["stays"], row["trigger_id"])
        elif row["other_closed"] and row["promised_at"] is None:
            done.append(row["id"])
    return moves, done


async def set_triggers(conn: Connection, store_id: UUID, targets: Mapping[UUID, UUID]) -> set[UUID]:
    """Give visits their triggers; out: those whose place another visit has taken, which stay as they are."""
    if not targets:
        return set()
    taken = {row["id"] for row in await conn.fetch(_TAKEN, store_id, list(targets), list(targets.values()))}
    free: dict[UUID, Any] = {visit_id: trigger for visit_id, trigger in targets.items() if visit_id not in taken}
    await conn.execute(_ASIDE, store_id, list(free))
    await conn.execute(_SET, store_id, list(free), list(free.values()))
    return taken
