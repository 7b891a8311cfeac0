"""Writes of customers: the file, its contact points, consents, opt-outs, a death."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from services.api import audit, records
from services.api.customers import points
from services.api.customers.queries import TABLE, CustomerMerged, CustomerNotFound, resolved
from services.api.customers.schemas import (
    ConsentIn,
    ContactPointIn,
    ContactPointPatch,
    CustomerIn,
    CustomerPatch,
    OptOutIn,
    RevealIn,
)
from services.api.etags import Expected
from services.api.identities import Me
from shared import numbers
from shared.crypto import Vault
from shared.db import Connection
from shared.domain.consent import Purpose
from shared.errors import Conflict, Forbidden, Invalid
from shared.ids import new_id
from shared.names import initials
from shared.opt_outs import enter_opt_out
from shared.planning import cancel_open
from shared.planning.reopen import reopen
from shared.planning.rows import write_events
from shared.progress import progress
from shared.stops import resume_customer, stop_customer
from shared.stores import StoreContext

CHANNELS = ("sms", "email", "phone", "wechat")
REACHES = frozenset({"phone", "email"})
SHORT = {"phone", "email", "wechat", "contact_points"}
_CODE = "SELECT true FROM customers WHERE store_id = $1 AND external_code = $2 AND id <> $3"
_GRANT = """
    INSERT INTO consents (store_id, id, customer_id, purpose, channel, basis, notice_version, source, proof, granted_at, granted_by)
    VALUES ($1, $2, $3, $4, $5, 'consent', $6, $7, $8, $9, $10)
    ON CONFLICT (store_id, customer_id, purpose, channel) WHERE withdrawn_at IS NULL DO NOTHING
"""
_STANDING = """
    SELECT * FROM consents WHERE store_id = $1 AND customer_id = $2 AND purpose = $3 AND channel = $4 AND withdrawn_at IS NULL
"""
_WITHDRAW = """
    UPDATE consents SET withdrawn_at = $5, withdrawn_by = $6
    WHERE store_id = $1 AND customer_id = $2 AND withdrawn_at IS NULL AND (purpose = $3 OR id::text = $3)
      AND ($4::text IS NULL OR channel = $4)
"""
# A withdrawal of what was never granted is kept as well: silence and refusal are not the same.
_REFUSE = """
    INSERT INTO consents (store_id, id, customer_id, purpose, channel, basis, source, granted_at, withdrawn_at, withdrawn_by)
    SELECT $1, $2, $3, $4::text, $5::text, 'consent', 'withdrawal', $6, $6, $7
    WHERE NOT EXISTS (
        SELECT FROM consents WHERE store_id = $1 AND customer_id = $3 AND purpose = $4::text AND withdrawn_at IS NOT NULL)
"""
# Consent on all channels, withdrawn for one, goes on for the others.
_SPLIT = """
    WITH ended AS (
        UPDATE consents SET withdrawn_at = $4, withdrawn_by = $5
        WHERE store_id = $1 AND customer_id = $2 AND purpose = $3 AND channel = 'all' AND withdrawn_at IS NULL RETURNING *
    )
    INSERT INTO consents (store_id, id, customer_id, purpose, channel, basis, notice_version, source, proof, granted_at, granted_by)
    SELECT e.store_id, r.id, e.customer_id, e.purpose, r.channel, e.basis, e.notice_version, e.source, e.proof, e.granted_at,
           e.granted_by
    FROM ended e, unnest($6::uuid[], $7::text[]) AS r(id, channel)
    ON CONFLICT (store_id, customer_id, purpose, channel) WHERE withdrawn_at IS NULL DO NOTHING
"""
_REVOKE = """
    UPDATE opt_outs SET revoked_at = $2 WHERE number_index = $1 AND revoked_at IS NULL AND ($3::text IS NULL OR channel = $3)
"""
_MAY_REVEAL = """
    SELECT EXISTS (SELECT FROM customers WHERE store_id = $1 AND id = $2 AND holder_id = $3)
        OR EXISTS (SELECT FROM visits WHERE store_id = $1 AND customer_id = $2 AND assignee_id = $3
                   AND state IN ('planned', 'due', 'trying'))
