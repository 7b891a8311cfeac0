"""The decision on a flag."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from services.api import audit
from services.api.identities import Me
from services.api.quality_flags import queries
from services.api.quality_flags.schemas import DecisionIn
from services.api.wire import instant_text
from shared.db import Connection
from shared.errors import Conflict, Invalid

_DECIDE = """
    UPDATE quality_flags SET state = $3, note = $4, decided_at = $5, decided_by = $6, detail = detail || $7::jsonb
    WHERE store_id = $1 AND id = $2
"""


class AlreadyDecided(Conflict):
    """Somebody has decided this flag otherwise."""

    code = "already_decided"
    zh = "该核查项已有不同的结论。"


async def decide(conn: Connection, me: Me, flag_id: UUID, body: DecisionIn, *, now: datetime) -> dict[str, Any]:
    """Clear or uphold a flag; the second call stays with it. Raises FlagNotFound, AlreadyDecided, Invalid."""
    flag = await queries.flag(conn, me, flag_id, lock=True)
    if flag["state"] != "open":
        if flag["state"] != body.decision:
            raise AlreadyDecided
        return flag
    more = {"second_call": _second_call(me, body, now)} if body.second_call else {}
    text = orjson.dumps(more).decode()
    await conn.execute(_DECIDE, me.store_id, flag_id, body.decision, body.note, now, me.staff_id, text)
    detail = {"decision": body.decision, "kind": flag["kind"], "staff_id": flag["staff_id"], "second_call": bool(more)}
    await audit.note(conn, me, "quality_flag.decided", "quality_flag", flag_id, now=now, detail=detail)
    return await queries.flag(conn, me, flag_id)


def _second_call(me: Me, body: DecisionIn, now: datetime) -> dict[str, object]:
    call = body.second_call
    if call is None:
        return {}
    if call.at is not None and call.at > now:
        raise Invalid("时间在将来 / lies in the future", "/second_call/at")
    return {
        "at": instant_text(call.at or now),
        "by": str(me.staff_id) if me.staff_id else None,
        "outcome": call.outcome,
        "customer_confirms": call.customer_confirms,
        "note": call.note,
    }
