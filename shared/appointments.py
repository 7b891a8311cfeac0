"""Booking under a lock, so that an hour never holds more cars than its plan says; and what follows from a booking.

Owns: the capacity of a slot, an appointment's states, arrivals seen in work orders, those who did not come.
Writes, always in the caller's transaction of one store and never committing: appointments; through `shared.planning` the visits
that confirm a booking or follow a missed one; the end of reminders of maintenance of a car that is booked.
Never: contacts anybody, reads a clock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import sha256
from uuid import UUID

import asyncpg
import orjson

from shared.db import Connection
from shared.domain.appointment import (
    HOLDING,
    PlanFault,
    Slot,
    SlotPlan,
    Taken,
    alternatives,
    last_bookable,
    may_become,
    read_plan,
    slot_at,
    slots_of,
)
from shared.domain.appointment import AppointmentState as State
from shared.errors import Conflict, Invalid, NotFound
from shared.events import Actor
from shared.ids import new_id
from shared.planning.arrivals import follow_appointments, recognise_arrivals
from shared.stores import StoreContext

SETTING = "appointment_slots"
LOOK_AHEAD_DAYS = 7
_DAY = timedelta(days=1)


class AppointmentNotFound(NotFound):
    """There is no such appointment."""

    code = "appointment_not_found"
    zh = "没有该预约，或您无权知道。"


class SlotFull(Conflict):
    """This hour is full; the next free ones are named."""

    code = "slot_full"

    def __init__(self, full: Taken, free: Sequence[Taken], store: StoreContext, pointer: str) -> None:
        held, places = full.taken, full.slot.capacity
        super().__init__(f"This hour is full ({held}/{places}).")
        said = [(store.calendar.local(one.slot.starts_at), one.free) for one in free]
        self.zh = f"该时段已约满（{held}/{places}）" + (
            "，请选：" + " · ".join(f"{at.month}月{at.day}日 {at:%H:%M} 余{left}" for at, left in said) if said else "。"
        )
        self.errors = [{"pointer": f"#{pointer}", "message": f"已约满 / full: {held}/{places}"}]
        self.more: Mapping[str, object] = {
            "slots": [
                {"starts_at": f"{at.isoformat(timespec='milliseconds')}", "free": left, "total": one.slot.capacity}
                for (at, left), one in zip(said, free, strict=True)
            ]
        }


class AlreadyBooked(Conflict):
    """This car has an appointment on that day already; move it instead."""

    code = "already_booked"
    zh = "该车当天已有预约，请改期而不要重复预约。"

    def __init__(self, appointment_id: UUID) -> None:
        super().__init__()
        self.more: Mapping[str, object] = {"appointment_id": str(appointment_id)}


class AppointmentOver(Conflict):
    """The appointment has ended; this can no longer become of it."""

    code = "appointment_over"
    zh = "此预约已结束，不能再作此操作。"


__all__ = [
    "AlreadyBooked",
    "AppointmentNotFound",
    "AppointmentOver",
    "Booking",
    "SlotFull",
    "become",
    "book",
    "follow_appointments",
    "move",
    "recognise_arrivals",
    "reserve",
    "slot_plan",
    "slots_between",
]


@dataclass(frozen=True)
class Booking:
    """What is to be booked. `replaces`: the appointment that is moved. `pointer`: the field that says when, for errors."""

    customer_id: UUID
    starts_at: datetime
    direction: str = "inbound"
    vehicle_id: UUID | None = None
    visit_id: UUID | None = None
    minutes: int = 60
    items: tuple[str, ...] = ()
    quoted_fen: int | None = None
    advisor_id: UUID | None = None
    note: str | None = None
    external_code: str | None = None
    replaces: UUID | None = None
    pointer: str = "/starts_at"


async def book(conn: Connection, store: StoreContext, booking: Booking, *, now: datetime, actor: Actor) -> UUID:
    """Take a place and do what follows. An external code that is known already gives the appointment it named.

    Raises SlotFull (with the next free slots), AlreadyBooked, Invalid at the field for a past or closed hour.
    """
    appointment_id = await reserve(conn, store, booking, now=now, actor=actor)
    await follow_appointments(conn, store, [appointment_id], now=now, actor=actor)
    return appointment_id


async def reserve(conn: Connection, store: StoreContext, booking: Booking, *, now: datetime, actor: Actor) -> UUID:
    """Only take the place: for a caller who has more to write before `follow_appointments`. Raises as `book` does.

    The lock is one of the transaction on the store's hour: bookings of one hour wait in line, those of others do not.
    """
    slot = _slot(store, booking, now)
    await conn.execute("SELECT pg_advisory_xact_lock($1)", _lock(store.id, slot))
    if booking.external_code is not None:
        known: UUID | None = await conn.fetchval(_BY_CODE, store.id, booking.external_code)
        if known is not None:
            return known
    taken = Taken(slot, await conn.fetchval(_COUNT, store.id, slot.starts_at, slot.ends_at, _HOLDING, booking.replaces))
    if taken.free == 0:
        raise SlotFull(taken, await _others(conn, store, booking, now), store, booking.pointer)
    await _refuse_double(conn, store, booking)
    appointment_id = new_id()
    await conn.execute(
        _INSERT, store.id, appointment_id, booking.customer_id, booking.vehicle_id, booking.visit_id, booking.external_code,
        booking.direction, booking.starts_at, booking.minutes, list(booking.items), booking.quoted_fen, booking.advisor_id,
        booking.note, actor.id if actor.kind == "staff" else None, now,
    )  # fmt: skip
    if booking.visit_id is not None:
        detail = {"appointment_id": str(appointment_id), "starts_at": booking.starts_at.isoformat()}
        await conn.execute(_EVENT, store.id, new_id(), booking.visit_id, now, actor.kind, actor.id, orjson.dumps(detail).decode())
    return appointment_id


async def become(
    conn: Connection,
    store: StoreContext,
    appointment_id: UUID,
    to: State,
    *,
    reason: str | None = None,
    moved_to_id: UUID | None = None,
    now: datetime,
    actor: Actor,
) -> bool:
    """Bring an appointment into another state with what follows; False when it stood there already.

    Raises AppointmentNotFound, AppointmentOver.
    """
    row = await conn.fetchrow(_LOCK, store.id, appointment_id)
    if row is None:
        raise AppointmentNotFound
    if not may_become(State(row["state"]), to):
        raise AppointmentOver
    if row["state"] == to:
        return False
    ends = to is not State.CONFIRMED
    await conn.execute(_BECOME, store.id, appointment_id, str(to), reason, moved_to_id, now, ends)
    await follow_appointments(conn, store, [appointment_id], now=now, actor=actor)
    return True


async def move(
    conn: Connection, store: StoreContext, old: asyncpg.Record, booking: Booking, *, now: datetime, actor: Actor
) -> UUID:
    """Book the new hour and let the old appointment point to it. `old` is locked by the caller. Raises as `book` does."""
    if not may_become(State(old["state"]), State.MOVED):
        raise AppointmentOver
    appointment_id = await reserve(conn, store, booking, now=now, actor=actor)
    await become(conn, store, old["id"], State.MOVED, moved_to_id=appointment_id, now=now, actor=actor)
    await follow_appointments(conn, store, [appointment_id], now=now, actor=actor)
    return appointment_id


def slot_plan(store: StoreContext) -> SlotPlan:
    """The store's plan; the usual one while it has none."""
    data = store.policies.get(SETTING)
    if not isinstance(data, Mapping):
        return SlotPlan()
    try:
        return read_plan(data)
    except PlanFault:  # written past the API: better the usual hours than none
        return SlotPlan()


