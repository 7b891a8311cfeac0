"""Merging files over HTTP."""

from __future__ import annotations

from uuid import UUID

from services.api import records
from services.api.customers.queries import TABLE, CustomerNotFound
from services.api.deps import Me, Now, StoreConnection, TheHouse
from services.api.merges import actions, plan, queries, undo
from services.api.merges.schemas import DuplicatePair, MergeIn, MergeOut, MergePreview, UndoMergeIn, UnmergeOut
from services.api.paging import PageQuery
from services.api.routing import router as make_router
from services.api.wire import Page

router = make_router("/stores/{store_id}/customers", "customers")


@router.get("/duplicates", operation_id="list_duplicates")
async def list_duplicates(conn: StoreConnection, me: Me, page: PageQuery) -> Page[DuplicatePair]:
    """Pairs of files that may be one customer: the same number or car, and a similar name."""
    items, following = await queries.duplicates(conn, me, page)
    return Page(items=items, next_cursor=following)


@router.get("/{customer_id}/merge", operation_id="list_merges")
async def list_merges(customer_id: UUID, conn: StoreConnection, me: Me, page: PageQuery) -> Page[MergeOut]:
    """Merges this file took part in, the latest first."""
    await records.one(conn, TABLE, me.store_id, customer_id, CustomerNotFound)
    items, following = await queries.page_of_merges(conn, me, customer_id, page)
    return Page(items=items, next_cursor=following)


@router.post("/{customer_id}/merge/preview", operation_id="preview_merge")
async def preview_merge(
    customer_id: UUID, body: MergeIn, conn: StoreConnection, house: TheHouse, me: Me, now: Now
) -> MergePreview:
    """What making one file of two would do; this file stays."""
    store = await house.stores.get(conn, me.store_id, today=now.date())
    return await plan.preview(conn, store, me, customer_id, body.merged_id)


@router.post("/{customer_id}/merge", status_code=201, operation_id="merge_customers")
async def merge_customers(customer_id: UUID, body: MergeIn, conn: StoreConnection, house: TheHouse, me: Me, now: Now) -> MergeOut:
    """Make one file of two: history, running clocks and promises are kept, the strictest consent wins. It can be undone."""
    store = await house.stores.get(conn, me.store_id, today=now.date())
    return queries.shown(await actions.merge(conn, store, me, customer_id, body.merged_id, now=now))


@router.post("/{customer_id}/merge/undo", operation_id="undo_merge")
async def undo_merge(
    customer_id: UUID, conn: StoreConnection, house: TheHouse, me: Me, now: Now, body: UndoMergeIn | None = None
) -> UnmergeOut:
    """Make two files of one again; the answer says what could not be put back, and why."""
    store = await house.stores.get(conn, me.store_id, today=now.date())
    merge_id = body.merge_id if body else None
    row, missed = await undo.undo_merge(conn, store, me, customer_id, merge_id, now=now)
    return UnmergeOut(merge=queries.shown(row), not_restored=missed)
