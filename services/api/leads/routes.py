"""Leads over HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Query, Response

from services.api.deps import Me, Now, StoreConnection, TheHouse
from services.api.etags import IfMatch, etag
from services.api.leads import actions, queries
from services.api.leads.schemas import (
    Filters,
    LeadIn,
    LeadOut,
    LeadPatch,
    LeadState,
    LostIn,
    MovementOut,
    ReactivateIn,
    WonIn,
)
from services.api.paging import PageQuery
from services.api.routing import router as make_router
from services.api.wire import Day, Line, Page, json_response
from shared.db import Connection
from shared.stores import StoreContext

router = make_router("/stores/{store_id}/leads", "leads")


@router.get("", operation_id="list_leads", response_model=Page[LeadOut])
async def list_leads(
    conn: StoreConnection,
    house: TheHouse,
    me: Me,
    now: Now,
    page: PageQuery,
    customer_id: UUID | None = None,
    consultant_id: UUID | None = None,
    state: LeadState | None = None,
    level: Annotated[Line | None, Query(description="Open leads that are of this level today.")] = None,
    expected_from: Day | None = None,
    expected_to: Day | None = None,
    sort: Literal["expected_on", "-created_at", "created_at"] = "expected_on",
) -> Response:
    """Leads of the store, the nearest purchase first."""
    store = await house.stores.get(conn, me.store_id, today=now.date())
    filters = Filters(
        customer_id=customer_id,
        consultant_id=consultant_id,
        state=state,
        level=level,
        expected_from=expected_from,
        expected_to=expected_to,
    )
    items, cursor = await queries.page_of_leads(conn, store, filters, queries.SORTS[sort], page, now)
    return json_response({"items": items, "next_cursor": cursor})


@router.post("", status_code=201, operation_id="create_lead", response_model=LeadOut)
async def create_lead(body: LeadIn, conn: StoreConnection, house: TheHouse, me: Me, now: Now) -> Response:
    """Open a lead."""
    store = await house.stores.get(conn, me.store_id, today=now.date())
    lead_id = await actions.add_lead(conn, store, me, body, now=now)
    lead = await queries.lead(conn, store, lead_id, now)
    headers = {"Location": f"/v1/stores/{me.store_id}/leads/{lead_id}", "ETag": etag(lead["version"])}
    return json_response(lead, 201, headers)


@router.get("/{lead_id}", operation_id="get_lead", response_model=LeadOut)
async def get_lead(lead_id: UUID, conn: StoreConnection, house: TheHouse, me: Me, now: Now) -> Response:
    """One lead."""
    store = await house.stores.get(conn, me.store_id, today=now.date())
    lead = await queries.lead(conn, store, lead_id, now)
    return json_response(lead, headers={"ETag": etag(lead["version"])})


@router.patch("/{lead_id}", operation_id="update_lead", response_model=LeadOut)
async def update_lead(
    lead_id: UUID, body: LeadPatch, conn: StoreConnection, house: TheHouse, me: Me, if_match: IfMatch, now: Now
) -> Response:
    """Another expected day, another consultant; won, lost with its reason, or taken up again."""
    store = await house.stores.get(conn, me.store_id, today=now.date())
    await actions.change_lead(conn, store, me, lead_id, body, if_match, now=now)
    lead = await queries.lead(conn, store, lead_id, now)
    return json_response(lead, headers={"ETag": etag(lead["version"])})


@router.post("/{lead_id}/won", operation_id="win_lead", response_model=LeadOut)
async def win_lead(lead_id: UUID, body: WonIn, conn: StoreConnection, house: TheHouse, me: Me, now: Now) -> Response:
    """The customer has bought: nobody calls about it any more."""
    store = await house.stores.get(conn, me.store_id, today=now.date())
    await actions.win(conn, store, me, lead_id, body, now=now)
    return await _lead(conn, store, lead_id, now)


@router.post("/{lead_id}/lost", operation_id="lose_lead", response_model=LeadOut)
async def lose_lead(lead_id: UUID, body: LostIn, conn: StoreConnection, house: TheHouse, me: Me, now: Now) -> Response:
    """The customer does not buy here: the reason is kept, and 90 days later somebody asks once more."""
    store = await house.stores.get(conn, me.store_id, today=now.date())
    await actions.lose(conn, store, me, lead_id, body, now=now)
    return await _lead(conn, store, lead_id, now)


@router.post("/{lead_id}/reactivate", operation_id="reactivate_lead", response_model=LeadOut)
async def reactivate_lead(
    lead_id: UUID, body: ReactivateIn, conn: StoreConnection, house: TheHouse, me: Me, now: Now
) -> Response:
    """A lost lead is taken up again."""
    store = await house.stores.get(conn, me.store_id, today=now.date())
    await actions.reactivate(conn, store, me, lead_id, body, now=now)
    return await _lead(conn, store, lead_id, now)


@router.get("/{lead_id}/movements", operation_id="list_lead_movements", response_model=Page[MovementOut])
async def list_lead_movements(lead_id: UUID, conn: StoreConnection, me: Me, page: PageQuery) -> Response:
    """Every change of level and state, the latest first."""
    rows, cursor = await queries.movements(conn, me.store_id, lead_id, page)
    return json_response({"items": rows, "next_cursor": cursor})


async def _lead(conn: Connection, store: StoreContext, lead_id: UUID, now: datetime) -> Response:
    lead = await queries.lead(conn, store, lead_id, now)
    return json_response(lead, headers={"ETag": etag(lead["version"])})
