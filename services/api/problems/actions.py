"""Reading and moving problems: pending, acted on, told, resolved; or a complaint."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from services.api import records
from services.api.etags import Expected
from services.api.identities import Me
from services.api.paging import Paging
from services.api.permissions import TEAMS
from services.api.problems.schemas import ActIn, ProblemIn, ProblemPatch, ToComplaintIn, ToldIn
from services.api.records import Sort, Where
from shared.complaints import open_complaint
from shared.complaints.telling import finish_tasks
from shared.db import Connection
from shared.domain.complaint import MANAGER_OF, PROBLEM_STATE_LABELS, Department, ProblemState
from shared.errors import Conflict, Forbidden, Invalid, NotFound
from shared.events import NOTIFY_COMPLAINTS, NOTIFY_FEED, feed
from shared.problems import open_problem
from shared.stores import StoreContext

TABLE = "problems"
SORTS: Mapping[str, Sort] = {
    "act_by": Sort("t.act_by", "timestamptz"),
    "-opened_at": Sort("t.opened_at", "timestamptz", True),
}
DONE = ("problem_act", "problem_overdue")
_SELECT = """
    SELECT t.*, c.name AS customer_name FROM problems t
    JOIN customers c ON c.store_id = t.store_id AND c.id = t.customer_id
"""
_NOTIFY = "SELECT pg_notify($1, $2), pg_notify($3, $4)"


class ProblemNotFound(NotFound):
    """There is no such problem."""

    code = "problem_not_found"
    zh = "没有该问题，或您无权知道。"


class WrongProblemState(Conflict):
    """The problem does not stand where this can be done."""

    code = "problem_wrong_state"

    def __init__(self, state: str) -> None:
        label = PROBLEM_STATE_LABELS[ProblemState(state)]
        super().__init__(f"The problem is {state} ({label.en}); this cannot be done now.")
        self.zh = f"该问题为「{label.zh}」，现在不能这样做。"


async def page_of_problems(
    conn: Connection, store: StoreContext, filters: list[Where], overdue: bool | None, sort: Sort, paging: Paging, now: datetime
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of problems as they go out."""
    where = list(filters)
    if overdue is not None:
        late = "(t.acted_at IS NULL AND t.resolved_at IS NULL AND t.act_by < {})"
        where.append(Where(late if overdue else f"NOT {late}", now))
    rows, cursor = await records.page(conn, _SELECT, store.id, where, sort, paging)
    return [shown(row, store, now) for row in rows], cursor


async def problem(conn: Connection, store: StoreContext, problem_id: UUID, now: datetime) -> dict[str, Any]:
    """One problem as it goes out. Raises ProblemNotFound."""
    row = await conn.fetchrow(f"{_SELECT} WHERE t.store_id = $1 AND t.id = $2", store.id, problem_id)
    if row is None:
        raise ProblemNotFound
    return shown(row, store, now)


def shown(row: asyncpg.Record, store: StoreContext, now: datetime) -> dict[str, Any]:
    """A problem as it goes out."""
    head = store.staff.get(row["head_id"]) if row["head_id"] else None
    out = {name: value for name, value in row.items() if name not in ("store_id", "warned_at", "sort_key")}
    late = row["acted_at"] is None and row["resolved_at"] is None and row["act_by"] < now
    return out | {"head_name": head.name if head else None, "overdue": late}


async def add(conn: Connection, store: StoreContext, me: Me, body: ProblemIn, *, now: datetime) -> UUID:
    """Write a problem down. Raises Invalid at the field that names nothing of the store."""
    customer_id = await records.customer(conn, store.id, body.customer_id, "/customer_id")
    await records.require(conn, "vehicles", store.id, body.vehicle_id, "/vehicle_id")
    await records.require(conn, "visits", store.id, body.visit_id, "/visit_id")
    _check_head(store, body.head_id)
    return await open_problem(
        conn, store, customer_id=customer_id, vehicle_id=body.vehicle_id, visit_id=body.visit_id, type=body.type, text=body.text,
        department=body.department, head_id=body.head_id, now=now, actor=me.actor,
    )  # fmt: skip


async def change(
    conn: Connection, store: StoreContext, me: Me, problem_id: UUID, body: ProblemPatch, expected: Expected, *, now: datetime
) -> None:
    """Another department, another person, another type. Raises ProblemNotFound, Stale, Forbidden, WrongProblemState, Invalid."""
    row = await _entered(conn, me, problem_id, expected)
    if row["state"] != ProblemState.PENDING:
        raise WrongProblemState(row["state"])
    _check_head(store, body.head_id)
    given = {name: str(value) if isinstance(value, str) else value for name, value in body.given.items()}
    await _write(conn, store, problem_id, given, now)


