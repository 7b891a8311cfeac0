"""Commit 1: take messages that may go now, and everything that must be true of them, read under the numbers' locks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Any
from uuid import UUID

from services.notifier import first_look, known, policy
from services.notifier.channels import Outgoing
from services.notifier.context import Context
from services.notifier.first_look import Message
from services.notifier.settle import Claim, tell
from shared.clock import machine_now
from shared.complaints import Freeze, open_or_recent
from shared.db import Connection
from shared.domain.consent import FROZEN_BY_COMPLAINT, ContactFacts, Purpose
from shared.ids import new_id
from shared.opt_outs import lock_numbers
from shared.stores import StoreContext
from shared.tokens import unsubscribe_token

# A file that was merged meanwhile: the one that stayed says whether and where to.
_TAKE = """
    SELECT id, visit_id, coalesce((
            SELECT c.merged_into FROM customers c WHERE c.store_id = messages.store_id AND c.id = messages.customer_id
        ), customer_id) AS customer_id, channel, purpose, template, language, contact_point_id, number_index, address, subject,
        body, signature, expire_at, fence, tries
    FROM messages
    WHERE store_id = $1 AND state IN ('queued', 'held') AND wake_at <= $2 AND channel = $3
    ORDER BY wake_at LIMIT $4 FOR UPDATE SKIP LOCKED
"""
_STANDING = """
    SELECT u.id, v.state, v.channel, c.deceased_at, k.ended_at,
        u.contact_point_id IS NULL OR p.id IS NOT NULL AS in_file,
        p.wrong_at IS NOT NULL OR coalesce(n.wrong_reason = 'invalid', false) AS bad
    FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::bytea[])
        AS u (id, visit_id, customer_id, contact_point_id, number_index)
    JOIN customers c ON c.store_id = $1 AND c.id = u.customer_id
    LEFT JOIN visits v ON v.store_id = $1 AND v.id = u.visit_id
    LEFT JOIN vehicles k ON k.store_id = $1 AND k.id = v.vehicle_id
    LEFT JOIN contact_points p ON p.store_id = $1 AND p.id = u.contact_point_id
    LEFT JOIN numbers n ON n.number_index = u.number_index
"""
# What the first look made of a message; of one that had its words before, what it had.
WORDS = "contact_point_id", "number_index", "address", "subject", "body", "signature", "language"
_WRITE = """
    UPDATE messages m SET state = u.state, reason = u.reason, wake_at = u.wake_at, fence = u.fence, provider = u.provider,
        lease_until = CASE WHEN u.state = 'sending' THEN $3::timestamptz END, updated_at = $2, contact_point_id = u.contact_point_id,
        number_index = u.number_index, address = u.address, subject = u.subject, body = u.body, signature = u.signature,
        language = u.language
    FROM unnest($4::uuid[], $5::text[], $6::text[], $7::timestamptz[], $8::int[], $9::text[], $10::uuid[], $11::bytea[],
        $12::bytea[], $13::text[], $14::text[], $15::text[], $16::text[])
        AS u (id, state, reason, wake_at, fence, provider, contact_point_id, number_index, address, subject, body, signature, language)
    WHERE m.store_id = $1 AND m.id = ANY($4) AND m.id = u.id
"""
_ATTEMPTS = """
    INSERT INTO message_attempts (store_id, claimed_at, id, message_id, n)
    SELECT $1, $2, u.* FROM unnest($3::uuid[], $4::uuid[], $5::int[]) AS u
"""
_COUNT = """
    INSERT INTO number_sends (at, message_id, number_index, purpose, channel)
    SELECT $1, u.* FROM unnest($2::uuid[], $3::bytea[], $4::text[], $5::text[]) AS u ON CONFLICT (message_id) DO NOTHING