async def slots_between(conn: Connection, store: StoreContext, first: date, last: date) -> list[Taken]:
    """Every slot of the store days from `first` to `last`, with how many places are held."""
    plan, calendar = slot_plan(store), store.calendar
    slots = [slot for number in range((last - first).days + 1) for slot in slots_of(first + number * _DAY, plan, calendar)]
    if not slots:
        return []
    rows = await conn.fetch(_STARTS, store.id, slots[0].starts_at, max(slot.ends_at for slot in slots), _HOLDING)
    starts = sorted(row["starts_at"] for row in rows)
    return [Taken(slot, sum(slot.starts_at <= at < slot.ends_at for at in starts)) for slot in slots]


def _slot(store: StoreContext, booking: Booking, now: datetime) -> Slot:
    plan, calendar = slot_plan(store), store.calendar
    if booking.starts_at <= now:
        raise Invalid("时间已过 / lies in the past", booking.pointer)
    if calendar.day_of(booking.starts_at) > last_bookable(plan, calendar.day_of(now)):
        raise Invalid(f"最多提前 {plan.ahead_days} 天预约 / at most {plan.ahead_days} days ahead", booking.pointer)
    slot = slot_at(booking.starts_at, plan, calendar)
    if slot is None:
        raise Invalid("门店此时不营业 / the store is closed at that time", booking.pointer)
    return slot


