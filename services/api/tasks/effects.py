"""What a finished task says about the file beside itself: a card that was handed over, a file that was uploaded."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from services.api.identities import Me
from services.api.sales.door import SaleNotFound, change_sale
from shared.db import Connection
from shared.stores import StoreContext

_OF_THE_SALE = {"hand_over_card": "card_handed_on", "upload_file": "file_uploaded_on"}


async def apply(conn: Connection, store: StoreContext, me: Me, task: Mapping[str, Any], *, now: datetime) -> None:
    """Write the day on the sale that the task is about, unless it is known; after-sales begins from the day of the card."""
    name = _OF_THE_SALE.get(task["kind"])
    if name is None or task["about_id"] is None:
        return
    known = await conn.fetchrow("SELECT * FROM sales WHERE store_id = $1 AND id = $2", store.id, task["about_id"])
    if known is None:
        raise SaleNotFound
    if known[name] is None:
        day = max(store.calendar.day_of(now), known["delivered_on"])
        await change_sale(conn, store, me, known["id"], {name: day}, None, now=now)
