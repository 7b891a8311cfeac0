"""Writes of appointments: booking, moving, what became of them, the plan of slots, the tokens of feeds."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from services.api import audit, records
from services.api.appointments.queries import TABLE
from services.api.appointments.schemas import AppointmentIn, AppointmentPatch, SlotPlanIn
from services.api.etags import Expected
from services.api.identities import Me
from shared import appointments
from shared.appointments import SETTING, AppointmentNotFound, AppointmentOver, Booking
from shared.crypto import Vault
from shared.db import Connection
from shared.domain.appointment import STANDING, AppointmentState, PlanFault, SlotPlan, plan_json, read_plan
from shared.errors import Forbidden, Invalid
from shared.ids import new_id
from shared.stores import StoreContext, bump_store
from shared.tokens import new_hook_token, token_index

FEED = "calendar"
KEPT = ("minutes", "items", "quoted_fen", "advisor_id", "note")


class PlanInvalid(Invalid):
    """The plan has faults; the old one stays in force. Each is named with its place."""

    code = "slot_plan_invalid"
    zh = "容量设置有误，原设置继续有效；错误逐项列出。"

    def __init__(self, fault: PlanFault) -> None:
        super().__init__()
        self.errors = [{"pointer": f"#{pointer}", "message": message} for pointer, message in fault.faults]


async def add_appointment(conn: Connection, store: StoreContext, me: Me, body: AppointmentIn, *, now: datetime) -> UUID:
    """Book. Raises Invalid at a field, SlotFull, AlreadyBooked."""
    customer_id = await records.customer(conn, store.id, body.customer_id, "/customer_id")
    await _check(conn, store, customer_id, body.vehicle_id, body.advisor_id, body.visit_id)
    booking = Booking(**{**body.model_dump(), "customer_id": customer_id, "items": tuple(body.items)})
    appointment_id = await appointments.book(conn, store, booking, now=now, actor=me.actor)
    await audit.note(conn, me, "appointment.booked", "appointment", appointment_id, now=now)
    return appointment_id


async def change_appointment(
    conn: Connection,
    store: StoreContext,
    me: Me,
    appointment_id: UUID,
    body: AppointmentPatch,
    expected: Expected,
    *,
    now: datetime,
) -> UUID:
    """Change what was given; out: the appointment that stands, a new one when it was moved.

    Raises AppointmentNotFound, Stale, AppointmentOver, Invalid at a field, SlotFull, AlreadyBooked.
    """
    row = await records.locked(conn, TABLE, store.id, appointment_id, AppointmentNotFound, expected)
    given = body.given
    await _check(conn, store, row["customer_id"], row["vehicle_id"], given.get("advisor_id"), None)
    starts_at = given.pop("starts_at", row["starts_at"])
    if starts_at != row["starts_at"]:
        return await _move(conn, store, me, row, starts_at, given, now=now)
    if row["state"] not in STANDING:
        raise AppointmentOver
    if given:
        await records.update(conn, TABLE, store.id, appointment_id, given, now=now)
        if "advisor_id" in given:
            await appointments.follow_appointments(conn, store, [appointment_id], now=now, actor=me.actor)
        detail = {"fields": sorted(given)}
        await audit.note(conn, me, "appointment.changed", "appointment", appointment_id, now=now, detail=detail)
    return appointment_id


async def become(
    conn: Connection,
    store: StoreContext,
    me: Me,
    appointment_id: UUID,
    to: AppointmentState,
    *,
    reason: str | None = None,
    now: datetime,
) -> None:
    """Arrived, not come, confirmed or cancelled; said twice it stands as first said.

    Raises AppointmentNotFound, AppointmentOver, Invalid.
    """
    if to is AppointmentState.NO_SHOW:
        starts_at = await conn.fetchval(
            "SELECT starts_at FROM appointments WHERE store_id = $1 AND id = $2", store.id, appointment_id
        )
        if starts_at is not None and starts_at > now:
            raise Invalid("预约时间还没到 / the hour has not come yet")
    changed = await appointments.become(conn, store, appointment_id, to, reason=reason, now=now, actor=me.actor)
    if changed:
        await audit.note(conn, me, f"appointment.{to}", "appointment", appointment_id, now=now)


async def set_plan(conn: Connection, me: Me, body: SlotPlanIn, *, now: datetime) -> SlotPlan:
    """Make the plan what the body says. Raises PlanInvalid, and then the old one stays."""
    try:
        plan = read_plan(body.model_dump(mode="json", by_alias=True, exclude_none=True))
    except PlanFault as fault:
        raise PlanInvalid(fault) from None
    stored = orjson.dumps({SETTING: plan_json(plan)}).decode()
    await conn.execute(
        "UPDATE stores SET policies = policies || $2::jsonb, updated_at = $3 WHERE id = $1", me.store_id, stored, now
    )
    await bump_store(conn, me.store_id)
    await audit.note(conn, me, "store.slots_changed", "store", me.store_id, now=now)
    return plan


async def new_feed(conn: Connection, vault: Vault, me: Me, *, now: datetime) -> str:
    """A fresh token for the caller's own calendar; former ones end. Raises Forbidden for who is no person of the store."""
    await end_feed(conn, me, now=now)
    token = new_hook_token()
    await conn.execute(_FEED, new_id(), token_index(vault, token), me.store_id, FEED, str(me.staff_id), now)
    await audit.note(conn, me, "calendar_feed.made", "staff", me.staff_id, now=now)
    return token


