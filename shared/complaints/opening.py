"""A complaint comes in: its number, its owner, its clocks, and everybody who must know at once."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from shared.complaints import people, telling
from shared.complaints.rows import policy_of, put, record
from shared.complaints.telling import Work
from shared.db import Connection
from shared.domain.complaint import (
    CONTACT_WITHIN,
    LAST_LEVEL,
    MANAGER_OF,
    Category,
    Department,
    Kind,
    ends_at,
    new_checklist,
    opening_level,
    sign_off_by,
    tick,
    way_of,
)
from shared.errors import Conflict
from shared.events import Actor
from shared.ids import new_id
from shared.stores import StoreContext

SCORE = "score"
_TRIES = 20

_LAST_NUMBER = """
    SELECT max(split_part(number, '-', 2)::int) FROM complaints WHERE store_id = $1 AND number LIKE $2 || '-%'
"""
_OF_VISIT = "SELECT id FROM complaints WHERE store_id = $1 AND visit_id = $2 AND source = 'score'"


class NoNumberLeft(Conflict):
    """The month's numbers are being taken faster than they can be counted; try again."""

    code = "no_number_left"
    zh = "登记过于频繁，请重试。"


async def open_complaint(
    conn: Connection,
    store: StoreContext,
    *,
    customer_id: UUID,
    vehicle_id: UUID | None,
    visit_id: UUID | None,
    kind: str,
    category: str,
    text: str,
    source: str,
    owner_id: UUID | None = None,
    work_order_id: UUID | None = None,
    severity: str = "normal",
    crisis_reasons: Collection[str] = (),
    department: str | None = None,
    wish: str | None = None,
    now: datetime,
    actor: Actor,
) -> UUID:
    """Register a complaint and start its clocks; out: its id. With source `score` there is one for a visit: asked again, the same.

    Attitude and crisis go to the general manager at once; a score to the manager of the department; everything else belongs to
    whoever took it, or did the work, and stays his to the end. Raises NoNumberLeft.
    """
    own, worker_id = await people.department_of(conn, store.id, visit_id)
    if worker_id is None and source != SCORE:
        worker_id = await people.advisor_of(conn, store.id, work_order_id, customer_id)
    answerable = Department(department) if department else own
    crisis, day = bool(crisis_reasons), store.calendar.day_of(now)
    level = max(opening_level(Kind(kind), crisis=crisis), 1 if source == SCORE else 0)
    owner = owner_id or people.choose_owner(store, level, answerable, actor, worker_id, day)
    checklist = tick(new_checklist(now, responded=False), "general_manager", now, "system") if crisis else {}
    values: dict[str, Any] = {
        "customer_id": customer_id,
        "vehicle_id": vehicle_id,
        "visit_id": visit_id,
        "work_order_id": work_order_id,
        "kind": kind,
        "category": category,
        "severity": severity,
        "crisis": crisis,
        "crisis_reasons": list(crisis_reasons),
        "crisis_checklist": orjson.dumps(checklist).decode(),
        "source": source,
        "department": str(answerable),
        "text": text,
        "wish": wish,
        "owner_id": owner,
        "level": level,
        **first_clocks(store, Kind(kind), now, crisis=crisis),
        "sign_off_by": sign_off_by(now, store.calendar),
        "created_by": actor.id if actor.kind == "staff" else None,
    }
    complaint_id = await _insert(conn, store, values, now)
    if complaint_id is None:  # somebody was quicker with the same score
        found: UUID = await conn.fetchval(_OF_VISIT, store.id, visit_id)
        return found
    row = await put(conn, store, complaint_id, {}, now=now)
    detail = {name: values[name] for name in ("kind", "category", "crisis", "source", "owner_id", "level", "visit_id")}
    await record(conn, store.id, [(complaint_id, "opened", {"number": row["number"], **detail})], now=now, actor=actor)
    await announce(conn, store, row, "complaint_opened", now=now)
    return complaint_id


async def open_for_score(
    conn: Connection,
    store: StoreContext,
    *,
    customer_id: UUID,
    vehicle_id: UUID | None,
    visit_id: UUID,
    score: int,
    text: str = "",
    problem_type: str | None = None,
    now: datetime,
    actor: Actor,
) -> UUID:
    """A score of 1 or 2 is a complaint of kind `service`, the advisor's manager its owner, one for each visit (domain.md §10.13)."""
    return await open_complaint(
        conn,
        store,
        customer_id=customer_id,
        vehicle_id=vehicle_id,
        visit_id=visit_id,
        kind=Kind.SERVICE,
        category=Category.SERVICE_QUALITY if problem_type in ("quality", "efficiency") else Category.OTHER,
        text=text or (f"Scored {score}" if store.language == "en" else f"满意度评分 {score} 分"),
        source=SCORE,
        now=now,
        actor=actor,
    )


