"""Customers over HTTP."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from fastapi import Path, Query, Response

from services.api.customers import actions, points, queries
from services.api.customers.queries import Filters
from services.api.customers.schemas import (
    CardOut,
    ConsentIn,
    ConsentOut,
    ContactPointIn,
    ContactPointPatch,
    CustomerCreated,
    CustomerIn,
    CustomerOut,
    CustomerPatch,
    CustomerRow,
    DeceasedIn,
    Lifecycle,
    OptOutIn,
    Preferred,
    RevealIn,
    RevealOut,
    TimelineItem,
    WithdrawIn,
)
from services.api.deps import Me, Now, StoreConnection, TheHouse, Vault
from services.api.direct import directly
from services.api.etags import IfMatch, etag
from services.api.identities import Me as Caller
from services.api.paging import PageQuery
from services.api.routing import router as make_router
from services.api.wire import Line, Page, json_response
from shared.crypto import Vault as SharedVault
from shared.db import Connection

router = make_router("/stores/{store_id}/customers", "customers")
Happening = Literal["visit", "attempt", "message", "work_order", "sale", "lead", "change", "voucher", "complaint", "problem"]


async def _answer(conn: Connection, vault: SharedVault, me: Caller, customer_id: UUID, status: int = 200) -> Response:
    file = CustomerOut.of(await queries.customer(conn, vault, me, customer_id))
    return json_response(file, status, {"ETag": etag(file.version)})


@router.get("", operation_id="list_customers", response_model=Page[CustomerRow])
async def list_customers(
    conn: StoreConnection,
    vault: Vault,
    me: Me,
    page: PageQuery,
    q: Annotated[
        Line | None,
        Query(description="A part of the name, its pinyin initials, a plate or VIN, the phone's last four digits, or all of it."),
    ] = None,
    lifecycle: Annotated[list[Lifecycle] | None, Query(description="Several may be given.")] = None,
    holder_id: Annotated[UUID | None, Query(description="Whose files.")] = None,
    flag: Annotated[Line | None, Query(description="A flag such as high_value.")] = None,
    preferred_channel: Preferred | None = None,
    sort: Literal["-created_at", "created_at", "-updated_at", "name"] = "-created_at",
) -> Response:
    """Files of the store, found by anything people remember of a customer."""
    filters = Filters(q, [*lifecycle] if lifecycle else None, holder_id, flag, preferred_channel)
    items, cursor = await queries.page_of_customers(conn, vault, me, filters, queries.SORTS[sort], page)
    return json_response({"items": [CustomerRow.of(item) for item in items], "next_cursor": cursor})


@router.post("", status_code=201, operation_id="create_customer", response_model=CustomerCreated)
async def create_customer(body: CustomerIn, conn: StoreConnection, vault: Vault, me: Me, now: Now) -> Response:
    """Open a file. A number that other files have is warned of in `duplicates`, never refused: families share phones."""
    customer_id = await actions.add_customer(conn, vault, me, body, now=now)
    file = await queries.customer(conn, vault, me, customer_id)
    others = await points.duplicates(conn, me.store_id, customer_id, file["contact_points"])
    made = CustomerCreated.of({**file, "duplicates": [dict(row) for row in others]})
    headers = {"Location": f"/v1/stores/{me.store_id}/customers/{customer_id}", "ETag": etag(made.version)}
    return json_response(made, 201, headers)


@router.get("/{customer_id}", operation_id="get_customer", response_model=CustomerOut)
@directly
async def get_customer(customer_id: UUID, conn: StoreConnection, vault: Vault, me: Me) -> Response:
    """One file; one that was merged away says into which."""
    return await _answer(conn, vault, me, customer_id)


@router.patch("/{customer_id}", operation_id="update_customer", response_model=CustomerOut)
async def update_customer(
    customer_id: UUID, body: CustomerPatch, conn: StoreConnection, vault: Vault, me: Me, if_match: IfMatch, now: Now
) -> Response:
    """Correct a file; who changed what stays in its timeline."""
    await actions.change_customer(conn, me, customer_id, body, if_match, now=now)
    return await _answer(conn, vault, me, customer_id)


@router.get("/{customer_id}/timeline", operation_id="get_customer_timeline", response_model=Page[TimelineItem])
async def get_timeline(
    customer_id: UUID,
    conn: StoreConnection,
    me: Me,
    page: PageQuery,
    kind: Annotated[list[Happening] | None, Query(description="Several may be given.")] = None,
) -> Response:
    """What happened and what is planned, the newest first: follow-ups, attempts, messages, orders, sales, changes."""
    items, cursor = await queries.timeline(conn, me, customer_id, [*kind] if kind else None, page)
    return json_response({"items": [TimelineItem.of(item) for item in items], "next_cursor": cursor})


@router.get("/{customer_id}/card", operation_id="get_customer_card", response_model=CardOut)
async def get_card(customer_id: UUID, conn: StoreConnection, vault: Vault, me: Me) -> Response:
    """管理卡: the C card of a prospect, the owner card with its 回访记录表."""
    return json_response(CardOut.of(await queries.card(conn, vault, me, customer_id)))


@router.get("/{customer_id}/consents", operation_id="list_consents", response_model=Page[ConsentOut])
async def list_consents(customer_id: UUID, conn: StoreConnection, me: Me) -> Response:
    """What the customer agreed to, and what was withdrawn."""
    rows = await queries.consents(conn, me.store_id, customer_id)
    return json_response({"items": [ConsentOut.of(row) for row in rows], "next_cursor": None})


@router.post("/{customer_id}/consents", status_code=201, operation_id="grant_consent", response_model=ConsentOut)
async def grant_consent(customer_id: UUID, body: ConsentIn, conn: StoreConnection, me: Me, now: Now) -> Response:
    """The customer agrees to a purpose on a channel."""
    return json_response(ConsentOut.of(await actions.grant(conn, me, customer_id, body, now=now)), 201)


@router.post("/{customer_id}/consents/{purpose}/withdraw", operation_id="withdraw_consent", response_model=Page[ConsentOut])
async def withdraw_consent(
    customer_id: UUID,
    purpose: Annotated[Line, Path(description="The purpose, or the id of one consent.", examples=["marketing"])],
    conn: StoreConnection,
    me: Me,
    now: Now,
    body: WithdrawIn | None = None,
) -> Response:
    """The customer agrees no more; it needs no reason and holds at once."""
    await actions.withdraw(conn, me, customer_id, purpose, body.channel if body else None, now=now)
    return await list_consents(customer_id, conn, me)


@router.post("/{customer_id}/contact-points", status_code=201, operation_id="add_contact_point", response_model=CustomerCreated)
async def add_contact_point(
    customer_id: UUID, body: ContactPointIn, conn: StoreConnection, house: TheHouse, vault: Vault, me: Me, now: Now
) -> Response:
    """A further number, address or WeChat name; the answer is the file, with others that have the same."""
    store = await house.stores.get(conn, me.store_id, today=now.date())
    point_id = await actions.add_contact_point(conn, store, vault, me, customer_id, body, now=now)
    file = await queries.customer(conn, vault, me, customer_id)
    added = [point for point in file["contact_points"] if point["id"] == point_id]
    others = await points.duplicates(conn, me.store_id, customer_id, added)
    made = CustomerCreated.of({**file, "duplicates": [dict(row) for row in others]})
    return json_response(made, 201, {"ETag": etag(made.version)})


@router.patch("/{customer_id}/contact-points/{contact_point_id}", operation_id="update_contact_point", response_model=CustomerOut)
async def update_contact_point(
    customer_id: UUID,
    contact_point_id: UUID,
    body: ContactPointPatch,
    conn: StoreConnection,
    house: TheHouse,
    vault: Vault,
    me: Me,
    if_match: IfMatch,
    now: Now,
) -> Response:
    """Label, order, or a mark as wrong taken away; If-Match is the file's ETag."""
    if_match.check((await queries.customer(conn, vault, me, customer_id))["version"])
    store = await house.stores.get(conn, me.store_id, today=now.date())
    await actions.change_contact_point(conn, store, me, customer_id, contact_point_id, body, now=now)
    return await _answer(conn, vault, me, customer_id)


