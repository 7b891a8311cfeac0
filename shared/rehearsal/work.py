"""Work that is ahead: open visits, and those the calendar will plan on the mornings to come."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Final
from uuid import UUID

import asyncpg

from shared.db import Connection
from shared.domain.programme import PlannedVisit
from shared.events import SYSTEM
from shared.planning.change import ProgrammeChange, Recast
from shared.planning.daily import plan_day
from shared.stores import StoreContext

MORNING: Final = time(5)
MESSAGES: Final = frozenset({"sms", "email", "letter"})
_DAY = timedelta(days=1)

_COLUMNS = """
    id, customer_id, vehicle_id, programme, step, occurrence, trigger_id, role, assignee_id, channel, message_template, state,
    due_on, due_at, next_at, next_step
"""
_OPEN = f"""
    SELECT {_COLUMNS} FROM visits
    WHERE store_id = $1 AND state IN ('planned', 'due', 'trying') AND coalesce(next_at, due_at) < $2
"""
_PLANNED = f"SELECT {_COLUMNS} FROM visits WHERE store_id = $1 AND created_at = $2 AND state = 'planned' AND due_at < $3"

Place = tuple[UUID, str, str, int]


class _Undo(Exception):
    """Raised to leave a savepoint with everything in it undone."""


@dataclass(frozen=True)
class Work:
    """One contact that is ahead: whose, on which store day, by which channel. `visit_id` None: it is not planned yet."""

    visit_id: UUID | None
    customer_id: UUID
    vehicle_id: UUID | None
    programme: str
    step: str
    place: Place
    role: str | None
    assignee_id: UUID | None
    channel: str
    message: str | None
    at: datetime
    on: date

    @property
    def is_call(self) -> bool:
        return self.channel not in MESSAGES


@asynccontextmanager
async def undone(conn: Connection) -> AsyncIterator[None]:
    """What is written inside is taken back at the end, notices included."""
    try:
        async with conn.transaction():
            yield
            raise _Undo
    except _Undo:
        return


async def open_work(conn: Connection, store: StoreContext, *, now: datetime, until: datetime) -> list[Work]:
    """What is planned, due or being tried, as far as its next step lies before `until`; overdue steps are today's."""
    rows = await conn.fetch(_OPEN, store.id, until)
    return [_work(row, store, now, planned=True) for row in rows]


async def calendar_work(conn: Connection, store: StoreContext, *, now: datetime, until: datetime) -> list[Work]:
    """What the mornings from tomorrow on will plan by themselves, and fall due before `until`.

    Each morning is planned on its own and undone at once, so that rows are locked for moments only.
    """
    found: dict[Place, Work] = {}
    day = store.calendar.day_of(now) + _DAY
    while (morning := store.calendar.at(day, MORNING)) < until:
        async with undone(conn):
            await plan_day(conn, store, now=morning, actor=SYSTEM)
            rows = await conn.fetch(_PLANNED, store.id, morning, until)
        for row in rows:
            work = _work(row, store, morning, planned=False)
            found.setdefault(work.place, work)
        day += _DAY
    return list(found.values())


def changed_work(work: Iterable[Work], change: ProgrammeChange, store: StoreContext, until: datetime) -> list[Work]:
    """The same work after a change of planned visits."""
    gone = {row["id"] for row, _ in change.cancelled}
    moved = {row["id"]: visit for row, visit in change.moved}
    recast = {one.row["id"]: one for one in change.recast}
    after = [_recast(_moved(each, moved, store), recast) for each in work if each.visit_id not in gone]
    here = {each.visit_id for each in work}
    after += [
        _moved(_work(row, store, visit.due_at, planned=True), moved, store)
        for row, visit in change.moved
        if row["id"] not in here
    ]
    after += [
        Work(
            None, visit.customer_id, visit.vehicle_id, visit.programme, visit.step,
            (visit.trigger_id, visit.programme, visit.step, visit.occurrence), visit.role, assigned.staff_id, visit.channel,
            visit.message, visit.due_at, visit.due_on,
        )
        for visit, _, assigned in change.added
    ]  # fmt: skip
    return [each for each in after if each.at < until]


def _moved(work: Work, moved: Mapping[UUID, PlannedVisit], store: StoreContext) -> Work:
    visit = moved.get(work.visit_id) if work.visit_id else None
    return work if visit is None else replace(work, at=visit.due_at, on=store.calendar.day_of(visit.due_at))


def _recast(work: Work, recast: Mapping[UUID, Recast]) -> Work:
    one = recast.get(work.visit_id) if work.visit_id else None
    if one is None:
        return work
    step = one.step
    return replace(work, role=step.role, channel=step.channel, message=step.message, assignee_id=one.assigned.staff_id)


def _work(row: asyncpg.Record, store: StoreContext, now: datetime, *, planned: bool) -> Work:
    at = max(row["next_at"] or row["due_at"], now)
    step = row["next_step"]
    return Work(
        visit_id=row["id"] if planned else None,
        customer_id=row["customer_id"],
        vehicle_id=row["vehicle_id"],
        programme=row["programme"],
        step=row["step"],
        place=(row["trigger_id"], row["programme"], row["step"], row["occurrence"]),
        role=row["role"],
        assignee_id=row["assignee_id"],
        channel=step if step in MESSAGES else row["channel"],
        message=row["message_template"],
        at=at,
        on=store.calendar.day_of(at),
    )
