"""The why drawer: rule, trigger, shifts, tries, messages, what comes next."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Response

from services.console.desk import Signed
from services.console.render import page

router = APIRouter()


@router.get("/visits/{visit_id}/why")
async def why(visit_id: UUID, desk: Signed) -> Response:
    """The story of a visit, into the drawer."""
    return page(desk, "why/drawer.html", why=await desk.caller.get(f"{desk.path}/visits/{visit_id}/why"))
