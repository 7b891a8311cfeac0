"""An appointment made, moved, confirmed or cancelled on a call (domain.md §7): its place is taken before anything of the call is written,
so that a full hour refuses the whole and the same body can be sent again with another hour.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from services.api.identities import Me
from services.api.visits.schemas import AppointmentMade, AttemptIn
from shared import appointments
from shared.appointments import Booking
from shared.db import Connection
from shared.domain.appointment import STANDING, AppointmentState
from shared.domain.visit import Outcome
from shared.errors import Invalid
from shared.stores import StoreContext

BOOKED, MISSED = "appointment.booked", "appointment.missed"
POINTER = "/appointment/at"
SPOKEN = frozenset({Outcome.REACHED, Outcome.NOT_OWNER, Outcome.CALL_LATER})
WITHDRAWN, BY_CUSTOMER = "attempt_withdrawn", "customer"
_SEPARATORS = re.compile(r"[、,，;；\n]+")

_LOCK = "SELECT * FROM appointments WHERE store_id = $1 AND id = $2 FOR UPDATE"
_MADE = """
    SELECT id FROM appointments
    WHERE store_id = $1 AND visit_id = $2 AND created_at >= $3 AND state IN ('booked', 'confirmed') ORDER BY id
"""


@dataclass(frozen=True)
class Place:
    """The appointment that took a place, and the one it is to take the place of."""

    appointment_id: UUID
    moved_id: UUID | None


async def take_place(
    conn: Connection,
    store: StoreContext,
    me: Me,
    visit: asyncpg.Record,
    body: AttemptIn,
    answers: Mapping[str, Any],
    *,
    now: datetime,
) -> Place | None:
    """Take the place of the appointment that was made on the call; None when none was made.

    On a call about an appointment that still stands it is that one which moves. Raises SlotFull with the next free slots, AlreadyBooked,
    Invalid with a pointer.
    """
    made = body.appointment
    if made is None:
        if answers.get("appointment_result") == "moved":
            raise Invalid("改期须给出新的时段 / a moved appointment wants its new hour", "/appointment")
        return None
    if body.outcome not in SPOKEN and body.direction != "in":
        raise Invalid("未接通时不能预约 / nobody was spoken to", "/appointment")
    person = store.staff.get(made.advisor_id) if made.advisor_id else None
    if made.advisor_id and (person is None or not person.active):
        raise Invalid("不是在岗员工 / not an active member of staff", "/appointment/advisor_id")
    old = await conn.fetchrow(_LOCK, store.id, visit["trigger_id"]) if visit["trigger_type"] == BOOKED else None
    if old is not None and old["state"] not in STANDING:
        old = None
    booking = _booking(visit, made, body, old)
    appointment_id = await appointments.reserve(conn, store, booking, now=now, actor=me.actor)
    return Place(appointment_id, old["id"] if old is not None else None)


async def follow_up(
    conn: Connection,
    store: StoreContext,
    me: Me,
    visits: Iterable[asyncpg.Record],
    place: Place | None,
    answers: Mapping[str, Any],
    *,
    now: datetime,
) -> None:
    """After the visits of the call have been brought on: what follows from the booking, and what the customer said of one that stood."""
    if place is not None:
        if place.moved_id is not None:
            moved, to = place.moved_id, AppointmentState.MOVED
            await appointments.become(conn, store, moved, to, moved_to_id=place.appointment_id, now=now, actor=me.actor)
        await appointments.follow_appointments(conn, store, [place.appointment_id], now=now, actor=me.actor)
    for visit in visits:
        if visit["trigger_type"] in (BOOKED, MISSED):
            await _said_of(conn, store, me, visit, answers, now)


async def take_back(conn: Connection, store: StoreContext, me: Me, visit_id: UUID, since: datetime, *, now: datetime) -> None:
    """The attempt was withdrawn: the appointment it made is none."""
    for row in await conn.fetch(_MADE, store.id, visit_id, since):
        to = AppointmentState.CANCELLED
        await appointments.become(conn, store, row["id"], to, reason=WITHDRAWN, now=now, actor=me.actor)


async def _said_of(
    conn: Connection, store: StoreContext, me: Me, visit: asyncpg.Record, answers: Mapping[str, Any], now: datetime
) -> None:
    row = await conn.fetchrow(_LOCK, store.id, visit["trigger_id"])
    if row is None:
        return
    said, state = answers.get("appointment_result"), AppointmentState(row["state"])
    if said == "confirmed" and state is AppointmentState.BOOKED:
        await appointments.become(conn, store, row["id"], AppointmentState.CONFIRMED, now=now, actor=me.actor)
    elif said == "cancelled" and state in STANDING:
        to = AppointmentState.CANCELLED
        await appointments.become(conn, store, row["id"], to, reason=BY_CUSTOMER, now=now, actor=me.actor)
    elif answers.get("missed_reason") == "arrived" and state is AppointmentState.NO_SHOW:
        to = AppointmentState.ARRIVED
        await appointments.become(conn, store, row["id"], to, reason=BY_CUSTOMER, now=now, actor=me.actor)


def _booking(visit: asyncpg.Record, made: AppointmentMade, body: AttemptIn, old: asyncpg.Record | None) -> Booking:
    items = tuple(item.strip() for item in _SEPARATORS.split(made.items or "") if item.strip())
    given = made.model_fields_set
    return Booking(
        customer_id=visit["customer_id"],
        vehicle_id=visit["vehicle_id"],
        visit_id=visit["id"],
        starts_at=made.at,
        direction="inbound" if body.direction == "in" else "outbound",
        minutes=made.minutes if old is None or "minutes" in given else old["minutes"],
        items=items or tuple(old["items"] if old else ()),
        quoted_fen=made.quoted_fen if old is None or "quoted_fen" in given else old["quoted_fen"],
        advisor_id=made.advisor_id if old is None or "advisor_id" in given else old["advisor_id"],
        note=made.note,
        replaces=old["id"] if old is not None else None,
        pointer=POINTER,
    )
