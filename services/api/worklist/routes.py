"""GET /worklist."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from services.api.deps import KeyedConnection, Me, Now, TheHouse
from services.api.routing import router as make_router
from services.api.wire import json_response
from services.api.worklist import queries
from services.api.worklist.schemas import WorklistOut
from shared.errors import Forbidden

router = make_router("/stores/{store_id}/worklist", "worklist")


@router.get("", operation_id="get_worklist", response_model=WorklistOut)
async def get_worklist(
    conn: KeyedConnection,
    house: TheHouse,
    me: Me,
    now: Now,
    assignee_id: Annotated[
        UUID | None, Query(description="Somebody else's list (managers); `all` visits when absent for a manager.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 200,
) -> Response:
    """The calls to make now, in order: promises, complaints, past the deadline, due today, the rest; then those that are blocked."""
    if assignee_id not in (None, me.staff_id) and not me.reads_all:
        raise Forbidden
    store = await house.stores.get(conn, me.store_id, today=now.date())
    return json_response(await queries.worklist(conn, store, me, assignee_id, now=now, limit=limit))
