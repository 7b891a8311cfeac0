"""The hot path: what is due in one store, claimed, and everything plain made due by one statement.

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

_PROMOTE = f"""
WITH claimed AS MATERIALIZED (
    SELECT v.id, v.customer_id, v.state, v.channel, v.purposes, v.due_at, v.window_end, v.due_seq, v.promised_at, v.wake_at
    FROM visits v
    WHERE v.store_id = $1 AND v.wake_at <= $2
    ORDER BY v.wake_at LIMIT {{limit}} FOR UPDATE SKIP LOCKED
), plain AS MATERIALIZED (
    SELECT c.id, c.channel, c.due_at, c.window_end, ($3 || lpad(to_hex(row_number() OVER ()), 4, '0'))::uuid AS event_id
    FROM claimed c
    WHERE c.state = 'planned' AND c.due_seq = 0 AND c.promised_at IS NULL AND c.due_at <= $2 AND c.window_end > $2
      AND NOT c.purposes @> ARRAY['recall_safety']
      AND CASE c.channel
              WHEN 'phone' THEN coalesce({_PREFERRED}, '') NOT IN ('sms', 'email', 'wechat') AND {_CALLABLE}
              WHEN 'onsite' THEN true
              WHEN 'sms' THEN (c.due_at AT TIME ZONE $4)::time >= $5 AND (c.due_at AT TIME ZONE $4)::time < $6 AND {_TEXTABLE}
              WHEN 'email' THEN (c.due_at AT TIME ZONE $4)::time >= $5 AND (c.due_at AT TIME ZONE $4)::time < $6 AND {_MAILABLE}
              ELSE false
          END
), moved AS (
    UPDATE visits v
    SET state = 'due', state_reason = NULL, late = false, tries = 0, next_at = p.due_at, next_reason = 'due',
        next_step = CASE WHEN p.channel IN ('sms', 'email') THEN p.channel ELSE 'call' END,
        wake_at = CASE WHEN p.channel IN ('sms', 'email') THEN greatest(p.window_end, p.due_at + interval '24 hours')
                       ELSE p.window_end END,
        due_seq = 1, updated_at = $2, version = v.version + 1
    FROM plain p WHERE v.store_id = $1 AND v.id = p.id
    RETURNING v.id, p.event_id, v.next_step, p.due_at
), written AS (
    INSERT INTO due_contact_events (store_id, id, visit_id, due_seq, step, due_at, created_at)
    SELECT $1, event_id, id, 1, next_step, due_at, $2 FROM moved
    RETURNING id
)
SELECT id AS event_id, NULL::uuid AS visit_id, NULL::timestamptz AS wake_at FROM written
UNION ALL
SELECT NULL, c.id, c.wake_at FROM claimed c LEFT JOIN plain p ON p.id = c.id WHERE p.id IS NULL
UNION ALL
SELECT NULL, NULL, min(wake_at) FROM claimed
"""


@dataclass(frozen=True)
class Claimed:
    """What one claim took: events of visits made due, visits to be asked about one by one, the earliest instant among all."""

    event_ids: Sequence[UUID]
    others: Sequence[UUID]
    earliest: datetime | None

    @property
    def size(self) -> int:
        return len(self.event_ids) + len(self.others)


@cache
def _promote(limit: int) -> str:
    """The statement with its limit in the text: with a parameter there, a plan made for any limit would read whole tables."""
    return _PROMOTE.format(limit=int(limit))


async def promote(
    conn: Connection, store_id: UUID, *, now: datetime, limit: int, zone: str, sms_from: time, sms_to: time
) -> Claimed:
    """Claim up to `limit` visits of the store that are due at `now`, and make the plain ones due, inside the caller's transaction.

    The history of a promotion is its due-contact event: `due_seq` 1, when it was due and when it was made so.
    """
    rows = await conn.fetch(_promote(limit), store_id, now, batch_prefix(), zone, sms_from, sms_to)
    return Claimed(
        event_ids=[row["event_id"] for row in rows if row["event_id"]],
        others=[row["visit_id"] for row in rows if row["visit_id"]],
        earliest=rows[-1]["wake_at"],
    )
