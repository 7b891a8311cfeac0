"""What people do with vouchers."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import asyncpg

from services.api import audit, records
from services.api.identities import Me
from services.api.vouchers.queries import TABLE, VoucherNotFound, day_of
from services.api.vouchers.schemas import VoucherIn
from shared.db import Connection
from shared.domain.voucher import KINDS, VoucherState, state_on
from shared.errors import Conflict, Invalid
from shared.ids import new_id
from shared.vouchers import Gift, issue_all

_REDEEM = """
    UPDATE vouchers SET redeemed_at = $3, redeemed_by = $4, work_order_id = $5 WHERE store_id = $1 AND id = $2
"""
_CANCEL = "UPDATE vouchers SET cancelled_at = $3, cancel_reason = $4 WHERE store_id = $1 AND id = $2"
_ORDER = "SELECT customer_id, closed_at FROM work_orders WHERE store_id = $1 AND id = $2"
_ISSUED = "SELECT id FROM vouchers WHERE store_id = $1 AND kind = $2 AND customer_id = $3 AND issued_for = $4"
_FAMILY = """
    SELECT true FROM customers WHERE store_id = $1 AND id = $2 AND merged_into = $3
"""


class VoucherRedeemed(Conflict):
    """The voucher has been redeemed already."""

    code = "voucher_redeemed"
    zh = "此券已核销。"


class VoucherExpired(Conflict):
    """The voucher's last day has passed."""

    code = "voucher_expired"
    zh = "此券已过期。"


class VoucherCancelled(Conflict):
    """The voucher was cancelled."""

    code = "voucher_cancelled"
    zh = "此券已作废。"


class VoucherNotYetValid(Conflict):
    """The voucher is not good yet."""

    code = "voucher_not_yet_valid"
    zh = "此券尚未生效。"


_CLOSED = {
    VoucherState.REDEEMED: VoucherRedeemed,
    VoucherState.EXPIRED: VoucherExpired,
    VoucherState.CANCELLED: VoucherCancelled,
}


async def issue_by_hand(conn: Connection, me: Me, body: VoucherIn, *, now: datetime) -> UUID:
    """A voucher of a manager's own decision; out: its id. Raises Invalid at a field."""
    customer_id = await records.customer(conn, me.store_id, body.customer_id, "/customer_id")
    await _check(conn, me, body, customer_id, now)
    occasion = f"hand:{new_id()}"
    gift = Gift(
        body.kind, customer_id, occasion, day_of(me, now), body.vehicle_id, None, body.value_fen, body.percent_off, body.valid_to
    )
    await issue_all(conn, me.store_id, [gift], now=now, issued_by=me.staff_id)
    voucher_id: UUID = await conn.fetchval(_ISSUED, me.store_id, body.kind, customer_id, occasion)
    detail = {"kind": body.kind, "customer_id": customer_id, "reason": body.reason}
    await audit.note(conn, me, "voucher.issued", "voucher", voucher_id, now=now, detail=detail)
    return voucher_id


async def redeem(conn: Connection, me: Me, voucher_id: UUID, work_order_id: UUID, *, now: datetime) -> None:
    """Use a voucher with an order of its customer, once, within its days.

    Raises VoucherNotFound, VoucherRedeemed, VoucherExpired, VoucherCancelled, VoucherNotYetValid, Invalid at /work_order_id.
    """
    row = await _usable(conn, me, voucher_id, now)
    order = await conn.fetchrow(_ORDER, me.store_id, work_order_id)
    if order is None:
        raise Invalid("没有该工单 / no such work order", "/work_order_id")
    theirs = order["customer_id"] == row["customer_id"] or await conn.fetchval(
        _FAMILY, me.store_id, row["customer_id"], order["customer_id"]
    )
    if not theirs:
        raise Invalid("工单属于另一客户 / an order of another customer", "/work_order_id")
    if str(work_order_id) in row["issued_for"]:
        raise Invalid("此券用于下次到店 / it is for the next visit, not for the one that brought it", "/work_order_id")
    await conn.execute(_REDEEM, me.store_id, voucher_id, now, me.staff_id, work_order_id)
    detail = {"work_order_id": work_order_id, "kind": row["kind"]}
    await audit.note(conn, me, "voucher.redeemed", "voucher", voucher_id, now=now, detail=detail)


async def cancel(conn: Connection, me: Me, voucher_id: UUID, reason: str, *, now: datetime) -> None:
    """Make a voucher void. Raises VoucherNotFound, VoucherRedeemed, VoucherCancelled."""
    row = await records.locked(conn, TABLE, me.store_id, voucher_id, VoucherNotFound)
    if row["redeemed_at"] is not None:
        raise VoucherRedeemed
    if row["cancelled_at"] is not None:
        raise VoucherCancelled
    await conn.execute(_CANCEL, me.store_id, voucher_id, now, reason)
    await audit.note(conn, me, "voucher.cancelled", "voucher", voucher_id, now=now, detail={"reason": reason})


async def _usable(conn: Connection, me: Me, voucher_id: UUID, now: datetime) -> asyncpg.Record:
    row = await records.locked(conn, TABLE, me.store_id, voucher_id, VoucherNotFound)
    today = day_of(me, now)
    state = state_on(today, row["valid_to"], redeemed=row["redeemed_at"] is not None, cancelled=row["cancelled_at"] is not None)
    if state in _CLOSED:
        raise _CLOSED[state]
    if today < row["valid_from"]:
        raise VoucherNotYetValid
    return row


async def _check(conn: Connection, me: Me, body: VoucherIn, customer_id: UUID, now: datetime) -> None:
    valued = [name for name in ("value_fen", "percent_off") if getattr(body, name) is not None]
    if KINDS[body.kind].by_hand and len(valued) != 1:
        raise Invalid("请填金额或折扣其一 / say its value: value_fen or percent_off", "/value_fen")
    if not KINDS[body.kind].by_hand and valued:
        raise Invalid("此类券的内容固定 / this kind has a fixed value", f"/{valued[0]}")
    if body.valid_to is not None and body.valid_to < day_of(me, now):
        raise Invalid("有效期已过 / it would be over already", "/valid_to")
    if body.vehicle_id is not None and not await conn.fetchval(
        "SELECT true FROM vehicles WHERE store_id = $1 AND id = $2 AND customer_id = $3",
        me.store_id,
        body.vehicle_id,
        customer_id,
    ):
        raise Invalid("不是该客户的车 / no car of this customer", "/vehicle_id")
