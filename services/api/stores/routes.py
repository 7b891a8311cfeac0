"""Stores over HTTP."""

from __future__ import annotations

from uuid import UUID

from fastapi import Response

from services.api import audit
from services.api.deps import AfterCommit, Caller, Me, Now, Session, TheHouse
from services.api.etags import IfMatch, tag
from services.api.identities import Me as MeIn
from services.api.paging import PageQuery
from services.api.routing import router as make_router
from services.api.stores import actions, queries
from services.api.stores.schemas import StoreIn, StoreOut, StorePatch
from services.api.wire import Page

router = make_router("/stores", "stores")


@router.get("", operation_id="list_stores")
async def list_stores(session: Session, caller: Caller, page: PageQuery) -> Page[StoreOut]:
    """The stores the caller works in, by code; the operator's are all."""
    after = str(page.after[0]) if page.after else None
    rows = await queries.stores_of(session, caller, after=after, limit=page.limit)
    items, following = page.cut(rows, lambda store: (store.code,))
    return Page(items=[StoreOut.model_validate(store) for store in items], next_cursor=following)


@router.post("", status_code=201, operation_id="create_store")
async def create_store(
    body: StoreIn, session: Session, caller: Caller, house: TheHouse, now: Now, response: Response
) -> StoreOut:
    """Add a store with the shipped programmes."""
    store = await actions.create_store(session, body, timezone=house.settings.timezone, now=now)
    me = MeIn(caller, store.id, store.timezone)
    await audit.note(session, me, "store.created", "store", store.id, now=now)
    response.headers["Location"] = f"/v1/stores/{store.id}"
    tag(response, store.version)
    return StoreOut.model_validate(store)


@router.get("/{store_id}", operation_id="get_store")
async def get_store(store_id: UUID, session: Session, response: Response) -> StoreOut:
    """One store."""
    store = await queries.store_by_id(session, store_id)
    tag(response, store.version)
    return StoreOut.model_validate(store)


@router.patch("/{store_id}", operation_id="update_store")
async def update_store(
    store_id: UUID,
    body: StorePatch,
    session: Session,
    me: Me,
    if_match: IfMatch,
    now: Now,
    then: AfterCommit,
    house: TheHouse,
    response: Response,
) -> StoreOut:
    """Change hours, policies, names."""
    store = await actions.change_store(session, store_id, body, if_match, now=now)
    await audit.note(session, me, "store.changed", "store", store_id, now=now, detail={"fields": sorted(body.model_fields_set)})
    then.append(house.identities.forget)
    tag(response, store.version)
    return StoreOut.model_validate(store)