"""
_CALLEE = """
    SELECT id, 'phone' AS kind, callee_phone FROM visits
    WHERE store_id = $1 AND customer_id = $2 AND id = $3 AND callee_phone IS NOT NULL
"""
_FIRST_PHONE = """
    SELECT * FROM contact_points WHERE store_id = $1 AND customer_id = $2 AND kind = 'phone'
    ORDER BY wrong_at IS NOT NULL, rank LIMIT 1
"""


DECEASED = "customer_deceased"
_DEATHS = """
    UPDATE attempts a SET withdrawn_at = $3 FROM visits v
    WHERE a.store_id = $1 AND v.store_id = $1 AND v.customer_id = $2 AND a.visit_id = v.id AND a.outcome = 'deceased'
      AND a.withdrawn_at IS NULL
    RETURNING a.visit_id
"""
_STOPPED = "SELECT id FROM visits WHERE store_id = $1 AND customer_id = $2 AND state = 'cancelled' AND state_reason = $3"


class CodeTaken(Conflict):
    """Another file has this external code."""

    code = "external_code_taken"
    zh = "另一档案已使用该客户编号。"


async def add_customer(conn: Connection, vault: Vault, me: Me, body: CustomerIn, *, now: datetime) -> UUID:
    """A new file with its contact points. Raises Invalid, CodeTaken."""
    customer_id = new_id()
    values = body.model_dump(exclude=SHORT)
    await _check(conn, me.store_id, customer_id, values)
    values |= {"id": customer_id, "initials": initials(body.name)}
    await records.insert(conn, TABLE, me.store_id, values, now=now)
    for point, pointer in points.points_of(body):
        await points.add_point(conn, vault, me.store_id, customer_id, point, pointer, now=now)
    await audit.note(conn, me, "customer.created", "customer", customer_id, now=now)
    return customer_id


async def change_customer(
    conn: Connection, me: Me, customer_id: UUID, body: CustomerPatch, expected: Expected, *, now: datetime
) -> None:
    """Change what was given; who changed which field stands in the audit log. Raises CustomerNotFound, Stale, Invalid, CodeTaken."""
    await _file(conn, me, customer_id, expected)
    given: dict[str, Any] = body.given
    await _check(conn, me.store_id, customer_id, given)
    if "name" in given:
        given["initials"] = initials(given["name"])
    await records.update(conn, TABLE, me.store_id, customer_id, given, now=now)
    await audit.note(
        conn, me, "customer.changed", "customer", customer_id, now=now, detail={"fields": sorted(body.model_fields_set)}
    )


async def add_contact_point(
    conn: Connection, store: StoreContext, vault: Vault, me: Me, customer_id: UUID, body: ContactPointIn, *, now: datetime
) -> UUID:
    """A further way to reach the customer; what had ended for want of one goes on where it may. Raises CustomerNotFound, Invalid."""
    await _file(conn, me, customer_id)
    point_id = await points.add_point(conn, vault, me.store_id, customer_id, body, "/value", now=now)
    detail = {"contact_point_id": point_id, "kind": body.kind}
    await audit.note(conn, me, "customer.contact_added", "customer", customer_id, now=now, detail=detail)
    if body.kind in REACHES:
        await numbers.corrected(conn, store, customer_id, now=now, actor=me.actor)
    return point_id


async def change_contact_point(
    conn: Connection, store: StoreContext, me: Me, customer_id: UUID, point_id: UUID, body: ContactPointPatch, *, now: datetime
) -> None:
    """Label, place, or the mark as wrong taken away: then what had ended for it goes on. Raises ContactPointNotFound."""
    await points.change_point(conn, me, customer_id, point_id, body, now=now)
    if body.wrong is False:
        await numbers.corrected(conn, store, customer_id, now=now, actor=me.actor)


async def remove_contact_point(conn: Connection, me: Me, customer_id: UUID, point_id: UUID, *, now: datetime) -> None:
    """Forget a number or address. Raises ContactPointNotFound."""
    await points.point(conn, me.store_id, customer_id, point_id)
    await conn.execute("DELETE FROM contact_points WHERE store_id = $1 AND id = $2", me.store_id, point_id)
    detail = {"contact_point_id": point_id}
    await audit.note(conn, me, "customer.contact_removed", "customer", customer_id, now=now, detail=detail)


async def grant(conn: Connection, me: Me, customer_id: UUID, body: ConsentIn, *, now: datetime) -> asyncpg.Record:
    """Write down a consent; one that stands already stands as first given. Raises CustomerNotFound."""
    await _file(conn, me, customer_id)
    await conn.execute(
        _GRANT,
        me.store_id,
        new_id(),
        customer_id,
        body.purpose,
        body.channel,
        body.notice_version,
        body.source,
        body.proof,
        now,
        me.staff_id,
    )
    row = await conn.fetchrow(_STANDING, me.store_id, customer_id, body.purpose, body.channel)
    detail = {"purpose": body.purpose, "channel": body.channel}
    await audit.note(conn, me, "consent.granted", "customer", customer_id, now=now, detail=detail)
    if row is None:
        raise CustomerNotFound
    return row


async def withdraw(conn: Connection, me: Me, customer_id: UUID, purpose: str, channel: str | None, *, now: datetime) -> None:
    """End consent to a purpose (or one consent by its id); it holds from the commit on, for every message not yet begun.

    Raises CustomerNotFound, Invalid.
    """
    customer_id = await resolved(conn, me.store_id, customer_id)
    by_id = _is_id(purpose)
    if not by_id and purpose not in set(Purpose):
        raise Invalid("没有该用途 / no such purpose", "path/purpose")
    if channel is not None and channel != "all":
        rest = [other for other in CHANNELS if other != channel]
        await conn.execute(_SPLIT, me.store_id, customer_id, purpose, now, me.staff_id, [new_id() for _ in rest], rest)
    await conn.execute(_WITHDRAW, me.store_id, customer_id, purpose, channel, now, me.staff_id)
    if not by_id:
        await conn.execute(_REFUSE, me.store_id, new_id(), customer_id, purpose, channel or "all", now, me.staff_id)
    detail = {"purpose": purpose, "channel": channel}
    await audit.note(conn, me, "consent.withdrawn", "customer", customer_id, now=now, detail=detail)


async def opt_out(conn: Connection, me: Me, customer_id: UUID, body: OptOutIn, *, now: datetime) -> None:
    """The number wants no more, in any store, from the commit on. Raises ContactPointNotFound."""
    row = await points.point(conn, me.store_id, customer_id, body.contact_point_id)
    await enter_opt_out(conn, [row["value_index"]], body.channel, source="staff", store_id=me.store_id, at=now)
    detail = {"contact_point_id": body.contact_point_id, "channel": body.channel}
    await audit.note(conn, me, "customer.opted_out", "customer", customer_id, now=now, detail=detail)


async def opt_in(conn: Connection, me: Me, customer_id: UUID, point_id: UUID, channel: str | None, *, now: datetime) -> None:
    """The customer wants to hear from us again: the number's opt-outs end. Raises ContactPointNotFound."""
    row = await points.point(conn, me.store_id, customer_id, point_id)
    await conn.execute(_REVOKE, row["value_index"], now, channel)
    detail = {"contact_point_id": point_id, "channel": channel}
    await audit.note(conn, me, "customer.opted_in", "customer", customer_id, now=now, detail=detail)


