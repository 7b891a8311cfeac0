"""Server-sent events: what changed, by kind and id; the page reads the rest as usual."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from time import monotonic
from typing import Any
from uuid import UUID

import orjson
from sse_starlette import EventSourceResponse, ServerSentEvent

from services.api.deps import Me, TheHouse
from services.api.listening import Change, Feed
from services.api.routing import router as make_router

LONGEST = 600.0  # as long as an access token lives; whoever follows comes back with a fresh one
PING = 15
COME_BACK_MS = 2000

router = make_router("/stores/{store_id}/events", "events")

_EXAMPLE = 'event: visit\ndata: {"kind":"visit","id":"01939a5e-7c7e-7000-8000-000000000001"}\n\n'
_STREAM: dict[int | str, dict[str, Any]] = {
    200: {"description": "A stream.", "content": {"text/event-stream": {"schema": {"type": "string", "examples": [_EXAMPLE]}}}}
}


@router.get("", operation_id="follow_events", response_class=EventSourceResponse, responses=_STREAM)
async def follow_events(me: Me, house: TheHouse) -> EventSourceResponse:
    """What changes in the store from now on. `lost`: too much at once, read again; ends after ten minutes."""
    return EventSourceResponse(changes(house.feed, me.store_id), ping=PING)


async def changes(feed: Feed, store_id: UUID, longest: float = LONGEST) -> AsyncIterator[ServerSentEvent]:
    """The store's changes as events, until the process ends or `longest` seconds have passed."""
    until = monotonic() + longest
    with feed.follow(store_id) as queue:
        yield ServerSentEvent(comment="following", retry=COME_BACK_MS)
        while (left := until - monotonic()) > 0:
            try:
                change = await asyncio.wait_for(queue.get(), left)
            except TimeoutError:
                return
            if change is None:
                return
            yield _event(change)


def _event(change: Change) -> ServerSentEvent:
    data = {"kind": change.kind, "id": str(change.id) if change.id else None}
    return ServerSentEvent(event=change.kind, data=orjson.dumps(data).decode())
