"""Appointments as facts: the confirmation on the open day before, the follow-up of one who did not come.

One appointment gives two facts, as a sale does: it was booked, and it was missed. Which of the two still stands is a condition of
the fact, so that a booking that is moved, cancelled or kept takes its visits with it.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

import asyncpg

from shared.db import Connection
from shared.domain.appointment import STANDING, AppointmentState
from shared.domain.programme import Fact, Trigger
from shared.stores import StoreContext

_APPOINTMENTS = """
    SELECT a.id, a.customer_id, a.vehicle_id, a.starts_at, a.state, a.advisor_id, a.created_at, a.closed_at,
           c.deceased_at IS NOT NULL OR c.merged_into IS NOT NULL OR v.ended_at IS NOT NULL AS gone
    FROM appointments a
    JOIN customers c ON c.store_id = a.store_id AND c.id = a.customer_id
    LEFT JOIN vehicles v ON v.store_id = a.store_id AND v.id = a.vehicle_id
    WHERE a.store_id = $1 AND a.id = ANY($2)
"""


async def facts_of_appointments(conn: Connection, store: StoreContext, ids: Collection[UUID]) -> list[Fact]:
    """Both facts of each appointment; those of customers who died and of cars that left are excluded."""
    rows = await conn.fetch(_APPOINTMENTS, store.id, list(ids))
    return [fact for row in rows for fact in (_booked(row, store), _missed(row, store))]


def _booked(row: asyncpg.Record, store: StoreContext) -> Fact:
    day = store.calendar.day_of(row["starts_at"])
    before = store.calendar.previous_open_day(day, inclusive=False)
    # Who booked on that day or later has just been spoken to.
    ahead = row["state"] in STANDING and store.calendar.day_of(row["created_at"]) < before
    attrs = {"open_day_before": before.isoformat(), "appointment_ahead": "yes" if ahead else "no"}
    return _fact(row, Trigger.APPOINTMENT_BOOKED, store, row["starts_at"], attrs)


def _missed(row: asyncpg.Record, store: StoreContext) -> Fact:
    missed = row["state"] == AppointmentState.NO_SHOW
    return _fact(
        row,
        Trigger.APPOINTMENT_MISSED,
        store,
        (row["closed_at"] if missed else None) or row["starts_at"],
        {"appointment_missed": "yes" if missed else "no"},
    )


def _fact(row: asyncpg.Record, trigger: Trigger, store: StoreContext, at: datetime, attrs: dict[str, str]) -> Fact:
    return Fact(
        type=trigger,
        id=row["id"],
        on=store.calendar.day_of(at),
        at=at,
        customer_id=row["customer_id"],
        vehicle_id=row["vehicle_id"],
        person_staff_id=row["advisor_id"],
        excluded=bool(row["gone"]),
        attrs=attrs,
    )
