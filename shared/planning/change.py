"""What another text of a programme means for visits that are planned already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

from shared.crypto import Vault
from shared.db import Connection
from shared.domain.programme import Fact, PlannedVisit, Programme, Step, still_needed
from shared.domain.programme.facts import is_for_kind
from shared.events import Actor
from shared.packs import load_pack
from shared.planning.people import Assigned, Assigner
from shared.planning.plan import Planner
from shared.planning.replan import add_visits, cancel_visits, differs, may_move, move_visits
from shared.planning.rows import NEXT_STEP, PLANNED, tell, write_events
from shared.planning.sources import facts_of_triggers
from shared.stores import StoreContext

STEP_REMOVED: Final = "step_removed"
REASON_GONE: Final = "reason_gone"
BY_HAND: Final = "moved"  # the `next_reason` of a visit to which somebody gave a day

_OPEN = """
    SELECT * FROM visits
    WHERE store_id = $1 AND programme = $2 AND state IN ('planned', 'due', 'trying') ORDER BY id
"""
_THERE = "SELECT trigger_id, step, occurrence FROM visits WHERE store_id = $1 AND programme = $2 AND trigger_id = ANY($3)"
_VERSIONS = "SELECT version, policy, source FROM programmes WHERE store_id = $1 AND key = $2 AND version = ANY($3)"
_FOLLOWED = "UPDATE visits SET programme_version = $3 WHERE store_id = $1 AND id = ANY($2) AND programme_version <> $3"
_RECAST = """
    UPDATE visits v SET role = r.role, channel = r.channel, assignee_id = r.assignee_id, purposes = string_to_array(r.purposes, ','),
        message_template = r.message, on_missed = r.on_missed, next_step = r.next_step, updated_at = $2, version = v.version + 1
    FROM unnest($3::uuid[], $4::text[], $5::text[], $6::uuid[], $7::text[], $8::text[], $9::text[], $10::text[])
        AS r(id, role, channel, assignee_id, purposes, message, on_missed, next_step)
    WHERE v.store_id = $1 AND v.id = r.id
"""


@dataclass(frozen=True)
class Recast:
    """A planned visit whose step is done otherwise now: by another role, another channel, with another message."""

    row: asyncpg.Record
    step: Step
    assigned: Assigned


Place = tuple[UUID, str, int]


@dataclass
class ProgrammeChange:
    """What becomes of planned visits. A visit may be moved and recast; one that was tried or promised is neither.

    `followed`: the visits that are from now on as the programme in force has them, moved or not.
    """

    moved: list[tuple[asyncpg.Record, PlannedVisit]] = field(default_factory=list)
    recast: list[Recast] = field(default_factory=list)
    cancelled: list[tuple[asyncpg.Record, str]] = field(default_factory=list)
    added: list[tuple[PlannedVisit, Programme, Assigned]] = field(default_factory=list)
    followed: list[UUID] = field(default_factory=list)
    facts: Mapping[tuple[str, UUID], Fact] = field(default_factory=dict)


async def change_of_programme(
    conn: Connection, store: StoreContext, key: str, *, now: datetime, lock: bool = False
) -> ProgrammeChange:
    """What the programme as `store` has it asks of the open visits planned by any version of it. Reads only.

    A visit moves when the programme has another day for it than the version that planned it has today: what the morning spread or
    somebody moved by hand is no change of the programme, and a day given by hand stays.
    Windows that are over already add nothing: a change looks ahead. A programme out of force leaves what is planned as it is.
    """
    programme = store.programmes.get(key)
    rows = await conn.fetch(_OPEN + (" FOR UPDATE" if lock else ""), store.id, key)
    change = ProgrammeChange()
    if programme is None or not rows:
        return change
    change.facts = await facts_of_triggers(conn, store, {(row["trigger_type"], row["trigger_id"]) for row in rows})
    facts = list(change.facts.values())
    wanted = {place: visit for place, visit in _plans(store, key, facts, now).items() if visit.state == PLANNED}
    former = await _former(conn, store, key, rows, change.facts, now)
    assigner = await Assigner.load(conn, store, now=now, customer_ids={row["customer_id"] for row in rows})
    for row in rows:
        _judge(row, programme, wanted, former, change, assigner)
    there = {tuple(row.values()) for row in await conn.fetch(_THERE, store.id, key, [key[0] for key in wanted])}
    for place, visit in wanted.items():
        if place not in there:
            fact = change.facts[str(visit.trigger_type), visit.trigger_id]
            change.added.append((visit, programme, assigner.assign(visit, fact)))
    return change


async def replan_programme(
    conn: Connection, store: StoreContext, key: str, *, now: datetime, actor: Actor, vault: Vault | None = None
) -> ProgrammeChange:
    """Bring planned visits in line with the programme as it stands in `store`, in the caller's transaction."""
    change = await change_of_programme(conn, store, key, now=now, lock=True)
    by_reason: dict[str, list[UUID]] = {}
    for row, reason in change.cancelled:
        by_reason.setdefault(reason, []).append(row["id"])
    await cancel_visits(conn, store.id, by_reason, now, actor)
    await _recast(conn, store.id, change, now, actor)
    await move_visits(conn, store.id, change.moved, now, actor)
    if change.followed:
        await conn.execute(_FOLLOWED, store.id, change.followed, store.programmes[key].version)
    added = [(visit, programme) for visit, programme, _ in change.added]
    await add_visits(conn, store, added, change.facts, now, actor, vault)
    await tell(conn, store.id, len(change.moved) + len(change.cancelled) + len(change.added) + len(change.recast))
    return change


