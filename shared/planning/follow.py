"""What follows a closed visit: the date set in its result, the chase, the next on the grid, the tasks it leads to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID

import asyncpg
import orjson

from shared.crypto import Vault
from shared.db import Connection
from shared.domain.programme import (
    SYSTEM_ROLE,
    ClosedVisit,
    Fact,
    PlannedTask,
    PlannedVisit,
    Programme,
    Step,
    Trigger,
    follow_ons,
    leads_on,
    tasks_after,
)
from shared.events import Actor
from shared.ids import new_id
from shared.planning.people import Assigner
from shared.planning.rows import Draft, tell, write_visits
from shared.planning.sources import facts_of_triggers
from shared.stores import StoreContext

_CLOSED = """
    SELECT v.*, a.next_at AS set_at, said.answers,
           EXISTS (SELECT FROM visits f WHERE f.store_id = v.store_id AND f.trigger_id = v.trigger_id
                   AND f.follows_visit_id = v.id AND f.promised_at IS NOT NULL) AS promised_already,
           (SELECT max(f.occurrence) FROM visits f WHERE f.store_id = v.store_id AND f.trigger_id = v.trigger_id
            AND f.programme = v.programme) AS last_occurrence
    FROM visits v LEFT JOIN LATERAL (
        SELECT next_at FROM attempts a WHERE a.store_id = v.store_id AND a.visit_id = v.id AND a.withdrawn_at IS NULL
        ORDER BY a.seq DESC LIMIT 1) a ON true
    LEFT JOIN LATERAL (
        SELECT answers FROM attempts a WHERE a.store_id = v.store_id AND a.visit_id = v.id AND a.withdrawn_at IS NULL
        AND a.answers IS NOT NULL ORDER BY a.seq DESC LIMIT 1) said ON true
    WHERE v.store_id = $1 AND v.id = ANY($2) AND v.state NOT IN ('planned', 'due', 'trying')
"""
_BUSY = """
    SELECT customer_id, assignee_id, due_on FROM visits
    WHERE store_id = $1 AND customer_id = ANY($2) AND state IN ('planned', 'due', 'trying') AND assignee_id IS NOT NULL
"""
_TASKS = """
    INSERT INTO tasks (store_id, id, kind, customer_id, visit_id, role, assignee_id, due_at, detail, created_at)
    SELECT $1, t.id, t.kind, t.customer_id, t.visit_id, t.role, t.assignee_id, t.due_at, t.detail::jsonb, $2
    FROM unnest($3::uuid[], $4::text[], $5::uuid[], $6::uuid[], $7::text[], $8::uuid[], $9::timestamptz[], $10::text[])
        AS t(id, kind, customer_id, visit_id, role, assignee_id, due_at, detail)
    WHERE NOT EXISTS (SELECT FROM tasks o WHERE o.store_id = $1 AND o.visit_id = t.visit_id AND o.kind = t.kind)
    ON CONFLICT DO NOTHING
