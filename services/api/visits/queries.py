"""Reading visits: one with its attempts in one statement, pages of them, and what a call covers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from services.api.identities import Me
from services.api.paging import Paging
from services.api.permissions import TEAMS
from services.api.visits.schemas import Filters
from shared.db import Connection
from shared.domain.confirmation import SAMPLE_PERCENT, to_confirm
from shared.domain.visit import State
from shared.errors import Invalid, NotFound

VISIT_COLUMNS = (
    "id, store_id, customer_id, vehicle_id, programme, step, occurrence, purposes, role, assignee_id, channel, state, state_reason,"
    " late, follows_visit_id, due_on, window_start, window_end, target_at, promised_at, trigger_type, trigger_id, trigger_at,"
    " tries, next_step, next_at, next_reason, satisfaction, problem_type, closed_at, confirmed_at, confirmed_by, created_at,"
    " updated_at, version"
)
ATTEMPT_COLUMNS = (
    "id, visit_id, staff_id, seq, channel, outcome, direction, at, started_at, talk_seconds, reached_person, contact_point_id, note,"
    " satisfaction, problem_type, answers, result, corrections, next_at, late, withdrawn_at"
)
_VISIT_FIELDS = VISIT_COLUMNS.split(", ")
_ATTEMPT_FIELDS = ATTEMPT_COLUMNS.split(", ")
_JOINED = ", ".join(f"a.{name} AS a_{name}" for name in _ATTEMPT_FIELDS)
_JOINED_FIELDS = [(name, f"a_{name}") for name in _ATTEMPT_FIELDS]
_JSON_FIELDS = {"answers", "corrections"}
_PLAIN = [
    name
    for name in _VISIT_FIELDS
    if name not in {"trigger_type", "trigger_id", "trigger_at", "next_step", "next_at", "next_reason"}
]

_ONE = f"""
    SELECT {", ".join("v." + name for name in _VISIT_FIELDS)}, {_JOINED}
    FROM visits v LEFT JOIN attempts a ON a.store_id = v.store_id AND a.visit_id = v.id
    WHERE v.store_id = $1 AND v.id = $2 ORDER BY a.seq
"""
_SEVERAL = f"""
    SELECT {", ".join("v." + name for name in _VISIT_FIELDS)}, {_JOINED}
    FROM visits v LEFT JOIN attempts a ON a.store_id = v.store_id AND a.visit_id = v.id
    WHERE v.store_id = $1 AND v.id = ANY($2) ORDER BY a.seq
"""
SORTS: Mapping[str, tuple[str, str]] = {
    "due_on": ("due_on", ">"),
    "-due_on": ("due_on", "<"),
    "created_at": ("created_at", ">"),
    "-created_at": ("created_at", "<"),
}


# What a manager confirms, as `shared.domain.confirmation` says; `{sample}` is the share in hundredths of a percent. What no person
# did (a message by itself) is in no sample.
TO_CONFIRM = """
    (v.state IN ('declined', 'invalid') OR v.satisfaction <= 2 OR (
        v.state IN ('completed', 'incomplete') AND v.role IS DISTINCT FROM 'system'
        AND ('x' || left(encode(sha256(convert_to(v.id::text, 'UTF8')), 'hex'), 7))::bit(28)::int % 10000 < {sample}
    ))
