"""What a call came to, written down: the message's state, the attempt, the word to the scheduler. All under the attempt's fence.

A worker that was taken for dead writes nothing over what came after it: every statement names the fence it claimed under.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import orjson

from services.notifier.channels import Result, Verdict
from shared.db import Connection
from shared.domain.message import GIVE_UP_AFTER, retry_at
from shared.events import NOTIFY_FEED, NOTIFY_SIGNAL, feed
from shared.ids import new_id

NOT_STARTED = "not_started"

_SETTLE = """
    UPDATE messages m SET state = u.state, reason = u.reason, provider = u.provider,
        provider_id = coalesce(u.provider_id, m.provider_id), wake_at = u.wake_at, tries = u.tries, lease_until = NULL,
        sent_at = coalesce(m.sent_at, u.sent_at), delivered_at = coalesce(m.delivered_at, u.delivered_at),
        unknown_since = CASE WHEN u.state = 'unknown' THEN $2::timestamptz END, updated_at = $2
    FROM unnest($3::uuid[], $4::int[], $5::text[], $6::text[], $7::text[], $8::text[], $9::timestamptz[], $10::int[],
        $11::timestamptz[], $12::timestamptz[])
        AS u (id, fence, state, reason, provider, provider_id, wake_at, tries, sent_at, delivered_at)
    WHERE m.store_id = $1 AND m.id = ANY($3) AND m.id = u.id AND m.fence = u.fence
        AND CASE WHEN m.state = 'sending' THEN true
            ELSE m.state IN ('unknown', 'unknown_final') AND u.state IN ('accepted', 'delivered') END
    RETURNING m.id
"""
# A receipt was quicker than the answer to the call: the state stays, the provider's id is worth keeping.
_LATE = """
    UPDATE messages m SET provider_id = coalesce(m.provider_id, u.provider_id), provider = coalesce(m.provider, u.provider)
    FROM unnest($2::uuid[], $3::int[], $4::text[], $5::text[]) AS u (id, fence, provider, provider_id)
    WHERE m.store_id = $1 AND m.id = ANY($2) AND m.id = u.id AND m.fence = u.fence AND m.state IN ('accepted', 'delivered', 'undelivered')
"""
_CLOSE = """
    UPDATE message_attempts a SET closed_at = $2, outcome = u.outcome, code = u.code, provider_id = u.provider_id
    FROM unnest($3::uuid[], $4::text[], $5::text[], $6::text[]) AS u (id, outcome, code, provider_id)
    WHERE a.store_id = $1 AND a.id = ANY($3) AND a.id = u.id
"""
_UNCOUNT = "DELETE FROM number_sends WHERE message_id = ANY($1)"
_SIGNALS = """
    INSERT INTO visit_signals (store_id, id, visit_id, kind, ref_id, at)
    SELECT $1, u.id, u.visit_id, u.kind, u.ref_id, $2 FROM unnest($3::uuid[], $4::uuid[], $5::text[], $6::uuid[])
        AS u (id, visit_id, kind, ref_id)
    ON CONFLICT (store_id, visit_id, kind, ref_id) DO NOTHING
"""
_EVENTS = """
    INSERT INTO visit_events (store_id, id, visit_id, at, kind, actor_kind, detail)
    SELECT $1, u.id, u.visit_id, $2, u.kind, 'system', u.detail FROM unnest($3::uuid[], $4::uuid[], $5::text[], $6::jsonb[])
        AS u (id, visit_id, kind, detail)
