"""Due-contact events → messages, by set: some eight statements in one transaction for up to a thousand events of one store."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from services.notifier import known, policy
from services.notifier.compose import OWN_COLUMNS, SURVEY_LIFE, Batch, Draft, compose, survey_questions
from services.notifier.context import Context
from services.notifier.settle import tell
from shared.db import Connection, store_transaction
from shared.stores import StoreContext
from shared.tokens import token_index

BATCH = 1000
MESSAGE_STEPS = ("sms", "email")

_STORES = "SELECT DISTINCT store_id FROM due_contact_events WHERE handled_at IS NULL"
_CLAIM = """
    SELECT id, visit_id, step, due_at FROM due_contact_events
    WHERE store_id = $1 AND handled_at IS NULL ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED
"""
_HANDLED = "UPDATE due_contact_events SET handled_at = $3 WHERE store_id = $1 AND id = ANY($2)"
_MESSAGES = """
    INSERT INTO messages (store_id, created_at, updated_at, signature, kind, purpose, channel, template, language, state, reason,
        step_no, tries, fence, id, visit_id, event_id, customer_id, contact_point_id, number_index, address, subject, body, wake_at,
        expire_at)
    SELECT $1, $2, $2, $3, $4, $5, $6, $7, $8, $9, $10, 1, 0, 0, u.* FROM unnest($11::uuid[], $12::uuid[], $13::uuid[],
        $14::uuid[], $15::uuid[], $16::bytea[], $17::bytea[], $18::text[], $19::text[], $20::timestamptz[], $21::timestamptz[]) AS u
    ON CONFLICT (store_id, visit_id, channel, step_no) DO NOTHING
"""
_SURVEYS = """
    INSERT INTO surveys (store_id, created_at, expires_at, wants_call, id, visit_id, customer_id, language, questions)
    SELECT $1, $2, $3, false, u.visit_id, u.visit_id, u.customer_id, u.language, u.questions
    FROM unnest($4::uuid[], $5::uuid[], $6::text[], $7::jsonb[]) AS u (visit_id, customer_id, language, questions)
    ON CONFLICT (store_id, visit_id) DO NOTHING
"""
_TOKENS = """
    INSERT INTO public_tokens (token_index, store_id, kind, ref_id, expires_at)
    SELECT u.token_index, $1, u.kind, u.ref_id, u.expires_at
    FROM unnest($2::bytea[], $3::text[], $4::uuid[], $5::timestamptz[]) AS u (token_index, kind, ref_id, expires_at)
    ON CONFLICT DO NOTHING
"""


async def stores_with_events(ctx: Context) -> list[UUID]:
    """Stores that have events nobody handled yet: what the sweep goes through."""
    return [row["store_id"] for row in await ctx.pool.fetch(_STORES)]


async def take_events(ctx: Context, store_id: UUID, *, limit: int = BATCH) -> int:
    """Handle up to `limit` open events of a store. Out: how many; 0 when there are none or another notifier has them."""
    now = ctx.clock.now()
    async with store_transaction(ctx.pool, store_id) as conn:
        events = await conn.fetch(_CLAIM, store_id, limit)
        if not events:
            return 0
        wanted = [event for event in events if event["step"] in MESSAGE_STEPS]
        if wanted:
            await _make_messages(ctx, conn, store_id, wanted, now)
        await conn.execute(_HANDLED, store_id, [event["id"] for event in events], now)
    if wanted:
        ctx.ring_delivery()
    return len(events)


async def _make_messages(ctx: Context, conn: Connection, store_id: UUID, events: Sequence[asyncpg.Record], now: datetime) -> None:
    store = await ctx.stores.get(conn, store_id, today=now.date())
    visits = await known.visits_of(conn, store_id, {event["visit_id"] for event in events})
    batch = await _read(ctx, conn, store, list(visits.values()), {event["step"] for event in events}, now)
    drafts = [compose(batch, event, visits[event["visit_id"]]) for event in events]
    alike: dict[tuple[str | None, ...], list[Draft]] = defaultdict(list)
    for draft in drafts:
        alike[draft.shared].append(draft)
    for shared, group in alike.items():
        columns = list(zip(*group, strict=True))[:OWN_COLUMNS]
        await conn.execute(_MESSAGES, store_id, now, store.signature, *shared, *columns)
    await _make_surveys(ctx, conn, store, drafts, visits, now)
    suppressed = [(draft.visit_id, draft.id, "suppressed", draft.reason) for draft in drafts if draft.state == "suppressed"]
    await tell(conn, store_id, suppressed, now)


async def _read(
    ctx: Context, conn: Connection, store: StoreContext, visits: Sequence[known.Row], steps: set[str], now: datetime
) -> Batch:
    kinds = [kind for step, kind in (("sms", "phone"), ("email", "email")) if step in steps]
    points = await known.points_of(conn, store.id, {visit["customer_id"] for visit in visits}, kinds)
    indexes = {row["value_index"] for rows in points.values() for row in rows}
    indexes |= {visit["callee_phone_index"] for visit in visits if visit["callee_phone_index"]}
    people, advisors = await known.people_of(conn, store.id, visits)
    return Batch(
        store=store,
        vault=ctx.vault,
        public_url=ctx.settings.public_url.rstrip("/"),
        now=now,
        rules=policy.contact_policy(store.policies),
        points=points,
        numbers=await known.numbers_of(conn, indexes, now),
        consents=await known.consents_of(conn, store.id, {visit["customer_id"] for visit in visits}),
        people=people,
        advisors=advisors,
        wordings=await known.wordings_of(conn, store.id),
    )


async def _make_surveys(
    ctx: Context,
    conn: Connection,
    store: StoreContext,
    drafts: Sequence[Draft],
    visits: dict[UUID, known.Row],
    now: datetime,
) -> None:
    """A survey has its visit's id, so that SMS and e-mail, whichever comes first, carry the same link."""
    asked = [draft for draft in drafts if draft.survey]
    expires_at = now + SURVEY_LIFE
    tokens: list[tuple[Any, ...]] = []
    if asked:
        questions = [survey_questions(store.programmes, visits[draft.visit_id]) for draft in asked]
        await conn.execute(
            _SURVEYS,
            store.id,
            now,
            expires_at,
            [draft.visit_id for draft in asked],
            [draft.customer_id for draft in asked],
            [draft.language for draft in asked],
            questions,
        )
        tokens += [(token_index(ctx.vault, draft.survey or ""), "survey", draft.visit_id, expires_at) for draft in asked]
    tokens += [
        (token_index(ctx.vault, draft.unsubscribe), "unsubscribe", draft.id, None)
        for draft in drafts
        if draft.unsubscribe and draft.state != "suppressed"
    ]
    if tokens:
        await conn.execute(_TOKENS, store.id, *map(list, zip(*tokens, strict=True)))
