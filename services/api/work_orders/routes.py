"""Work orders over HTTP."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from fastapi import Query, Response

from services.api.deps import KeyedConnection, Me, Now, StoreConnection, TheHouse, Vault
from services.api.etags import IfMatch, etag
from services.api.paging import PageQuery
from services.api.routing import router as make_router
from services.api.wire import Day, Line, Page, json_response
from services.api.work_orders import actions, queries
from services.api.work_orders.schemas import Filters, Kind, WorkOrderIn, WorkOrderOut, WorkOrderPatch

router = make_router("/stores/{store_id}/work-orders", "work orders")


@router.get("", operation_id="list_work_orders", response_model=Page[WorkOrderOut])
async def list_work_orders(
    conn: StoreConnection,
    vault: Vault,
    me: Me,
    page: PageQuery,
    customer_id: UUID | None = None,
    vehicle_id: UUID | None = None,
    advisor_id: UUID | None = None,
    kind: Kind | None = None,
    number: Annotated[Line | None, Query(description="The whole number.")] = None,
    closed_from: Annotated[Day | None, Query(description="A day of the store, included.")] = None,
    closed_to: Annotated[Day | None, Query(description="A day of the store, included.")] = None,
    sort: Literal["-closed_at", "closed_at", "-created_at"] = "-closed_at",
) -> Response:
    """Orders of the store, the latest first."""
    filters = Filters(
        customer_id=customer_id,
        vehicle_id=vehicle_id,
        advisor_id=advisor_id,
        kind=kind,
        number=number,
        closed_from=closed_from,
        closed_to=closed_to,
    )
    items, cursor = await queries.page_of_orders(conn, vault, me, filters, queries.SORTS[sort], page)
    return json_response({"items": items, "next_cursor": cursor})


@router.post("", status_code=201, operation_id="create_work_order", response_model=WorkOrderOut)
async def create_work_order(
    body: WorkOrderIn, conn: KeyedConnection, house: TheHouse, vault: Vault, me: Me, now: Now
) -> Response:
    """Enter a closed order; its follow-up is planned at once."""
    store = await house.stores.get(conn, me.store_id, today=now.date())
    order_id = await actions.add_order(conn, store, vault, me, body, now=now)
    order = await queries.work_order(conn, vault, me, order_id)
    headers = {"Location": f"/v1/stores/{me.store_id}/work-orders/{order_id}", "ETag": etag(order["version"])}
    return json_response(order, 201, headers)


@router.get("/{work_order_id}", operation_id="get_work_order", response_model=WorkOrderOut)
async def get_work_order(work_order_id: UUID, conn: StoreConnection, vault: Vault, me: Me) -> Response:
    """One order."""
    order = await queries.work_order(conn, vault, me, work_order_id)
    return json_response(order, headers={"ETag": etag(order["version"])})


@router.patch("/{work_order_id}", operation_id="update_work_order", response_model=WorkOrderOut)
async def update_work_order(
    work_order_id: UUID,
    body: WorkOrderPatch,
    conn: StoreConnection,
    house: TheHouse,
    vault: Vault,
    me: Me,
    if_match: IfMatch,
    now: Now,
) -> Response:
    """Correct an order; what is planned from it follows."""
    store = await house.stores.get(conn, me.store_id, today=now.date())
    await actions.change_order(conn, store, vault, me, work_order_id, body, if_match, now=now)
    order = await queries.work_order(conn, vault, me, work_order_id)
    return json_response(order, headers={"ETag": etag(order["version"])})
