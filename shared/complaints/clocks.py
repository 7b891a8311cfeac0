"""What time alone brings to complaints and problems: warnings, escalations, a missing countersign. Each once, whatever restarts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from shared.complaints import people, telling
from shared.complaints.rows import lock, policy_of, put, record, standing_of
from shared.complaints.telling import Work
from shared.db import Connection
from shared.domain.complaint import LAST_LEVEL, MANAGER_OF, Department, Name, Step, due_steps, escalated, level_role, passed_over
from shared.events import NOTIFY_FEED, Actor, feed
from shared.notices import notify
from shared.stores import StoreContext

TASK_OF: Mapping[Name, str] = {
    Name.RESPOND: "response_overdue",
    Name.CONTACT: "contact_overdue",
    Name.HANDLE: "handling_overdue",
    Name.TELL: "telling_overdue",
}
LIMIT = 100

_PROBLEMS = """
    SELECT id, customer_id, department, head_id, act_by FROM problems
    WHERE store_id = $1 AND resolved_at IS NULL AND acted_at IS NULL AND warned_at IS NULL AND act_by <= $2
    ORDER BY act_by, id LIMIT $3 FOR UPDATE SKIP LOCKED
"""
_WARNED = (
    "UPDATE problems SET warned_at = $3, updated_at = $3, version = version + 1 WHERE store_id = $1 AND id = ANY($2::uuid[])"
)


async def bring_on(conn: Connection, store: StoreContext, ids: Sequence[UUID], *, now: datetime, actor: Actor) -> int:
    """Take every step of these complaints that is due: said in the history, in `warned`, and to people. Out: how many steps."""
    return sum([await _bring_on(conn, store, row, now, actor) for row in await lock(conn, store.id, ids)])


async def _bring_on(conn: Connection, store: StoreContext, row: asyncpg.Record, now: datetime, actor: Actor) -> int:
    standing, policy = standing_of(row), policy_of(store)
    steps = due_steps(standing, policy, store.calendar, now)
    passed = passed_over(standing, policy, store.calendar, now)
    level, department = row["level"], Department(row["department"] or Department.SERVICE)
    events: list[tuple[UUID, str, Mapping[str, object]]] = []
    for step in steps:
        if step.what == "escalation":
            before, level = level, escalated(level, department)
            events.append((row["id"], "escalated", {"clock": step.clock, "by": _by(step), "from": before, "to": level}))
            await _escalate(conn, store, row, step, level, department, now)
        elif step.what == "warning":
            by = _end(row, step)
            events.append(
                (row["id"], "warned", {"clock": step.clock, "percent": step.percent, "by": by.isoformat() if by else None})
            )
            await _warn(conn, store, row, step, by, now)
        else:
            events.append((row["id"], "sign_off_missing", {"by": _by(step)}))
            await _miss_sign_off(conn, store, row, department, now)
    taken = {step.key for step in (*steps, *passed)}
    await put(conn, store, row["id"], {"level": level, "warned": sorted({*row["warned"], *taken})}, now=now)
    await record(conn, store.id, events, now=now, actor=actor)
    return len(steps)


async def bring_on_problems(conn: Connection, store: StoreContext, *, now: datetime) -> int:
    """Tell the manager of problems that their department has not acted on in time (S4: 24 h); how many."""
    rows = await conn.fetch(_PROBLEMS, store.id, now, LIMIT)
    for row in rows:
        manager = MANAGER_OF[Department(row["department"])]
        work = Work("problem_overdue", manager, None, row["act_by"], {"department": row["department"]})
        await telling.open_task(conn, store.id, row, work, now=now)
        subject = "Problems from calls were not acted on in time" if store.language == "en" else "客户反映的问题部门逾期未处理"
        heads = [row["head_id"]] if row["head_id"] else []
        await notify(
            conn, store, roles=[manager], staff_ids=heads, kind="problem_overdue", ref=str(row["id"]),
            subject=subject, body=f"{subject}\n{store.name}", now=now,
        )  # fmt: skip
    if rows:
        await conn.execute(_WARNED, store.id, [row["id"] for row in rows], now)
        await conn.execute("SELECT pg_notify($1, $2)", NOTIFY_FEED, feed(store.id, "problem"))
    return len(rows)


async def _escalate(
    conn: Connection, store: StoreContext, row: asyncpg.Record, step: Step, level: int, department: Department, now: datetime
) -> None:
    """One level up: a task for whoever is there, an e-mail to the level. The owner stays the owner (S3).

    Who keeps the complaint himself is not told of his own delay: the next level is.
    """
    assert step.clock is not None  # noqa: S101 - every escalation is of a clock
    told, day = level, store.calendar.day_of(now)
    while told < LAST_LEVEL and people.person_at(store, told, department, day) == row["owner_id"]:
        told = escalated(told, department)
    person = people.person_at(store, told, department, day)
    detail: dict[str, object] = {"number": row["number"], "level": level, "owner_id": row["owner_id"]}
    work = Work(TASK_OF[step.clock], level_role(told, department), person, now, detail)
    await telling.open_task(conn, store.id, row, work, now=now)
    await telling.tell(
        conn, store, row, f"escalation_{step.clock}", level=told, staff_ids=[person] if person else (),
        ref=_ref(row, step, step.at), by=step.at, now=now,
    )  # fmt: skip


async def _warn(
    conn: Connection, store: StoreContext, row: asyncpg.Record, step: Step, by: datetime | None, now: datetime
) -> None:
    owner = [row["owner_id"]] if row["owner_id"] else []
    kind, ref = f"warning_{step.clock}", _ref(row, step, by or step.at)
    await telling.tell(
        conn, store, row, kind, level=0 if owner else max(row["level"], 1), staff_ids=owner, ref=ref, by=by, now=now
    )


async def _miss_sign_off(
    conn: Connection, store: StoreContext, row: asyncpg.Record, department: Department, now: datetime
) -> None:
    work = Work("sign_off_missing", MANAGER_OF[department], None, now, {"number": row["number"]})
    await telling.open_task(conn, store.id, row, work, now=now)
    for level in (1, 3):
        await telling.tell(conn, store, row, "sign_off_missing", level=level, now=now)


def _end(row: asyncpg.Record, step: Step) -> datetime | None:
    """The end of the clock that a warning is about."""
    ends = {Name.RESPOND: row["respond_by"], Name.HANDLE: row["handle_by"], Name.TELL: row["tell_by"]}
    contact = standing_of(row).contact_by
    return contact if step.clock is Name.CONTACT else ends[step.clock] if step.clock else None


def _ref(row: asyncpg.Record, step: Step, by: datetime) -> str:
    """A clock that was moved warns anew."""
    return f":{row['reopened']}:{step.key}:{by:%Y%m%d%H%M}"


def _by(step: Step) -> str:
    return step.at.isoformat()
