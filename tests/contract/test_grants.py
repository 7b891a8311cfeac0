"""Each service may do what the matrix says and nothing else, and sees one store when it speaks for one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

import asyncpg
import pytest

from shared.db import Connection, Pool, connect, set_store_sql
from shared.ids import new_id
from tests.contract import catalogue
from tests.contract.grants import APPEND_ONLY, MARKS, MATRIX, SERVICES, Rights, rights
from tests.factories import NOW, make_account, make_customer, make_message, make_staff, make_store, make_visit

REFUSED = asyncpg.InsufficientPrivilegeError


async def _may(conn: Connection, statement: str) -> bool:
    """True when PostgreSQL lets this role do it; the statements touch no row."""
    try:
        await conn.execute(statement)
    except REFUSED:
        return False
    return True


async def _tried(conn: Connection, table: str, columns: dict[str, str]) -> Rights:
    """What the connected role can really do, one try for each column."""
    select = {name for name in columns if await _may(conn, f'SELECT "{name}" FROM {table} WHERE false')}
    insert = {
        name
        for name, kind in columns.items()
        if await _may(conn, f'INSERT INTO {table} ("{name}") SELECT NULL::{kind} WHERE false')
    }
    update = {name for name in columns if await _may(conn, f'UPDATE {table} SET "{name}" = NULL WHERE false')}
    delete = await _may(conn, f"DELETE FROM {table} WHERE false")
    return Rights(frozenset(select), frozenset(insert), frozenset(update), delete)


async def test_the_matrix_names_every_table(connection: Connection) -> None:
    assert set(MATRIX) == set(await catalogue.tables(connection)), "a new table wants a line in tests/contract/grants.py"


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_may_do_what_the_matrix_says_and_nothing_else(
    service: str, connection: Connection, role_urls: dict[str, str]
) -> None:
    role = await connect(role_urls[service])
    try:
        for table, cells in MATRIX.items():
            columns = await catalogue.columns(connection, table)
            expected = rights(cells[SERVICES.index(service)], frozenset(columns))
            assert await _tried(role, table, columns) == expected, f"{service} on {table}"
    finally:
        await role.close()


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_owns_nothing_and_cannot_pass_the_wall(service: str, connection: Connection) -> None:
    role = await connection.fetchrow("SELECT * FROM pg_roles WHERE rolname = $1", f"huifang_{service}")
    assert role is not None
    powers = ("rolsuper", "rolbypassrls", "rolcreaterole", "rolcreatedb", "rolreplication")
    assert not any(role[power] for power in powers)
    assert await connection.fetchval("SELECT count(*) FROM pg_class WHERE relowner = $1", role["oid"]) == 0


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_cannot_change_the_schema(service: str, role_urls: dict[str, str]) -> None:
    role = await connect(role_urls[service])
    try:
        for statement in (
            "CREATE TABLE public.mine (id int)",
            "ALTER TABLE visits DISABLE ROW LEVEL SECURITY",
            "DROP TABLE visits",
            "TRUNCATE audit_log",
        ):
            with pytest.raises(REFUSED):
                await role.execute(statement)
    finally:
        await role.close()


@pytest.mark.parametrize("table", APPEND_ONLY)
async def test_history_is_added_to_and_never_rewritten(table: str, connection: Connection, role_urls: dict[str, str]) -> None:
    columns = await catalogue.columns(connection, table)
    for service in SERVICES:
        role = await connect(role_urls[service])
        try:
            can = await _tried(role, table, columns)
        finally:
            await role.close()
        assert can.update <= MARKS, service
        assert not can.delete, service


@dataclass(frozen=True)
class TwoStores:
    """Two stores with the same things in each."""

    mine: UUID
    other: UUID
    my_customer: UUID
    other_customer: UUID


async def _furnish(conn: Connection) -> tuple[UUID, UUID]:
    store = await make_store(conn)
    customer = await make_customer(conn, store_id=store["id"])
    visit = await make_visit(conn, store_id=store["id"], customer_id=customer["id"])
    await make_message(conn, visit_id=visit["id"])
    person = await make_staff(conn, store_id=store["id"])
    await make_account(conn, store_id=store["id"], staff_id=person["id"])
    return store["id"], customer["id"]


@pytest.fixture
async def stores(fresh_pool: Pool) -> TwoStores:
    async with fresh_pool.acquire() as conn:
        mine, my_customer = await _furnish(conn)
        other, other_customer = await _furnish(conn)
    return TwoStores(mine, other, my_customer, other_customer)


@asynccontextmanager
async def _speaking(url: str, store_id: UUID | None) -> AsyncIterator[Connection]:
    """A role's connection inside a transaction for a store, or for none."""
    conn = await connect(url)
    try:
        async with conn.transaction():
            if store_id is not None:
                await conn.execute(set_store_sql(store_id))
            yield conn
    finally:
        await conn.close()


WALLED = ("customers", "contact_points", "visits", "messages", "staff")


