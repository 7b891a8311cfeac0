"""Messages 消息记录: what went out, to whom, or why not. Reading only."""

from __future__ import annotations

import asyncio
from uuid import UUID

from fastapi import APIRouter, Response

from services.console.desk import Signed
from services.console.render import page

router = APIRouter()

TABS: dict[str, tuple[str, ...]] = {
    "all": (),
    "sent": ("sending", "accepted", "delivered", "undelivered", "rejected", "receipt_timeout"),
    "waiting": ("queued", "held"),
    "uncertain": ("unknown", "unknown_final"),
    "not_sent": ("suppressed",),
}


@router.get("/messages")
async def messages(desk: Signed, tab: str = "all", channel: str = "", cursor: str = "") -> Response:
    """Messages the person may see, newest first."""
    states = TABS.get(tab, ())
    found = await desk.caller.get(f"{desk.path}/messages", state=list(states) or None, channel=channel, cursor=cursor, limit=100)
    values = {
        "messages": found["items"],
        "next_cursor": found["next_cursor"],
        "tab": tab,
        "tabs": tuple(TABS),
        "channel": channel,
    }
    return page(desk, "messages/page.html", **values)


@router.get("/messages/{message_id}")
async def message(message_id: UUID, desk: Signed) -> Response:
    """One message with its tries and its why, into the drawer."""
    path = f"{desk.path}/messages/{message_id}"
    found, why = await asyncio.gather(desk.caller.get(path), desk.caller.get(f"{path}/why"))
    return page(desk, "messages/drawer.html", message=found, why=why)
