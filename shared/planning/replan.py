"""When a fact changes: planned visits move, those whose reason went away are cancelled, what is new is planned."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg

from shared.crypto import Vault
from shared.db import Connection
from shared.domain.programme import FIRST_IMPORT_DAYS, Fact, PlanCounts, PlannedVisit, Programme, still_needed
from shared.domain.programme.facts import is_for_kind
from shared.events import Actor
from shared.planning.duties import write_duties
from shared.planning.facts import ids_of
from shared.planning.follow import plan_follow_ons
from shared.planning.people import Assigner
from shared.planning.plan import Planner
from shared.planning.rows import EXPIRED, PLANNED, Draft, tell, write_events, write_visits
from shared.stores import StoreContext
from shared.wakes import wake

_LOCK = "SELECT * FROM visits WHERE store_id = $1 AND trigger_id = ANY($2) ORDER BY id FOR UPDATE"
_CANCEL = """
    UPDATE visits SET state = 'cancelled', state_reason = $3, closed_at = $4, updated_at = $4, version = version + 1,
                      next_step = NULL, next_at = NULL, next_reason = NULL, wake_at = NULL
    WHERE store_id = $1 AND id = ANY($2)
"""
_MOVE = """
    UPDATE visits v SET due_on = m.due_on, due_at = m.due_at, window_start = m.window_start, window_end = m.window_end,
        target_at = m.target_at, trigger_at = m.trigger_at, state = m.state, state_reason = m.reason,
        next_step = CASE WHEN m.state = 'planned' THEN v.next_step END,
        next_at = CASE WHEN m.state = 'planned' THEN m.due_at END,
        next_reason = CASE WHEN m.state = 'planned' THEN v.next_reason END,
        wake_at = CASE WHEN m.state = 'planned' THEN m.due_at END,
        closed_at = CASE WHEN m.state = 'expired' THEN $2::timestamptz END, updated_at = $2, version = v.version + 1
    FROM unnest($3::uuid[], $4::date[], $5::timestamptz[], $6::timestamptz[], $7::timestamptz[], $8::timestamptz[],
                $9::timestamptz[], $10::text[], $11::text[])
        AS m(id, due_on, due_at, window_start, window_end, target_at, trigger_at, state, reason)
    WHERE v.store_id = $1 AND v.id = m.id
