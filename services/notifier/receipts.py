"""What a provider says later about an attempt. A receipt can only raise the rank; late and repeated ones are kept and change nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Literal, cast
from uuid import UUID

import asyncpg

from services.notifier.settle import tell
from shared.db import Connection
from shared.domain.message import GIVE_UP_AFTER, MessageState, apply_receipt
from shared.ids import new_id
from shared.opt_outs import enter_opt_out

Told = Literal["accepted", "delivered", "undelivered"]
STATUSES: Mapping[str, Told] = {
    "accepted": "accepted",
    "delivered": "delivered",
    "undelivered": "undelivered",
    "failed": "undelivered",
    "bounced": "undelivered",
    "complained": "delivered",  # whoever complains of an e-mail has it
}
COMPLAINED = "complained"

_ATTEMPTS = """
    SELECT a.id, a.store_id, a.message_id FROM message_attempts a WHERE a.id = ANY($1) AND ($2::uuid IS NULL OR a.store_id = $2)
"""
_LOCK = """
    SELECT id, visit_id, state, number_index, channel FROM messages WHERE store_id = $1 AND id = ANY($2) ORDER BY id FOR UPDATE
"""
_KEEP = """
    INSERT INTO receipts (store_id, id, message_id, attempt_id, status, code, at, digest, applied)
    SELECT $1, u.* FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::timestamptz[], $8::bytea[],
        $9::boolean[]) AS u
    ON CONFLICT (store_id, message_id, digest) DO NOTHING
"""
_MOVE = """
    UPDATE messages m SET state = u.state, reason = u.reason, lease_until = NULL, updated_at = $2,
        wake_at = CASE WHEN u.state = 'accepted' THEN $3::timestamptz END, sent_at = coalesce(m.sent_at, $2),
        delivered_at = CASE WHEN u.state = 'delivered' THEN $2::timestamptz ELSE m.delivered_at END
    FROM unnest($4::uuid[], $5::text[], $6::text[]) AS u (id, state, reason)
    WHERE m.store_id = $1 AND m.id = ANY($4) AND m.id = u.id
"""
_DROP_FALLBACK = """
    UPDATE messages SET state = 'suppressed', reason = 'sms_delivered', wake_at = NULL, updated_at = $3
    WHERE store_id = $1 AND visit_id = ANY($2) AND channel = 'email' AND state IN ('queued', 'held') RETURNING visit_id, id
"""


@dataclass(frozen=True)
class ReceiptIn:
    """One receipt as it came: which attempt, what status, the provider's code, when."""

    attempt_id: UUID
    status: str
    code: str | None
    at: datetime

    @property
    def digest(self) -> bytes:
        return sha256(f"{self.attempt_id}|{self.status}|{self.code}|{self.at.isoformat()}".encode()).digest()


def read_receipts(body: Any, now: datetime) -> tuple[list[ReceiptIn], int]:
    """The receipts of a callback and how many items could not be read; one bad item spoils none of the others."""
    items = body if isinstance(body, list) else [body]
    read = [_read_one(item, now) for item in items]
    good = [receipt for receipt in read if receipt is not None]
    return good, len(read) - len(good)


async def apply_receipts(conn: Connection, receipts: Iterable[ReceiptIn], store_id: UUID | None, now: datetime) -> int:
    """Keep and apply receipts in the caller's transaction. Out: how many named an attempt of ours.

    `store_id`: the only store the token may speak of; None for any. An id we never gave out is nobody's.
    """
    wanted = list(receipts)
    found = await conn.fetch(_ATTEMPTS, list({receipt.attempt_id for receipt in wanted}), store_id)
    place = {row["id"]: (row["store_id"], row["message_id"]) for row in found}
    by_store: dict[UUID, list[tuple[UUID, ReceiptIn]]] = defaultdict(list)
    for receipt in wanted:
        if receipt.attempt_id in place:
            store, message_id = place[receipt.attempt_id]
            by_store[store].append((message_id, receipt))
    for store in sorted(by_store):
        await _apply_in_store(conn, store, by_store[store], now)
    return sum(map(len, by_store.values()))


