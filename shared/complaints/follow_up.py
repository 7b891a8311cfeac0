"""The result was told; now the customer's word decides: closed, or the loop again one level up (domain.md §11.4)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from shared.complaints import people, telling
from shared.complaints.opening import announce, first_clocks
from shared.complaints.rows import lock, policy_of, put, record
from shared.complaints.telling import Work
from shared.db import Connection
from shared.domain.complaint import (
    MANAGER_OF,
    Department,
    Kind,
    State,
    Verdict,
    ends_at,
    escalated,
    verdict,
    way_of,
)
from shared.events import Actor
from shared.planning.complaints import A_ROUND, facts_of_complaints
from shared.planning.plan import plan_facts
from shared.planning.replan import cancel_visits
from shared.planning.rows import tell as tell_planned
from shared.stores import StoreContext

AFTER_COMPLAINT = "after-complaint"
UNREACHED = frozenset({"unreachable", "invalid", "missed", "declined", "expired"})
AGAIN = frozenset({State.TOLD, State.CLOSED, State.CLOSED_UNCONFIRMED, State.REJECTED})

_VISITS = """
    SELECT v.id, v.trigger_id, v.state, v.satisfaction, v.occurrence,
           coalesce((SELECT a.answers FROM attempts a WHERE a.store_id = v.store_id AND a.visit_id = v.id AND a.withdrawn_at IS NULL
                     AND a.answers IS NOT NULL ORDER BY a.seq DESC LIMIT 1),
                    (SELECT s.answers FROM surveys s WHERE s.store_id = v.store_id AND s.visit_id = v.id AND s.answered_at IS NOT NULL
                     LIMIT 1)) AS answers
    FROM visits v WHERE v.store_id = $1 AND v.id = ANY($2::uuid[]) AND v.trigger_type = 'complaint.told' ORDER BY v.id
"""
_OPEN_VISITS = """
    SELECT id FROM visits WHERE store_id = $1 AND trigger_id = $2 AND trigger_type = 'complaint.told'
    AND state IN ('planned', 'due', 'trying') ORDER BY id FOR UPDATE
"""


async def tell_result(
    conn: Connection, store: StoreContext, row: Mapping[str, Any] | asyncpg.Record, *, now: datetime, actor: Actor
) -> None:
    """The result is told: plan the follow-up that asks for the customer's word (in a crisis also on days 3 and 7)."""
    facts = await facts_of_complaints(conn, store, [row["id"]])
    await plan_facts(conn, store, facts, now=now, actor=actor)


async def after_visits(
    conn: Connection, store: StoreContext, visit_ids: Collection[UUID], *, now: datetime, actor: Actor
) -> None:
    """Draw the conclusion from follow-ups of complaints that have just ended; other visits are passed over."""
    for visit in await conn.fetch(_VISITS, store.id, list(visit_ids)):
        rows = await lock(conn, store.id, [visit["trigger_id"]])
        if rows:
            await _conclude(conn, store, rows[0], visit, now, actor)


async def _conclude(
    conn: Connection, store: StoreContext, row: asyncpg.Record, visit: asyncpg.Record, now: datetime, actor: Actor
) -> None:
    if (visit["occurrence"] - 1) // A_ROUND != row["reopened"]:
        return  # of a loop that is over
    answers = orjson.loads(visit["answers"]) if visit["answers"] else {}
    word, state = verdict(visit["state"], visit["satisfaction"], answers), State(row["state"])
    detail = {"visit_id": visit["id"], "score": visit["satisfaction"]}
    if word is Verdict.NOT_SATISFIED and state in AGAIN:
        await reopen(conn, store, row, detail | {"reason": "not_satisfied"}, now=now, actor=actor)
    elif word is Verdict.SATISFIED and state in (State.TOLD, State.CLOSED_UNCONFIRMED):
        await close(conn, store, row, State.CLOSED, detail, now=now, actor=actor)
    elif state is State.TOLD and (visit["state"] in UNREACHED or (visit["state"] == "completed" and word is Verdict.SILENT)):
        await record(conn, store.id, [(row["id"], "not_confirmed", detail | {"state": visit["state"]})], now=now, actor=actor)
        manager = MANAGER_OF[Department(row["department"] or Department.SERVICE)]
        work = Work("complaint_unconfirmed", manager, None, None, {"number": row["number"], "state": visit["state"]})
        await telling.open_task(conn, store.id, row, work, now=now)
        ref = f":{row['reopened']}"
        await telling.tell(conn, store, row, "complaint_unconfirmed", level=1, ref=ref, now=now)


async def close(
    conn: Connection,
    store: StoreContext,
    row: asyncpg.Record,
    state: State,
    detail: Mapping[str, object],
    *,
    now: datetime,
    actor: Actor,
) -> asyncpg.Record:
    """Close a complaint whose result was told: by the customer's word, or (by a manager) without."""
    confirmed = {"confirmed_at": now} if state is State.CLOSED else {}
    closed_at = row["closed_at"] or now
    done = await put(conn, store, row["id"], {"state": str(state), "closed_at": closed_at, **confirmed}, now=now)
    await record(conn, store.id, [(row["id"], str(state), detail)], now=now, actor=actor)
    return done


async def reopen(
    conn: Connection, store: StoreContext, row: asyncpg.Record, detail: Mapping[str, object], *, now: datetime, actor: Actor
) -> asyncpg.Record:
    """The loop again, one level up, with new clocks; what the last one was is kept in the history."""
    department = Department(row["department"] or Department.SERVICE)
    level = escalated(row["level"], department)
    owner = people.person_at(store, level, department, store.calendar.day_of(now)) or row["owner_id"]
    clocks = first_clocks(store, Kind(row["kind"]), now, crisis=row["crisis"])
    del clocks["opened_at"]
    values: dict[str, object] = {
        **clocks, "state": str(State.OPEN), "level": level, "owner_id": owner, "round_at": now, "reopened": row["reopened"] + 1,
        "warned": [key for key in row["warned"] if key == "sign_off"], "pauses": None, "tell_by": None,
        **dict.fromkeys(("responded_at", "handled_at", "told_at", "resolved_at", "confirmed_at", "closed_at")),
    }  # fmt: skip
    last = {name: row[name] for name in _KEPT if row[name] is not None}
    await _end_follow_ups(conn, store, row["id"], now, actor)
    again = await put(conn, store, row["id"], values, now=now)
    story: dict[str, object] = {"level": level, "owner_id": owner, "round": again["reopened"], "last": last, **detail}
    await record(conn, store.id, [(row["id"], "reopened", story)], now=now, actor=actor)
    await announce(conn, store, again, "complaint_reopened", now=now)
    return again


def tell_by(store: StoreContext, handled_at: datetime) -> datetime:
    """The result is told within 24 hours of the handling."""
    policy = policy_of(store)
    return ends_at(handled_at, policy.tell, way_of(policy.tell, policy), store.calendar)


async def _end_follow_ups(conn: Connection, store: StoreContext, complaint_id: UUID, now: datetime, actor: Actor) -> None:
    """Visits that would ask about a result that no longer stands."""
    ids = [row["id"] for row in await conn.fetch(_OPEN_VISITS, store.id, complaint_id)]
    if ids:
        await cancel_visits(conn, store.id, {"complaint_reopened": ids}, now, actor)
        await tell_planned(conn, store.id, len(ids))


_KEPT = (
    "level", "owner_id", "respond_by", "responded_at", "handle_by", "handled_at", "tell_by", "told_at", "resolved_at", "closed_at",
)  # fmt: skip
