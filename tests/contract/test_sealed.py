"""Personal data at rest: ciphertext bound to its place, a column that refuses plain text, a dump that tells nothing."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import StatementError
from sqlalchemy.ext.asyncio import AsyncSession

from services.api.app import create_app
from shared.crypto import Sealed, Unreadable, Vault
from shared.db import Connection, Pool, open_engine
from shared.ids import new_id
from shared.settings import Settings
from shared.tables import metadata
from shared.tables.base import SealedBytes
from shared.tables.customers import ContactPoint
from tests.api.conftest import CLOCK, http, operator_token
from tests.contract import catalogue
from tests.factories import (
    NOW,
    make_contact_point,
    make_customer,
    make_message,
    make_store,
    make_visit,
    make_work_order,
    vault,
)

PHONE, EMAIL, WECHAT = "+8613817174242", "wang.jianguo@example.com", "wangjianguo_vx"
BROUGHT_BY = "+8613698765432"

# What may never be found in a column: each value as people and programs write it.
PLANTED = (
    PHONE,
    "13817174242",
    "138 1717 4242",
    "138-1717-4242",
    "17174242",
    EMAIL,
    EMAIL.split("@")[0],
    WECHAT,
    BROUGHT_BY,
    "13698765432",
)
SEALED_COLUMNS = {
    ("callbacks", "body"),
    ("contact_points", "value"),
    ("import_files", "chunk"),
    ("import_problems", "row"),
    ("import_problems", "value"),
    ("messages", "address"),
    ("replies", "body"),
    ("visits", "callee_phone"),
    ("work_orders", "contact_phone"),
}


@pytest.fixture(scope="module")
def safe() -> Vault:
    return vault()


def test_a_sealed_value_opens_in_its_own_place(safe: Vault) -> None:
    store, row = new_id(), new_id()
    assert safe.open(safe.seal(PHONE, "contact_points", "value", store, row), "contact_points", "value", store, row) == PHONE


_STORE, _ROW = new_id(), new_id()


@pytest.mark.parametrize(
    ("table", "column", "store", "row"),
    [
        ("visits", "value", _STORE, _ROW),
        ("contact_points", "callee_phone", _STORE, _ROW),
        ("contact_points", "value", new_id(), _ROW),
        ("contact_points", "value", _STORE, new_id()),
    ],
    ids=["another table", "another column", "another store", "another row"],
)
def test_a_sealed_value_moved_elsewhere_does_not_open(safe: Vault, table: str, column: str, store: UUID, row: UUID) -> None:
    sealed = safe.seal(PHONE, "contact_points", "value", _STORE, _ROW)
    with pytest.raises(Unreadable):
        safe.open(sealed, table, column, store, row)


@pytest.mark.parametrize("position", [0, 1, 3, 8, 20, -1], ids=str)
def test_a_sealed_value_with_one_bit_turned_does_not_open(safe: Vault, position: int) -> None:
    sealed = bytearray(safe.seal(PHONE, "contact_points", "value", _STORE, _ROW))
    sealed[position] ^= 1
    with pytest.raises(Unreadable):
        safe.open(bytes(sealed), "contact_points", "value", _STORE, _ROW)


@pytest.mark.parametrize("length", [0, 1, 2, 5, 17, 20])
def test_a_sealed_value_cut_short_is_unreadable_and_nothing_worse(safe: Vault, length: int) -> None:
    sealed = safe.seal(PHONE, "contact_points", "value", _STORE, _ROW)
    with pytest.raises(Unreadable):
        safe.open(bytes(sealed[:length]), "contact_points", "value", _STORE, _ROW)


def test_the_same_value_is_sealed_differently_each_time(safe: Vault) -> None:
    place = ("contact_points", "value", _STORE, _ROW)
    assert safe.seal(PHONE, *place) != safe.seal(PHONE, *place)


def test_a_sealed_value_shows_nothing_of_itself_in_logs(safe: Vault) -> None:
    sealed = safe.seal(PHONE, "contact_points", "value", _STORE, _ROW)
    assert f"{sealed} {sealed!r}" == "<sealed> <sealed>"


def test_after_a_change_of_keys_the_old_key_still_opens() -> None:
    old, new = b"o" * 32, b"n" * 32
    sealed = Vault({"2025": old}, "s" * 32).seal(PHONE, "contact_points", "value", _STORE, _ROW)
    both = Vault({"2026": new, "2025": old}, "s" * 32)
    assert both.open(sealed, "contact_points", "value", _STORE, _ROW) == PHONE
    with pytest.raises(Unreadable):
        Vault({"2026": new}, "s" * 32).open(sealed, "contact_points", "value", _STORE, _ROW)


def test_the_columns_of_personal_data_are_the_sealed_ones() -> None:
    sealed = {
        (table.name, column.name)
        for table in metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, SealedBytes)
    }
    assert sealed == SEALED_COLUMNS


@pytest.mark.parametrize("plain", ["13817174242", b"13817174242", bytearray(b"1"), 13817174242])
def test_a_sealed_column_refuses_whatever_the_vault_did_not_make(plain: object) -> None:
    with pytest.raises(TypeError, match="what Vault"):
        SealedBytes().process_bind_param(plain, postgresql.dialect())  # type: ignore[arg-type,no-untyped-call]  # that is the point


def test_a_sealed_column_takes_what_the_vault_made_and_nothing_at_all(safe: Vault) -> None:
    sealed = safe.seal(PHONE, "contact_points", "value", _STORE, _ROW)
    column = SealedBytes()
    assert isinstance(sealed, Sealed)
    assert column.process_bind_param(sealed, postgresql.dialect()) == sealed  # type: ignore[no-untyped-call]
    assert column.process_bind_param(None, postgresql.dialect()) is None  # type: ignore[no-untyped-call]


async def test_a_session_cannot_write_a_plain_number(fresh_database_url: str, fresh_pool: Pool) -> None:
    async with fresh_pool.acquire() as conn:
        customer = await make_customer(conn)
    engine = open_engine(fresh_database_url, "tests")
    async with AsyncSession(engine) as session:
        row = (await session.execute(select(ContactPoint).where(ContactPoint.customer_id == customer["id"]))).scalar_one()
        row.value = PHONE.encode()  # type: ignore[assignment]  # what a careless change would do
        with pytest.raises(StatementError, match="what Vault"):
            await session.flush()
    await engine.dispose()


async def _dump(conn: Connection) -> dict[str, str]:
    """Every column of every table, as bytes where it is bytes and as text otherwise, by `table.column`."""
    found: dict[str, str] = {}
    for table in await catalogue.tables(conn):
        for column, kind in (await catalogue.columns(conn, table)).items():
            text = f"encode(\"{column}\", 'escape')" if kind == "bytea" else f'"{column}"::text'
            values = await conn.fetch(f'SELECT {text} AS value FROM "{table}" WHERE "{column}" IS NOT NULL')
            found[f"{table}.{column}"] = "\n".join(row["value"] for row in values)
    return found


def _leaks(dump: dict[str, str]) -> list[str]:
    return [f"{place} holds {planted}" for place, text in dump.items() for planted in PLANTED if planted in text]


async def test_a_dump_of_the_database_holds_no_number_address_or_wechat_name(connection: Connection) -> None:
    customer = await make_customer(connection, phone=PHONE)
    for kind, text in (("email", EMAIL), ("wechat", WECHAT)):
        await make_contact_point(connection, customer_id=customer["id"], kind=kind, text=text)
    store, order = customer["store_id"], new_id()
    await make_work_order(
        connection,
        id=order,
        customer_id=customer["id"],
        contact_phone=vault().seal(BROUGHT_BY, "work_orders", "contact_phone", store, order),
        contact_phone_index=vault().index("phone", BROUGHT_BY),
    )
    visit, message = new_id(), new_id()
    await make_visit(
        connection,
        id=visit,
        customer_id=customer["id"],
        callee_phone=vault().seal(BROUGHT_BY, "visits", "callee_phone", store, visit),
        callee_phone_index=vault().index("phone", BROUGHT_BY),
    )
    await make_message(
        connection,
        id=message,
        visit_id=visit,
        address=vault().seal(PHONE, "messages", "address", store, message),
        body="王建国您好，请回复1-5为本次服务打分。",
        sent_at=NOW + timedelta(minutes=1),
    )
    assert _leaks(await _dump(connection)) == []


async def test_the_search_through_a_dump_finds_a_number_left_in_the_open(connection: Connection) -> None:
    await make_customer(connection, note=f"电话 {PHONE}")
    assert _leaks(await _dump(connection)) != []


async def test_a_customer_who_came_through_the_api_leaves_nothing_in_the_open(
    fresh_database_url: str, fresh_role_urls: dict[str, str], fresh_pool: Pool
) -> None:
    async with fresh_pool.acquire() as conn:
        store_id = (await make_store(conn))["id"]
    app = create_app(Settings(database_url=fresh_role_urls["api"], clock=CLOCK, _env_file=None))
    async with app.router.lifespan_context(app), http(app, operator_token()) as operator:
        base = f"/v1/stores/{store_id}/customers"
        body = {"name": "王建国", "phone": "138 1717 4242", "email": EMAIL, "wechat": WECHAT}
        made = await operator.post(base, json=body, headers={"Idempotency-Key": "one"})
        assert made.status_code == 201, made.text
        file = made.json()
        await operator.post(base, json={**body, "name": "王建民"})  # a file with the same number: said, and still sealed
        assert (await operator.get(base, params={"q": "13817174242"})).json()["items"]
        for number, point in enumerate(file["contact_points"]):
            shown = await operator.post(
                f"{base}/{file['id']}/reveal",
                json={"contact_point_id": point["id"], "purpose": "call"},
                headers={"Idempotency-Key": f"reveal{number}"},
            )
            assert shown.status_code == 200, shown.text

    async with fresh_pool.acquire() as conn:
        assert await conn.fetchval("SELECT count(*) FROM contact_points") == 6
        assert _leaks(await _dump(conn)) == []
