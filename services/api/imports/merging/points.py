"""Phones, e-mail addresses, WeChat names and consents of the rows' people."""

from __future__ import annotations

from services.api.imports.fields import Kind
from services.api.imports.merging.run import NEW_ID, Run
from shared.db import Connection

CONSENT_CHANNELS = ("sms", "email", "phone", "wechat")

_MISSING = """
    CREATE TEMP TABLE points ON COMMIT DROP AS
    SELECT k.*, p.customer_id, p.created FROM stage_points k
    JOIN stage s ON s.n = k.n JOIN people p ON p.person_key = s.person_key
    LEFT JOIN contact_points cp ON cp.store_id = $1 AND cp.customer_id = p.customer_id AND cp.kind = k.kind
        AND cp.value_index = k.value_index
    WHERE p.customer_id IS NOT NULL AND cp.id IS NULL
"""
# A customers file says which number comes first: the dealer's system knows it best. Other files add theirs behind.
_IN_FILE_ORDER = """
    UPDATE contact_points cp SET rank = r.place FROM (
        SELECT o.id, row_number() OVER (
            PARTITION BY o.customer_id, o.kind ORDER BY coalesce(min(k.rank), 1000), o.rank, o.id) AS place
        FROM contact_points o
        JOIN people p ON p.customer_id = o.customer_id
        LEFT JOIN stage s ON s.person_key = p.person_key
        LEFT JOIN stage_points k ON k.n = s.n AND k.kind = o.kind AND k.value_index = o.value_index
        WHERE o.store_id = $1 AND o.customer_id IN (SELECT customer_id FROM points WHERE NOT created)
        GROUP BY o.id, o.customer_id, o.kind, o.rank
    ) r WHERE cp.store_id = $1 AND cp.id = r.id AND cp.rank <> r.place
"""
_GO_BEHIND = """
    UPDATE points k SET rank = k.rank + m.highest
    FROM (SELECT customer_id, kind, max(rank) AS highest FROM contact_points WHERE store_id = $1
          AND customer_id IN (SELECT customer_id FROM points WHERE NOT created) GROUP BY 1, 2) m
    WHERE k.customer_id = m.customer_id AND k.kind = m.kind
"""
_INSERT = """
    WITH written AS (
        INSERT INTO contact_points (store_id, id, customer_id, kind, rank, value, value_index, last4_index, textable, created_at)
        SELECT $1, id, customer_id, kind, rank, value, value_index, last4_index, textable, $2 FROM points ORDER BY rank, n DESC
        ON CONFLICT (store_id, customer_id, kind, value_index) DO NOTHING
        RETURNING customer_id
    )
    UPDATE people p SET changed = true FROM written WHERE p.customer_id = written.customer_id AND NOT p.created
"""
# Whatever a customer once said stands: a row that was ever there, withdrawn or not, is not granted over by a file.
_GRANT = f"""
    WITH written AS (
        INSERT INTO consents (store_id, id, customer_id, purpose, channel, basis, source, proof, granted_at)
        SELECT $1, {NEW_ID}, p.customer_id, 'marketing', c.channel, 'consent', 'import', $3, $2
        FROM (SELECT DISTINCT customer_id FROM people WHERE consent AND customer_id IS NOT NULL) p
        CROSS JOIN unnest($4::text[]) AS c(channel)
        WHERE NOT EXISTS (
            SELECT FROM consents o WHERE o.store_id = $1 AND o.customer_id = p.customer_id AND o.purpose = 'marketing'
            AND o.channel = c.channel)
        ON CONFLICT DO NOTHING
        RETURNING customer_id
    )
    UPDATE people p SET changed = true FROM written WHERE p.customer_id = written.customer_id AND NOT p.created
"""
_WITHDRAW = """
    WITH withdrawn AS (
        UPDATE consents o SET withdrawn_at = $2 FROM people p
        WHERE o.store_id = $1 AND o.customer_id = p.customer_id AND NOT p.consent AND o.purpose = 'marketing'
          AND o.withdrawn_at IS NULL
        RETURNING o.customer_id
    )
    UPDATE people p SET changed = true FROM withdrawn WHERE p.customer_id = withdrawn.customer_id AND NOT p.created
"""


async def write_points(connection: Connection, run: Run) -> None:
    """Add the addresses that are not there yet."""
    await connection.execute(_MISSING, run.store_id)
    if run.kind is not Kind.CUSTOMERS:
        await connection.execute(_GO_BEHIND, run.store_id)
    await connection.execute(_INSERT, run.store_id, run.now)
    if run.kind is Kind.CUSTOMERS:
        await connection.execute(_IN_FILE_ORDER, run.store_id)


async def write_consents(connection: Connection, run: Run) -> None:
    """Consent to marketing where the file says so and nobody has said otherwise; a no withdraws it."""
    await connection.execute(_GRANT, run.store_id, run.now, f"import {run.import_id}", list(CONSENT_CHANNELS))
    await connection.execute(_WITHDRAW, run.store_id, run.now)
