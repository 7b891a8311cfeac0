"""Reading tasks: mine, my roles', or all."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import asyncpg
import orjson

from services.api.identities import Me
from services.api.paging import Paging
from shared.db import Connection
from shared.errors import NotFound


class TaskNotFound(NotFound):
    """There is no such task."""

    code = "task_not_found"
    zh = "没有该任务，或您无权知道。"


def task_of(row: asyncpg.Record) -> dict[str, Any]:
    """A task as it goes out."""
    return {**dict(row), "detail": orjson.loads(row["detail"])}


def may_see(me: Me, row: asyncpg.Record) -> bool:
    """One's own tasks, and those nobody in particular has, in one's role."""
    if me.reads_all or row["assignee_id"] == me.staff_id:
        return True
    return row["assignee_id"] is None and (row["role"] is None or row["role"] in me.roles)


async def page_of_tasks(
    conn: Connection, me: Me, *, kind: str | None, done: bool, customer_id: UUID | None, paging: Paging
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of tasks, oldest first."""
    rows = await conn.fetch(
        _PAGE, me.store_id, done, kind, customer_id, me.reads_all, me.staff_id, sorted(me.roles),
        paging.after_instant(), paging.after_uuid(1) if paging.after else None, paging.limit + 1,
    )  # fmt: skip
    items, cursor = paging.cut(rows, lambda row: (row["created_at"], row["id"]))
    return [task_of(row) for row in items], cursor


async def task(conn: Connection, me: Me, task_id: UUID) -> dict[str, Any]:
    """One task. Raises TaskNotFound."""
    row = await conn.fetchrow(_ONE, me.store_id, task_id)
    if row is None or not may_see(me, row):
        raise TaskNotFound
    return task_of(row)


_COLUMNS = """
    t.id, t.kind, t.customer_id, c.name AS customer_name, t.visit_id, t.about_id, t.role, t.assignee_id, t.due_at, t.detail, t.created_at,
    t.done_at, t.done_by FROM tasks t LEFT JOIN customers c ON c.store_id = t.store_id AND c.id = t.customer_id
"""
_ONE = f"SELECT {_COLUMNS} WHERE t.store_id = $1 AND t.id = $2"
_PAGE = f"""
    SELECT {_COLUMNS}
    WHERE t.store_id = $1 AND (t.done_at IS NOT NULL) = $2 AND ($3::text IS NULL OR t.kind = $3)
        AND ($4::uuid IS NULL OR t.customer_id = $4)
        AND ($5 OR t.assignee_id = $6 OR (t.assignee_id IS NULL AND (t.role IS NULL OR t.role = ANY($7))))
        AND ($8::timestamptz IS NULL OR (t.created_at, t.id) > ($8, $9::uuid))
    ORDER BY t.created_at, t.id LIMIT $10
"""
