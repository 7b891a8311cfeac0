"""Flags for a manager's second look: the rules of `shared.domain.honest` put to what was recorded.

Writes `quality_flags`, in the caller's transaction: when an attempt is recorded (api) and each morning (scheduler), for what only a
whole day or month shows. The same cause is flagged once. Never: tells the person, changes a result.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from shared.db import Connection
from shared.domain.honest import (
    FlagKind,
    HonestPolicy,
    Work,
    all_fives,
    bulk_closes,
    denies,
    drawn,
    honest_policy,
    short_reach,
)
from shared.domain.programme import PlanCounts
from shared.domain.visit import Channel, Outcome
from shared.events import Actor
from shared.ids import new_id
from shared.stores import StoreContext

CLUB = "club"
LOOK_BACK = timedelta(days=2)
_DAY = timedelta(days=1)

_WORK = """
    SELECT a.id, a.visit_id, a.staff_id, a.channel, a.outcome, a.direction, a.at, a.created_at, a.started_at, a.talk_seconds,
           a.satisfaction, a.answers, v.customer_id, v.vehicle_id, v.tier,
           v.closed_at IS NOT NULL AND a.seq = (SELECT max(l.seq) FROM attempts l WHERE l.store_id = a.store_id
               AND l.visit_id = a.visit_id AND l.withdrawn_at IS NULL) AS closed
    FROM attempts a JOIN visits v ON v.store_id = a.store_id AND v.id = a.visit_id
    WHERE a.store_id = $1 AND a.withdrawn_at IS NULL AND a.staff_id IS NOT NULL AND {which}
"""
_BY_ID = _WORK.format(which="a.id = ANY($2::uuid[])")
_SINCE = _WORK.format(which="a.created_at >= $2")
_DENIED = """
    SELECT DISTINCT ON (a.staff_id) a.id, a.visit_id, a.staff_id
    FROM visits v JOIN attempts a ON a.store_id = v.store_id AND a.visit_id = v.id
    WHERE v.store_id = $1 AND v.customer_id = $2 AND v.tier = 'sales' AND ($3::uuid IS NULL OR v.vehicle_id IS NULL OR v.vehicle_id = $3)
      AND a.outcome = 'reached' AND a.channel = 'phone' AND a.direction = 'out' AND a.withdrawn_at IS NULL AND a.at <= $4
      AND a.staff_id IS NOT NULL AND a.staff_id <> $5
    ORDER BY a.staff_id, a.at DESC
"""
_SCORES = """
    SELECT staff_id, array_agg(satisfaction) AS scores FROM attempts
    WHERE store_id = $1 AND created_at >= $2 AND satisfaction IS NOT NULL AND withdrawn_at IS NULL AND staff_id IS NOT NULL
    GROUP BY staff_id
"""
_FLAG = """
    INSERT INTO quality_flags (store_id, id, kind, staff_id, visit_id, attempt_id, day, at, detail, state)
    SELECT $1, f.id, f.kind, f.staff_id, f.visit_id, f.attempt_id, f.day, $2, f.detail::jsonb, 'open'
    FROM unnest($3::uuid[], $4::text[], $5::uuid[], $6::uuid[], $7::uuid[], $8::text[], $9::text[])
        AS f(id, kind, staff_id, visit_id, attempt_id, day, detail)
    ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True)
class Flag:
    """A cause to look: of whom, about which visit and attempt, of which day (or month)."""

    kind: FlagKind
    staff_id: UUID
    visit_id: UUID | None
    attempt_id: UUID | None
    day: str
    detail: Mapping[str, object]


def policy_of(store: StoreContext) -> HonestPolicy:
    """The store's settings."""
    return honest_policy(store.policies.get("honest") or {})


async def flag_attempts(conn: Connection, store: StoreContext, attempt_ids: Collection[UUID], *, now: datetime) -> None:
    """What the attempts just recorded show by themselves: too short a talk, a denial, a result drawn at random."""
    rows = await conn.fetch(_BY_ID, store.id, list(attempt_ids))
    await _write(conn, store.id, await _flags_of(conn, store, rows), now)


