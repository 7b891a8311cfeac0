"""The wire of vouchers."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from services.api.wire import Day, In, Instant, Line, Out
from shared.domain.voucher import VoucherKey

VoucherState = Literal["open", "redeemed", "expired", "cancelled"]
Value = Annotated[int, Field(ge=1, le=10_000_000, description="Money in fen (0.01 yuan).", examples=[5000])]
Percent = Annotated[int, Field(ge=1, le=100, description="How much is taken off: 20 is 8折.", examples=[20])]


class VoucherIn(In):
    """A voucher issued by hand. Only a `goodwill` one takes a value, and needs it: money or per cent."""

    customer_id: UUID
    kind: VoucherKey = Field(examples=["goodwill"])
    vehicle_id: UUID | None = None
    value_fen: Value | None = None
    percent_off: Percent | None = None
    valid_to: Day | None = Field(None, description="The last day; the kind's own validity unless given.")
    reason: Line = Field(examples=["等待时间过长，致歉"])


class RedeemIn(In):
    """The order it is used with, of the same customer."""

    work_order_id: UUID


class CancelIn(In):
    """Why it is no longer good."""

    reason: Line = Field(examples=["误发"])


class VoucherOut(Out):
    """A voucher. `state` is that of today: one not redeemed expires after its last day."""

    id: UUID
    code: str = Field(examples=["K7MPT4WX9Q"])
    kind: VoucherKey
    text: str = Field(description="What it gives, in the caller's language.", examples=["50元维修券"])
    customer_id: UUID
    customer_name: str = Field(examples=["王建国"])
    vehicle_id: UUID | None
    plate: str | None
    visit_id: UUID | None
    issued_for: str = Field(examples=["customer.birthday:01939a5e-7c7e-7000-8000-000000000001:2026"])
    value_fen: int | None = Field(examples=[5000])
    percent_off: int | None
    valid_from: date
    valid_to: date
    state: VoucherState
    issued_at: Instant
    issued_by: UUID | None
    redeemed_at: Instant | None
    redeemed_by: UUID | None
    work_order_id: UUID | None
    cancelled_at: Instant | None
    cancel_reason: str | None
