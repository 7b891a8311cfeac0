"""Every row says its store, every reference stays in it, and nothing stands in the way of a sharded PostgreSQL."""

from __future__ import annotations

from shared.db import Connection
from tests.contract import catalogue

# Tables without a store, and why each may be.
GLOBAL = {
    "alembic_version": "the schema's own version",
    "stores": "the stores themselves",
    "accounts": "a sign-in is read before its store is known, and may serve several",
    "account_stores": "says which stores an account may enter",
    "refresh_tokens": "belong to a sign-in",
    "sign_in_failures": "counted before anybody is known; subjects are indexes",
    "api_keys": "found by their prefix before the store is known",
    "idempotency_keys": "belong to whoever called",
    "opt_outs": "a number that wants no more wants none from any store; indexes only",
    "numbers": "a number's lock and its faults hold over all stores; indexes only",
    "number_sends": "caps count over all stores; indexes only",
    "public_tokens": "a link is opened before its store is known; indexes only",
    "hook_tokens": "a provider's callback comes before the store is known; indexes only",
    "callbacks": "kept sealed until the notifier has read whose they are",
    "business_clock": "one clock for all",
    "scheduled_jobs": "the scheduler's own calendar",
    "heartbeats": "signs of life of processes",
}
KEY = ("store_id", "id")


async def _of_stores(conn: Connection) -> list[str]:
    return [table for table in await catalogue.tables(conn) if table not in GLOBAL]


async def test_every_table_but_the_listed_ones_has_the_key_of_store_and_id(connection: Connection) -> None:
    for table in await _of_stores(connection):
        keys = [index.columns for index in await catalogue.unique_indexes(connection, table) if index.primary]
        assert keys == [KEY], f"{table}: the key is (store_id, id), or the table stands in GLOBAL with a reason"


async def test_the_list_of_global_tables_names_only_tables_that_exist(connection: Connection) -> None:
    assert set(GLOBAL) <= set(await catalogue.tables(connection))


async def test_ids_and_stores_are_uuids(connection: Connection) -> None:
    for table in await _of_stores(connection):
        types = await catalogue.columns(connection, table)
        assert (types["store_id"], types["id"]) == ("uuid", "uuid"), table


async def test_a_reference_between_tables_of_a_store_cannot_leave_the_store(connection: Connection) -> None:
    mine = set(await _of_stores(connection))
    between = [ref for ref in await catalogue.references(connection) if ref.from_table in mine and ref.to_table in mine]
    assert between
    for ref in between:
        assert ref.columns[0] == "store_id", ref.name
        assert ref.targets == KEY, ref.name


async def test_a_reference_from_outside_to_a_row_of_a_store_carries_the_store(connection: Connection) -> None:
    mine = set(await _of_stores(connection))
    for ref in await catalogue.references(connection):
        if ref.to_table in mine:
            assert "store_id" in ref.columns, ref.name


async def test_every_row_of_a_store_belongs_to_a_store_that_exists(connection: Connection) -> None:
    """By a reference to the store, or by one to a row that belongs to a store and must be named."""
    sure = {"stores"}
    found = await catalogue.references(connection)
    required = {ref: await _required(connection, ref) for ref in found}
    for _ in found:  # a chain is no longer than the list
        sure |= {ref.from_table for ref in found if ref.to_table in sure and required[ref] and "store_id" in ref.columns}
    assert set(await _of_stores(connection)) <= sure


async def _required(conn: Connection, ref: catalogue.Reference) -> bool:
    return bool(
        await conn.fetchval(
            "SELECT bool_and(attnotnull) FROM pg_attribute WHERE attrelid = $1::text::regclass AND attname = ANY($2)",
            ref.from_table,
            list(ref.columns),
        )
    )


async def test_what_is_unique_in_a_table_of_a_store_is_unique_within_the_store(connection: Connection) -> None:
    for table in await _of_stores(connection):
        for index in await catalogue.unique_indexes(connection, table):
            assert index.columns[0] == "store_id", index.name


async def test_there_is_no_trigger(connection: Connection) -> None:
    assert await connection.fetch("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal") == []


async def test_there_is_no_sequence(connection: Connection) -> None:
    assert (
        await connection.fetch("SELECT relname FROM pg_class WHERE relkind = 'S' AND relnamespace = 'public'::regnamespace") == []
    )


async def test_no_column_fills_itself_from_the_servers_clock(connection: Connection) -> None:
    defaults = await connection.fetch(
        "SELECT adrelid::regclass::text, pg_get_expr(adbin, adrelid) AS expression FROM pg_attrdef"
        " JOIN pg_class c ON c.oid = adrelid WHERE c.relnamespace = 'public'::regnamespace"
    )
    assert [row for row in defaults if "now()" in row["expression"] or "CURRENT" in row["expression"]] == []
