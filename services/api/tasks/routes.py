"""Tasks over HTTP."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from services.api import audit
from services.api.deps import Me, Now, StoreConnection, TheHouse
from services.api.paging import PageQuery
from services.api.routing import router as make_router
from services.api.tasks import effects, queries
from services.api.tasks.letter import letter_of
from services.api.tasks.schemas import LetterOut, TaskDone, TaskOut
from services.api.wire import Flag, Line, Page, json_response
from shared import numbers

router = make_router("/stores/{store_id}/tasks", "tasks")

_DONE = "UPDATE tasks SET done_at = $3, done_by = $4 WHERE store_id = $1 AND id = $2 AND done_at IS NULL"


@router.get("", operation_id="list_tasks", response_model=Page[TaskOut])
async def list_tasks(
    conn: StoreConnection,
    me: Me,
    page: PageQuery,
    kind: Annotated[Line | None, Query()] = None,
    done: Flag = False,
    customer_id: UUID | None = None,
) -> Response:
    """Tasks of the caller and of his roles, open ones unless `done`."""
    items, cursor = await queries.page_of_tasks(conn, me, kind=kind, done=done, customer_id=customer_id, paging=page)
    return json_response({"items": items, "next_cursor": cursor})


@router.get("/{task_id}", operation_id="get_task", response_model=TaskOut)
async def get_task(task_id: UUID, conn: StoreConnection, me: Me) -> Response:
    """One task."""
    return json_response(await queries.task(conn, me, task_id))


@router.get("/{task_id}/letter", operation_id="get_task_letter", response_model=LetterOut)
async def get_task_letter(task_id: UUID, conn: StoreConnection, house: TheHouse, me: Me, now: Now) -> Response:
    """The letter of a task that says one is to be posted."""
    store = await house.stores.get(conn, me.store_id, today=now.date())
    return json_response(await letter_of(conn, store, await queries.task(conn, me, task_id)))


@router.post("/{task_id}/done", operation_id="finish_task", response_model=TaskOut)
async def finish_task(
    task_id: UUID, conn: StoreConnection, house: TheHouse, me: Me, now: Now, body: TaskDone | None = None
) -> Response:
    """Say that it is done; said twice it stands as first said."""
    task = await queries.task(conn, me, task_id)
    await conn.execute(_DONE, me.store_id, task_id, now, me.staff_id)
    if task["kind"] == numbers.CONFIRM and task["customer_id"] is not None:
        await numbers.confirm(conn, me.store_id, task["customer_id"], now=now, actor=me.actor)
    if task["done_at"] is None:
        await effects.apply(conn, await house.stores.get(conn, me.store_id, today=now.date()), me, task, now=now)
        await audit.note(
            conn, me, "task.done", "task", task_id, now=now, detail={"note": body.note} if body and body.note else None
        )
    return json_response(await queries.task(conn, me, task_id))
