"""Imports over HTTP."""

from __future__ import annotations

from hashlib import sha256
from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

from fastapi import File, Form, Request, Response, UploadFile

from services.api import audit
from services.api.deps import AfterCommit, Locale, Me, Now, StoreConnection, Vault
from services.api.idempotency import same_body
from services.api.imports import actions, queries
from services.api.imports.fields import Kind
from services.api.imports.runner import Runner
from services.api.imports.schemas import ImportOut
from services.api.paging import PageQuery
from services.api.routing import router as make_router
from services.api.wire import Flag, Page, json_response

router = make_router("/stores/{store_id}/imports", "imports")

_CSV: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "CSV in UTF-8 with a byte order mark.",
        "content": {"text/csv": {"schema": {"type": "string", "format": "binary"}}},
    }
}


def runner_of(request: Request) -> Runner:
    """The app's starter of imports."""
    runner: Runner = request.app.state.imports_runner
    return runner


@router.post("", status_code=202, operation_id="create_import", response_model=ImportOut)
async def create_import(
    request: Request,
    conn: StoreConnection,
    me: Me,
    vault: Vault,
    now: Now,
    then: AfterCommit,
    language: Locale,
    kind: Annotated[Kind, Form(description="What the rows are.")],
    file: Annotated[UploadFile, File(description="CSV, TSV or a workbook.")],
    dry_run: Annotated[Flag, Form(description="Read, check, count; keep nothing but the report.")] = False,
) -> Response:
    """Take a file in; it is worked on by itself. Ask at `Location` how far it is."""
    digest = await actions.digest_of(file)
    same_body(request, sha256(f"{kind}|{dry_run}|".encode() + digest).digest())
    upload = actions.Upload(kind, dry_run, file.filename or "upload", digest)
    import_id = await actions.queue_import(conn, vault, me, upload, file, now=now)
    await audit.note(conn, me, "import.queued", "import", import_id, now=now, detail={"kind": kind, "dry_run": dry_run})
    runner = runner_of(request)
    then.append(lambda: runner.start(me.store_id))
    queued = await queries.import_of(conn, vault, me.store_id, import_id, language)
    return json_response(queued, 202, {"Location": f"/v1/stores/{me.store_id}/imports/{import_id}"})


@router.get("", operation_id="list_imports", response_model=Page[ImportOut])
async def list_imports(request: Request, conn: StoreConnection, me: Me, page: PageQuery, language: Locale) -> Response:
    """Imports, the latest first."""
    await _see_that_it_goes_on(request, conn, me.store_id)
    items, following = await queries.page_of_imports(conn, me.store_id, page, language)
    return json_response({"items": items, "next_cursor": following})


@router.get("/{import_id}", operation_id="get_import", response_model=ImportOut)
async def get_import(
    request: Request, import_id: UUID, conn: StoreConnection, me: Me, vault: Vault, language: Locale
) -> Response:
    """How far an import is, or what came of it."""
    await _see_that_it_goes_on(request, conn, me.store_id)
    return json_response(await queries.import_of(conn, vault, me.store_id, import_id, language))


@router.get("/{import_id}/rejected", operation_id="get_rejected_rows", response_class=Response, responses=_CSV)
async def get_rejected_rows(import_id: UUID, conn: StoreConnection, me: Me, vault: Vault, now: Now, language: Locale) -> Response:
    """The rejected rows as a file: what was wrong in front, the row as it came behind; mend it and import it again."""
    content = await queries.rejected_rows(conn, vault, me.store_id, import_id, language)
    await audit.note(conn, me, "import.rejected_rows_read", "import", import_id, now=now)
    name = f"rejected-{import_id}.csv"
    headers = {"Content-Disposition": f"attachment; filename={quote(name)}"}
    return Response(content, media_type="text/csv; charset=utf-8", headers=headers)


async def _see_that_it_goes_on(request: Request, conn: StoreConnection, store_id: UUID) -> None:
    """Whoever asks after imports starts those that a dead process left."""
    if await queries.something_waits(conn, store_id):
        runner_of(request).start(store_id)
