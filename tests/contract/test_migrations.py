"""Migrations go up and down on a real server and agree with the tables in Python; grants may be applied again at will."""

from __future__ import annotations

from collections.abc import Iterator

import asyncpg
import pytest

from deploy import migrate, roles
from shared.db import asyncpg_url
from tests.factories import NOW, make_due_event, make_message, make_visit
from tests.servers import Servers

_GRANTS = """
    SELECT 'table' AS what, relname::text AS name, relacl::text AS detail, relrowsecurity, relforcerowsecurity FROM pg_class
     WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
    UNION ALL SELECT 'column', attrelid::regclass || '.' || attname, attacl::text, NULL, NULL FROM pg_attribute
     WHERE attacl IS NOT NULL AND attrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)
    UNION ALL SELECT 'policy', tablename || '.' || policyname, concat(roles, qual, with_check), NULL, NULL
      FROM pg_policies
    ORDER BY 1, 2"""
_OBJECTS = """
    SELECT relname::text FROM pg_class c WHERE relnamespace = 'public'::regnamespace
       AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = c.oid AND deptype = 'e')"""


@pytest.fixture
def database(servers: Servers, worker_number: int) -> Iterator[str]:
    """A migrated database that the test may take apart."""
    with servers.database(f"migrations_{worker_number}") as url:
        yield url


async def _read(url: str, statement: str) -> list[tuple[object, ...]]:
    connection = await asyncpg.connect(asyncpg_url(url))
    try:
        return [tuple(row.values()) for row in await connection.fetch(statement)]
    finally:
        await connection.close()


def test_the_migrations_make_what_the_tables_in_python_say(database: str) -> None:
    migrate.check(database)


def test_the_database_says_which_migration_it_is_at(database: str) -> None:
    assert migrate.current(database) == migrate.newest()


async def test_down_leaves_nothing_and_up_again_makes_the_same(database: str) -> None:
    before = await _read(database, _GRANTS)
    migrate.downgrade(database)
    assert await _read(database, _OBJECTS + " AND relname NOT LIKE 'alembic_version%'") == []
    migrate.upgrade(database, roles.passwords(database))
    migrate.check(database)
    assert await _read(database, _GRANTS) == before


async def test_what_an_older_version_left_is_found_by_this_one(database: str) -> None:
    """A visit that waits, its event and its message: in the queue, in the batch, as they were; and back."""
    connection = await asyncpg.connect(asyncpg_url(database))
    first = await make_visit(connection)
    store_id = first["store_id"]
    second = await make_visit(connection, customer_id=first["customer_id"], wake_at=None)
    ids = [first["id"], second["id"]]
    await connection.execute("DELETE FROM visit_wakes")
    for visit_id in ids:
        await make_due_event(connection, visit_id=visit_id, store_id=store_id)
    await make_message(connection, visit_id=ids[0], number_index=None)
    migrate.downgrade(database, "0002")
    found = "SELECT array_agg(visit_id ORDER BY visit_id) FROM due_contact_events"
    assert await connection.fetchval(found) == sorted(ids)
    migrate.upgrade(database)
    queue = await connection.fetch("SELECT wake_at, visit_ids FROM visit_wakes")
    assert [tuple(row) for row in queue] == [(NOW, [ids[0]])]
    assert await connection.fetchval("SELECT bool_and(visit_ids = ARRAY[visit_id]) FROM due_contact_events")
    assert await connection.fetchval("SELECT count(*) FROM messages") == 1

    await connection.execute("DELETE FROM due_contact_events")
    await make_due_event(connection, visit_id=ids[0], store_id=store_id, visit_ids=ids)
    await connection.execute("UPDATE due_contact_events SET visit_id = NULL")
    migrate.downgrade(database, "0002")
    assert await connection.fetchval(found) == sorted(ids)
    await connection.close()


async def test_grants_applied_again_change_nothing(database: str) -> None:
    before = await _read(database, _GRANTS)
    assert before
    migrate.upgrade(database)
    assert await _read(database, _GRANTS) == before


async def test_a_right_given_by_hand_does_not_survive_the_next_upgrade(database: str) -> None:
    connection = await asyncpg.connect(asyncpg_url(database))
    await connection.execute("GRANT DELETE ON audit_log TO huifang_api; GRANT SELECT (body) ON messages TO huifang_scheduler")
    await connection.close()
    migrate.upgrade(database)
    held = (
        "SELECT has_table_privilege('huifang_api', 'audit_log', 'DELETE'),"
        " has_column_privilege('huifang_scheduler', 'messages', 'body', 'SELECT')"
    )
    assert await _read(database, held) == [(False, False)]
