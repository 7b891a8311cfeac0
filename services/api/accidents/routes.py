"""Accidents over HTTP."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from fastapi import Query, Response

from services.api.accidents import actions, queries
from services.api.accidents.schemas import AccidentIn, AccidentOut, AccidentPatch
from services.api.deps import Me, Now, StoreConnection, TheHouse
from services.api.etags import IfMatch, etag
from services.api.paging import PageQuery
from services.api.records import Where
from services.api.routing import router as make_router
from services.api.wire import Day, Flag, Page, json_response

router = make_router("/stores/{store_id}/accidents", "accidents")


@router.get("", operation_id="list_accidents", response_model=Page[AccidentOut])
async def list_accidents(
    conn: StoreConnection,
    me: Me,
    page: PageQuery,
    customer_id: UUID | None = None,
    vehicle_id: UUID | None = None,
    closed: Annotated[Flag | None, Query(description="Whether the claim is closed.")] = None,
    happened_from: Day | None = None,
    happened_to: Day | None = None,
    sort: Literal["-happened_on", "-reported_at"] = "-happened_on",
) -> Response:
    """Accidents of the store's customers."""
    where = [
        Where("t.customer_id = {}", customer_id),
        Where("t.vehicle_id = {}", vehicle_id),
        Where("(t.claim_closed_on IS NOT NULL) = {}", closed),
        Where("t.happened_on >= {}", happened_from),
        Where("t.happened_on <= {}", happened_to),
    ]
    items, cursor = await queries.page_of_accidents(conn, me.store_id, where, queries.SORTS[sort], page)
    return json_response({"items": items, "next_cursor": cursor})


@router.post("", status_code=201, operation_id="report_accident", response_model=AccidentOut)
async def report_accident(body: AccidentIn, conn: StoreConnection, house: TheHouse, me: Me, now: Now) -> Response:
    """Enter an accident; whoever holds the insurance file calls, every second day until the claim is closed."""
    store = await house.stores.get(conn, me.store_id, today=now.date())
    accident_id = await actions.add_accident(conn, store, me, body, now=now)
    accident = await queries.accident(conn, me.store_id, accident_id)
    headers = {"Location": f"/v1/stores/{me.store_id}/accidents/{accident_id}", "ETag": etag(accident["version"])}
    return json_response(accident, 201, headers)


@router.get("/{accident_id}", operation_id="get_accident", response_model=AccidentOut)
async def get_accident(accident_id: UUID, conn: StoreConnection, me: Me) -> Response:
    """One accident."""
    accident = await queries.accident(conn, me.store_id, accident_id)
    return json_response(accident, headers={"ETag": etag(accident["version"])})


@router.patch("/{accident_id}", operation_id="update_accident", response_model=AccidentOut)
async def update_accident(
    accident_id: UUID, body: AccidentPatch, conn: StoreConnection, house: TheHouse, me: Me, if_match: IfMatch, now: Now
) -> Response:
    """What became known of it; a closed claim ends the calls."""
    store = await house.stores.get(conn, me.store_id, today=now.date())
    await actions.change_accident(conn, store, me, accident_id, body, if_match, now=now)
    accident = await queries.accident(conn, me.store_id, accident_id)
    return json_response(accident, headers={"ETag": etag(accident["version"])})
