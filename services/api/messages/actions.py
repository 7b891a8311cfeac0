"""What people order of a message: checked here, carried out by the notifier, which looks again."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from services.api import audit
from services.api.identities import Me
from services.api.messages.queries import MessageNotFound
from shared.db import Connection
from shared.domain.message import RESEND, WAITING, MessageState
from shared.errors import Conflict
from shared.events import NOTIFY_EVENTS
from shared.ids import new_id

_STATE = "SELECT state FROM messages WHERE store_id = $1 AND id = $2"
_ORDER = """
    INSERT INTO message_orders (store_id, id, message_id, kind, reason, staff_id, at) VALUES ($1, $2, $3, $4, $5, $6, $7)
"""
_RING = "SELECT pg_notify($1, $2)"


class NotUncertain(Conflict):
    """Only an uncertain message can be sent again or settled by a person."""

    code = "not_uncertain"
    zh = "只有结果不明的消息才能重发或人工核实。"


class NotWaiting(Conflict):
    """The message does not wait any more."""

    code = "not_waiting"
    zh = "该消息已不在等待中，无法移出。"


async def order_resend(conn: Connection, me: Me, message_id: UUID, reason: str | None, now: datetime) -> dict[str, Any]:
    """Have an uncertain message sent again; audited. Raises MessageNotFound, NotUncertain."""
    await _check(conn, me, message_id, RESEND, NotUncertain)
    return await _order(conn, me, message_id, "resend", reason, now)


async def order_hold(conn: Connection, me: Me, message_id: UUID, reason: str, now: datetime) -> dict[str, Any]:
    """Have a waiting message taken out. Raises MessageNotFound, NotWaiting."""
    await _check(conn, me, message_id, WAITING, NotWaiting)
    return await _order(conn, me, message_id, "hold", reason, now)


async def order_settle(
    conn: Connection, me: Me, message_id: UUID, received: bool, reason: str | None, now: datetime
) -> dict[str, Any]:
    """Have an uncertain message settled by what somebody found out. Raises MessageNotFound, NotUncertain."""
    await _check(conn, me, message_id, RESEND, NotUncertain)
    return await _order(conn, me, message_id, "settle_delivered" if received else "settle_undelivered", reason, now)


async def _check(conn: Connection, me: Me, message_id: UUID, states: Collection[MessageState], otherwise: type[Conflict]) -> None:
    state = await conn.fetchval(_STATE, me.store_id, message_id)
    if state is None:
        raise MessageNotFound
    if state not in states:
        raise otherwise


async def _order(conn: Connection, me: Me, message_id: UUID, kind: str, reason: str | None, now: datetime) -> dict[str, Any]:
    order_id = new_id()
    await conn.execute(_ORDER, me.store_id, order_id, message_id, kind, reason, me.staff_id, now)
    await audit.note(conn, me, f"message.{kind}_ordered", "message", message_id, now=now, detail={"reason": reason})
    await conn.execute(_RING, NOTIFY_EVENTS, str(me.store_id))
    return {"id": order_id, "message_id": message_id, "kind": kind, "at": now}
