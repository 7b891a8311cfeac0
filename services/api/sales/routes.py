"""Sales over HTTP."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from fastapi import Response

from services.api import records
from services.api.deps import Me, Now, StoreConnection, TheHouse
from services.api.etags import IfMatch, tag
from services.api.paging import PageQuery
from services.api.records import Sort, Where
from services.api.routing import router as make_router
from services.api.sales import actions
from services.api.sales.schemas import CardIn, FileIn, SaleIn, SaleOut, SalePatch
from services.api.wire import Day, Flag, Page

router = make_router("/stores/{store_id}/sales", "sales")

SORTS = {
    "-delivered_on": Sort("t.delivered_on", "date", True),
    "delivered_on": Sort("t.delivered_on", "date"),
    "-created_at": Sort("t.created_at", "timestamptz", True),
}


@router.get("", operation_id="list_sales")
async def list_sales(
    conn: StoreConnection,
    me: Me,
    page: PageQuery,
    customer_id: UUID | None = None,
    vehicle_id: UUID | None = None,
    consultant_id: UUID | None = None,
    delivered_from: Day | None = None,
    delivered_to: Day | None = None,
    insured: Flag | None = None,
    plated: Flag | None = None,
    sort: Literal["-delivered_on", "delivered_on", "-created_at"] = "-delivered_on",
) -> Page[SaleOut]:
    """Deliveries of the store."""
    filters = [
        Where("t.customer_id = {}", customer_id),
        Where("t.vehicle_id = {}", vehicle_id),
        Where("t.consultant_id = {}", consultant_id),
        Where("t.delivered_on >= {}", delivered_from),
        Where("t.delivered_on <= {}", delivered_to),
        Where("t.insured = {}", insured),
        Where("t.plated = {}", plated),
    ]
    rows, cursor = await records.page(conn, "SELECT t.* FROM sales t", me.store_id, filters, SORTS[sort], page)
    return Page(items=[SaleOut.of(row) for row in rows], next_cursor=cursor)


@router.post("", status_code=201, operation_id="create_sale")
async def create_sale(body: SaleIn, conn: StoreConnection, house: TheHouse, me: Me, now: Now, response: Response) -> SaleOut:
    """Enter a delivery; its follow-up is planned at once."""
    store = await house.stores.get(conn, me.store_id, today=now.date())
    row = await actions.add_sale(conn, store, me, body, now=now)
    response.headers["Location"] = f"/v1/stores/{me.store_id}/sales/{row['id']}"
    tag(response, row["version"])
    return SaleOut.of(row)


@router.get("/{sale_id}", operation_id="get_sale")
async def get_sale(sale_id: UUID, conn: StoreConnection, me: Me, response: Response) -> SaleOut:
    """One delivery."""
    row = await records.one(conn, actions.TABLE, me.store_id, sale_id, actions.SaleNotFound)
    tag(response, row["version"])
    return SaleOut.of(row)


@router.patch("/{sale_id}", operation_id="update_sale")
async def update_sale(
    sale_id: UUID,
    body: SalePatch,
    conn: StoreConnection,
    house: TheHouse,
    me: Me,
    if_match: IfMatch,
    now: Now,
    response: Response,
) -> SaleOut:
    """Insured, plated, another day: what is planned follows."""
    store = await house.stores.get(conn, me.store_id, today=now.date())
    row = await actions.change_sale(conn, store, me, sale_id, body.given, if_match, now=now)
    tag(response, row["version"])
    return SaleOut.of(row)


@router.post("/{sale_id}/card", operation_id="hand_over_card")
async def hand_over_card(
    sale_id: UUID, body: CardIn, conn: StoreConnection, house: TheHouse, me: Me, now: Now, response: Response
) -> SaleOut:
    """The sales office hands the owner card to after-sales; the workshop's follow-up counts from that day."""
    store = await house.stores.get(conn, me.store_id, today=now.date())
    given = {"card_handed_on": body.handed_on or store.calendar.day_of(now)}
    row = await actions.change_sale(conn, store, me, sale_id, given, None, now=now)
    tag(response, row["version"])
    return SaleOut.of(row)


@router.post("/{sale_id}/file", operation_id="upload_file")
async def upload_file(
    sale_id: UUID, body: FileIn, conn: StoreConnection, house: TheHouse, me: Me, now: Now, response: Response
) -> SaleOut:
    """The customer's file was uploaded: within three days of the delivery, and in its month."""
    store = await house.stores.get(conn, me.store_id, today=now.date())
    given = {"file_uploaded_on": body.uploaded_on or store.calendar.day_of(now)}
    row = await actions.change_sale(conn, store, me, sale_id, given, None, now=now)
    tag(response, row["version"])
    return SaleOut.of(row)
