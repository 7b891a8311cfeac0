"""Warranty items of a car over HTTP."""

from __future__ import annotations

from uuid import UUID

from fastapi import Response

from services.api.deps import Me, Now, StoreConnection, TheHouse
from services.api.etags import IfMatch, tag
from services.api.routing import router as make_router
from services.api.warranty import actions
from services.api.warranty.schemas import WarrantyItemIn, WarrantyItemOut, WarrantyItemPatch
from services.api.wire import Page

router = make_router("/stores/{store_id}/vehicles/{vehicle_id}/warranty-items", "vehicles")


@router.get("", operation_id="list_warranty_items")
async def list_warranty_items(vehicle_id: UUID, conn: StoreConnection, me: Me) -> Page[WarrantyItemOut]:
    """What of the car is under warranty, the first to end first."""
    rows = await actions.items_of(conn, me.store_id, vehicle_id)
    return Page(items=[WarrantyItemOut.of(row) for row in rows], next_cursor=None)


@router.post("", status_code=201, operation_id="create_warranty_item")
async def create_warranty_item(
    vehicle_id: UUID, body: WarrantyItemIn, conn: StoreConnection, house: TheHouse, me: Me, now: Now, response: Response
) -> WarrantyItemOut:
    """Enter an item; somebody calls 30 days before it ends."""
    store = await house.stores.get(conn, me.store_id, today=now.date())
    row = await actions.add_item(conn, store, me, vehicle_id, body, now=now)
    response.headers["Location"] = f"/v1/stores/{me.store_id}/vehicles/{vehicle_id}/warranty-items"
    tag(response, row["version"])
    return WarrantyItemOut.of(row)


@router.patch("/{item_id}", operation_id="update_warranty_item")
async def update_warranty_item(
    vehicle_id: UUID,
    item_id: UUID,
    body: WarrantyItemPatch,
    conn: StoreConnection,
    house: TheHouse,
    me: Me,
    if_match: IfMatch,
    now: Now,
    response: Response,
) -> WarrantyItemOut:
    """Other terms: the end is estimated anew."""
    store = await house.stores.get(conn, me.store_id, today=now.date())
    row = await actions.change_item(conn, store, me, vehicle_id, item_id, body, if_match, now=now)
    tag(response, row["version"])
    return WarrantyItemOut.of(row)


@router.delete("/{item_id}", status_code=204, operation_id="delete_warranty_item")
async def delete_warranty_item(vehicle_id: UUID, item_id: UUID, conn: StoreConnection, house: TheHouse, me: Me, now: Now) -> None:
    """Take an item back that was never under warranty."""
    store = await house.stores.get(conn, me.store_id, today=now.date())
    await actions.drop_item(conn, store, me, vehicle_id, item_id, now=now)
