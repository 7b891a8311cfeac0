"""API keys over HTTP."""

from __future__ import annotations

from uuid import UUID

from services.api import audit
from services.api.api_keys import actions
from services.api.api_keys.schemas import ApiKeyIn, ApiKeyMade, ApiKeyOut
from services.api.deps import AfterCommit, Me, Now, Session, TheHouse
from services.api.paging import PageQuery
from services.api.routing import router as make_router
from services.api.wire import Page

router = make_router("/stores/{store_id}/api-keys", "api-keys")


@router.get("", operation_id="list_api_keys")
async def list_api_keys(session: Session, me: Me, page: PageQuery) -> Page[ApiKeyOut]:
    """The store's keys, the newest first."""
    rows = await actions.keys_of(session, me.store_id, after=page.after_uuid(), limit=page.limit)
    items, following = page.cut(rows, lambda key: (key.id,))
    return Page(items=[ApiKeyOut.model_validate(key) for key in items], next_cursor=following)


@router.post("", status_code=201, operation_id="create_api_key")
async def create_api_key(body: ApiKeyIn, session: Session, me: Me, now: Now) -> ApiKeyMade:
    """Make a key. Its text is in this answer and nowhere else."""
    key, text = await actions.make_key(session, me.store_id, body)
    await audit.note(session, me, "api_key.created", "api_key", key.id, now=now, detail={"scopes": key.scopes})
    return ApiKeyMade.model_validate({**key.model_dump(), "key": text})


@router.delete("/{api_key_id}", status_code=204, operation_id="revoke_api_key")
async def revoke_api_key(api_key_id: UUID, session: Session, me: Me, house: TheHouse, now: Now, then: AfterCommit) -> None:
    """End a key at once (in other processes within ten seconds)."""
    await actions.revoke_key(session, me.store_id, api_key_id)
    await audit.note(session, me, "api_key.revoked", "api_key", api_key_id, now=now)
    then.append(house.identities.forget)
