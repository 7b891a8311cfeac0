"""Vouchers over HTTP."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from fastapi import Query, Response

from services.api.deps import Locale, Me, Now, StoreConnection
from services.api.paging import PageQuery
from services.api.routing import router as make_router
from services.api.vouchers import actions, queries
from services.api.vouchers.queries import Filters
from services.api.vouchers.schemas import CancelIn, RedeemIn, VoucherIn, VoucherOut, VoucherState
from services.api.wire import Line, Page, json_response
from shared.domain.voucher import VoucherKey

router = make_router("/stores/{store_id}/vouchers", "vouchers")


@router.get("", operation_id="list_vouchers", response_model=Page[VoucherOut])
async def list_vouchers(
    conn: StoreConnection,
    me: Me,
    page: PageQuery,
    now: Now,
    locale: Locale,
    code: Annotated[Line | None, Query(description="The whole code; case, blanks and dashes do not matter.")] = None,
    customer_id: UUID | None = None,
    kind: VoucherKey | None = None,
    state: Annotated[VoucherState | None, Query(description="As it stands today.")] = None,
    sort: Literal["-issued_at", "valid_to"] = "-issued_at",
) -> Response:
    """Vouchers of the store, the latest first; by `code` the one a customer shows."""
    filters = Filters(code, customer_id, kind, state)
    items, cursor = await queries.page_of_vouchers(conn, me, filters, queries.SORTS[sort], page, now, locale)
    return json_response({"items": items, "next_cursor": cursor})


@router.post("", status_code=201, operation_id="issue_voucher", response_model=VoucherOut)
async def issue_voucher(body: VoucherIn, conn: StoreConnection, me: Me, now: Now, locale: Locale) -> Response:
    """Issue a voucher by hand; recorded with its reason."""
    voucher_id = await actions.issue_by_hand(conn, me, body, now=now)
    headers = {"Location": f"/v1/stores/{me.store_id}/vouchers/{voucher_id}"}
    return json_response(await queries.voucher(conn, me, voucher_id, now, locale), 201, headers)


@router.get("/{voucher_id}", operation_id="get_voucher", response_model=VoucherOut)
async def get_voucher(voucher_id: UUID, conn: StoreConnection, me: Me, now: Now, locale: Locale) -> Response:
    """One voucher."""
    return json_response(await queries.voucher(conn, me, voucher_id, now, locale))


@router.post("/{voucher_id}/redeem", operation_id="redeem_voucher", response_model=VoucherOut)
async def redeem_voucher(voucher_id: UUID, body: RedeemIn, conn: StoreConnection, me: Me, now: Now, locale: Locale) -> Response:
    """Use it with an order: once, within its days, by its customer."""
    await actions.redeem(conn, me, voucher_id, body.work_order_id, now=now)
    return json_response(await queries.voucher(conn, me, voucher_id, now, locale))


@router.post("/{voucher_id}/cancel", operation_id="cancel_voucher", response_model=VoucherOut)
async def cancel_voucher(voucher_id: UUID, body: CancelIn, conn: StoreConnection, me: Me, now: Now, locale: Locale) -> Response:
    """Make it void; one that was redeemed stays so."""
    await actions.cancel(conn, me, voucher_id, body.reason, now=now)
    return json_response(await queries.voucher(conn, me, voucher_id, now, locale))