async def end_feed(conn: Connection, me: Me, *, now: datetime) -> None:
    """No calendar app reads any more with the tokens the caller gave out. Raises Forbidden for who is no person of the store."""
    if me.staff_id is None:
        raise Forbidden
    await conn.execute(_END_FEED, me.store_id, FEED, str(me.staff_id), now)


async def feed_owner(conn: Connection, vault: Vault, store: StoreContext, token: str) -> UUID:
    """Whose calendar a token shows. Raises AppointmentNotFound for one that was ended, or whose owner has left."""
    found = await conn.fetchval(_FEED_OWNER, token_index(vault, token), store.id, FEED)
    person = store.staff.get(UUID(found)) if found else None
    if person is None or not person.active:
        raise AppointmentNotFound
    return person.id


async def _move(
    conn: Connection,
    store: StoreContext,
    me: Me,
    row: asyncpg.Record,
    starts_at: datetime,
    given: dict[str, Any],
    *,
    now: datetime,
) -> UUID:
    values: dict[str, Any] = {name: given.get(name, row[name]) for name in KEPT}
    booking = Booking(
        customer_id=row["customer_id"], vehicle_id=row["vehicle_id"], visit_id=row["visit_id"], direction=row["direction"],
        starts_at=starts_at, replaces=row["id"], **{**values, "items": tuple(values["items"])},
    )  # fmt: skip
    appointment_id = await appointments.move(conn, store, row, booking, now=now, actor=me.actor)
    await audit.note(conn, me, "appointment.moved", "appointment", row["id"], now=now, detail={"to": str(appointment_id)})
    return appointment_id


async def _check(
    conn: Connection,
    store: StoreContext,
    customer_id: UUID,
    vehicle_id: UUID | None,
    advisor_id: UUID | None,
    visit_id: UUID | None,
) -> None:
    owned = "SELECT true FROM {} WHERE store_id = $1 AND id = $2 AND customer_id = $3"
    if vehicle_id and not await conn.fetchval(owned.format("vehicles"), store.id, vehicle_id, customer_id):
        raise Invalid("不是该客户的车 / not a car of this customer", "/vehicle_id")
    if visit_id and not await conn.fetchval(owned.format("visits"), store.id, visit_id, customer_id):
        raise Invalid("不是该客户的回访 / not a visit of this customer", "/visit_id")
    person = store.staff.get(advisor_id) if advisor_id else None
    if advisor_id and (person is None or not person.active):
        raise Invalid("不是在岗员工 / not an active member of staff", "/advisor_id")


_FEED = "INSERT INTO hook_tokens (id, token_index, store_id, kind, provider, created_at) VALUES ($1, $2, $3, $4, $5, $6)"
_END_FEED = """
    UPDATE hook_tokens SET revoked_at = $4 WHERE store_id = $1 AND kind = $2 AND provider = $3 AND revoked_at IS NULL
"""
_FEED_OWNER = "SELECT provider FROM hook_tokens WHERE token_index = $1 AND store_id = $2 AND kind = $3 AND revoked_at IS NULL"