async def act(conn: Connection, store: StoreContext, me: Me, problem_id: UUID, body: ActIn, *, now: datetime) -> None:
    """The department has acted. Raises WrongProblemState once the customer was told."""
    row = await _entered(conn, me, problem_id)
    if row["state"] not in (ProblemState.PENDING, ProblemState.ACTED):
        raise WrongProblemState(row["state"])
    values = {"state": str(ProblemState.ACTED), "action": body.action, "acted_at": row["acted_at"] or now}
    await _write(conn, store, problem_id, values, now)
    await finish_tasks(conn, store.id, problem_id, DONE, now=now, by=me.staff_id)


async def tell(conn: Connection, store: StoreContext, me: Me, problem_id: UUID, body: ToldIn, *, now: datetime) -> None:
    """The customer was told what was done. Raises WrongProblemState before anything was done and after it was resolved."""
    row = await _entered(conn, me, problem_id)
    if row["state"] not in (ProblemState.ACTED, ProblemState.TOLD):
        raise WrongProblemState(row["state"])
    values: dict[str, object] = {"state": str(ProblemState.TOLD), "told_at": row["told_at"] or now}
    if body.resolved:
        values |= {"state": str(ProblemState.RESOLVED), "resolved_at": now}
    await _write(conn, store, problem_id, values, now)


async def resolve(conn: Connection, store: StoreContext, me: Me, problem_id: UUID, *, now: datetime) -> None:
    """Resolved, after the customer was told; said twice it stands as first said. Raises WrongProblemState before."""
    row = await _entered(conn, me, problem_id)
    if row["state"] == ProblemState.RESOLVED:
        return
    if row["state"] != ProblemState.TOLD:
        raise WrongProblemState(row["state"])
    await _write(conn, store, problem_id, {"state": str(ProblemState.RESOLVED), "resolved_at": now}, now)


async def to_complaint(
    conn: Connection, store: StoreContext, me: Me, problem_id: UUID, body: ToComplaintIn, *, now: datetime
) -> UUID:
    """It is a complaint after all: opened now, with the problem's words; out: its id. Raises WrongProblemState when it is over."""
    row = await _entered(conn, me, problem_id)
    if row["state"] in (ProblemState.RESOLVED, ProblemState.COMPLAINT):
        raise WrongProblemState(row["state"])
    complaint_id = await open_complaint(
        conn, store, customer_id=row["customer_id"], vehicle_id=row["vehicle_id"], visit_id=row["visit_id"], kind=body.kind,
        category=body.category, severity=body.severity, text=row["text"], source="problem", department=row["department"], now=now,
        actor=me.actor,
    )  # fmt: skip
    values = {"state": str(ProblemState.COMPLAINT), "complaint_id": complaint_id, "resolved_at": now}
    await _write(conn, store, problem_id, values, now)
    await finish_tasks(conn, store.id, problem_id, DONE, now=now, by=me.staff_id)
    return complaint_id


async def _entered(conn: Connection, me: Me, problem_id: UUID, expected: Expected | None = None) -> asyncpg.Record:
    """The problem, held, for its department, whoever wrote it down, and managers. Raises ProblemNotFound, Stale, Forbidden."""
    row = await records.locked(conn, TABLE, me.store_id, problem_id, ProblemNotFound, expected)
    team = TEAMS[MANAGER_OF[Department(row["department"])]]
    own = me.staff_id is not None and me.staff_id in (row["head_id"], row["created_by"])
    if not (own or me.reads_all or me.roles & team):
        raise Forbidden
    return row


def _check_head(store: StoreContext, head_id: UUID | None) -> None:
    person = store.staff.get(head_id) if head_id else None
    if head_id is not None and (person is None or not person.active):
        raise Invalid("不是在岗员工 / not an active member of staff", "/head_id")


async def _write(conn: Connection, store: StoreContext, problem_id: UUID, values: Mapping[str, object], now: datetime) -> None:
    await records.update(conn, TABLE, store.id, problem_id, values, now=now)
    await conn.execute(_NOTIFY, NOTIFY_COMPLAINTS, str(store.id), NOTIFY_FEED, feed(store.id, "problem", problem_id))
