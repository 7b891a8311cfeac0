"""Writes of accidents: the record, and in the same transaction the calls about it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from services.api import audit, records
from services.api.accidents.queries import TABLE, AccidentNotFound
from services.api.accidents.schemas import AccidentIn, AccidentPatch
from services.api.etags import Expected
from services.api.identities import Me
from shared.db import Connection
from shared.errors import Conflict, Invalid
from shared.ids import new_id
from shared.planning import replan_facts
from shared.planning.insurance import facts_of_accidents
from shared.stores import StoreContext

_OWNER = "SELECT customer_id FROM vehicles WHERE store_id = $1 AND id = $2"


class AccidentThere(Conflict):
    """This accident is known by its number already."""

    code = "accident_exists"
    zh = "该编号的事故已登记。"


async def add_accident(conn: Connection, store: StoreContext, me: Me, body: AccidentIn, *, now: datetime) -> UUID:
    """An accident, its first call planned. Raises Invalid at a field, AccidentThere."""
    owner: UUID | None = await conn.fetchval(_OWNER, store.id, body.vehicle_id)
    if owner is None:
        raise Invalid("没有该车辆 / no such car", "/vehicle_id")
    values = {**body.model_dump(), "id": new_id(), "customer_id": owner, "reported_at": body.reported_at or now}
    _check(store, values, now)
    async with records.once(conn, AccidentThere()):
        await records.insert(conn, TABLE, store.id, values, now=now)
    accident_id: UUID = values["id"]
    await _plan(conn, store, me, accident_id, now)
    await audit.note(conn, me, "accident.created", "accident", accident_id, now=now)
    return accident_id


async def change_accident(
    conn: Connection,
    store: StoreContext,
    me: Me,
    accident_id: UUID,
    body: AccidentPatch,
    expected: Expected | None,
    *,
    now: datetime,
) -> None:
    """Change what was given; a closed claim ends the calls, one that is open again starts them anew.

    Raises AccidentNotFound, Stale, Invalid at a field.
    """
    row = await records.locked(conn, TABLE, store.id, accident_id, AccidentNotFound, expected)
    given = body.given
    _check(store, {**dict(row), **given}, now)
    await records.update(conn, TABLE, store.id, accident_id, given, now=now)
    await _plan(conn, store, me, accident_id, now)
    await audit.note(conn, me, "accident.changed", "accident", accident_id, now=now, detail={"fields": sorted(given)})


async def _plan(conn: Connection, store: StoreContext, me: Me, accident_id: UUID, now: datetime) -> None:
    await replan_facts(conn, store, await facts_of_accidents(conn, store, [accident_id]), now=now, actor=me.actor)


def _check(store: StoreContext, accident: Mapping[str, Any], now: datetime) -> None:
    if accident["happened_on"] > store.calendar.day_of(now):
        raise Invalid("事故日期在将来 / it lies in the future", "/happened_on")
    if accident["reported_at"] > now:
        raise Invalid("得知时间在将来 / it lies in the future", "/reported_at")
    if store.calendar.day_of(accident["reported_at"]) < accident["happened_on"]:
        raise Invalid("得知早于事故 / reported before it happened", "/reported_at")
    closed_on = accident.get("claim_closed_on")
    if closed_on is not None and not accident["happened_on"] <= closed_on <= store.calendar.day_of(now):
        raise Invalid("结案日期须在事故之后、今天之前 / closed after the accident, not in the future", "/claim_closed_on")
