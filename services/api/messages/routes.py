"""Messages over HTTP."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from fastapi import Query, Response

from services.api.deps import Locale, Me, Now, StoreConnection, Vault
from services.api.messages import actions, queries
from services.api.messages.schemas import HoldIn, MessageOut, MessageWhyOut, OrderOut, ResendIn, SettleIn, UpcomingOut
from services.api.messages.why import why
from services.api.paging import PageQuery
from services.api.routing import router as make_router
from services.api.wire import Page, json_response
from shared.domain.message import MessageState

router = make_router("/stores/{store_id}/messages", "messages")


@router.get("", operation_id="list_messages", response_model=Page[MessageOut])
async def list_messages(
    conn: StoreConnection,
    vault: Vault,
    me: Me,
    page: PageQuery,
    state: Annotated[list[MessageState] | None, Query(description="Any of these states.")] = None,
    channel: Literal["sms", "email"] | None = None,
    customer_id: UUID | None = None,
    visit_id: UUID | None = None,
    kind: Literal["ladder", "automatic"] | None = None,
) -> Response:
    """Messages, newest first; those of one's own visits and customers unless one reads all."""
    items, cursor = await queries.page_of_messages(
        conn,
        vault,
        me,
        states=[each.value for each in state] if state else None,
        channel=channel,
        customer_id=customer_id,
        visit_id=visit_id,
        kind=kind,
        paging=page,
    )
    return json_response({"items": items, "next_cursor": cursor})


@router.get("/upcoming", operation_id="list_upcoming_messages", response_model=Page[UpcomingOut])
async def list_upcoming_messages(
    conn: StoreConnection,
    me: Me,
    now: Now,
    days: Annotated[int, Query(ge=1, le=31)] = 7,
    limit: Annotated[int, Query(ge=1, le=200)] = 200,
) -> Response:
    """What will go out in the coming days, soonest first, unless somebody takes it out."""
    return json_response({"items": await queries.upcoming(conn, me, now, days, limit), "next_cursor": None})


@router.get("/{message_id}", operation_id="get_message", response_model=MessageOut)
async def get_message(message_id: UUID, conn: StoreConnection, vault: Vault, me: Me) -> Response:
    """One message with its text and every call of the provider."""
    return json_response(await queries.message(conn, vault, me, message_id))


@router.get("/{message_id}/why", operation_id="get_message_why", response_model=MessageWhyOut)
async def get_message_why(message_id: UUID, conn: StoreConnection, vault: Vault, me: Me, locale: Locale) -> Response:
    """Why it went, waits, or never went."""
    return json_response(await why(conn, vault, me, message_id, locale))


@router.post("/{message_id}/resend", operation_id="resend_message", status_code=202, response_model=OrderOut)
async def resend_message(message_id: UUID, body: ResendIn, conn: StoreConnection, me: Me, now: Now) -> Response:
    """Send an uncertain message again, knowing that the customer may get it twice. 409 for any other."""
    return json_response(await actions.order_resend(conn, me, message_id, body.reason, now), 202)


@router.post("/{message_id}/hold", operation_id="hold_message", status_code=202, response_model=OrderOut)
async def hold_message(message_id: UUID, body: HoldIn, conn: StoreConnection, me: Me, now: Now) -> Response:
    """Take a waiting message out, with the reason. 409 once it is on its way."""
    return json_response(await actions.order_hold(conn, me, message_id, body.reason, now), 202)


@router.post("/{message_id}/settle", operation_id="settle_message", status_code=202, response_model=OrderOut)
async def settle_message(message_id: UUID, body: SettleIn, conn: StoreConnection, me: Me, now: Now) -> Response:
    """Say what became of an uncertain message: 已收到 or 未收到. 409 for any other."""
    return json_response(await actions.order_settle(conn, me, message_id, body.received, body.reason, now), 202)