def _plans(store: StoreContext, key: str, facts: Sequence[Fact], now: datetime) -> dict[Place, PlannedVisit]:
    """What the programme plans of the facts at this instant."""
    planner = Planner(store, now)
    return {
        (visit.trigger_id, visit.step, visit.occurrence): visit
        for fact in facts
        for visit, programme in planner.visits(fact)
        if programme.key == key
    }


async def _former(
    conn: Connection,
    store: StoreContext,
    key: str,
    rows: Sequence[asyncpg.Record],
    facts: Mapping[tuple[str, UUID], Fact],
    now: datetime,
) -> dict[UUID, PlannedVisit]:
    """What the version that planned each visit would plan today, by visit; without a version that is known, nothing."""
    former: dict[UUID, PlannedVisit] = {}
    for version in await conn.fetch(_VERSIONS, store.id, key, list({row["programme_version"] for row in rows})):
        own = replace(store, programmes={key: load_pack(version["source"], version["policy"])})
        of_version = [row for row in rows if row["programme_version"] == version["version"]]
        triggers = {(row["trigger_type"], row["trigger_id"]) for row in of_version} & facts.keys()
        plans = _plans(own, key, [facts[trigger] for trigger in triggers], now)
        former |= {row["id"]: plans[place] for row in of_version if (place := _place(row)) in plans}
    return former


def _place(row: asyncpg.Record) -> Place:
    return row["trigger_id"], row["step"], row["occurrence"]


def _judge(
    row: asyncpg.Record,
    programme: Programme,
    wanted: Mapping[Place, PlannedVisit],
    former: Mapping[UUID, PlannedVisit],
    change: ProgrammeChange,
    assigner: Assigner,
) -> None:
    """What becomes of one open visit."""
    fact = change.facts.get((row["trigger_type"], row["trigger_id"]))
    if fact is None or not may_move(row):
        return
    step = next((step for step in programme.steps if step.key == row["step"]), None)
    if step is None:
        change.cancelled.append((row, STEP_REMOVED))
        return
    if not (is_for_kind(step, fact) and still_needed(step, fact)):
        change.cancelled.append((row, REASON_GONE))
        return
    visit = wanted.get(_place(row))
    if visit is None:
        return
    change.followed.append(row["id"])
    if _moves(row, visit, former.get(row["id"])):
        change.moved.append((row, visit))
    if _is_other(row, step):
        change.recast.append(Recast(row, step, _person(row, step, visit, fact, assigner)))


def _moves(row: asyncpg.Record, visit: PlannedVisit, former: PlannedVisit | None) -> bool:
    if row["next_reason"] == BY_HAND or not differs(row, visit):
        return False
    return former is None or (former.due_on, former.window_end) != (visit.due_on, visit.window_end)


def _person(row: asyncpg.Record, step: Step, visit: PlannedVisit, fact: Fact, assigner: Assigner) -> Assigned:
    """Whoever has the visit keeps it while the role is the same."""
    return Assigned(row["assignee_id"], "kept") if row["role"] == step.role else assigner.assign(visit, fact)


def _is_other(row: asyncpg.Record, step: Step) -> bool:
    there = (row["role"], row["channel"], tuple(row["purposes"]), row["message_template"], row["on_missed"])
    return there != (step.role, step.channel, step.purposes, step.message, step.on_missed)


async def _recast(conn: Connection, store_id: UUID, change: ProgrammeChange, now: datetime, actor: Actor) -> None:
    if not change.recast:
        return
    values = [
        (
            one.row["id"], one.step.role, one.step.channel, one.assigned.staff_id, ",".join(one.step.purposes), one.step.message,
            one.step.on_missed, NEXT_STEP.get(one.step.channel, "call"),
        )
        for one in change.recast
    ]  # fmt: skip
    await conn.execute(_RECAST, store_id, now, *zip(*values, strict=True))
    events = [
        (one.row["id"], "reassigned", {"to": one.assigned.staff_id, "why": one.assigned.why, "reason": "programme_changed"})
        for one in change.recast
        if one.assigned.staff_id != one.row["assignee_id"]
    ]
    await write_events(conn, store_id, events, now=now, actor=actor)
