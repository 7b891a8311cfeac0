"""Channels without a wire need no second commit: looked at, sent and settled in one transaction, hundreds at a time."""

from __future__ import annotations

import random
from collections.abc import Sequence
from uuid import UUID

from services.notifier.channels import Result
from services.notifier.claim import Look, claim_of, count, look, outgoing, tell_suppressed
from services.notifier.context import Context
from services.notifier.settle import Claim, Settlement, settlement, tell
from shared.db import Connection, store_transaction
from shared.ids import new_id

BATCH = 500

_WRITE = """
    UPDATE messages m SET state = u.state, reason = u.reason, wake_at = u.wake_at, fence = u.fence, tries = u.tries, provider = $3,
        provider_id = u.provider_id, sent_at = coalesce(m.sent_at, u.sent_at), delivered_at = u.delivered_at, updated_at = $2,
        contact_point_id = w.contact_point_id, number_index = w.number_index, address = w.address, subject = w.subject, body = w.body,
        signature = w.signature, language = w.language
    FROM unnest($4::uuid[], $5::text[], $6::text[], $7::timestamptz[], $8::int[], $9::int[], $10::text[], $11::timestamptz[],
        $12::timestamptz[]) AS u (id, state, reason, wake_at, fence, tries, provider_id, sent_at, delivered_at)
    JOIN unnest($13::uuid[], $14::uuid[], $15::bytea[], $16::bytea[], $17::text[], $18::text[], $19::text[], $20::text[])
        AS w (id, contact_point_id, number_index, address, subject, body, signature, language) USING (id)
    WHERE m.store_id = $1 AND m.id = ANY($4) AND m.id = u.id
"""
_ATTEMPTS = """
    INSERT INTO message_attempts (store_id, claimed_at, closed_at, id, message_id, n, outcome, code, provider_id)
    SELECT $1, $2, $2, u.* FROM unnest($3::uuid[], $4::uuid[], $5::int[], $6::text[], $7::text[], $8::text[]) AS u
"""


async def deliver_locally(ctx: Context, store_id: UUID, name: str) -> int:
    """Everything of a store and channel that is ready, after what is still being made. Out: how many were looked at."""
    done = 0
    while True:
        await ctx.flood.give_way()
        async with store_transaction(ctx.pool, store_id) as conn:
            seen = await look(ctx, conn, store_id, name, BATCH)
            if seen is not None:
                await _deliver(ctx, conn, name, seen)
        if seen is None:
            return done
        done += len(seen.rows)


async def _deliver(ctx: Context, conn: Connection, name: str, seen: Look) -> None:
    channel, store_id, ends = ctx.channels[name], seen.store.id, []
    for row in seen.going:
        claim = claim_of(ctx, store_id, row, new_id())
        result = await channel.send(outgoing(ctx, seen.store, row, claim.attempt_id, None, seen.now), _no_mark)
        ends.append((claim, result, settlement(claim, result, seen.now, random.uniform(-1, 1))))  # noqa: S311 - spreads retries
        ctx.meters.verdicts.labels(name, result.verdict).inc()
    await _write(conn, seen, channel.provider, ends)
    await _record(conn, store_id, seen, ends)
    await tell_suppressed(conn, seen)
    await tell(conn, store_id, [(c.visit_id, c.message_id, end.state, end.reason) for c, _, end in ends], seen.now)


async def _write(conn: Connection, seen: Look, provider: str, ends: Sequence[tuple[Claim, Result, Settlement]]) -> None:
    rows = [
        (c.message_id, e.state, e.reason, e.wake_at, c.fence, e.tries, r.provider_id, e.sent_at, e.delivered_at)
        for c, r, e in ends
    ]
    rows += [
        (row["id"], ruling.state, ruling.reason, ruling.at, row["fence"], row["tries"], None, None, None)
        for row, ruling in seen.staying
    ]
    ids = [row["id"] for row in seen.rows]
    await conn.execute(_WRITE, seen.store.id, seen.now, provider, *map(list, zip(*rows, strict=True)), ids, *seen.words)


async def _record(conn: Connection, store_id: UUID, seen: Look, ends: Sequence[tuple[Claim, Result, Settlement]]) -> None:
    if not ends:
        return
    attempts = [(c.attempt_id, c.message_id, c.fence, r.verdict.value, r.code, r.provider_id) for c, r, _ in ends]
    await conn.execute(_ATTEMPTS, store_id, seen.now, *map(list, zip(*attempts, strict=True)))
    counting = {claim.message_id for claim, _, end in ends if end.counts}
    await count(conn, [row for row in seen.going if row["id"] in counting], seen.now)


async def _no_mark() -> None:
    return None
