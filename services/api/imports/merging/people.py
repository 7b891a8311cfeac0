"""The people rows speak of: found by external code, else by name and phone; made when they are new; brought up to date."""

from __future__ import annotations

from typing import Final

from services.api.imports.fields import Kind
from services.api.imports.merging.run import NEW_ID, Run, set_against_set
from shared.db import Connection

# An empty cell never erases: each column takes what the file says, else keeps what it has.
_FROM_CUSTOMERS_FILE: Final = (
    "external_code", "name", "initials", "gender", "birthday", "region", "address", "preferred_channel", "filed_on", "source", "note",
)  # fmt: skip
_DETAIL: Final = ("birthday", "region", "address", "preferred_channel", "filed_on", "source", "note")

_PEOPLE = """
    CREATE TEMP TABLE people ON COMMIT DROP AS
    SELECT DISTINCT ON (person_key) person_key, np, code AS external_code, name, initials, customer_kind, gender, phone_index,
           new_customer_id, holder_id, holder_role, consent, {detail}
           NULL::uuid AS customer_id, false AS created, false AS changed, NULL::text AS reason
    FROM stage WHERE person_key IS NOT NULL AND is_last ORDER BY person_key, n DESC
"""
_BY_CODE = """
    UPDATE people p SET customer_id = coalesce(c.merged_into, c.id) FROM customers c
    WHERE c.store_id = $1 AND c.external_code = p.external_code AND p.customer_id IS NULL
"""
_BY_NAME_AND_PHONE = """
    UPDATE people p SET customer_id = m.customer_id FROM (
        SELECT DISTINCT ON (p.person_key) p.person_key, coalesce(c.merged_into, c.id) AS customer_id
        FROM people p
        JOIN stage s ON s.person_key = p.person_key
        JOIN stage_points k ON k.n = s.n AND k.kind = 'phone'
        JOIN contact_points cp ON cp.store_id = $1 AND cp.kind = 'phone' AND cp.value_index = k.value_index
        JOIN customers c ON c.store_id = $1 AND c.id = cp.customer_id AND c.name = p.name
        WHERE p.customer_id IS NULL AND (p.external_code IS NULL OR c.external_code IS NULL)
        ORDER BY p.person_key, c.merged_into NULLS FIRST, c.id
    ) m WHERE p.person_key = m.person_key
"""
# Two codes cannot both become the code of one file that has none yet.
_ONE_CODE_EACH = """
    UPDATE people p SET customer_id = NULL FROM customers c
    WHERE c.store_id = $1 AND c.id = p.customer_id AND c.external_code IS NULL AND p.external_code IS NOT NULL
      AND EXISTS (SELECT FROM people q WHERE q.customer_id = p.customer_id AND q.external_code < p.external_code)
"""
_BY_NAME_WITHOUT_PHONE = """
    UPDATE people p SET customer_id = m.customer_id FROM (
        SELECT c.name, (min(c.id::text))::uuid AS customer_id FROM customers c
        WHERE c.store_id = $1 AND c.merged_into IS NULL
          AND c.name IN (SELECT name FROM people WHERE customer_id IS NULL AND external_code IS NULL AND phone_index IS NULL)
          AND NOT EXISTS (SELECT FROM contact_points cp WHERE cp.store_id = $1 AND cp.customer_id = c.id AND cp.kind = 'phone')
        GROUP BY c.name
    ) m
    WHERE p.customer_id IS NULL AND p.external_code IS NULL AND p.phone_index IS NULL AND p.name = m.name
"""
_BY_NAME_ALONE = """
    UPDATE people p SET customer_id = m.customer_id, reason = m.reason FROM (
        SELECT c.name, CASE WHEN count(*) = 1 THEN min(c.id::text)::uuid END AS customer_id,
               CASE WHEN count(*) > 1 THEN 'customer_ambiguous' END AS reason
        FROM customers c WHERE c.store_id = $1 AND c.merged_into IS NULL
          AND c.name IN (SELECT name FROM people WHERE customer_id IS NULL AND external_code IS NULL AND phone_index IS NULL)
        GROUP BY c.name
    ) m
    WHERE p.customer_id IS NULL AND p.external_code IS NULL AND p.phone_index IS NULL AND p.name = m.name
"""
_BY_PHONE_ALONE = """
    UPDATE people p SET customer_id = m.customer_id, reason = m.reason FROM (
        SELECT cp.value_index, CASE WHEN count(DISTINCT c.id) = 1 THEN min(c.id::text)::uuid END AS customer_id,
               CASE WHEN count(DISTINCT c.id) > 1 THEN 'customer_ambiguous' END AS reason
        FROM contact_points cp JOIN customers c ON c.store_id = cp.store_id AND c.id = cp.customer_id AND c.merged_into IS NULL
        WHERE cp.store_id = $1 AND cp.kind = 'phone' AND cp.value_index IN (SELECT phone_index FROM people WHERE name IS NULL)
        GROUP BY cp.value_index
    ) m
    WHERE p.customer_id IS NULL AND p.name IS NULL AND p.phone_index = m.value_index
"""
_INSERT = """
    INSERT INTO customers (store_id, id, external_code, kind, name, initials, gender, lifecycle, holder_id, {columns}
                           service_preferences, flags, created_at, updated_at, version)
    SELECT $1, new_customer_id, external_code, coalesce(customer_kind, 'person'), name, initials, gender, $3, holder_id, {columns}
           '{{}}', '{{}}', $2, $2, 1
    FROM people WHERE customer_id IS NULL AND name IS NOT NULL AND reason IS NULL
    ON CONFLICT DO NOTHING
"""
_MARK_CREATED = """
    UPDATE people p SET customer_id = p.new_customer_id, created = true FROM customers c
    WHERE c.store_id = $1 AND c.id = p.new_customer_id AND p.customer_id IS NULL
"""
# What the dealer's system still says of a file that was merged away does not overrule the file that stayed.
_UPDATE = """
    WITH changed AS (
        UPDATE customers c SET {assignments}, updated_at = $2, version = c.version + 1
        FROM people p
        WHERE c.store_id = $1 AND c.id = p.customer_id AND NOT p.created AND ({old}) IS DISTINCT FROM ({new})
          AND NOT EXISTS (SELECT FROM customers m WHERE m.store_id = $1 AND m.external_code = p.external_code
                          AND m.merged_into IS NOT NULL)
        RETURNING c.id
    )
    UPDATE people p SET changed = true FROM changed WHERE p.customer_id = changed.id
"""
_HOLDER = """
    WITH changed AS (
        UPDATE customers c SET holder_id = p.holder_id, updated_at = $2, version = c.version + 1
        FROM people p JOIN staff n ON n.store_id = $1 AND n.id = p.holder_id AND n.active
        WHERE c.store_id = $1 AND c.id = p.customer_id AND NOT p.created AND c.holder_id IS DISTINCT FROM p.holder_id
          AND ({when})
        RETURNING c.id
    )
    UPDATE people p SET changed = true FROM changed WHERE p.customer_id = changed.id
"""
# The file follows the dealer's system, unless the file of the customer has passed on to another role since (month 9, a leave).
_HOLDER_OF_CUSTOMERS_FILE = """
    c.holder_id IS NULL OR EXISTS (
        SELECT FROM staff o WHERE o.store_id = $1 AND o.id = c.holder_id AND (NOT o.active OR p.holder_role = ANY (o.roles)))
"""
_LIFECYCLE = """
    UPDATE customers c SET lifecycle = $2, updated_at = $3, version = c.version + 1
    FROM (SELECT DISTINCT customer_id FROM stage WHERE is_last AND customer_id IS NOT NULL AND outcome IS DISTINCT FROM 'rejected') s
    WHERE c.store_id = $1 AND c.id = s.customer_id AND c.lifecycle = ANY ($4)
"""
_TASKS = f"""
    INSERT INTO tasks (store_id, id, kind, customer_id, due_at, detail, created_at)
    SELECT $1, {NEW_ID}, 'correct_file', p.customer_id, $2, '{{"reason": "no_phone"}}', $2
    FROM (SELECT DISTINCT customer_id FROM people WHERE created OR changed) p
    WHERE NOT EXISTS (
        SELECT FROM contact_points cp WHERE cp.store_id = $1 AND cp.customer_id = p.customer_id AND cp.kind = 'phone')
    ON CONFLICT DO NOTHING
"""