async def reveal(
    conn: Connection, vault: Vault, me: Me, customer_id: UUID, body: RevealIn, *, now: datetime
) -> tuple[asyncpg.Record, str]:
    """A whole number for whoever works with the file: holder, assignee of an open visit, a manager, a key that may. Audited.

    Raises CustomerNotFound, ContactPointNotFound, Forbidden.
    """
    await records.one(conn, TABLE, me.store_id, customer_id, CustomerNotFound)
    if not (me.is_manager or me.reads_pii or await conn.fetchval(_MAY_REVEAL, me.store_id, customer_id, me.staff_id)):
        raise Forbidden
    row, value = await _wanted(conn, vault, me.store_id, customer_id, body.contact_point_id)
    detail = {"contact_point_id": row["id"], "purpose": body.purpose}
    await audit.note(conn, me, "customer.revealed", "customer", customer_id, now=now, detail=detail)
    return row, value


async def _wanted(
    conn: Connection, vault: Vault, store_id: UUID, customer_id: UUID, point_id: UUID | None
) -> tuple[asyncpg.Record, str]:
    """The number named, else the first. A visit's id names the number of whoever brought the car."""
    callee = await conn.fetchrow(_CALLEE, store_id, customer_id, point_id) if point_id is not None else None
    if callee is not None:
        return callee, vault.open(callee["callee_phone"], "visits", "callee_phone", store_id, callee["id"])
    if point_id is not None:
        row = await points.point(conn, store_id, customer_id, point_id)
        return row, points.opened(vault, row)
    first = await conn.fetchrow(_FIRST_PHONE, store_id, customer_id)
    if first is None:
        raise points.ContactPointNotFound
    return first, points.opened(vault, first)


