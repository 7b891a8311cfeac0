"""Outbox 发件箱, in development only: the SMS and e-mails that customers would have got."""

from __future__ import annotations

import asyncio
from pathlib import Path

from fastapi import APIRouter, Response

from services.console.api import Problem
from services.console.desk import Signed
from services.console.mailbox import latest_mails
from services.console.render import page

router = APIRouter()

REFUSED = (403, 404)


@router.get("/outbox")
async def outbox(desk: Signed, channel: str = "sms") -> Response:
    """Messages of the store as their readers see them."""
    folder = desk.console.settings.mail_dir
    mails = await asyncio.to_thread(latest_mails, Path(folder)) if folder and channel == "email" else []
    note, texts = "", []
    if channel != "email":
        try:
            found = await desk.caller.get("/v1/dev/outbox", store_id=desk.store["store_id"], channel="sms", limit=60)
            texts = found["items"]
        except Problem as refusal:
            if refusal.status not in REFUSED:
                raise
            note = desk.t("发件箱只对管理员开放：请用 admin 登录。", "The outbox is for administrators: sign in as admin.")
    return page(desk, "outbox/page.html", channel=channel, texts=texts, mails=mails, folder=bool(folder), note=note)
