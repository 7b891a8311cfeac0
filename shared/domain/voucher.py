"""Vouchers 优惠券: the kinds there are, how long each is good for, what may become of one.

A voucher is a thing: issued to a customer (or a car of theirs), looked up by its code, redeemed once with a work order, or it
expires (decisions.md, "Programmes, corrected"; S4 3.1–3.3). Validity runs in whole days of the store, both ends included.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Literal

from shared.domain.calendar import add_months

ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""What a code is made of: nothing that is mistaken when read out over the telephone (0 and O, 1 and I)."""

CODE_LENGTH = 10
VoucherKey = Literal[
    "birthday",
    "anniversary",
    "new_customer",
    "screen_wash",
    "tyre_check",
    "free_repair",
    "maintenance_20",
    "goodwill",
]
_NOISE = re.compile(r"[\s\-·]+")


class VoucherState(StrEnum):
    """Where a voucher stands on a day."""

    OPEN = "open"
    REDEEMED = "redeemed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class VoucherKind:
    """What a voucher gives.

    `months`: good for so long from the due day of its visit or, `from_trigger`, from the day of what led to it.
    `by_hand`: its value is set when somebody issues it.
    """

    key: str
    zh: str
    en: str
    months: int
    value_fen: int | None = None
    percent_off: int | None = None
    by_hand: bool = False
    from_trigger: bool = False


KINDS: Mapping[str, VoucherKind] = {
    kind.key: kind
    for kind in (
        VoucherKind("birthday", "50元维修券", "50 yuan off a repair", 3, value_fen=5000),  # S4 3.2
        VoucherKind("anniversary", "免费四轮定位", "free four-wheel alignment", 3),  # S4 3.2
        VoucherKind("new_customer", "下次到店9折", "10% off your next visit", 3, percent_off=10, from_trigger=True),  # S4 3.1
        VoucherKind("screen_wash", "免费添加玻璃水", "free screen wash", 3, from_trigger=True),  # S4 3.1
        VoucherKind("tyre_check", "免费轮胎检测", "free tyre check", 3, from_trigger=True),  # S4 3.1
        VoucherKind("free_repair", "免费维修一次", "a free repair", 3),  # S4 3.3, quality
        VoucherKind("maintenance_20", "8折保养券", "20% off a maintenance", 1, percent_off=20),  # S4 3.3, price
        VoucherKind("goodwill", "维修抵用券", "goodwill voucher", 3, by_hand=True),  # S4 4.5, "已赠送50元维修券"
    )
}
"""Every kind. Months without a source in the table of domain.md §4 are ours (d)."""


def validity(kind: VoucherKind, start: date) -> tuple[date, date]:
    """The first and the last day of a voucher that counts from `start`: 3 months from 30 November end on 28 February."""
    return start, add_months(start, kind.months)


def state_on(day: date, valid_to: date, *, redeemed: bool, cancelled: bool) -> VoucherState:
    """Where a voucher stands on a day of the store. One redeemed stays so whatever comes after."""
    if redeemed:
        return VoucherState.REDEEMED
    if cancelled:
        return VoucherState.CANCELLED
    return VoucherState.EXPIRED if day > valid_to else VoucherState.OPEN


def read_code(text: str) -> str:
    """A code as somebody typed or read it out: case, blanks and dashes do not matter."""
    return _NOISE.sub("", text).upper()


def wording(kind: VoucherKind, language: str, value_fen: int | None, percent_off: int | None) -> str:
    """What the voucher gives, in a few words of the customer's language (at most 20 characters in Chinese)."""
    if not kind.by_hand:
        return kind.zh if language == "zh" else kind.en
    if value_fen is not None:
        yuan = f"{value_fen / 100:g}"
        return f"{yuan}元{kind.zh}" if language == "zh" else f"{yuan} yuan off"
    if percent_off is not None:
        tenths = f"{(100 - percent_off) / 10:g}"
        return f"{tenths}折券" if language == "zh" else f"{percent_off}% off"
    return kind.zh if language == "zh" else kind.en