def first_clocks(store: StoreContext, kind: Kind, now: datetime, *, crisis: bool) -> dict[str, datetime]:
    """The deadlines of a loop that begins now: first response (in a crisis within the hour around the clock), handling."""
    policy = policy_of(store)
    handling = policy.handling(kind)
    respond_by = now + CONTACT_WITHIN if crisis else ends_at(now, policy.respond, way_of(policy.respond, policy), store.calendar)
    return {
        "opened_at": now,
        "respond_by": respond_by,
        "handle_by": ends_at(now, handling, way_of(handling, policy), store.calendar),
    }


async def announce(conn: Connection, store: StoreContext, row: asyncpg.Record, kind: str, *, now: datetime) -> None:
    """Tell the owner; of attitude and crisis the general manager; ask for the countersign, and in a crisis for the report."""
    round_ = f":{row['reopened']}"
    owner = row["owner_id"]
    about: dict[str, object] = {"number": row["number"]}
    role = None if owner else MANAGER_OF[Department(row["department"] or Department.SERVICE)]
    await telling.open_task(conn, store.id, row, Work("complaint_respond", role, owner, row["respond_by"], about), now=now)
    await telling.tell(conn, store, row, kind, staff_ids=[owner] if owner else (), level=0 if owner else 1, ref=round_,
                       by=row["respond_by"], now=now)  # fmt: skip
    if row["signed_off_at"] is None and row["sign_off_by"] is not None:
        manager = MANAGER_OF[Department(row["department"] or Department.SERVICE)]
        await telling.open_task(
            conn, store.id, row, Work("complaint_sign_off", manager, None, row["sign_off_by"], about), now=now
        )
    if row["crisis"]:
        await tell_of_crisis(conn, store, row, now=now, by=row["respond_by"])
    elif row["kind"] == Kind.ATTITUDE:
        work = Work("complaint_attitude", "general_manager", None, row["respond_by"], about)
        await telling.open_task(conn, store.id, row, work, now=now)
        await telling.tell(conn, store, row, "complaint_attitude", level=LAST_LEVEL, ref=round_, by=row["respond_by"], now=now)


async def tell_of_crisis(conn: Connection, store: StoreContext, row: asyncpg.Record, *, now: datetime, by: datetime) -> None:
    """The general manager at once, by task and e-mail; the report to the regional office at once (S3)."""
    about: dict[str, object] = {"number": row["number"], "crisis": True}
    await telling.open_task(conn, store.id, row, Work("complaint_crisis", "general_manager", None, by, about), now=now)
    await telling.tell(conn, store, row, "complaint_crisis", level=LAST_LEVEL, ref=f":{row['reopened']}", by=by, now=now)
    await ask_for_report(conn, store, row, "crisis", now=now)


async def ask_for_report(conn: Connection, store: StoreContext, row: asyncpg.Record, reason: str, *, now: datetime) -> None:
    """What the house cannot settle, and every crisis, is reported to the regional office (S3)."""
    about: dict[str, object] = {"number": row["number"], "reason": reason}
    await telling.open_task(conn, store.id, row, Work("regional_report", "general_manager", None, now, about), now=now)
    await telling.tell(conn, store, row, "regional_report", level=LAST_LEVEL, now=now)


async def _insert(conn: Connection, store: StoreContext, values: dict[str, Any], now: datetime) -> UUID | None:
    """The row, numbered within its month. None: the visit's score has its complaint already. Raises NoNumberLeft."""
    month = f"{store.calendar.local(now):%Y%m}"
    row = {
        "id": new_id(), **values, "state": "open", "warned": [], "reopened": 0,
        "created_at": now, "updated_at": now, "version": 1,
    }  # fmt: skip
    names = ["store_id", "number", *row]
    places = ", ".join(f"${place}" for place in range(1, len(names) + 1))
    sql = f"INSERT INTO complaints ({', '.join(names)}) VALUES ({places}) ON CONFLICT DO NOTHING RETURNING id"
    for _ in range(_TRIES):
        last = await conn.fetchval(_LAST_NUMBER, store.id, month) or 0
        made: UUID | None = await conn.fetchval(sql, store.id, f"{month}-{last + 1:04d}", *row.values())
        if made is not None:
            return made
        if values["source"] == SCORE and await conn.fetchval(_OF_VISIT, store.id, values["visit_id"]):
            return None
    raise NoNumberLeft
