"""Whether a complaint of the customer freezes a visit, and since when: for the brief and for `why` (domain.md §10.12)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from shared.complaints import freeze_gap, is_frozen_kind, open_or_recent
from shared.db import Connection
from shared.stores import StoreContext

_WORDS: Mapping[str, tuple[str, str]] = {
    "complaint_open": (
        "客户有未结投诉，此类联系暂停（召回、续保不受影响）",
        "an open complaint freezes this kind of contact (not recalls, not renewal)",
    ),
    "complaint_gap": ("投诉刚结案，间隔期内暂不联系", "a complaint was closed lately: contact of this kind waits"),
}


async def freeze_of(
    conn: Connection, store: StoreContext, visit: Mapping[str, Any], now: datetime
) -> tuple[str | None, datetime | None]:
    """Why the visit is frozen and until when (None: while the complaint is open); (None, None) when it is not."""
    if not is_frozen_kind(store, visit["programme"], visit["step"], visit["purposes"]):
        return None, None
    freeze = (await open_or_recent(conn, store.id, [visit["customer_id"]])).get(visit["customer_id"])
    gap = freeze_gap(store.policies)
    reason = freeze.reason(now, gap) if freeze else None
    return (reason, freeze.until(now, gap)) if freeze and reason else (None, None)


async def frozen_line(
    conn: Connection, store: StoreContext, visit: Mapping[str, Any], now: datetime, *, english: bool
) -> list[dict[str, Any]]:
    """The line of the story that says so, if there is anything to say."""
    reason, until = await freeze_of(conn, store, visit, now)
    if reason is None:
        return []
    zh, en = _WORDS[reason]
    detail = {"reason": reason, "until": until}
    return [{"at": now, "kind": "frozen", "text": en if english else zh, "actor": "system", "detail": detail}]
