"""Work orders over HTTP."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

import asyncpg
from fastapi import Query, Response

from services.api import records
from services.api.deps import Me, Now, StoreConnection, TheHouse
from services.api.etags import IfMatch, tag
from services.api.identities import Me as Caller
from services.api.paging import PageQuery
from services.api.records import Sort, Where
from services.api.routing import router as make_router
from services.api.wire import InstantIn, Line, Page
from services.api.work_orders import actions
from services.api.work_orders.schemas import Kind, WorkOrderIn, WorkOrderOut, WorkOrderPatch
from shared.crypto import Vault
from shared.phones import mask

router = make_router("/stores/{store_id}/work-orders", "work orders")
SORTS = {
    "-closed_at": Sort("t.closed_at", "timestamptz", True),
    "closed_at": Sort("t.closed_at", "timestamptz"),
    "-created_at": Sort("t.created_at", "timestamptz", True),
}


def out(row: asyncpg.Record, me: Caller, vault: Vault) -> WorkOrderOut:
    """An order as it goes out: the contact's phone masked unless the caller may reveal."""
    values = dict(row)
    if row["contact_phone"] is not None:
        phone = vault.open(row["contact_phone"], "work_orders", "contact_phone", row["store_id"], row["id"])
        values["contact_phone"] = phone if me.reads_pii else mask(phone)
    return WorkOrderOut.of(values)


@router.get("", operation_id="list_work_orders")
async def list_work_orders(
    conn: StoreConnection,
    house: TheHouse,
    me: Me,
    page: PageQuery,
    customer_id: UUID | None = None,
    vehicle_id: UUID | None = None,
    advisor_id: UUID | None = None,
    kind: Kind | None = None,
    number: Annotated[Line | None, Query(description="The whole number.")] = None,
    closed_from: InstantIn | None = None,
    closed_to: InstantIn | None = None,
    sort: Literal["-closed_at", "closed_at", "-created_at"] = "-closed_at",
) -> Page[WorkOrderOut]:
    """Orders of the store."""
    filters = [
        Where("t.customer_id = {}", customer_id),
        Where("t.vehicle_id = {}", vehicle_id),
        Where("t.advisor_id = {}", advisor_id),
        Where("t.kind = {}", kind),
        Where("t.number = {}", number),
        Where("t.closed_at >= {}", closed_from),
        Where("t.closed_at < {}", closed_to),
    ]
    rows, cursor = await records.page(conn, "SELECT t.* FROM work_orders t", me.store_id, filters, SORTS[sort], page)
    return Page(items=[out(row, me, house.vault) for row in rows], next_cursor=cursor)


@router.post("", status_code=201, operation_id="create_work_order")
async def create_work_order(
    body: WorkOrderIn, conn: StoreConnection, house: TheHouse, me: Me, now: Now, response: Response
) -> WorkOrderOut:
    """Enter a closed order; its follow-up is planned at once."""
    store = await house.stores.get(conn, me.store_id, today=now.date())
    row = await actions.add_order(conn, store, house.vault, me, body, now=now)
    response.headers["Location"] = f"/v1/stores/{me.store_id}/work-orders/{row['id']}"
    tag(response, row["version"])
    return out(row, me, house.vault)


@router.get("/{work_order_id}", operation_id="get_work_order")
async def get_work_order(work_order_id: UUID, conn: StoreConnection, house: TheHouse, me: Me, response: Response) -> WorkOrderOut:
    """One order."""
    row = await records.one(conn, actions.TABLE, me.store_id, work_order_id, actions.WorkOrderNotFound)
    tag(response, row["version"])
    return out(row, me, house.vault)


@router.patch("/{work_order_id}", operation_id="update_work_order")
async def update_work_order(
    work_order_id: UUID,
    body: WorkOrderPatch,
    conn: StoreConnection,
    house: TheHouse,
    me: Me,
    if_match: IfMatch,
    now: Now,
    response: Response,
) -> WorkOrderOut:
    """Correct an order; its follow-up follows."""
    store = await house.stores.get(conn, me.store_id, today=now.date())
    row = await actions.change_order(conn, store, house.vault, me, work_order_id, body, if_match, now=now)
    tag(response, row["version"])
    return out(row, me, house.vault)