def _lock(store_id: UUID, slot: Slot) -> int:
    name = f"appointments|{store_id}|{slot.starts_at.timestamp():.0f}"
    return int.from_bytes(sha256(name.encode()).digest()[:8], signed=True)


async def _others(conn: Connection, store: StoreContext, booking: Booking, now: datetime) -> list[Taken]:
    """The free slots nearest to the one that is full: of its day if there are any, else of the days after."""
    day = store.calendar.day_of(booking.starts_at)
    same = alternatives(booking.starts_at, await slots_between(conn, store, day, day), now)
    last = min(day + LOOK_AHEAD_DAYS * _DAY, last_bookable(slot_plan(store), store.calendar.day_of(now)))
    return same or alternatives(booking.starts_at, await slots_between(conn, store, day, last), now)


async def _refuse_double(conn: Connection, store: StoreContext, booking: Booking) -> None:
    day = store.calendar.day_of(booking.starts_at)
    begins, ends = store.calendar.end_of_day(day - _DAY), store.calendar.end_of_day(day)
    other: UUID | None = await conn.fetchval(
        _SAME_DAY, store.id, booking.customer_id, booking.vehicle_id, begins, ends, booking.replaces
    )
    if other is not None:
        raise AlreadyBooked(other)


_HOLDING = sorted(str(state) for state in HOLDING)
_COUNT = """
    SELECT count(*) FROM appointments
    WHERE store_id = $1 AND starts_at >= $2 AND starts_at < $3 AND state = ANY($4) AND id IS DISTINCT FROM $5
"""
_STARTS = "SELECT starts_at FROM appointments WHERE store_id = $1 AND starts_at >= $2 AND starts_at < $3 AND state = ANY($4)"
_BY_CODE = "SELECT id FROM appointments WHERE store_id = $1 AND external_code = $2"
_SAME_DAY = """
    SELECT id FROM appointments
    WHERE store_id = $1 AND customer_id = $2 AND vehicle_id IS NOT DISTINCT FROM $3 AND starts_at >= $4 AND starts_at < $5
        AND state IN ('booked', 'confirmed') AND id IS DISTINCT FROM $6 LIMIT 1
"""
_INSERT = """
    INSERT INTO appointments (store_id, id, customer_id, vehicle_id, visit_id, external_code, direction, starts_at, minutes, items,
        quoted_fen, advisor_id, note, created_by, state, created_at, updated_at, version)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, 'booked', $15, $15, 1)
"""
_EVENT = """
    INSERT INTO visit_events (store_id, id, visit_id, at, kind, actor_kind, actor_id, detail)
    VALUES ($1, $2, $3, $4, 'appointment_booked', $5, $6, $7)
"""
_LOCK = "SELECT * FROM appointments WHERE store_id = $1 AND id = $2 FOR UPDATE"
_BECOME = """
    UPDATE appointments SET state = $3::text, state_reason = $4, moved_to_id = coalesce($5, moved_to_id),
        confirmed_at = CASE WHEN $3 = 'confirmed' THEN $6 ELSE confirmed_at END,
        arrived_at = CASE WHEN $3 = 'arrived' THEN $6 ELSE arrived_at END,
        closed_at = CASE WHEN $7 THEN $6 ELSE closed_at END, updated_at = $6, version = version + 1
    WHERE store_id = $1 AND id = $2
"""
