"""Leads over HTTP."""

from __future__ import annotations

from datetime import date
from typing import Literal
from uuid import UUID

from fastapi import Response

from services.api import records
from services.api.deps import Me, Now, StoreConnection, TheHouse
from services.api.etags import IfMatch, tag
from services.api.leads import actions
from services.api.leads.schemas import LeadIn, LeadOut, LeadPatch, LeadState
from services.api.paging import PageQuery
from services.api.records import Sort, Where
from services.api.routing import router as make_router
from services.api.wire import Page

router = make_router("/stores/{store_id}/leads", "leads")
SORTS = {
    "expected_on": Sort("coalesce(t.expected_on, DATE '9999-12-31')", "date"),
    "-created_at": Sort("t.created_at", "timestamptz", True),
    "created_at": Sort("t.created_at", "timestamptz"),
}


@router.get("", operation_id="list_leads")
async def list_leads(
    conn: StoreConnection,
    house: TheHouse,
    me: Me,
    now: Now,
    page: PageQuery,
    customer_id: UUID | None = None,
    consultant_id: UUID | None = None,
    state: LeadState | None = None,
    expected_from: date | None = None,
    expected_to: date | None = None,
    sort: Literal["expected_on", "-created_at", "created_at"] = "expected_on",
) -> Page[LeadOut]:
    """Leads of the store, the nearest purchase first."""
    store = await house.stores.get(conn, me.store_id, today=now.date())
    filters = [
        Where("t.customer_id = {}", customer_id),
        Where("t.consultant_id = {}", consultant_id),
        Where("t.state = {}", state),
        Where("t.expected_on >= {}", expected_from),
        Where("t.expected_on <= {}", expected_to),
    ]
    rows, cursor = await records.page(conn, "SELECT t.* FROM leads t", me.store_id, filters, SORTS[sort], page)
    return Page(items=[actions.out(store, row, now) for row in rows], next_cursor=cursor)


@router.post("", status_code=201, operation_id="create_lead")
async def create_lead(body: LeadIn, conn: StoreConnection, house: TheHouse, me: Me, now: Now, response: Response) -> LeadOut:
    """Open a lead."""
    store = await house.stores.get(conn, me.store_id, today=now.date())
    row = await actions.add_lead(conn, store, me, body, now=now)
    response.headers["Location"] = f"/v1/stores/{me.store_id}/leads/{row['id']}"
    tag(response, row["version"])
    return actions.out(store, row, now)


@router.get("/{lead_id}", operation_id="get_lead")
async def get_lead(lead_id: UUID, conn: StoreConnection, house: TheHouse, me: Me, now: Now, response: Response) -> LeadOut:
    """One lead."""
    store = await house.stores.get(conn, me.store_id, today=now.date())
    row = await records.one(conn, actions.TABLE, me.store_id, lead_id, actions.LeadNotFound)
    tag(response, row["version"])
    return actions.out(store, row, now)


@router.patch("/{lead_id}", operation_id="update_lead")
async def update_lead(
    lead_id: UUID,
    body: LeadPatch,
    conn: StoreConnection,
    house: TheHouse,
    me: Me,
    if_match: IfMatch,
    now: Now,
    response: Response,
) -> LeadOut:
    """Another expected day, another consultant, won, or lost with its reason."""
    store = await house.stores.get(conn, me.store_id, today=now.date())
    row = await actions.change_lead(conn, store, me, lead_id, body, if_match, now=now)
    tag(response, row["version"])
    return actions.out(store, row, now)