"""
INCOMPLETE = "incomplete"
Busy = Mapping[tuple[UUID, UUID], Sequence[date]]


@dataclass(frozen=True)
class Closed:
    """A closed visit as read, and the date its result set."""

    row: asyncpg.Record
    next_at: datetime | None

    @property
    def facts(self) -> ClosedVisit:
        row = self.row
        return ClosedVisit(
            row["step"],
            row["occurrence"],
            row["state"],
            row["due_on"],
            row["closed_at"] or row["updated_at"],
            self.next_at,
            row["id"],
            orjson.loads(row["answers"]) if row["answers"] else {},
        )


async def plan_follow_ons(
    conn: Connection,
    store: StoreContext,
    closed_visit_ids: Sequence[UUID],
    *,
    now: datetime,
    actor: Actor,
    vault: Vault | None = None,
) -> int:
    """Plan what follows the visits just closed; how many visits came about. Asking twice adds nothing.

    The date set in a result keeps the person who set it. Programmes out of force end their cadence, not a promise.
    """
    rows = await conn.fetch(_CLOSED, store.id, list(closed_visit_ids))
    closed = [_closed(row, store) for row in rows]
    if not any(_leads_on(one, store) for one in closed):
        return 0  # most calls are the last of their programme: nothing need be read for them
    facts = await facts_of_triggers(conn, store, {(row["trigger_type"], row["trigger_id"]) for row in rows})
    customers = {row["customer_id"] for row in rows}
    busy = await _busy_days(conn, store.id, customers)
    assigner = await Assigner.load(conn, store, now=now, customer_ids=customers)
    drafts = [draft for one in closed for draft in _drafts(one, store, facts, busy, assigner, now)]
    written = await write_visits(conn, store.id, drafts, now=now, actor=actor, vault=vault)
    await _open_tasks(conn, store, closed, facts, now)
    await tell(conn, store.id, written.planned)
    return written.planned


def _leads_on(closed: Closed, store: StoreContext) -> bool:
    programme = store.programmes.get(closed.row["programme"])
    return closed.next_at is not None or (programme is not None and leads_on(programme, closed.row["step"]))


def _closed(row: asyncpg.Record, store: StoreContext) -> Closed:
    if row["promised_already"] or row["state"] not in (INCOMPLETE, "completed"):
        return Closed(row, None)
    if row["set_at"] is None and row["state"] == INCOMPLETE:
        day = store.calendar.day_of(row["closed_at"] or row["updated_at"])
        return Closed(row, store.calendar.opening(store.calendar.next_open_day(day, inclusive=False)))
    return Closed(row, row["set_at"])


async def _busy_days(conn: Connection, store_id: UUID, customers: Iterable[UUID]) -> dict[tuple[UUID, UUID], list[date]]:
    """Days of other open visits by customer and person."""
    days: dict[tuple[UUID, UUID], list[date]] = defaultdict(list)
    for row in await conn.fetch(_BUSY, store_id, list(customers)):
        days[row["customer_id"], row["assignee_id"]].append(row["due_on"])
    return days


def _drafts(
    closed: Closed, store: StoreContext, facts: Mapping[tuple[str, UUID], Fact], busy: Busy, assigner: Assigner, now: datetime
) -> Iterable[Draft]:
    row = closed.row
    programme, fact = store.programmes.get(row["programme"]), facts.get((row["trigger_type"], row["trigger_id"]))
    if programme is None or fact is None or not any(step.key == row["step"] for step in programme.steps):
        if closed.next_at is not None:
            yield _again(closed, store, closed.next_at, assigner)
        return
    taken = busy.get((row["customer_id"], row["assignee_id"]), ())
    for visit in follow_ons(programme, closed.facts, fact, store.calendar, now, taken):
        if visit.promised_at is None:
            yield Draft(visit, programme, assigner.assign(visit, fact))
        else:
            kept = replace(visit, occurrence=max(visit.occurrence, (row["last_occurrence"] or 0) + 1))
            yield Draft(kept, programme, assigner.keep(kept, fact, row["assignee_id"]))


def _again(closed: Closed, store: StoreContext, next_at: datetime, assigner: Assigner) -> Draft:
    """The same visit on the date that was set, for one made by hand or of a programme no longer in force."""
    row, day = closed.row, store.calendar.day_of(next_at)
    role = row["role"] or SYSTEM_ROLE
    step = Step(row["step"], "", "", role, row["channel"], tuple(row["purposes"]))
    programme = Programme(
        row["programme"], "", "", row["tier"], "vehicle" if row["vehicle_id"] else "customer", Trigger.VISIT_CLOSED, None, (step,)
    )
    visit = PlannedVisit(
        programme=row["programme"], step=row["step"], occurrence=(row["last_occurrence"] or 0) + 1, purposes=step.purposes,
        role=role, channel=row["channel"], due_on=day, due_at=next_at,
        window_start=min(store.calendar.opening(day), next_at), window_end=store.calendar.end_of_day(day),
        trigger_type=row["trigger_type"], trigger_id=row["trigger_id"], trigger_at=row["trigger_at"],
        customer_id=row["customer_id"], vehicle_id=row["vehicle_id"], message=row["message_template"],
        promised_at=next_at, follows_visit_id=row["id"], version=row["programme_version"],
    )  # fmt: skip
    return Draft(visit, programme, assigner.keep(visit, None, row["assignee_id"]))


async def _open_tasks(
    conn: Connection, store: StoreContext, closed: Sequence[Closed], facts: Mapping[tuple[str, UUID], Fact], now: datetime
) -> None:
    rows = [task for one in closed for task in _tasks(one, store, facts, now)]
    if rows:
        await conn.execute(_TASKS, store.id, now, *zip(*rows, strict=True))


def _tasks(
    closed: Closed, store: StoreContext, facts: Mapping[tuple[str, UUID], Fact], now: datetime
) -> Iterable[tuple[object, ...]]:
    row = closed.row
    programme, fact = store.programmes.get(row["programme"]), facts.get((row["trigger_type"], row["trigger_id"]))
    if programme is None or fact is None or not any(step.key == row["step"] for step in programme.steps):
        return
    for task in tasks_after(programme, closed.facts, fact, store.calendar, now):
        yield _task_row(task, row, store, fact)


def _task_row(task: PlannedTask, row: asyncpg.Record, store: StoreContext, fact: Fact) -> tuple[object, ...]:
    """Whoever did the visit has its own tasks; one for another role goes to the person of the trigger, if in that role."""
    own = task.role is None
    person = store.staff.get(fact.person_staff_id) if fact.person_staff_id else None
    theirs = person.id if person is not None and person.active and task.role in person.roles else None
    detail = orjson.dumps({"reason": task.reason, "programme": row["programme"], "step": row["step"]}).decode()
    due_at = store.calendar.end_of_day(store.calendar.next_open_day(task.on))
    assignee = row["assignee_id"] if own else theirs
    return (new_id(), task.kind, row["customer_id"], row["id"], row["role"] if own else task.role, assignee, due_at, detail)
