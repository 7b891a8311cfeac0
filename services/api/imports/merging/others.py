"""Lists of staff and of people who want no calls."""

from __future__ import annotations

from services.api.imports.merging.run import NEW_ID, Run
from shared.db import Connection
from shared.opt_outs import lock_numbers

_FIND_STAFF = """
    UPDATE stage s SET target_id = t.id FROM staff t WHERE t.store_id = $1 AND t.name = s.name AND t.ordinal = 1 AND s.is_last
"""
_INSERT_STAFF = """
    WITH written AS (
        INSERT INTO staff (store_id, id, name, ordinal, roles, phone, active, capacity, created_at, updated_at, version)
        SELECT $1, new_id, name, 1, roles, phone, coalesce(active, true), 60, $2, $2, 1
        FROM stage WHERE is_last AND target_id IS NULL ON CONFLICT DO NOTHING RETURNING id
    )
    UPDATE stage s SET target_id = s.new_id, outcome = 'created' FROM written WHERE s.new_id = written.id
"""
# Whoever can sign in keeps the roles an admin gave: a file must not be a way to more rights.
_ROLES = """
    CASE WHEN t.account_id IS NOT NULL THEN t.roles
         ELSE t.roles || ARRAY(SELECT r FROM unnest(s.roles) AS r WHERE r <> ALL (t.roles)) END
"""
_UPDATE_STAFF = f"""
    WITH changed AS (
        UPDATE staff t SET roles = {_ROLES}, phone = coalesce(s.phone, t.phone),
               active = CASE WHEN t.account_id IS NOT NULL THEN t.active ELSE coalesce(s.active, t.active) END,
               updated_at = $2, version = t.version + 1
        FROM stage s
        WHERE t.store_id = $1 AND t.id = s.target_id AND s.is_last AND s.outcome IS NULL
          AND (t.roles, t.phone, t.active) IS DISTINCT FROM (
              {_ROLES}, coalesce(s.phone, t.phone),
              CASE WHEN t.account_id IS NOT NULL THEN t.active ELSE coalesce(s.active, t.active) END)
        RETURNING t.id
    )
    UPDATE stage s SET outcome = 'updated' FROM changed WHERE s.target_id = changed.id AND s.is_last
"""
_ROLES_KEPT = """
    SELECT s.line, array_to_string(s.roles, '/') AS roles FROM stage s JOIN staff t ON t.store_id = $1 AND t.id = s.target_id
    WHERE s.is_last AND t.account_id IS NOT NULL AND NOT t.roles @> s.roles
"""
_OPT_OUT_NUMBERS = "SELECT DISTINCT k.value_index FROM stage s JOIN stage_points k ON k.n = s.n WHERE s.is_last"
_OPT_OUTS = f"""
    WITH written AS (
        INSERT INTO opt_outs (id, number_index, channel, scope, source, store_id, at)
        SELECT {NEW_ID}, k.value_index, s.channel, 'all', 'import', $1, coalesce(s.at, $2)
        FROM stage s JOIN stage_points k ON k.n = s.n WHERE s.is_last
        ON CONFLICT DO NOTHING RETURNING number_index, channel
    )
    UPDATE stage s SET outcome = 'created' FROM stage_points k, written
    WHERE k.n = s.n AND k.value_index = written.number_index AND s.channel = written.channel AND s.is_last
"""
_REST = "UPDATE stage SET outcome = 'unchanged' WHERE is_last AND outcome IS NULL"


async def merge_staff(connection: Connection, run: Run) -> list[tuple[int, str]]:
    """New people without a sign-in; more of the known ones. Out: lines and roles that were not given, for warnings."""
    await connection.execute(_FIND_STAFF, run.store_id)
    await connection.execute(_INSERT_STAFF, run.store_id, run.now)
    await connection.execute(_UPDATE_STAFF, run.store_id, run.now)
    await connection.execute(_REST)
    return [(row["line"], row["roles"]) for row in await connection.fetch(_ROLES_KEPT, run.store_id)]


async def merge_opt_outs(connection: Connection, run: Run) -> None:
    """Opt-outs of numbers and addresses, over all stores; one that stands already is unchanged."""
    await lock_numbers(connection, [row["value_index"] for row in await connection.fetch(_OPT_OUT_NUMBERS)])
    await connection.execute(_OPT_OUTS, run.store_id, run.now)
    await connection.execute(_REST)