async def _apply_in_store(conn: Connection, store_id: UUID, receipts: Sequence[tuple[UUID, ReceiptIn]], now: datetime) -> None:
    rows = {row["id"]: row for row in await conn.fetch(_LOCK, store_id, list({message_id for message_id, _ in receipts}))}
    states = {message_id: MessageState(row["state"]) for message_id, row in rows.items()}
    reasons: dict[UUID, str | None] = {}
    kept = []
    for message_id, receipt in sorted(receipts, key=lambda pair: pair[1].at):
        before = states[message_id]
        states[message_id] = apply_receipt(before, STATUSES[receipt.status])
        if applied := states[message_id] is not before:
            reasons[message_id] = receipt.code if states[message_id] is MessageState.UNDELIVERED else None
        kept.append((message_id, receipt, applied))
    await _keep(conn, store_id, kept)
    await _write(conn, store_id, rows, states, reasons, now)
    complained = [rows[message_id] for message_id, receipt in receipts if receipt.status == COMPLAINED]
    numbers = [row["number_index"] for row in complained if row["channel"] == "email" and row["number_index"]]
    if numbers:
        await enter_opt_out(conn, numbers, "email", scope="marketing", source="complaint", store_id=store_id, at=now)


async def _keep(conn: Connection, store_id: UUID, kept: Sequence[tuple[UUID, ReceiptIn, bool]]) -> None:
    await conn.execute(
        _KEEP,
        store_id,
        [new_id() for _ in kept],
        [message_id for message_id, _, _ in kept],
        [receipt.attempt_id for _, receipt, _ in kept],
        [receipt.status for _, receipt, _ in kept],
        [receipt.code for _, receipt, _ in kept],
        [receipt.at for _, receipt, _ in kept],
        [receipt.digest for _, receipt, _ in kept],
        [applied for _, _, applied in kept],
    )


async def _write(
    conn: Connection,
    store_id: UUID,
    rows: Mapping[UUID, asyncpg.Record],
    states: Mapping[UUID, MessageState],
    reasons: Mapping[UUID, str | None],
    now: datetime,
) -> None:
    moved = [message_id for message_id, row in rows.items() if states[message_id] != row["state"]]
    if not moved:
        return
    ends = [states[message_id].value for message_id in moved]
    await conn.execute(_MOVE, store_id, now, now + GIVE_UP_AFTER, moved, ends, [reasons.get(message_id) for message_id in moved])
    changes = [(rows[m]["visit_id"], m, states[m].value, reasons.get(m)) for m in moved]
    # A carrier's second try got through: the e-mail that was to take its place, if nobody has claimed it, stays at home.
    rescued = [rows[m]["visit_id"] for m in moved if rows[m]["state"] == "undelivered" and states[m] == "delivered"]
    for row in await conn.fetch(_DROP_FALLBACK, store_id, [visit for visit in rescued if visit], now) if rescued else ():
        changes.append((row["visit_id"], row["id"], "suppressed", "sms_delivered"))
    await tell(conn, store_id, changes, now)


def _read_one(item: Any, now: datetime) -> ReceiptIn | None:
    if not isinstance(item, dict):
        return None
    attempt_id, status = _attempt_id(item), item.get("status")
    if attempt_id is None or not isinstance(status, str) or status.lower() not in STATUSES:
        return None
    code = item.get("code")
    return ReceiptIn(
        attempt_id, status.lower(), _storable(code) if isinstance(code, str | int) else None, _instant(item.get("at"), now)
    )


def _attempt_id(item: Mapping[str, Any]) -> UUID | None:
    """The attempt's own id, or an e-mail's Message-ID, which begins with it."""
    named = item.get("id") or item.get("message_id")
    if not isinstance(named, str):
        return None
    try:
        return UUID(named.strip("<> ").partition("@")[0])
    except ValueError:
        return None


def _storable(value: object) -> str:
    return str(value).replace("\x00", "")[:100]


def _instant(text: Any, now: datetime) -> datetime:
    try:
        at = datetime.fromisoformat(cast(str, text))
    except (TypeError, ValueError):
        return now
    return (at if at.tzinfo else at.replace(tzinfo=UTC)) if 2000 <= at.year < 2200 else now