@router.delete(
    "/{customer_id}/contact-points/{contact_point_id}", operation_id="remove_contact_point", response_model=CustomerOut
)
async def remove_contact_point(
    customer_id: UUID, contact_point_id: UUID, conn: StoreConnection, vault: Vault, me: Me, now: Now
) -> Response:
    """Forget a number or address."""
    await actions.remove_contact_point(conn, me, customer_id, contact_point_id, now=now)
    return await _answer(conn, vault, me, customer_id)


@router.post("/{customer_id}/opt-outs", operation_id="opt_out", response_model=CustomerOut)
async def opt_out(customer_id: UUID, body: OptOutIn, conn: StoreConnection, vault: Vault, me: Me, now: Now) -> Response:
    """The number wants no more of a channel, in any store, from now on; recalls still go."""
    await actions.opt_out(conn, me, customer_id, body, now=now)
    return await _answer(conn, vault, me, customer_id)


@router.delete("/{customer_id}/opt-outs/{contact_point_id}", operation_id="opt_in", response_model=CustomerOut)
async def opt_in(
    customer_id: UUID,
    contact_point_id: UUID,
    conn: StoreConnection,
    vault: Vault,
    me: Me,
    now: Now,
    channel: Literal["sms", "email", "phone", "all"] | None = None,
) -> Response:
    """The customer wants to hear from us again."""
    await actions.opt_in(conn, me, customer_id, contact_point_id, channel, now=now)
    return await _answer(conn, vault, me, customer_id)


@router.post("/{customer_id}/reveal", operation_id="reveal", response_model=RevealOut)
async def reveal(customer_id: UUID, body: RevealIn, conn: StoreConnection, vault: Vault, me: Me, now: Now) -> Response:
    """Show a whole number to whoever works with the file; every time is recorded."""
    row, value = await actions.reveal(conn, vault, me, customer_id, body, now=now)
    answer = {"contact_point_id": row["id"], "kind": row["kind"], "value": value}
    return json_response(answer, headers={"Cache-Control": "no-store"})


@router.post("/{customer_id}/deceased", operation_id="mark_deceased", response_model=CustomerOut)
async def mark_deceased(
    customer_id: UUID, conn: StoreConnection, vault: Vault, me: Me, now: Now, body: DeceasedIn | None = None
) -> Response:
    """The customer has died: everything stops at once."""
    await actions.mark_deceased(conn, me, customer_id, note=body.note if body else None, now=now)
    return await _answer(conn, vault, me, customer_id)


@router.post("/{customer_id}/deceased/undo", operation_id="undo_deceased", response_model=CustomerOut)
async def undo_deceased(customer_id: UUID, conn: StoreConnection, house: TheHouse, vault: Vault, me: Me, now: Now) -> Response:
    """It was an error; only a manager may say so. What was stopped for it and is still in its window goes on."""
    store = await house.stores.get(conn, me.store_id, today=now.date())
    await actions.undo_deceased(conn, store, me, customer_id, now=now)
    return await _answer(conn, vault, me, customer_id)
