"""Campaigns over HTTP."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from services.api.campaigns import actions, queries
from services.api.campaigns.schemas import (
    CampaignIn,
    CampaignOut,
    CampaignPatch,
    CampaignPreview,
    CampaignWithCounts,
    MemberOut,
    MemberState,
    Purpose,
    State,
    StopIn,
)
from services.api.deps import Me, Now, StoreConnection, TheHouse
from services.api.etags import IfMatch, etag
from services.api.identities import Me as Caller
from services.api.paging import PageQuery
from services.api.routing import router as make_router
from services.api.wire import Page, json_response
from shared.db import Connection

router = make_router("/stores/{store_id}/campaigns", "campaigns")


async def _answer(conn: Connection, me: Caller, campaign_id: UUID, status: int = 200) -> Response:
    found = await queries.campaign(conn, me, campaign_id)
    headers = {"ETag": etag(found["version"])}
    if status == 201:
        headers["Location"] = f"/v1/stores/{me.store_id}/campaigns/{campaign_id}"
    return json_response(found, status, headers)


@router.get("", operation_id="list_campaigns", response_model=Page[CampaignOut])
async def list_campaigns(
    conn: StoreConnection,
    me: Me,
    page: PageQuery,
    state: Annotated[State | None, Query(description="Where it stands.")] = None,
    purpose: Purpose | None = None,
) -> Response:
    """Campaigns of the store, the newest first."""
    items, cursor = await queries.page_of_campaigns(conn, me, state, purpose, page)
    return json_response({"items": items, "next_cursor": cursor})


@router.post("", status_code=201, operation_id="create_campaign", response_model=CampaignWithCounts)
async def create_campaign(body: CampaignIn, conn: StoreConnection, house: TheHouse, me: Me, now: Now) -> Response:
    """Enter a campaign as a draft; faults of its segment or words are named at their place."""
    store = await house.stores.get(conn, me.store_id, today=now.date())
    return await _answer(conn, me, await actions.add(conn, store, me, body, now=now), 201)


@router.get("/{campaign_id}", operation_id="get_campaign", response_model=CampaignWithCounts)
async def get_campaign(campaign_id: UUID, conn: StoreConnection, me: Me) -> Response:
    """One campaign and how far it is, by state; `campaign` events tell when to look again."""
    return await _answer(conn, me, campaign_id)


@router.patch("/{campaign_id}", operation_id="update_campaign", response_model=CampaignWithCounts)
async def update_campaign(
    campaign_id: UUID, body: CampaignPatch, conn: StoreConnection, house: TheHouse, me: Me, if_match: IfMatch, now: Now
) -> Response:
    """Change a campaign that is not launched; an approval is void afterwards."""
    store = await house.stores.get(conn, me.store_id, today=now.date())
    await actions.change(conn, store, me, campaign_id, body, if_match, now=now)
    return await _answer(conn, me, campaign_id)


@router.post("/{campaign_id}/preview", operation_id="preview_campaign", response_model=CampaignPreview)
async def preview_campaign(campaign_id: UUID, conn: StoreConnection, house: TheHouse, me: Me, now: Now) -> Response:
    """Whom it would reach now, who is left out and why, on which days, in which words. Changes nothing."""
    store = await house.stores.get(conn, me.store_id, today=now.date())
    return json_response(await actions.preview(conn, store, me, campaign_id, now=now))


@router.post("/{campaign_id}/approve", operation_id="approve_campaign", response_model=CampaignWithCounts)
async def approve_campaign(campaign_id: UUID, conn: StoreConnection, house: TheHouse, me: Me, now: Now) -> Response:
    """A second person's yes, which a large campaign needs."""
    store = await house.stores.get(conn, me.store_id, today=now.date())
    await actions.approve(conn, store, me, campaign_id, now=now)
    return await _answer(conn, me, campaign_id)


@router.post("/{campaign_id}/launch", operation_id="launch_campaign", response_model=CampaignWithCounts)
async def launch_campaign(campaign_id: UUID, conn: StoreConnection, house: TheHouse, me: Me, now: Now) -> Response:
    """Fix its members and begin: those of today at once, the others each on their day."""
    store = await house.stores.get(conn, me.store_id, today=now.date())
    await actions.launch(conn, store, me, campaign_id, now=now)
    return await _answer(conn, me, campaign_id)


@router.post("/{campaign_id}/stop", operation_id="stop_campaign", response_model=CampaignWithCounts)
async def stop_campaign(campaign_id: UUID, body: StopIn, conn: StoreConnection, me: Me, now: Now) -> Response:
    """Stop it: what was not sent and not called is cancelled; what was done stays."""
    await actions.stop(conn, me, campaign_id, body.reason, now=now)
    return await _answer(conn, me, campaign_id)


@router.get("/{campaign_id}/members", operation_id="list_campaign_members", response_model=Page[MemberOut])
async def list_campaign_members(
    campaign_id: UUID,
    conn: StoreConnection,
    me: Me,
    page: PageQuery,
    state: Annotated[MemberState | None, Query(description="Where the member stands.")] = None,
) -> Response:
    """Members with what came of each, those left out with the reason."""
    items, cursor = await queries.page_of_members(conn, me, campaign_id, state, page)
    return json_response({"items": items, "next_cursor": cursor})