"""


class VisitNotFound(NotFound):
    """There is no such visit."""

    code = "visit_not_found"
    zh = "没有该回访，或您无权知道。"


def attempt_of(row: asyncpg.Record, prefix: str = "a_") -> dict[str, Any]:
    """An attempt as it goes out, from a row whose columns carry the prefix."""
    out = {name: row[prefix + name] for name in _ATTEMPT_FIELDS}
    for name in _JSON_FIELDS:
        if isinstance(out[name], str):
            out[name] = orjson.loads(out[name])
    return out


def visit_of(row: asyncpg.Record, attempts: list[dict[str, Any]]) -> dict[str, Any]:
    """A visit as it goes out."""
    out = {name: row[name] for name in _PLAIN}
    out["trigger"] = {"type": row["trigger_type"], "id": row["trigger_id"], "at": row["trigger_at"]}
    out["attempts"] = attempts
    step = row["next_step"]
    out["next"] = None if step is None else {"step": step, "at": row["next_at"], "reason": row["next_reason"]}
    return out


def may_see(me: Me, row: asyncpg.Record) -> bool:
    """May this caller know of the visit: his own, his role's pool, his team's, or all."""
    if me.reads_every_visit or row["assignee_id"] == me.staff_id or (row["role"] or "system") in me.team:
        return True
    return row["assignee_id"] is None and (row["role"] is None or row["role"] in me.roles)


def may_lead(me: Me, row: asyncpg.Record) -> bool:
    """Is this caller the manager of those who do such visits (the general manager and admins lead all)."""
    if me.is_admin or "general_manager" in me.roles or me.caller.kind == "key":
        return True
    return any(row["role"] in TEAMS[role] for role in me.roles if role in TEAMS)


async def visit(conn: Connection, me: Me, visit_id: UUID) -> dict[str, Any]:
    """One visit with its attempts. Raises VisitNotFound, also when the caller may not know of it."""
    rows = await conn.fetch(_ONE, me.store_id, visit_id)
    if not rows or not may_see(me, rows[0]):
        raise VisitNotFound
    return visit_of(rows[0], [attempt_of(row) for row in rows if row["a_id"] is not None])


async def visits_by_id(conn: Connection, store_id: UUID, ids: Sequence[UUID]) -> dict[UUID, dict[str, Any]]:
    """Visits with their attempts, by id."""
    return _grouped(await conn.fetch(_SEVERAL, store_id, list(ids)))


def _grouped(rows: Iterable[asyncpg.Record]) -> dict[UUID, dict[str, Any]]:
    found: dict[UUID, dict[str, Any]] = {}
    for row in rows:
        visit = found.get(row["id"])
        if visit is None:
            visit = found[row["id"]] = visit_of(row, [])
        if row["a_id"] is not None:
            visit["attempts"].append(attempt_of(row))
    return found


async def page_of_visits(
    conn: Connection, me: Me, filters: Filters, sort: str, paging: Paging, confirm_percent: int = SAMPLE_PERCENT
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of the visits the caller may know of, with their attempts; why each is to be confirmed where that was asked for."""
    column, beyond = SORTS[sort]
    order = "ASC" if beyond == ">" else "DESC"
    where, values = _conditions(me, filters)
    if filters.to_confirm:
        values.append(confirm_percent * 100)
        where.append(f"v.confirmed_at IS NULL AND {TO_CONFIRM.format(sample=f'${len(values)}')}")
    if paging.after:
        after = paging.after_day() if column == "due_on" else paging.after_instant()
        values += [after, paging.after_uuid(1)]
        where.append(f"(v.{column}, v.id) {beyond} (${len(values) - 1}, ${len(values)})")
    values.append(paging.limit + 1)
    statement = (
        f"SELECT v.id, v.{column} FROM visits v WHERE {' AND '.join(where)}"
        f" ORDER BY v.{column} {order}, v.id {order} LIMIT ${len(values)}"
    )
    keys, cursor = paging.cut(await conn.fetch(statement, *values), lambda row: (row[column], row["id"]))
    found = await visits_by_id(conn, me.store_id, [row["id"] for row in keys])
    visits = [found[row["id"]] for row in keys]
    if filters.to_confirm:
        for visit in visits:
            visit["to_confirm"] = to_confirm(visit["id"], State(visit["state"]), visit["satisfaction"], confirm_percent)
    return visits, cursor


def _conditions(me: Me, filters: Filters) -> tuple[list[str], list[Any]]:
    where: list[str] = ["v.store_id = $1"]
    values: list[Any] = [me.store_id]

    def add(condition: str, value: Any) -> None:
        if value is not None:
            values.append(value)
            where.append(condition.replace("?", f"${len(values)}"))

    add("v.state = ANY(?)", [str(state) for state in filters.state] if filters.state else None)
    add("v.assignee_id = ?", filters.assignee_id)
    add("v.customer_id = ?", filters.customer_id)
    add("v.vehicle_id = ?", filters.vehicle_id)
    add("v.programme = ?", filters.programme)
    add("v.due_on >= ?", filters.due_from)
    add("v.due_on <= ?", filters.due_to)
    if not me.reads_every_visit:
        values += [me.staff_id, sorted(me.roles), sorted(me.team)]
        own, pool, team = (f"${len(values) - back}" for back in (2, 1, 0))
        of_pool = f"v.assignee_id IS NULL AND (v.role IS NULL OR v.role = ANY({pool}))"
        where.append(f"(v.assignee_id = {own} OR ({of_pool}) OR coalesce(v.role, 'system') = ANY({team}))")
    return where, values


def sort_key(sort: str) -> str:
    """The sort asked for. Raises Invalid."""
    if sort not in SORTS:
        raise Invalid(f"sort: one of {', '.join(SORTS)}", "query/sort")
    return sort