async def mark_deceased(conn: Connection, me: Me, customer_id: UUID, *, note: str | None, now: datetime) -> None:
    """Everything stops at once: visits, waiting messages, campaigns, appointments, tasks; said twice it stands as first said.

    Raises CustomerNotFound.
    """
    row = await _file(conn, me, customer_id)
    if row["deceased_at"] is not None:
        return
    await records.update(conn, TABLE, me.store_id, customer_id, {"deceased_at": now}, now=now)
    await cancel_open(conn, me.store_id, "customer_id", customer_id, DECEASED, now=now, actor=me.actor)
    await stop_customer(conn, me.store_id, customer_id, DECEASED, now=now)
    await audit.note(conn, me, "customer.deceased", "customer", customer_id, now=now, detail={"note": note} if note else None)


async def undo_deceased(conn: Connection, store: StoreContext, me: Me, customer_id: UUID, *, now: datetime) -> None:
    """It was an error: the file is in use again, and what was stopped for it and is still in its window goes on.

    An attempt that told of the death is withdrawn, at whatever age. Messages that were taken out do not come back. Raises CustomerNotFound.
    """
    row = await _file(conn, me, customer_id)
    if row["deceased_at"] is None:
        return
    stopped = [found["id"] for found in await conn.fetch(_STOPPED, me.store_id, customer_id, DECEASED)]
    told = [found["visit_id"] for found in await conn.fetch(_DEATHS, me.store_id, customer_id, now)]
    events = [(visit_id, "attempt_withdrawn", {"reason": "deceased_undone"}) for visit_id in told]
    await write_events(conn, me.store_id, events, now=now, actor=me.actor)
    await progress(conn, store, told, now=now, actor=me.actor)
    await records.update(conn, TABLE, me.store_id, customer_id, {"deceased_at": None}, now=now)
    back = await reopen(conn, store, stopped, was=DECEASED, reason="deceased_undone", now=now, actor=me.actor)
    await progress(conn, store, stopped, now=now, actor=me.actor)
    today = store.calendar.day_of(now)
    await resume_customer(conn, me.store_id, customer_id, DECEASED, now=now, today=today)
    detail = {"reopened": len(back) + len(told)}
    await audit.note(conn, me, "customer.deceased_undone", "customer", customer_id, now=now, detail=detail)


async def _file(conn: Connection, me: Me, customer_id: UUID, expected: Expected | None = None) -> asyncpg.Record:
    """The file, locked; one that was merged away is not written to. Raises CustomerNotFound, CustomerMerged, Stale."""
    row = await records.locked(conn, TABLE, me.store_id, customer_id, CustomerNotFound)
    if row["merged_into"] is not None:
        raise CustomerMerged(row["merged_into"])
    if expected is not None:
        expected.check(row["version"])
    return row


async def _check(conn: Connection, store_id: UUID, customer_id: UUID, values: dict[str, Any]) -> None:
    await records.require(conn, "staff", store_id, values.get("holder_id"), "/holder_id")
    birthday = values.get("birthday")
    if birthday is not None and birthday.year < 1900:
        raise Invalid("生日有误 / no such birthday", "/birthday")
    code = values.get("external_code")
    if code is not None and await conn.fetchval(_CODE, store_id, code, customer_id):
        raise CodeTaken


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
