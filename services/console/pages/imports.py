"""Import 数据导入: a file in, its progress, what came of it, the rows that were refused."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, File, Form, Response, UploadFile

from services.console.desk import Signed
from services.console.render import page

router = APIRouter()

RUNNING = frozenset({"queued", "running", "planning"})


@router.get("/imports")
async def imports(desk: Signed) -> Response:
    """Where to put a file, and the imports so far."""
    found = await desk.caller.get(f"{desk.path}/imports", limit=20)
    return page(desk, "imports/page.html", imports=found["items"], running=RUNNING)


@router.post("/imports")
async def upload(
    desk: Signed,
    kind: Annotated[str, Form()],
    file: Annotated[UploadFile, File()],
    idempotency_key: Annotated[str, Form()] = "",
    dry_run: Annotated[str, Form()] = "",
) -> Response:
    """Hand the file on to the API; its panel then asks by itself how far it is."""
    answer = await desk.caller.send(
        "POST",
        f"{desk.path}/imports",
        key=idempotency_key or None,
        data={"kind": kind, "dry_run": "true" if dry_run else "false"},
        files={"file": (file.filename or "upload", file.file, file.content_type or "application/octet-stream")},
    )
    return page(desk, "imports/panel.html", item=answer.json(), running=RUNNING)


@router.get("/imports/{import_id}")
async def panel(import_id: UUID, desk: Signed) -> Response:
    """How far an import is, or what came of it."""
    item = await desk.caller.get(f"{desk.path}/imports/{import_id}")
    return page(desk, "imports/panel.html", item=item, running=RUNNING)


@router.get("/imports/{import_id}/rejected")
async def rejected(import_id: UUID, desk: Signed) -> Response:
    """The refused rows as a file."""
    answer = await desk.caller.send("GET", f"{desk.path}/imports/{import_id}/rejected")
    headers = {"Content-Disposition": answer.headers.get("content-disposition", f"attachment; filename=rejected-{import_id}.csv")}
    return Response(answer.content, media_type=answer.headers.get("content-type", "text/csv"), headers=headers)