"""
_NOTIFY = "SELECT pg_notify($1, $2), pg_notify($3, $4)"


@dataclass(frozen=True, slots=True)
class Claim:
    """A message that is ours for the length of a lease: which attempt of it, under which fence."""

    store_id: UUID
    message_id: UUID
    visit_id: UUID | None
    attempt_id: UUID
    fence: int
    tries: int
    provider: str
    receipts: bool


@dataclass(frozen=True, slots=True)
class Settlement:
    """The row that a result makes of a message."""

    state: str
    reason: str | None = None
    wake_at: datetime | None = None
    tries: int = 0
    sent_at: datetime | None = None
    delivered_at: datetime | None = None
    counts: bool = True


def settlement(claim: Claim, result: Result, now: datetime, jitter: float) -> Settlement:
    """The state that follows from a verdict (the table of states). Pure; `jitter` in -1…1 spreads retries.

    Accepted without a receipt to come is where an e-mail ends; with one to come it is waited for, 72 hours.
    """
    tries = claim.tries + 1
    match result.verdict:
        case Verdict.ACCEPTED:
            return Settlement("accepted", None, now + GIVE_UP_AFTER if claim.receipts else None, tries, now)
        case Verdict.DELIVERED:
            return Settlement("delivered", None, None, tries, now, now)
        case Verdict.UNKNOWN:
            return Settlement("unknown", result.code, now + GIVE_UP_AFTER, tries, now)
        case Verdict.REFUSED_RETRY:
            at = retry_at(now, tries, jitter)
            state, code = ("queued", result.code) if at else ("rejected", f"tries_used_up:{result.code}")
            return Settlement(state, code, at, tries, counts=False)
    return Settlement("rejected", result.code, None, tries, counts=False)


async def settle(conn: Connection, store_id: UUID, results: Sequence[tuple[Claim, Result]], now: datetime) -> None:
    """Write the results of one store's calls, in the caller's transaction."""
    rows = [(claim, result, settlement(claim, result, now, random.uniform(-1, 1))) for claim, result in results]  # noqa: S311 - spreads retries
    settled = await conn.fetch(
        _SETTLE,
        store_id,
        now,
        [claim.message_id for claim, _, _ in rows],
        [claim.fence for claim, _, _ in rows],
        [row.state for _, _, row in rows],
        [row.reason for _, _, row in rows],
        [claim.provider for claim, _, _ in rows],
        [result.provider_id for _, result, _ in rows],
        [row.wake_at for _, _, row in rows],
        [row.tries for _, _, row in rows],
        [row.sent_at for _, _, row in rows],
        [row.delivered_at for _, _, row in rows],
    )
    done = {row["id"] for row in settled}
    await close_attempts(conn, store_id, [(c.attempt_id, r.verdict.value, r.code, r.provider_id) for c, r, _ in rows], now)
    await _keep_provider_ids(conn, store_id, [(claim, result) for claim, result, _ in rows if claim.message_id not in done])
    uncounted = [claim.message_id for claim, _, row in rows if claim.message_id in done and not row.counts]
    if uncounted:
        await conn.execute(_UNCOUNT, uncounted)
    changed = [(c.visit_id, c.message_id, row.state, row.reason) for c, _, row in rows if c.message_id in done]
    await tell(conn, store_id, changed, now)


async def close_attempts(
    conn: Connection, store_id: UUID, attempts: Sequence[tuple[UUID, str, str | None, str | None]], now: datetime
) -> None:
    """Close attempts as (id, outcome, code, provider's id)."""
    if attempts:
        await conn.execute(_CLOSE, store_id, now, *map(list, zip(*attempts, strict=True)))


async def uncount(conn: Connection, message_ids: Sequence[UUID]) -> None:
    """Messages that did not go do not count against a cap."""
    if message_ids:
        await conn.execute(_UNCOUNT, list(message_ids))


async def tell(
    conn: Connection, store_id: UUID, changes: Iterable[tuple[UUID | None, UUID, str, str | None]], now: datetime
) -> None:
    """Tell the scheduler and the visit's history of messages that changed: (visit, message, state, reason).

    A retry tells nothing: nothing has come of the message yet.
    """
    told = [change for change in changes if change[0] is not None and change[2] != "queued"]
    if not told:
        return
    await signal(conn, store_id, [(visit_id, f"message_{state}", ref) for visit_id, ref, state, _ in told if visit_id], now)
    details = [orjson.dumps({"message_id": str(ref), "reason": reason}).decode() for _, ref, _, reason in told]
    await conn.execute(
        _EVENTS,
        store_id,
        now,
        [new_id() for _ in told],
        [visit_id for visit_id, *_ in told],
        [f"message_{state}" for _, _, state, _ in told],
        details,
    )


async def signal(conn: Connection, store_id: UUID, signals: Sequence[tuple[UUID, str, UUID]], now: datetime) -> None:
    """Word to the scheduler: (visit, kind, what it is about). The same word twice is one word."""
    await conn.execute(_SIGNALS, store_id, now, [new_id() for _ in signals], *map(list, zip(*signals, strict=True)))
    await conn.execute(_NOTIFY, NOTIFY_SIGNAL, str(store_id), NOTIFY_FEED, feed(store_id, "message"))


async def _keep_provider_ids(conn: Connection, store_id: UUID, late: Sequence[tuple[Claim, Result]]) -> None:
    if late:
        await conn.execute(
            _LATE,
            store_id,
            [claim.message_id for claim, _ in late],
            [claim.fence for claim, _ in late],
            [claim.provider for claim, _ in late],
            [result.provider_id for _, result in late],
        )
