"""Tasks 任务: what follow-ups left for people to do."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Response

from services.console.desk import Signed
from services.console.render import page

router = APIRouter()


@router.get("/tasks")
async def tasks(desk: Signed, done: bool = False, cursor: str = "") -> Response:
    """Open tasks of the person and of their roles; `done` shows those that are finished."""
    found = await desk.caller.get(f"{desk.path}/tasks", done=str(done).lower(), cursor=cursor, limit=100)
    return page(desk, "tasks/page.html", tasks=found["items"], next_cursor=found["next_cursor"], done=done)


@router.post("/tasks/{task_id}/done")
async def finish(task_id: UUID, desk: Signed) -> Response:
    """Say that a task is done; its row stays, struck, until the page is read again."""
    task = await desk.caller.post(f"{desk.path}/tasks/{task_id}/done", key=f"task-done-{task_id}")
    return page(desk, "tasks/row.html", task=task)