async def test_every_table_of_a_store_is_walled_for_its_owner_too(connection: Connection) -> None:
    unwalled = await connection.fetch(
        "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'store_id'"
        " JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary AND i.indkey[0] = a.attnum"
        " WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND NOT (c.relrowsecurity AND c.relforcerowsecurity)"
    )
    assert unwalled == []


@pytest.mark.parametrize("table", WALLED)
async def test_the_api_sees_the_store_it_speaks_for_and_no_other(
    table: str, stores: TwoStores, fresh_role_urls: dict[str, str]
) -> None:
    async with _speaking(fresh_role_urls["api"], stores.mine) as api:
        seen = await api.fetch(f"SELECT DISTINCT store_id FROM {table}")
    assert [row["store_id"] for row in seen] == [stores.mine]


@pytest.mark.parametrize("table", WALLED)
async def test_the_api_sees_nothing_when_it_speaks_for_no_store(
    table: str, stores: TwoStores, fresh_role_urls: dict[str, str]
) -> None:
    async with _speaking(fresh_role_urls["api"], None) as api:
        assert await api.fetchval(f"SELECT count(*) FROM {table}") == 0


async def test_the_store_is_forgotten_at_the_end_of_the_transaction(stores: TwoStores, fresh_role_urls: dict[str, str]) -> None:
    api = await connect(fresh_role_urls["api"])
    try:
        async with api.transaction():
            await api.execute(set_store_sql(stores.mine))
            assert await api.fetchval("SELECT count(*) FROM customers") > 0
        assert await api.fetchval("SELECT count(*) FROM customers") == 0
    finally:
        await api.close()


async def test_the_api_cannot_write_a_row_of_another_store(stores: TwoStores, fresh_role_urls: dict[str, str]) -> None:
    async with _speaking(fresh_role_urls["api"], stores.mine) as api:
        with pytest.raises(REFUSED, match="row-level security"):
            await make_customer(api, store_id=stores.other, phone=None)


async def test_the_api_cannot_give_its_row_to_another_store(stores: TwoStores, fresh_role_urls: dict[str, str]) -> None:
    async with _speaking(fresh_role_urls["api"], stores.mine) as api:
        with pytest.raises(REFUSED, match="row-level security"):
            await api.execute("UPDATE tasks SET store_id = $1 WHERE id = $2", stores.other, await _a_task(api, stores))


async def _a_task(api: Connection, stores: TwoStores) -> UUID:
    task = new_id()
    await api.execute(
        "INSERT INTO tasks (store_id, id, kind, detail, created_at) VALUES ($1, $2, 'correct_file', '{}', $3)",
        stores.mine,
        task,
        NOW,
    )
    return task


@pytest.mark.parametrize(
    "statement",
    ["UPDATE customers SET name = 'x' WHERE id = $1", "UPDATE customers SET version = version + 1 WHERE id = $1"],
)
async def test_the_api_changes_no_row_of_another_store(
    statement: str, stores: TwoStores, fresh_role_urls: dict[str, str]
) -> None:
    async with _speaking(fresh_role_urls["api"], stores.mine) as api:
        assert await api.execute(statement, stores.other_customer) == "UPDATE 0"
        assert await api.execute(statement, stores.my_customer) == "UPDATE 1"


@pytest.mark.parametrize("service", ["scheduler", "notifier"])
async def test_scheduler_and_notifier_work_for_all_stores(
    service: str, stores: TwoStores, fresh_role_urls: dict[str, str]
) -> None:
    async with _speaking(fresh_role_urls[service], None) as role:
        seen = {row["store_id"] for row in await role.fetch("SELECT DISTINCT store_id FROM visits")}
    assert seen == {stores.mine, stores.other}


@pytest.mark.parametrize(
    "forbidden",
    [
        "SELECT value FROM contact_points",
        "SELECT * FROM contact_points",
        "SELECT body FROM messages",
        "SELECT address FROM messages",
        "SELECT subject FROM messages",
        "SELECT password_hash FROM accounts",
        "SELECT secret_hash FROM api_keys",
        "SELECT phone FROM staff",
        "SELECT contact_phone FROM work_orders",
        "SELECT body FROM callbacks",
        "SELECT body FROM replies",
    ],
)
async def test_the_scheduler_reads_no_address_no_text_and_no_secret(forbidden: str, role_urls: dict[str, str]) -> None:
    async with _speaking(role_urls["scheduler"], None) as scheduler:
        with pytest.raises(REFUSED):
            await scheduler.fetch(forbidden)


async def test_the_notifier_reads_no_password_and_no_key(role_urls: dict[str, str]) -> None:
    for table in ("accounts", "api_keys", "refresh_tokens", "idempotency_keys"):
        async with _speaking(role_urls["notifier"], None) as notifier:
            with pytest.raises(REFUSED):
                await notifier.fetch(f"SELECT * FROM {table}")