"""
OPEN = ("planned", "due", "trying")

Key = tuple[UUID, str, str, int]


@dataclass
class _Changes:
    """What replanning does to visits that are there: to cancel, by reason; to move."""

    cancel: dict[str, list[UUID]] = field(default_factory=lambda: defaultdict(list))
    move: list[tuple[asyncpg.Record, PlannedVisit]] = field(default_factory=list)


async def replan_fact(
    conn: Connection, store: StoreContext, fact: Fact, *, now: datetime, actor: Actor, vault: Vault | None = None
) -> PlanCounts:
    """One fact that changed; see `replan_facts`."""
    return await replan_facts(conn, store, [fact], now=now, actor=actor, vault=vault)


async def replan_facts(
    conn: Connection, store: StoreContext, facts: Sequence[Fact], *, now: datetime, actor: Actor, vault: Vault | None = None
) -> PlanCounts:
    """Bring the visits of facts in line with what is known now; how many came about.

    Nobody's work is undone: a visit that somebody has tried, or promised, does not move; one whose reason went away is cancelled.
    """
    rows = await conn.fetch(_LOCK, store.id, ids_of(facts))
    planner = Planner(store, now)
    wanted: dict[Key, tuple[PlannedVisit, Programme]] = {
        (fact.id, visit.programme, visit.step, visit.occurrence): (visit, programme)
        for fact in facts
        for visit, programme in planner.visits(fact)
    }
    by_trigger = {(str(fact.type), fact.id): fact for fact in facts}
    changes = _changes(rows, by_trigger, planner, wanted)
    await cancel_visits(conn, store.id, changes.cancel, now, actor)
    await move_visits(conn, store.id, changes.move, now, actor)
    there = {(row["trigger_id"], row["programme"], row["step"], row["occurrence"]) for row in rows}
    known = {row["trigger_id"] for row in rows}
    new = [wanted[key] for key in wanted if key not in there and not (key[0] in known and _long_past(wanted[key][0], now))]
    counts = await add_visits(conn, store, new, by_trigger, now, actor, vault)
    await write_duties(conn, store, planner.programmes, facts, now=now)
    closed = [row["id"] for row in rows if row["state"] not in OPEN and (row["trigger_type"], row["trigger_id"]) in by_trigger]
    followed = await plan_follow_ons(conn, store, closed, now=now, actor=actor, vault=vault) if closed else 0
    await tell(conn, store.id, len(changes.move) + len(changes.cancel) + counts.planned)
    return PlanCounts(counts.planned + followed, counts.expired, 0)


def _long_past(visit: PlannedVisit, now: datetime) -> bool:
    """Closed so long ago that a first import left it out; a correction years later does not bring it up either."""
    return visit.state == EXPIRED and visit.window_end <= now - timedelta(days=FIRST_IMPORT_DAYS)


def _changes(
    rows: Iterable[asyncpg.Record],
    facts: Mapping[tuple[str, UUID], Fact],
    planner: Planner,
    wanted: Mapping[Key, tuple[PlannedVisit, Programme]],
) -> _Changes:
    changes = _Changes()
    for row in rows:
        fact = facts.get((row["trigger_type"], row["trigger_id"]))
        if fact is None or row["state"] not in OPEN:
            continue
        reason = _no_longer(row, fact, planner)
        visit, _ = wanted.get((row["trigger_id"], row["programme"], row["step"], row["occurrence"]), (None, None))
        if reason is not None:
            changes.cancel[reason].append(row["id"])
        elif visit is not None and may_move(row) and differs(row, visit):
            changes.move.append((row, visit))
    return changes


def _no_longer(row: asyncpg.Record, fact: Fact, planner: Planner) -> str | None:
    """Why an open visit is not wanted any more; None when it still is, or when a person planned it."""
    if fact.excluded:
        return "excluded"
    programme = next((p for p in planner.programmes(fact) if p.key == row["programme"]), None)
    if programme is None:
        return "replaced" if planner.knows(row["programme"]) and row["tries"] == 0 and row["promised_at"] is None else None
    step = next((step for step in programme.steps if step.key == row["step"]), None)
    if step is None or not is_for_kind(step, fact):
        return None
    return None if still_needed(step, fact) else "reason_gone"


def may_move(row: asyncpg.Record) -> bool:
    """A visit that nobody has been shown as due, tried, or promised."""
    return row["state"] == PLANNED and row["tries"] == 0 and row["promised_at"] is None


def differs(row: asyncpg.Record, visit: PlannedVisit) -> bool:
    """True when the plan says another day or window than the visit has, or that it came too late."""
    return (row["due_on"], row["window_end"]) != (visit.due_on, visit.window_end) or visit.state == EXPIRED


async def cancel_visits(
    conn: Connection, store_id: UUID, cancelled: Mapping[str, Sequence[UUID]], now: datetime, actor: Actor
) -> None:
    """Cancel visits that the caller has locked, by reason."""
    for reason, ids in cancelled.items():
        await conn.execute(_CANCEL, store_id, list(ids), reason, now)
        await write_events(conn, store_id, [(id_, "cancelled", {"reason": reason}) for id_ in ids], now=now, actor=actor)


async def move_visits(
    conn: Connection, store_id: UUID, moved: Sequence[tuple[asyncpg.Record, PlannedVisit]], now: datetime, actor: Actor
) -> None:
    """Give visits that the caller has locked the day of a plan, or end them as expired, with the shifts in their histories."""
    if not moved:
        return
    values = [
        (row["id"], v.due_on, v.due_at, v.window_start, v.window_end, v.target_at, v.trigger_at, v.state, v.reason)
        for row, v in moved
    ]
    await conn.execute(_MOVE, store_id, now, *zip(*values, strict=True))
    await wake(conn, store_id, [row["id"] for row, _ in moved])
    events = [
        (
            row["id"],
            "moved" if v.state == PLANNED else EXPIRED,
            {"from": row["due_on"].isoformat(), "to": v.due_on.isoformat(), "shifts": v.shifts},
        )
        for row, v in moved
    ]
    await write_events(conn, store_id, events, now=now, actor=actor)


async def add_visits(
    conn: Connection,
    store: StoreContext,
    new: Sequence[tuple[PlannedVisit, Programme]],
    facts: Mapping[tuple[str, UUID], Fact],
    now: datetime,
    actor: Actor,
    vault: Vault | None,
) -> PlanCounts:
    """Write visits that are new, each with its person. `facts` by (trigger type, trigger id)."""
    if not new:
        return PlanCounts()
    assigner = await Assigner.load(conn, store, now=now, customer_ids={visit.customer_id for visit, _ in new})
    drafts = [
        Draft(visit, programme, assigner.assign(visit, facts[str(visit.trigger_type), visit.trigger_id]))
        for visit, programme in new
    ]
    written = await write_visits(conn, store.id, drafts, now=now, actor=actor, vault=vault)
    return PlanCounts(written.planned, written.expired)
