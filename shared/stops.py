"""What stops beside the visits when a customer has died or a car has left: appointments, campaigns, tasks, messages that wait.

Owns nothing; called by the API's transactions (which alone may write these tables) and by `shared.progress` for what a person heard. Never
touches visits: `shared.planning.cancel_open` and `shared.progress` do.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from shared.db import Connection
from shared.events import NOTIFY_EVENTS
from shared.ids import new_id

Owner = Literal["customer_id", "vehicle_id"]

_APPOINTMENTS = """
    UPDATE appointments SET state = 'cancelled', state_reason = $3, closed_at = $4, updated_at = $4, version = version + 1
    WHERE store_id = $1 AND {owner} = $2 AND state IN ('booked', 'confirmed')
"""
_APPOINTMENTS_BACK = """
    UPDATE appointments SET state = 'booked', state_reason = NULL, closed_at = NULL, updated_at = $4, version = version + 1
    WHERE store_id = $1 AND {owner} = $2 AND state = 'cancelled' AND state_reason = $3 AND starts_at > $4
"""
_MEMBERS = """
    UPDATE campaign_members SET state = 'stopped', reason = $3 WHERE store_id = $1 AND {owner} = $2 AND state = 'waiting'
"""
_MEMBERS_BACK = """
    UPDATE campaign_members SET state = 'waiting', reason = NULL
    WHERE store_id = $1 AND {owner} = $2 AND state = 'stopped' AND reason = $3 AND on_day >= $4
"""
_TASKS = """
    UPDATE tasks SET done_at = $4, detail = detail || jsonb_build_object('ended', $3::text)
    WHERE store_id = $1 AND customer_id = $2 AND done_at IS NULL
"""
_TASKS_BACK = """
    UPDATE tasks t SET done_at = NULL, detail = detail - 'ended'
    WHERE t.store_id = $1 AND t.customer_id = $2 AND t.done_at IS NOT NULL AND t.done_by IS NULL AND t.detail->>'ended' = $3
      AND NOT EXISTS (SELECT FROM tasks o WHERE o.store_id = t.store_id AND o.kind = t.kind AND o.customer_id = t.customer_id
                      AND o.visit_id IS NOT DISTINCT FROM t.visit_id AND o.about_id IS NOT DISTINCT FROM t.about_id
                      AND o.done_at IS NULL)
"""
_WAITING = "SELECT id FROM messages WHERE store_id = $1 AND customer_id = $2 AND state IN ('queued', 'held')"
_ORDERS = """
    INSERT INTO message_orders (store_id, id, message_id, kind, reason, at)
    SELECT $1, o.id, o.message_id, 'stop', $2, $3 FROM unnest($4::uuid[], $5::uuid[]) AS o(id, message_id)
"""


async def stop_customer(conn: Connection, store_id: UUID, customer_id: UUID, reason: str, *, now: datetime) -> None:
    """End what waits for a customer: nothing more is said, sent or asked. `reason` tells it apart for the undo."""
    await _stop(conn, store_id, "customer_id", customer_id, reason, now)
    await conn.execute(_TASKS, store_id, customer_id, reason, now)
    waiting = [row["id"] for row in await conn.fetch(_WAITING, store_id, customer_id)]
    if waiting:
        await conn.execute(_ORDERS, store_id, reason, now, [new_id() for _ in waiting], waiting)
        await conn.execute("SELECT pg_notify($1, $2)", NOTIFY_EVENTS, str(store_id))


async def resume_customer(
    conn: Connection, store_id: UUID, customer_id: UUID, reason: str, *, now: datetime, today: date
) -> None:
    """What was ended for that reason and can still be: appointments and campaign days to come, tasks. Messages do not come back."""
    await _resume(conn, store_id, "customer_id", customer_id, reason, now, today)
    await conn.execute(_TASKS_BACK, store_id, customer_id, reason)


async def stop_vehicle(conn: Connection, store_id: UUID, vehicle_id: UUID, reason: str, *, now: datetime) -> None:
    """End what waits for one car; what its owner has for other cars goes on."""
    await _stop(conn, store_id, "vehicle_id", vehicle_id, reason, now)


async def resume_vehicle(conn: Connection, store_id: UUID, vehicle_id: UUID, reason: str, *, now: datetime, today: date) -> None:
    """The car is with its owner after all."""
    await _resume(conn, store_id, "vehicle_id", vehicle_id, reason, now, today)


async def _stop(conn: Connection, store_id: UUID, owner: Owner, owner_id: UUID, reason: str, now: datetime) -> None:
    await conn.execute(_APPOINTMENTS.format(owner=owner), store_id, owner_id, reason, now)
    await conn.execute(_MEMBERS.format(owner=owner), store_id, owner_id, reason)


async def _resume(
    conn: Connection, store_id: UUID, owner: Owner, owner_id: UUID, reason: str, now: datetime, today: date
) -> None:
    await conn.execute(_APPOINTMENTS_BACK.format(owner=owner), store_id, owner_id, reason, now)
    await conn.execute(_MEMBERS_BACK.format(owner=owner), store_id, owner_id, reason, today)
