"""Rows of a file that speak of the same thing: the last stands for all, filled up from the earlier ones."""

from __future__ import annotations

from services.api.imports.fields import Kind
from services.api.imports.stage import COLUMNS, OWN
from shared.db import Connection

# A person listed once with a code and once without it is one person, if name and phone agree.
_ONE_PERSON = """
    UPDATE stage s SET person_key = o.person_key {key}
    FROM (SELECT DISTINCT ON (np) np, person_key FROM stage WHERE code IS NOT NULL AND phone_index IS NOT NULL ORDER BY np, n) o
    WHERE s.code IS NULL AND s.phone_index IS NOT NULL AND s.np = o.np
"""
_REPEATS = """
    CREATE TEMP TABLE stage_repeats ON COMMIT DROP AS
    SELECT key, max(n) AS last FROM stage GROUP BY key HAVING count(*) > 1
"""
_MARK = "UPDATE stage s SET is_last = false FROM stage_repeats r WHERE s.key = r.key AND s.n <> r.last"
# The addresses of earlier rows stay, behind those of the last.
_RANKS = """
    UPDATE stage_points k SET rank = k.rank + 20 FROM stage s WHERE s.n = k.n AND NOT s.is_last
"""
_FOLD = """
    UPDATE stage s SET {assignments} FROM (
        SELECT s.key, {folded} FROM stage s JOIN stage_repeats r USING (key) GROUP BY s.key
    ) f WHERE s.key = f.key AND s.is_last
"""
_SPREAD = """
    WITH seen AS (
        SELECT s.n, l.outcome AS last_outcome, l.reason AS last_reason, s.digest, l.digest AS last_digest,
               row_number() OVER file AS place, lag(s.digest) OVER file AS before,
               row_number() OVER (PARTITION BY s.key, s.digest ORDER BY s.n) AS place_of_equals
        FROM stage s JOIN stage_repeats r USING (key) JOIN stage l ON l.n = r.last
        WINDOW file AS (PARTITION BY s.key ORDER BY s.n)
    )
    UPDATE stage s SET reason = seen.last_reason, outcome = CASE
        WHEN last_outcome = 'rejected' THEN 'rejected'
        WHEN last_outcome = 'created' AND place = 1 THEN 'created'
        WHEN last_outcome = 'created' AND seen.digest IS DISTINCT FROM before THEN 'updated'
        WHEN last_outcome = 'updated' AND seen.digest = last_digest AND place_of_equals = 1 THEN 'updated'
        ELSE 'unchanged' END
    FROM seen WHERE s.n = seen.n
"""


async def fold(connection: Connection, kind: Kind) -> bool:
    """Mark the last row of each key and fill its gaps from the rows before it. Whether any key came twice."""
    await connection.execute("ANALYZE stage")
    await connection.execute("ANALYZE stage_points")
    if kind in (Kind.CUSTOMERS, Kind.LEADS):
        await connection.execute(_ONE_PERSON.format(key=", key = o.person_key"))
    await connection.execute(_REPEATS)
    if not await connection.fetchval("SELECT EXISTS (SELECT FROM stage_repeats)"):
        return False
    await connection.execute(_MARK)
    await connection.execute(_RANKS)
    names = [name for name in COLUMNS[kind] if name not in OWN]
    assignments = ", ".join(f"{name} = coalesce(s.{name}, f.{name})" for name in names)
    folded = ", ".join(
        f"(array_agg(s.{name} ORDER BY s.n DESC) FILTER (WHERE s.{name} IS NOT NULL))[1] AS {name}" for name in names
    )
    await connection.execute(_FOLD.format(assignments=assignments, folded=folded))
    return True


async def spread_outcomes(connection: Connection) -> None:
    """Say of the earlier rows of each key what became of them.

    Where the last changed nothing, they are unchanged too, whatever they say: so the same file a second time changes nothing.
    """
    await connection.execute(_SPREAD)