"""
_LAYOUTS = "SELECT key, language, html FROM message_templates WHERE store_id = $1 AND channel = 'email' AND html IS NOT NULL"


NO_TEMPLATE = policy.Ruling("suppressed", "no_template")


@dataclass(frozen=True, slots=True)
class Taken:
    """A claimed message with what the channel needs.

    `until` (monotonic seconds): our lease, past which we let go; `closes_at` (business time): the end of the hours it may begin in.
    """

    claim: Claim
    channel: str
    number_index: bytes
    outgoing: Outgoing
    until: float
    closes_at: datetime | None


@dataclass(frozen=True, slots=True)
class Look:
    """Messages that were ready, locked for the rest of the transaction, and what is to become of each."""

    store: StoreContext
    rows: Sequence[Message]
    rulings: Sequence[policy.Ruling]
    now: datetime

    @property
    def going(self) -> list[Message]:
        return [row for row, ruling in zip(self.rows, self.rulings, strict=True) if ruling.state == "queued"]

    @property
    def staying(self) -> list[tuple[Message, policy.Ruling]]:
        return [(row, ruling) for row, ruling in zip(self.rows, self.rulings, strict=True) if ruling.state != "queued"]

    @property
    def words(self) -> list[list[Any]]:
        """The columns of WORDS, an array each."""
        return [[row[name] for row in self.rows] for name in WORDS]


async def look(ctx: Context, conn: Connection, store_id: UUID, channel: str, limit: int) -> Look | None:
    """Lock up to `limit` messages of a store and channel that are ready, and their numbers, and rule on each; None: none is ready.

    Those that are looked at for the first time get address, words, survey and tokens.
    """
    now = ctx.clock.now()
    taken = await conn.fetch(_TAKE, store_id, now, channel, limit)
    if not taken:
        return None
    store = await ctx.stores.get(conn, store_id, today=now.date())
    unworded = await first_look.read_unworded(conn, store_id, taken, channel)
    indexes = {row["number_index"] for row in taken if row["number_index"]} | unworded.indexes
    await lock_numbers(conn, indexes)
    numbers = await known.numbers_of(conn, indexes, now, without=[row["id"] for row in taken])
    worded = await first_look.word(ctx, conn, store, unworded, numbers)
    rows = [first_look.with_words(store, row, worded.get(row["id"])) for row in taken]
    rulings = await _rule(conn, store, rows, numbers, now)
    suppressed = {row["id"] for row, ruling in zip(rows, rulings, strict=True) if ruling.state == "suppressed"}
    await first_look.make_links(ctx, conn, store, unworded, worded, suppressed, now)
    return Look(store, rows, rulings, now)


async def claim(ctx: Context, conn: Connection, store_id: UUID, channel: str, limit: int) -> tuple[int, list[Taken]]:
    """Claim up to `limit` messages in the transaction of `conn`; those that may not go are held or suppressed.

    Out: how many were looked at, and the claimed ones, `sending`, each with a fresh attempt.
    """
    seen = await look(ctx, conn, store_id, channel, limit)
    if seen is None:
        return 0, []
    sending = seen.going
    attempts = {row["id"]: new_id() for row in sending}
    await _write(ctx, conn, store_id, seen)
    if sending:
        ids = [row["id"] for row in sending]
        await conn.execute(_ATTEMPTS, store_id, seen.now, list(attempts.values()), ids, [row["fence"] + 1 for row in sending])
        await count(conn, sending, seen.now)
    layouts = await _layouts(conn, store_id, sending)
    return len(seen.rows), [_taken(ctx, seen.store, row, attempts[row["id"]], layouts, seen.now) for row in sending]


async def count(conn: Connection, rows: Sequence[Message], now: datetime) -> None:
    """Let messages count against the caps of their numbers."""
    await conn.execute(
        _COUNT,
        now,
        [row["id"] for row in rows],
        [row["number_index"] for row in rows],
        [row["purpose"] for row in rows],
        [row["channel"] for row in rows],
    )


async def tell_suppressed(conn: Connection, seen: Look) -> None:
    """Say of those that will never go that they will not, and why."""
    suppressed = [(row["visit_id"], row["id"], r.state, r.reason) for row, r in seen.staying if r.state == "suppressed"]
    await tell(conn, seen.store.id, suppressed, seen.now)


async def _rule(
    conn: Connection, store: StoreContext, rows: Sequence[Message], numbers: known.Numbers, now: datetime
) -> list[policy.Ruling]:
    """The policy, with what holds now; each message that may go counts for the next one to the same number."""
    rules = policy.contact_policy(store.policies)
    names = ("id", "visit_id", "customer_id", "contact_point_id", "number_index")
    standing = await conn.fetch(_STANDING, store.id, *([row[name] for row in rows] for name in names))
    current = {row["id"]: row for row in standing}
    consents = await known.consents_of(conn, store.id, {row["customer_id"] for row in rows})
    freezes = await open_or_recent(conn, store.id, {row["customer_id"] for row in rows if row["purpose"] in FROZEN_BY_COMPLAINT})
    rulings = []
    for row in rows:
        freeze = freezes.get(row["customer_id"])
        facts, purpose = _facts(row, current[row["id"]], numbers, consents, freeze), Purpose(row["purpose"])
        ruling = NO_TEMPLATE if row["body"] is None else policy.rule(facts, purpose, row["channel"], rules, store.timezone, now)
        if ruling.state == "queued":
            numbers.add(row["number_index"], now, purpose)
        rulings.append(ruling)
    return rulings


def _facts(
    row: Message, current: known.Row, numbers: known.Numbers, consents: known.Consents, freeze: Freeze | None
) -> ContactFacts:
    index, channel = row["number_index"] or b"", row["channel"]
    return ContactFacts(
        consent=policy.standing(consents.get(row["customer_id"], ()), channel),
        opt_outs=policy.scopes(numbers.opt_outs.get(index, ()), channel),
        has_address=bool(index) and current["in_file"],
        bad_address=current["bad"],
        wanted=policy.wanted(current["state"], current["channel"]),
        still_owner=current["ended_at"] is None,
        deceased=current["deceased_at"] is not None,
        complaint_open=freeze is not None and freeze.open,
        complaint_closed_at=freeze.closed_at if freeze else None,
        expire_at=row["expire_at"],
        sent=numbers.sends.get(index, ()),
    )


async def _write(ctx: Context, conn: Connection, store_id: UUID, seen: Look) -> None:
    rows, rulings = seen.rows, seen.rulings
    await conn.execute(
        _WRITE,
        store_id,
        seen.now,
        machine_now() + timedelta(seconds=ctx.settings.lease_seconds),
        [row["id"] for row in rows],
        ["sending" if ruling.state == "queued" else ruling.state for ruling in rulings],
        [ruling.reason for ruling in rulings],
        [ruling.at for ruling in rulings],
        [row["fence"] + (ruling.state == "queued") for row, ruling in zip(rows, rulings, strict=True)],
        [ctx.channels[row["channel"]].provider for row in rows],
        *seen.words,
    )
    await tell_suppressed(conn, seen)


async def _layouts(conn: Connection, store_id: UUID, rows: Sequence[Message]) -> dict[tuple[str, str], str]:
    if not any(row["channel"] == "email" for row in rows):
        return {}
    return {(row["key"], row["language"]): row["html"] for row in await conn.fetch(_LAYOUTS, store_id)}


def outgoing(ctx: Context, store: StoreContext, row: Message, attempt_id: UUID, layout: str | None, now: datetime) -> Outgoing:
    """The message as its channel gets it; the address is opened only for one that crosses a wire."""
    email = row["channel"] == "email"
    link = None
    if email and row["purpose"] != Purpose.RECALL_SAFETY:
        link = f"{ctx.settings.public_url.rstrip('/')}/u/{unsubscribe_token(ctx.vault, row['id'])}"
    wire = ctx.channels[row["channel"]].wire
    return Outgoing(
        attempt_id=attempt_id,
        to=ctx.vault.open(row["address"], "messages", "address", store.id, row["id"]) if wire else "",
        text=row["body"] or "",
        at=now,
        signature=row["signature"] or "",
        template=row["template"],
        subject=row["subject"] or "",
        sender_name=store.name if email else "",
        html_layout=layout,
        unsubscribe_url=link,
        language=row["language"],
    )


def claim_of(ctx: Context, store_id: UUID, row: Message, attempt_id: UUID) -> Claim:
    """Our hold on a message."""
    channel = ctx.channels[row["channel"]]
    return Claim(
        store_id=store_id,
        message_id=row["id"],
        visit_id=row["visit_id"],
        attempt_id=attempt_id,
        fence=row["fence"] + 1,
        tries=row["tries"],
        provider=channel.provider,
        receipts=channel.receipts,
    )


def _taken(
    ctx: Context,
    store: StoreContext,
    row: Message,
    attempt_id: UUID,
    layouts: dict[tuple[str, str], str],
    now: datetime,
) -> Taken:
    going = outgoing(ctx, store, row, attempt_id, layouts.get((row["template"], row["language"])), now)
    until = monotonic() + ctx.settings.lease_seconds
    closes_at = policy.closing(Purpose(row["purpose"]), policy.contact_policy(store.policies), store.timezone, now)
    return Taken(claim_of(ctx, store.id, row, attempt_id), row["channel"], row["number_index"], going, until, closes_at)
