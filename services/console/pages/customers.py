"""Customers 客户档案: find anybody from one box; one customer's file and timeline. Reading only."""

from __future__ import annotations

import asyncio
from uuid import UUID

from fastapi import APIRouter, Response

from services.console.desk import Signed
from services.console.render import page

router = APIRouter()


@router.get("/customers")
async def search(desk: Signed, q: str = "", cursor: str = "") -> Response:
    """Customers by name, initials, plate, VIN or the last four digits of the phone."""
    q = q.strip()[:100]
    found = await desk.caller.get(f"{desk.path}/customers", q=q, cursor=cursor, limit=50)
    return page(desk, "customers/page.html", q=q, customers=found["items"], next_cursor=found["next_cursor"])


@router.get("/customers/{customer_id}")
async def customer(customer_id: UUID, desk: Signed) -> Response:
    """One customer: file, open visits, everything that happened."""
    path = f"{desk.path}/customers/{customer_id}"
    card, timeline, visits = await asyncio.gather(
        desk.caller.get(f"{path}/card"),
        desk.caller.get(f"{path}/timeline", limit=100),
        desk.caller.get(f"{desk.path}/visits", customer_id=str(customer_id), state=["planned", "due", "trying"], limit=50),
    )
    values = {
        "customer": card["customer"],
        "vehicles": card["vehicles"],
        "timeline": timeline["items"],
        "next_cursor": timeline["next_cursor"],
        "visits": visits["items"],
    }
    return page(desk, "customers/file.html", **values)
