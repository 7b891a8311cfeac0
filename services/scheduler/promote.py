"""The hot path: what is due in one store, claimed, and everything plain made due by one statement, a hundred visits an event.

Plain is a planned visit nobody has touched whose file lets the step go its usual way; `next_step` says of such a visit what the
statement writes (a property test holds the two together). All others come back to be asked one by one, in the same transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time
from functools import cache
from uuid import UUID

from shared.db import Connection
from shared.progress import batch_prefix
from shared.wakes import wake

BATCH = 100  # visits an event: one row, one ring, one statement of the notifier for all of them

# A number or an address of the file that no mark and no opt-out closes to the channels named. A scalar with LIMIT, because PostgreSQL
# may turn EXISTS into a hash of all the contact points of the store.
_REACHABLE = """
    (
        SELECT true FROM contact_points p LEFT JOIN numbers n ON n.number_index = p.value_index
        WHERE p.store_id = $1 AND p.customer_id = c.customer_id AND p.kind = '{kind}' AND p.wrong_at IS NULL {more}
          AND NOT EXISTS (SELECT FROM opt_outs o WHERE o.number_index = p.value_index AND o.revoked_at IS NULL
                          AND o.scope <> 'marketing' AND o.channel IN ({channels}))
        LIMIT 1
    )"""
_CALLABLE = _REACHABLE.format(kind="phone", channels="'phone', 'all'", more="AND n.wrong_reason IS DISTINCT FROM 'invalid'")
_TEXTABLE = _REACHABLE.format(
    kind="phone", channels="'phone', 'sms', 'all'", more="AND n.wrong_reason IS DISTINCT FROM 'invalid' AND p.textable"
)
_MAILABLE = _REACHABLE.format(kind="email", channels="'email', 'all'", more="")

_PREFERRED = "(SELECT k.preferred_channel FROM customers k WHERE k.store_id = $1 AND k.id = c.customer_id)"  # by key, not by join

# No part of it is joined with another: a plan made for few rows serves for thousands. Out: (event, its visits) of what was made due;
# visits to ask about; visits passed over; the earliest instant of all.
_PROMOTE = f"""
WITH taken AS MATERIALIZED (
    SELECT id, wake_at, visit_ids FROM visit_wakes
    WHERE store_id = $1 AND wake_at <= $2 ORDER BY wake_at LIMIT {{limit}} FOR UPDATE SKIP LOCKED
), chosen AS MATERIALIZED (
    SELECT id, visit_ids FROM (
        SELECT id, visit_ids, sum(cardinality(visit_ids)) OVER (ORDER BY wake_at, id) - cardinality(visit_ids) AS before FROM taken
    ) t WHERE before < {{limit}}
), gone AS (
    DELETE FROM visit_wakes w USING chosen WHERE w.store_id = $1 AND w.id = chosen.id
), claimed AS MATERIALIZED (
    SELECT n.id AS named_id, v.* FROM (SELECT DISTINCT unnest(visit_ids) AS id FROM chosen) n LEFT JOIN LATERAL (
        SELECT id, customer_id, state, channel, purposes, due_at, window_end, due_seq, promised_at, wake_at FROM visits
        WHERE store_id = $1 AND id = n.id AND wake_at <= $2 FOR UPDATE SKIP LOCKED
    ) v ON true
), judged AS MATERIALIZED (
    SELECT c.id, c.due_at, c.wake_at AS woken_at, CASE WHEN c.channel IN ('sms', 'email') THEN c.channel ELSE 'call' END AS step,
        CASE WHEN c.channel IN ('sms', 'email') THEN greatest(c.window_end, c.due_at + interval '24 hours')
             ELSE c.window_end END AS wake_at,
        c.state = 'planned' AND c.due_seq = 0 AND c.promised_at IS NULL AND c.due_at <= $2 AND c.window_end > $2
        AND NOT c.purposes @> ARRAY['recall_safety']
        AND CASE c.channel
                WHEN 'phone' THEN coalesce({_PREFERRED}, '') NOT IN ('sms', 'email', 'wechat') AND {_CALLABLE}
                WHEN 'onsite' THEN true
                WHEN 'sms' THEN (c.due_at AT TIME ZONE $4)::time >= $5 AND (c.due_at AT TIME ZONE $4)::time < $6 AND {_TEXTABLE}
                WHEN 'email' THEN (c.due_at AT TIME ZONE $4)::time >= $5 AND (c.due_at AT TIME ZONE $4)::time < $6 AND {_MAILABLE}
                ELSE false
            END IS TRUE AS plain
    FROM claimed c WHERE c.id IS NOT NULL
), plain AS MATERIALIZED (
    SELECT id, step, due_at, wake_at,
        ($3 || lpad(to_hex(dense_rank() OVER (ORDER BY step, due_at, part)), 4, '0'))::uuid AS event_id
    FROM (SELECT *, (row_number() OVER (PARTITION BY step, due_at ORDER BY id) - 1) / {BATCH} AS part FROM judged WHERE plain) j
), moved AS (
    UPDATE visits v
    SET state = 'due', state_reason = NULL, late = false, tries = 0, next_at = p.due_at, next_reason = 'due', next_step = p.step,
        wake_at = p.wake_at, due_seq = 1, due_event_id = p.event_id, updated_at = $2, version = v.version + 1
    FROM plain p WHERE v.store_id = $1 AND v.id = p.id
), written AS (
    INSERT INTO due_contact_events (store_id, id, visit_ids, due_seq, step, due_at, created_at)
    SELECT $1, event_id, array_agg(id), 1, step, due_at, $2 FROM plain GROUP BY event_id, step, due_at
), again AS (
    INSERT INTO visit_wakes (store_id, id, wake_at, visit_ids)
    SELECT $1, gen_random_uuid(), wake_at, array_agg(id)
    FROM (SELECT id, wake_at, (row_number() OVER (PARTITION BY wake_at ORDER BY id) - 1) / {BATCH} AS part FROM plain) p
    GROUP BY wake_at, part
)
SELECT event_id, count(*) AS visits, NULL::uuid AS other_id, NULL::uuid AS passed_id, NULL::timestamptz AS wake_at
FROM plain GROUP BY event_id
UNION ALL
SELECT NULL, 0, id, NULL, NULL FROM judged WHERE NOT plain
UNION ALL
SELECT NULL, 0, NULL, named_id, NULL FROM claimed WHERE id IS NULL
UNION ALL
SELECT NULL, 0, NULL, NULL, min(woken_at) FROM judged
"""


@dataclass(frozen=True)
class Claimed:
    """What one claim took: how many visits it made due by which events, visits to be asked about one by one, the earliest instant."""

    promoted: int
    event_ids: Sequence[UUID]
    others: Sequence[UUID]
    earliest: datetime | None

    @property
    def size(self) -> int:
        return self.promoted + len(self.others)


@cache
def _promote(limit: int) -> str:
    """The statement with its limit in the text: with a parameter there, a plan made for any limit would read whole tables."""
    return _PROMOTE.format(limit=int(limit))


async def promote(
    conn: Connection, store_id: UUID, *, now: datetime, limit: int, zone: str, sms_from: time, sms_to: time
) -> Claimed:
    """Claim up to `limit` visits of the store that are due at `now`, and make the plain ones due, inside the caller's transaction.

    The history of a promotion is the due-contact event it shares (`visits.due_event_id`): when it was due and when it was made so.
    """
    rows = await conn.fetch(_promote(limit), store_id, now, batch_prefix(), zone, sms_from, sms_to)
    # Somebody else holds them, or they are to be looked at later than the queue said, or not at all: the queue is told anew.
    await wake(conn, store_id, [row["passed_id"] for row in rows if row["passed_id"]])
    return Claimed(
        promoted=sum(row["visits"] for row in rows),
        event_ids=[row["event_id"] for row in rows if row["event_id"]],
        others=[row["other_id"] for row in rows if row["other_id"]],
        earliest=rows[-1]["wake_at"],
    )
