"""Vehicles over HTTP."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from fastapi import Query, Response

from services.api import records
from services.api.deps import Me, Now, StoreConnection, TheHouse
from services.api.etags import IfMatch, tag
from services.api.paging import PageQuery
from services.api.records import Sort, Where
from services.api.routing import router as make_router
from services.api.vehicles import actions
from services.api.vehicles.schemas import ReadingIn, ReadingOut, TransferIn, VehicleIn, VehicleOut, VehiclePatch
from services.api.wire import Flag, Line, Page

router = make_router("/stores/{store_id}/vehicles", "vehicles")

SORTS = {
    "-created_at": Sort("t.created_at", "timestamptz", True),
    "created_at": Sort("t.created_at", "timestamptz"),
    "next_maintenance_on": Sort("coalesce(t.next_maintenance_on, DATE '9999-12-31')", "date"),
}


@router.get("", operation_id="list_vehicles")
async def list_vehicles(
    conn: StoreConnection,
    me: Me,
    page: PageQuery,
    q: Annotated[Line | None, Query(description="A part of the plate, the VIN or the model.")] = None,
    customer_id: UUID | None = None,
    plate: Annotated[Line | None, Query(description="The whole plate, in any spelling of blanks and dots.")] = None,
    vin: Annotated[Line | None, Query(description="The whole VIN.")] = None,
    ended: Annotated[Flag, Query(description="Also cars that left their owner.")] = False,
    sort: Literal["-created_at", "created_at", "next_maintenance_on"] = "-created_at",
) -> Page[VehicleOut]:
    """Cars of the store."""
    found = f"%{records.like(q.upper())}%" if q else None
    filters = [
        Where("t.customer_id = {}", customer_id),
        Where("t.plate = {}", _bare(plate)),
        Where("t.vin = {}", _bare(vin)),
        Where("(upper(t.plate) LIKE {0} OR t.vin LIKE {0} OR upper(t.model) LIKE {0})", found),
        Where("(t.ended_at IS NULL) = {}", None if ended else True),
    ]
    rows, cursor = await records.page(conn, "SELECT t.* FROM vehicles t", me.store_id, filters, SORTS[sort], page)
    return Page(items=[VehicleOut.of(row) for row in rows], next_cursor=cursor)


@router.post("", status_code=201, operation_id="create_vehicle")
async def create_vehicle(
    body: VehicleIn, conn: StoreConnection, house: TheHouse, me: Me, now: Now, response: Response
) -> VehicleOut:
    """Add a car to a customer's file."""
    store = await house.stores.get(conn, me.store_id, today=now.date())
    row = await actions.add_vehicle(conn, store, me, body, now=now)
    response.headers["Location"] = f"/v1/stores/{me.store_id}/vehicles/{row['id']}"
    tag(response, row["version"])
    return VehicleOut.of(row)


@router.get("/{vehicle_id}", operation_id="get_vehicle")
async def get_vehicle(vehicle_id: UUID, conn: StoreConnection, me: Me, response: Response) -> VehicleOut:
    """One car."""
    row = await records.one(conn, actions.TABLE, me.store_id, vehicle_id, actions.VehicleNotFound)
    tag(response, row["version"])
    return VehicleOut.of(row)


@router.patch("/{vehicle_id}", operation_id="update_vehicle")
async def update_vehicle(
    vehicle_id: UUID,
    body: VehiclePatch,
    conn: StoreConnection,
    house: TheHouse,
    me: Me,
    if_match: IfMatch,
    now: Now,
    response: Response,
) -> VehicleOut:
    """Correct plate, VIN, intervals; exclude a car from follow-up or take it in again."""
    store = await house.stores.get(conn, me.store_id, today=now.date())
    row = await actions.change_vehicle(conn, store, me, vehicle_id, body, if_match, now=now)
    tag(response, row["version"])
    return VehicleOut.of(row)


@router.post("/{vehicle_id}/readings", status_code=201, operation_id="add_reading")
async def add_reading(vehicle_id: UUID, body: ReadingIn, conn: StoreConnection, house: TheHouse, me: Me, now: Now) -> ReadingOut:
    """Enter a reading of the odometer; the next maintenance is estimated anew."""
    store = await house.stores.get(conn, me.store_id, today=now.date())
    return ReadingOut.of(await actions.add_reading(conn, store, vehicle_id, body, now=now))


@router.post("/{vehicle_id}/transfer", status_code=201, operation_id="transfer_vehicle")
async def transfer_vehicle(
    vehicle_id: UUID, body: TransferIn, conn: StoreConnection, house: TheHouse, me: Me, now: Now, response: Response
) -> VehicleOut:
    """The car has a new owner."""
    store = await house.stores.get(conn, me.store_id, today=now.date())
    row = await actions.transfer(conn, store, me, vehicle_id, body, now=now)
    response.headers["Location"] = f"/v1/stores/{me.store_id}/vehicles/{row['id']}"
    tag(response, row["version"])
    return VehicleOut.of(row)


def _bare(text: str | None) -> str | None:
    """Upper case, without the blanks, dots and dashes people write."""
    return None if text is None else "".join(sign for sign in text.upper() if sign.isalnum())