async def flag_work(conn: Connection, store: StoreContext, *, now: datetime, actor: Actor) -> PlanCounts:
    """The morning's run: what only a day (many closed at once) or a month (all scores 5) shows, and what was missed before."""
    today = store.calendar.day_of(now)
    rows = await conn.fetch(_SINCE, store.id, now - LOOK_BACK)
    flags = await _flags_of(conn, store, rows)
    policy, by_person = policy_of(store), defaultdict(list)
    for row in rows:
        by_person[row["staff_id"]].append(_work(row))
    flags += [flag for staff_id, work in by_person.items() for flag in _bulk(store, staff_id, work, policy)]
    month = (today - _DAY).replace(day=1)
    for row in await conn.fetch(_SCORES, store.id, store.calendar.opening(month).replace(hour=0)):
        if all_fives(row["scores"], policy):
            detail = {"scores": len(row["scores"]), "month": f"{month:%Y-%m}"}
            flags.append(Flag(FlagKind.ALL_FIVES, row["staff_id"], None, None, f"{month:%Y-%m}", detail))
    await _write(conn, store.id, flags, now)
    return PlanCounts()


async def _flags_of(conn: Connection, store: StoreContext, rows: Iterable[asyncpg.Record]) -> list[Flag]:
    policy = policy_of(store)
    flags: list[Flag] = []
    for row in rows:
        work, day = _work(row), store.calendar.day_of(row["created_at"]).isoformat()
        about = (row["staff_id"], row["visit_id"], row["id"], day)
        if short_reach(work, policy):
            flags.append(Flag(FlagKind.SHORT_REACH, *about, {"talk_seconds": row["talk_seconds"]}))
        if work.closed and work.outcome is Outcome.REACHED and drawn(work.visit_id, policy):
            flags.append(Flag(FlagKind.SAMPLE, *about, {}))
        if row["tier"] == CLUB and work.outcome is Outcome.REACHED and denies(_answers(row)):
            flags += await _denied(conn, store, row, day)
    return flags


async def _denied(conn: Connection, store: StoreContext, row: asyncpg.Record, day: str) -> list[Flag]:
    """The consultants who had written down that they reached this customer, each by his last such call."""
    denied = await conn.fetch(_DENIED, store.id, row["customer_id"], row["vehicle_id"], row["at"], row["staff_id"])
    detail = {"club_visit_id": row["visit_id"], "club_attempt_id": row["id"]}
    return [Flag(FlagKind.DENIED_REACH, call["staff_id"], call["visit_id"], call["id"], day, detail) for call in denied]


def _bulk(store: StoreContext, staff_id: UUID, work: Iterable[Work], policy: HonestPolicy) -> list[Flag]:
    return [
        Flag(
            FlagKind.BULK_CLOSE, staff_id, run.visit_ids[0], None, store.calendar.day_of(run.first).isoformat(),
            {"visits": run.visit_ids, "count": len(run.visit_ids), "from": run.first.isoformat(), "to": run.last.isoformat()},
        )
        for run in bulk_closes(work, policy)
    ]  # fmt: skip


def _work(row: asyncpg.Record) -> Work:
    return Work(
        attempt_id=row["id"],
        visit_id=row["visit_id"],
        customer_id=row["customer_id"],
        channel=Channel(row["channel"]),
        outcome=Outcome(row["outcome"]),
        recorded_at=row["created_at"],
        opened_at=row["started_at"],
        talk_seconds=row["talk_seconds"],
        direction=row["direction"],
        closed=row["closed"],
        satisfaction=row["satisfaction"],
    )


def _answers(row: asyncpg.Record) -> dict[str, Any] | None:
    found: dict[str, Any] | None = orjson.loads(row["answers"]) if row["answers"] else None
    return found


async def _write(conn: Connection, store_id: UUID, flags: Iterable[Flag], now: datetime) -> None:
    rows = [
        (new_id(), str(f.kind), f.staff_id, f.visit_id, f.attempt_id, f.day, orjson.dumps(f.detail, str).decode()) for f in flags
    ]
    if rows:
        await conn.execute(_FLAG, store_id, now, *zip(*rows, strict=True))
