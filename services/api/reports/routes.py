"""Reports over HTTP: JSON, or Excel for who asks for it with Accept."""

from __future__ import annotations

import asyncio
from typing import Annotated
from urllib.parse import quote
from uuid import UUID

from fastapi import Query, Request, Response

from services.api import audit
from services.api.deps import Me, Now, StoreConnection, TheHouse, Vault
from services.api.reports import queries
from services.api.reports.queries import Asked
from services.api.reports.schemas import MONTH, ReportKind, ReportList, ReportOut
from services.api.routing import router as make_router
from services.api.wire import Day, Line, json_response
from shared.reports.catalogue import make
from shared.reports.excel import MIME, file_name, workbook

router = make_router("/stores/{store_id}/reports", "reports")

MonthQuery = Annotated[
    Line | None,
    Query(
        description="A month of the store, by due date; the current one if absent.",
        examples=["2026-11"],
        json_schema_extra={"pattern": MONTH},
    ),
]
_FILES = {
    200: {
        "description": "The report, as JSON or as an Excel file by `Accept`.",
        "content": {MIME: {"schema": {"type": "string", "format": "binary"}}},
    }
}


@router.get("", operation_id="list_reports", response_model=ReportList)
async def list_reports(me: Me) -> Response:
    """The reports the caller may ask for, with their Chinese names."""
    return json_response(ReportList(items=[ReportKind.of(report) for report in queries.reports_for(me)]))


@router.get("/{name}", operation_id="get_report", response_model=ReportOut, responses=_FILES)  # type: ignore[arg-type]  # a dict of dicts is what it takes
async def get_report(
    request: Request,
    name: str,
    conn: StoreConnection,
    house: TheHouse,
    vault: Vault,
    me: Me,
    now: Now,
    month: MonthQuery = None,
    from_: Annotated[Day | None, Query(alias="from", description="First day; with `to`, instead of a month.")] = None,
    to: Annotated[Day | None, Query(description="Last day.")] = None,
    by: Annotated[Line | None, Query(description="What the report lists for `by`.", examples=["person"])] = None,
    staff_id: Annotated[UUID | None, Query(description="One person's rows; who is no manager gets his own.")] = None,
    programme: Annotated[Line | None, Query(examples=["after-maintenance"])] = None,
    customer_id: Annotated[UUID | None, Query(description="The card of one customer (c-card, owner-card).")] = None,
    complaint_id: Annotated[UUID | None, Query(description="One complaint (attitude-slip, complaint-report).")] = None,
) -> Response:
    """A report of a month or of some days. A closed month is as it was frozen on the 5th, 6:00 store time."""
    report = queries.report_of(name, me)
    store = await house.stores.get(conn, me.store_id, today=now.date())
    asked = Asked(month, from_, to, by, staff_id, programme, customer_id, complaint_id)
    await queries.check_about(conn, me.store_id, asked)
    content = await make(conn, queries.scope_of(store, me, asked, now=now, vault=vault), report.name)
    if MIME not in request.headers.get("accept", ""):
        return json_response(content)
    await audit.note(conn, me, "report.exported", "report", now=now, detail={"name": name, "month": content["month"]})
    file = await asyncio.to_thread(workbook, name, content)
    disposition = f"attachment; filename=\"{name}.xlsx\"; filename*=UTF-8''{quote(file_name(content))}"
    return Response(file, 200, {"Content-Disposition": disposition, "Vary": "Accept"}, MIME)
