"""Quality flags over HTTP."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from services.api.deps import Me, Now, StoreConnection
from services.api.paging import PageQuery
from services.api.quality_flags import actions, queries
from services.api.quality_flags.schemas import DecisionIn, FlagOut, FlagState
from services.api.routing import router as make_router
from services.api.wire import Day, Page, json_response
from shared.domain.honest import FlagKind

router = make_router("/stores/{store_id}/quality-flags", "quality flags")


@router.get("", operation_id="list_quality_flags", response_model=Page[FlagOut])
async def list_quality_flags(
    conn: StoreConnection,
    me: Me,
    page: PageQuery,
    kind: FlagKind | None = None,
    state: FlagState | None = None,
    staff_id: UUID | None = None,
    first: Annotated[Day | None, Query(alias="from", description="From this day on.")] = None,
    last: Annotated[Day | None, Query(alias="to", description="Up to this day.")] = None,
) -> Response:
    """What asks for a manager's second look, the newest first; never about oneself."""
    items, cursor = await queries.page_of_flags(
        conn, me, kind=kind, state=state, staff_id=staff_id, first=first, last=last, paging=page
    )
    return json_response({"items": items, "next_cursor": cursor})


@router.get("/{flag_id}", operation_id="get_quality_flag", response_model=FlagOut)
async def get_quality_flag(flag_id: UUID, conn: StoreConnection, me: Me) -> Response:
    """One flag."""
    return json_response(await queries.flag(conn, me, flag_id))


@router.post("/{flag_id}/decision", operation_id="decide_quality_flag", response_model=FlagOut)
async def decide_quality_flag(flag_id: UUID, body: DecisionIn, conn: StoreConnection, me: Me, now: Now) -> Response:
    """The manager's word after a second look, with the second call when there was one; said twice it stands as first said."""
    return json_response(await actions.decide(conn, me, flag_id, body, now=now))