async def find_people(connection: Connection, run: Run) -> None:
    """Who of the rows' people is known. Fills `people`, one row a person."""
    detail = "".join(f"{name}, " for name in _DETAIL) if run.kind is Kind.CUSTOMERS else ""
    await connection.execute(_PEOPLE.format(detail=detail))
    await connection.execute("ANALYZE people")
    await connection.execute(_BY_CODE, run.store_id)
    await connection.execute(_BY_NAME_AND_PHONE, run.store_id)
    await connection.execute(_ONE_CODE_EACH, run.store_id)
    by_name = _BY_NAME_WITHOUT_PHONE if run.kind in (Kind.CUSTOMERS, Kind.LEADS) else _BY_NAME_ALONE
    await connection.execute(by_name, run.store_id)
    await connection.execute(_BY_PHONE_ALONE, run.store_id)


async def make_people(connection: Connection, run: Run) -> None:
    """New customers for those nobody knows; what the rows say more of the others."""
    columns = "".join(f"{name}, " for name in _DETAIL) if run.kind is Kind.CUSTOMERS else ""
    await connection.execute(
        _INSERT.format(columns=columns), run.store_id, run.now, "lead" if run.kind is Kind.LEADS else "prospect"
    )
    await connection.execute(_MARK_CREATED, run.store_id)
    await connection.execute(_BY_CODE, run.store_id)  # somebody else may have made them meanwhile
    await connection.execute(_update_statement(run.kind), run.store_id, run.now)
    when = _HOLDER_OF_CUSTOMERS_FILE if run.kind is Kind.CUSTOMERS else "c.holder_id IS NULL"
    await connection.execute(_HOLDER.format(when=when), run.store_id, run.now)


