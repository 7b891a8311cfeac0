"""Whose open work is: read as items of the domain, given to others by set, taken back where nobody has worked on it since."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

import orjson

from shared.db import Connection
from shared.domain.assignment import ROLE_CHAIN
from shared.domain.handover import Given, Item, Taker, split
from shared.events import Actor
from shared.handover.moves import move_open_visits
from shared.ids import new_id
from shared.stores import StoreContext

VISITS, FILES, COMPLAINTS = "visits", "files", "complaints"
KINDS = (VISITS, FILES, "leads", "appointments", COMPLAINTS, "tasks")
COMPLAINT_CHAIN: Mapping[str, str] = {
    "technician": "service_advisor",
    "service_advisor": "service_manager",
    "sales_consultant": "sales_manager",
    "insurance_specialist": "sales_manager",
    "renewal_specialist": "customer_manager",
    "followup_specialist": "customer_manager",
    "sales_clerk": "sales_manager",
    "sales_manager": "general_manager",
    "service_manager": "customer_manager",
    "customer_manager": "general_manager",
}
"""A complaint is never nobody's: where no colleague is left, it goes up."""

FIRST_ROLE = ("sales_consultant", "service_advisor", "insurance_specialist", "renewal_specialist", "followup_specialist")
"""Of several roles, the one in which somebody holds files and complaints."""

_STAMPS = ", updated_at = $3, version = t.version + 1"


class Held(NamedTuple):
    """A table of things that a person holds besides visits."""

    table: str
    column: str
    stamps: str = _STAMPS


HELD: Mapping[str, Held] = {
    FILES: Held("customers", "holder_id"),
    "leads": Held("leads", "consultant_id"),
    "appointments": Held("appointments", "advisor_id"),
    COMPLAINTS: Held("complaints", "owner_id"),
    "tasks": Held("tasks", "assignee_id", ""),
}
_OPEN_WORK = """
    SELECT 'visits' AS kind, id, customer_id, role FROM visits
    WHERE store_id = $1 AND assignee_id = $2 AND closed_at IS NULL AND state IN ('planned', 'due', 'trying')
    UNION ALL
    SELECT 'files', id, id, NULL FROM customers WHERE store_id = $1 AND holder_id = $2 AND merged_into IS NULL
    UNION ALL
    SELECT 'leads', id, customer_id, 'sales_consultant' FROM leads
    WHERE store_id = $1 AND consultant_id = $2 AND state NOT IN ('won', 'lost')
    UNION ALL
    SELECT 'appointments', id, customer_id, 'service_advisor' FROM appointments
    WHERE store_id = $1 AND advisor_id = $2 AND state IN ('booked', 'confirmed')
    UNION ALL
    SELECT 'complaints', id, customer_id, NULL FROM complaints WHERE store_id = $1 AND owner_id = $2 AND closed_at IS NULL
    UNION ALL
    SELECT 'tasks', id, customer_id, role FROM tasks WHERE store_id = $1 AND assignee_id = $2 AND done_at IS NULL
"""
_LOAD = """
    SELECT assignee_id, count(*) AS open FROM visits
    WHERE store_id = $1 AND closed_at IS NULL AND assignee_id IS NOT NULL GROUP BY assignee_id
"""
# $3 is of use only where a table has stamps; a driver wants every parameter named.
_GIVE = """
    UPDATE {table} t SET {column} = m.to_id{stamps} FROM unnest($4::uuid[], $5::uuid[]) AS m(id, to_id)
    WHERE t.store_id = $1 AND t.id = m.id AND t.{column} = $2 AND ($3::timestamptz IS NOT NULL) RETURNING t.id
"""
_TAKE_BACK = """
    UPDATE {table} t SET {column} = $2{stamps} FROM unnest($4::uuid[], $5::uuid[]) AS m(id, to_id)
    WHERE t.store_id = $1 AND t.id = m.id AND t.{column} IS NOT DISTINCT FROM m.to_id AND ($3::timestamptz IS NOT NULL)
    RETURNING t.id
"""
_COMPLAINT_EVENTS = """
    INSERT INTO complaint_events (store_id, id, complaint_id, at, kind, actor_kind, actor_id, detail)
    SELECT $1, e.id, e.complaint_id, $2, 'owner_changed', $3, $4, e.detail::jsonb
    FROM unnest($5::uuid[], $6::uuid[], $7::text[]) AS e(id, complaint_id, detail)
"""
# Worked on since: an attempt, or a promise somebody set.
_STANDING = """
    SELECT v.id, v.assignee_id, v.state IN ('planned', 'due', 'trying') AS open,
           EXISTS (SELECT FROM attempts a WHERE a.store_id = v.store_id AND a.visit_id = v.id AND a.created_at > $3
                   AND a.withdrawn_at IS NULL)
           OR EXISTS (SELECT FROM visit_events e WHERE e.store_id = v.store_id AND e.visit_id = v.id AND e.at > $3
                      AND e.kind = 'promise_set') AS touched
    FROM visits v WHERE v.store_id = $1 AND v.id = ANY($2::uuid[])
"""


@dataclass(frozen=True)
class Kept:
    """What could not be taken back, and why: closed, worked_on, given_on."""

    kind: str
    id: UUID
    reason: str


async def open_work(conn: Connection, store: StoreContext, staff_id: UUID) -> list[Item]:
    """Everything open that is a person's. What has no role of its own is done in the person's first role."""
    person = store.staff.get(staff_id)
    own = min(person.roles, key=_rank, default=None) if person else None
    rows = await conn.fetch(_OPEN_WORK, store.id, staff_id)
    return [Item(row["kind"], row["id"], row["customer_id"], row["role"] or own) for row in rows]


