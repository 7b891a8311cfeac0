"""Due-contact events → messages: one statement for up to two thousand visits of one store.

A message is made thin: whom, by which channel, for which step. What the moment of sending decides anyway, which number, which words,
whether at all, is decided in the transaction that looks at it then (`first_look`, `claim`), and only there.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from services.notifier.context import Context
from shared.db import store_transaction
from shared.domain.consent import MARKETING_PURPOSES
from shared.progress import batch_prefix
from shared.stores import StoreContext

EVENTS = 20  # of up to a hundred visits each

_STORES = "SELECT DISTINCT store_id FROM due_contact_events WHERE handled_at IS NULL"
# Ladder's e-mails and SMS live until its next instant, or both would arrive together; an automatic one as long as its window.
_TAKE = """
WITH taken AS MATERIALIZED (
    SELECT id, visit_ids, step, due_at FROM due_contact_events
    WHERE store_id = $1 AND handled_at IS NULL ORDER BY created_at LIMIT $3 FOR UPDATE SKIP LOCKED
), wanted AS (
    SELECT t.id AS event_id, t.step, t.due_at, v.id, v.customer_id, v.message_template, v.tries, v.window_end,
        v.message_template IS NOT NULL AND v.channel IN ('sms', 'email') AS automatic,
        CASE WHEN v.purposes @> ARRAY['recall_safety'] THEN 'recall_safety'
             WHEN v.programme || '/' || v.step = ANY($5) OR v.purposes && $9 THEN 'marketing'
             WHEN v.purposes @> ARRAY['satisfaction'] THEN 'satisfaction' ELSE 'service_followup' END AS purpose
    FROM (SELECT id, step, due_at, unnest(visit_ids) AS visit_id FROM taken WHERE step IN ('sms', 'email')) t
    JOIN visits v ON v.store_id = $1 AND v.id = t.visit_id
), made AS (
    INSERT INTO messages (store_id, id, visit_id, event_id, customer_id, kind, purpose, channel, step_no, template, language, state,
        tries, fence, wake_at, expire_at, created_at, updated_at)
    SELECT $1, ($4 || lpad(to_hex(row_number() OVER ()), 4, '0'))::uuid, w.id, w.event_id, w.customer_id,
        CASE WHEN w.automatic THEN 'automatic' ELSE 'ladder' END, w.purpose, w.step, 1,
        coalesce(w.message_template, CASE WHEN w.tries > 0 THEN 'unreached' ELSE 'survey' END), $6, 'queued', 0, 0, $2,
        CASE WHEN w.automatic THEN greatest(w.window_end, w.due_at + interval '24 hours')
             WHEN w.step = 'email' THEN w.due_at + $8::interval ELSE w.due_at + $7::interval END, $2, $2
    FROM wanted w
    ON CONFLICT (store_id, visit_id, channel, step_no) DO NOTHING
    RETURNING id
), done AS (
    UPDATE due_contact_events e SET handled_at = $2 FROM taken WHERE e.store_id = $1 AND e.id = taken.id
)
SELECT (SELECT count(*) FROM taken) AS events, (SELECT coalesce(sum(cardinality(visit_ids)), 0) FROM taken) AS visits,
    (SELECT count(*) FROM made) AS messages
"""


async def stores_with_events(ctx: Context) -> list[UUID]:
    """Stores that have events nobody handled yet: what the sweep goes through."""
    return [row["store_id"] for row in await ctx.pool.fetch(_STORES)]


async def take_events(ctx: Context, store_id: UUID, *, limit: int = EVENTS) -> int:
    """Handle up to `limit` open events of a store. Out: of how many visits; 0 when there are none or another notifier has them."""
    now = ctx.clock.now()
    async with store_transaction(ctx.pool, store_id) as conn:
        store = await ctx.stores.get(conn, store_id, today=now.date())
        ladder = store.ladder
        row = await conn.fetchrow(
            _TAKE,
            store_id,
            now,
            limit,
            batch_prefix(),
            marketing_steps(store),
            store.language,
            timedelta(hours=ladder.email_after_hours),
            timedelta(hours=24 * ladder.close_after_days),
            sorted(MARKETING_PURPOSES),
        )
    if row is None or not row["events"]:
        return 0
    if row["messages"]:
        ctx.flood.note(row["messages"])
        ctx.ring_delivery()
    return int(row["visits"])


def marketing_steps(store: StoreContext) -> list[str]:
    """`programme/step` of the steps that advertise, by the store's programmes in force."""
    return [f"{key}/{step.key}" for key, programme in store.programmes.items() for step in programme.steps if step.marketing]
