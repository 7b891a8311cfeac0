"""Vouchers as rows: issued once for one occasion, found by their code.

Writes vouchers, in the caller's transaction of one store, never committing. Issuing twice for the same kind, customer, car and
occasion gives the one that is there. Never: decides what a voucher is worth (`shared.domain.voucher` does), tells the customer.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from shared.db import Connection
from shared.domain.voucher import ALPHABET, CODE_LENGTH, KINDS, validity
from shared.ids import new_id
from shared.stores import StoreContext

_INSERT = """
    INSERT INTO vouchers (store_id, issued_at, issued_by, id, code, customer_id, vehicle_id, visit_id, kind, issued_for, value_fen,
        percent_off, valid_from, valid_to)
    SELECT $1, $2, $3, u.* FROM unnest($4::uuid[], $5::text[], $6::uuid[], $7::uuid[], $8::uuid[], $9::text[], $10::text[],
        $11::int[], $12::int[], $13::date[], $14::date[]) AS u
    ON CONFLICT DO NOTHING
"""
_CODE = """
    SELECT code FROM vouchers WHERE store_id = $1 AND kind = $2 AND customer_id = $3 AND vehicle_id IS NOT DISTINCT FROM $4
        AND issued_for = $5
"""
_OF_VISITS = """
    SELECT DISTINCT ON (visit_id) visit_id, code, kind, value_fen, percent_off, valid_to FROM vouchers
    WHERE store_id = $1 AND visit_id = ANY($2) AND cancelled_at IS NULL
    ORDER BY visit_id, (value_fen IS NULL AND percent_off IS NULL), id
"""


@dataclass(frozen=True)
class Gift:
    """One voucher to be issued; `start`: the day its validity counts from. The value is the kind's unless given."""

    kind: str
    customer_id: UUID
    issued_for: str
    start: date
    vehicle_id: UUID | None = None
    visit_id: UUID | None = None
    value_fen: int | None = None
    percent_off: int | None = None
    valid_to: date | None = None


@dataclass(frozen=True)
class Held:
    """The voucher that a message tells of."""

    code: str
    kind: str
    value_fen: int | None
    percent_off: int | None
    valid_to: date


async def issue(
    conn: Connection,
    store: StoreContext,
    *,
    kind: str,
    customer_id: UUID,
    vehicle_id: UUID | None = None,
    visit_id: UUID | None = None,
    issued_for: str,
    now: datetime,
) -> str:
    """Issue one voucher, valid from today; out: its code. Asked again for the same occasion, the same code.

    Raises KeyError for a kind there is not.
    """
    start = store.calendar.day_of(now)
    gift = Gift(kind, customer_id, issued_for, start, vehicle_id, visit_id)
    await issue_all(conn, store.id, [gift], now=now)
    code: str = await conn.fetchval(_CODE, store.id, kind, customer_id, vehicle_id, issued_for)
    return code


async def issue_all(
    conn: Connection, store_id: UUID, gifts: Sequence[Gift], *, now: datetime, issued_by: UUID | None = None
) -> None:
    """Issue any number of vouchers; those that are there already stay as they are."""
    if gifts:
        await conn.execute(_INSERT, store_id, now, issued_by, *zip(*map(_row, gifts), strict=True))


async def held_for(conn: Connection, store_id: UUID, visit_ids: Iterable[UUID]) -> Mapping[UUID, Held]:
    """The voucher that each of these visits brings, the one of most worth first; without one, nothing."""
    rows = await conn.fetch(_OF_VISITS, store_id, list(visit_ids))
    return {
        row["visit_id"]: Held(row["code"], row["kind"], row["value_fen"], row["percent_off"], row["valid_to"]) for row in rows
    }


def new_code() -> str:
    """A code nobody guesses: ten of 32 letters and digits that are not mistaken for one another."""
    return "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))


def _row(gift: Gift) -> tuple[object, ...]:
    kind = KINDS[gift.kind]
    valid_from, valid_to = validity(kind, gift.start)
    return (
        new_id(), new_code(), gift.customer_id, gift.vehicle_id, gift.visit_id, gift.kind, gift.issued_for,
        kind.value_fen if gift.value_fen is None else gift.value_fen,
        kind.percent_off if gift.percent_off is None else gift.percent_off,
        valid_from, gift.valid_to or valid_to,
    )  # fmt: skip