def _rank(role: str) -> tuple[int, str]:
    return FIRST_ROLE.index(role) if role in FIRST_ROLE else len(FIRST_ROLE), role


async def takers(conn: Connection, store: StoreContext, day: date, *, without: Collection[UUID]) -> list[Taker]:
    """Who can take work on a day: active, not away, not one of `without`."""
    load = {row["assignee_id"]: row["open"] for row in await conn.fetch(_LOAD, store.id)}
    return [
        Taker(person.id, person.roles, person.capacity, load.get(person.id, 0))
        for person in store.staff.values()
        if person.active and person.id not in without and not any(start <= day <= end for start, end, _ in person.absent)
    ]


def shares(items: Sequence[Item], able: Sequence[Taker]) -> Given:
    """The even split; complaints go up where no colleague is left."""
    complaints = [item for item in items if item.kind == COMPLAINTS]
    others = [item for item in items if item.kind != COMPLAINTS]
    return split(others, able, ROLE_CHAIN) | split(complaints, able, COMPLAINT_CHAIN)


async def give(
    conn: Connection, store: StoreContext, staff_id: UUID, given: Given, *, reason: str, now: datetime, actor: Actor
) -> dict[str, dict[str, UUID | None]]:
    """Make each item the person's it is given to; out: whose what became, by kind and id, as `handovers.moves` keeps it."""
    by_kind: dict[str, dict[UUID, UUID | None]] = defaultdict(dict)
    for (kind, item_id), to_id in given.items():
        by_kind[kind][item_id] = to_id
    moved: dict[str, dict[str, UUID | None]] = {}
    if visits := by_kind.pop(VISITS, None):
        done = await move_open_visits(conn, store, list(visits), visits, reason=reason, now=now, actor=actor)
        moved[VISITS] = {str(one.visit_id): one.to_id for one in done}
    for kind, wanted in by_kind.items():
        sql = _GIVE.format(**HELD[kind]._asdict())
        rows = await conn.fetch(sql, store.id, staff_id, now, list(wanted), list(wanted.values()))
        moved[kind] = {str(row["id"]): wanted[row["id"]] for row in rows}
    await _tell_complaints(conn, store, staff_id, moved.get(COMPLAINTS, {}), reason, now, actor)
    return {kind: changed for kind, changed in moved.items() if changed}


async def take_back(
    conn: Connection,
    store: StoreContext,
    staff_id: UUID,
    moves: Mapping[str, Mapping[str, str | None]],
    since: datetime,
    *,
    reason: str,
    now: datetime,
    actor: Actor,
) -> tuple[Counter[str], list[Kept]]:
    """Give back what is still as it was put and nobody has worked on since; how many by kind, and what stays."""
    restored: Counter[str] = Counter()
    back, kept = await _visits_back(conn, store.id, moves.get(VISITS, {}), since)
    done = await move_open_visits(conn, store, back, dict.fromkeys(back, staff_id), reason=reason, now=now, actor=actor)
    restored[VISITS] = len(done)
    for kind in (kind for kind in moves if kind != VISITS):
        wanted = {UUID(item_id): UUID(to) if to else None for item_id, to in moves[kind].items()}
        sql = _TAKE_BACK.format(**HELD[kind]._asdict())
        rows = await conn.fetch(sql, store.id, staff_id, now, list(wanted), list(wanted.values()))
        restored[kind] = len(rows)
        kept += [Kept(kind, item_id, "given_on") for item_id in wanted.keys() - {row["id"] for row in rows}]
        if kind == COMPLAINTS:
            await _tell_complaints(conn, store, None, {str(row["id"]): staff_id for row in rows}, reason, now, actor)
    return +restored, kept


async def _visits_back(
    conn: Connection, store_id: UUID, moves: Mapping[str, str | None], since: datetime
) -> tuple[list[UUID], list[Kept]]:
    wanted = {UUID(visit_id): UUID(to) if to else None for visit_id, to in moves.items()}
    back: list[UUID] = []
    kept: list[Kept] = []
    for row in await conn.fetch(_STANDING, store_id, list(wanted), since) if wanted else ():
        overtaken = {
            "closed": not row["open"],
            "given_on": row["assignee_id"] != wanted[row["id"]],
            "worked_on": row["touched"],
        }
        why = next((reason for reason, holds in overtaken.items() if holds), None)
        if why is None:
            back.append(row["id"])
        else:
            kept.append(Kept(VISITS, row["id"], why))
    return back, kept


async def _tell_complaints(
    conn: Connection,
    store: StoreContext,
    from_id: UUID | None,
    moved: Mapping[str, UUID | None],
    reason: str,
    now: datetime,
    actor: Actor,
) -> None:
    rows = [
        (new_id(), UUID(complaint_id), orjson.dumps({"from": from_id, "to": to_id, "reason": reason}, str).decode())
        for complaint_id, to_id in moved.items()
    ]
    if rows:
        await conn.execute(_COMPLAINT_EVENTS, store.id, now, actor.kind, actor.id, *zip(*rows, strict=True))


def counted(moves: Mapping[str, Mapping[str, object]]) -> dict[str, dict[str, int]]:
    """How many of each kind went to whom; the pool is ""."""
    people: dict[str, Counter[str]] = defaultdict(Counter)
    for kind, changed in moves.items():
        for to in changed.values():
            people[str(to) if to else ""][kind] += 1
    return {person: dict(counts) for person, counts in people.items()}


def counts_of(items: Iterable[Item]) -> dict[str, int]:
    """How many of each kind there are."""
    found = Counter(item.kind for item in items)
    return {kind: found[kind] for kind in KINDS if found[kind]}