async def assign_people(connection: Connection) -> None:
    """Give every staged row its customer."""
    await connection.execute("""
        UPDATE stage s SET customer_id = p.customer_id, reason = coalesce(s.reason, p.reason) FROM people p
        WHERE s.person_key = p.person_key AND s.customer_id IS NULL
    """)


async def outcomes_of_people(connection: Connection) -> None:
    """For a customers file the person is the row."""
    await connection.execute("""
        UPDATE stage s SET outcome = CASE WHEN p.created THEN 'created' WHEN p.changed THEN 'updated' ELSE 'unchanged' END
        FROM people p WHERE s.person_key = p.person_key AND s.is_last
    """)


async def open_tasks(connection: Connection, run: Run) -> None:
    """A task to complete the file of each new or changed customer whom nobody can ring."""
    await set_against_set(connection, _TASKS, run.store_id, run.now)


async def raise_lifecycle(connection: Connection, run: Run, to: str, *before: str) -> None:
    """Move the customers of usable rows on to `to` from any of the stages before it."""
    await connection.execute(_LIFECYCLE, run.store_id, to, run.now, list(before))


def _update_statement(kind: Kind) -> str:
    """A customers file wins over what is there; other files only fill what is empty."""
    if kind is Kind.CUSTOMERS:
        names: tuple[str, ...] = _FROM_CUSTOMERS_FILE
        new = {name: f"coalesce(p.{name}, c.{name})" for name in names}
    else:
        names = ("external_code", "gender")
        new = {name: f"coalesce(c.{name}, p.{name})" for name in names}
    assignments = ", ".join(f"{name} = {value}" for name, value in new.items())
    old = ", ".join(f"c.{name}" for name in names)
    return _UPDATE.format(assignments=assignments, old=old, new=", ".join(new.values()))
