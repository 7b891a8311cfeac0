"""Whole imports on a real database: the sample export, twice, and what must not happen."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from services.api.identities import Caller, Me
from services.api.imports import actions, queries
from services.api.imports.fields import Kind
from services.api.imports.job import work_off
from shared.db import Pool, store_transaction
from shared.settings import Settings
from tests.factories import make_programme, make_staff, make_store, vault

EXPORT = Path(__file__).parent / "dms_export"
CLOCK = "2026-11-22T09:00:00+08:00@step"
NOW = datetime(2026, 11, 22, 1, tzinfo=UTC)
VIN, OTHER_VIN = "L28JT97K26CP643DY", "LH8UHTNR095B9EE0Y"
FILES = {
    Kind.CUSTOMERS: "客户档案.csv",
    Kind.SALES: "车辆销售.xlsx",
    Kind.WORK_ORDERS: "维修工单.csv",
    Kind.LEADS: "意向客户.csv",
}

Json = dict[str, Any]
Importer = Callable[..., Awaitable[Json]]


class Content:
    """An uploaded file in memory."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    async def read(self, size: int = -1) -> bytes:
        part, self._content = self._content[:size], self._content[size:]
        return part

    async def seek(self, offset: int) -> None:
        raise NotImplementedError


@pytest.fixture
def settings(role_urls: dict[str, str]) -> Settings:
    """What a child of the API runs with; the role of the API, so that walls and grants hold."""
    return Settings(database_url=role_urls["api"], clock=CLOCK, _env_file=None)


@pytest.fixture
async def store_id(pool: Pool) -> UUID:
    async with pool.acquire() as connection:
        store: UUID = (await make_store(connection))["id"]
    return store


@pytest.fixture
async def importer(pool: Pool, settings: Settings, store_id: UUID) -> Importer:
    """`await importer(kind, content)`: the import, when it is over."""

    async def run(kind: Kind, content: bytes | str, *, dry_run: bool = False) -> Json:
        data = content if isinstance(content, bytes) else content.encode()
        me = Me(Caller("operator"), store_id, "Asia/Shanghai")
        upload = actions.Upload(kind, dry_run, "file.csv", b"\0" * 32)
        async with store_transaction(pool, store_id) as connection:
            import_id = await actions.queue_import(connection, vault(), me, upload, Content(data), now=NOW)
        await work_off(settings, store_id)
        async with store_transaction(pool, store_id) as connection:
            return await queries.import_of(connection, vault(), store_id, import_id, "en")

    return run


Fetch = Callable[..., Awaitable[list[asyncpg.Record]]]


@pytest.fixture
async def fetch(pool: Pool, store_id: UUID) -> Fetch:
    """`await fetch("SELECT … WHERE store_id = $1")`."""

    async def rows(sql: str, *values: object) -> list[asyncpg.Record]:
        async with pool.acquire() as connection:
            return await connection.fetch(sql, store_id, *values)

    return rows


def counts(result: Json) -> tuple[int, ...]:
    """created, updated, unchanged, rejected; and the sum must be right."""
    four = tuple(result[name] for name in ("created", "updated", "unchanged", "rejected"))
    assert result["state"] == "done", result
    assert result["rows"] == sum(four)
    return four


async def test_the_sample_export_comes_in_as_its_truth_says_and_a_second_time_changes_nothing(
    importer: Importer, fetch: Fetch, pool: Pool, store_id: UUID
) -> None:
    truth = json.loads((EXPORT / "truth.json").read_text(encoding="utf-8"))
    repeats, customers = truth["duplicate_rows"], truth["customers"]
    first = {kind: await importer(kind, (EXPORT / name).read_bytes()) for kind, name in FILES.items()}

    assert counts(first[Kind.CUSTOMERS]) == (customers, 0, repeats, 0)
    assert counts(first[Kind.SALES]) == (truth["sales"], 0, 0, 0)
    assert counts(first[Kind.WORK_ORDERS]) == (truth["work_orders"], 0, 0, 0)
    assert counts(first[Kind.LEADS]) == (truth["leads"], 0, 0, 0)
    assert first[Kind.CUSTOMERS]["warnings"] == truth["bad_phone"] + truth["bad_date"]
    assert first[Kind.SALES]["warnings"] == truth["bad_vin"]
    assert first[Kind.CUSTOMERS]["encoding"] == "gb18030"
    assert len(first[Kind.CUSTOMERS]["staff_created"]) == 6
    [row] = await fetch("SELECT count(*) AS n FROM customers WHERE store_id = $1")
    assert row["n"] == customers
    [row] = await fetch("SELECT count(*) AS n FROM tasks WHERE store_id = $1 AND kind = 'correct_file'")
    assert row["n"] == truth["bad_phone"]
    [row] = await fetch("SELECT count(*) AS n FROM contact_points WHERE store_id = $1 AND kind = 'phone' AND NOT textable")
    assert row["n"] == truth["landline"]
    before = await fetch("SELECT id, version, updated_at FROM customers WHERE store_id = $1 ORDER BY id")

    second = {kind: await importer(kind, (EXPORT / name).read_bytes()) for kind, name in FILES.items()}

    for kind, result in second.items():
        assert counts(result) == (0, 0, first[kind]["rows"], 0), kind
        assert result["staff_created"] == []
        assert (result["planned"], result["expired"], result["skipped_past"]) == (0, 0, 0)
    assert before == await fetch("SELECT id, version, updated_at FROM customers WHERE store_id = $1 ORDER BY id")
    [row] = await fetch("SELECT count(*) AS n FROM import_files WHERE store_id = $1")
    assert row["n"] == 0


async def test_sales_and_orders_become_visits(importer: Importer, pool: Pool, store_id: UUID) -> None:
    async with pool.acquire() as connection:
        for key in ("delivery-sales", "after-maintenance", "after-repair"):
            await make_programme(connection, key, store_id=store_id)
    for kind in (Kind.CUSTOMERS, Kind.SALES, Kind.WORK_ORDERS):
        result = await importer(kind, (EXPORT / FILES[kind]).read_bytes())
        assert result["state"] == "done", result
        if kind is not Kind.CUSTOMERS:
            assert result["planned"] > 0
            assert result["skipped_past"] > 0
    async with pool.acquire() as connection:
        visits = await connection.fetchval("SELECT count(*) FROM visits WHERE store_id = $1", store_id)
    assert visits > 0


async def test_an_order_that_stands_in_the_file_twice_is_followed_up_once(importer: Importer, pool: Pool, store_id: UUID) -> None:
    async with pool.acquire() as connection:
        await make_programme(connection, "after-repair", store_id=store_id)
    row = f"R1,{VIN},维修,2026-11-21 10:00,王伟,13812345678\n"

    result = await importer(Kind.WORK_ORDERS, f"工单号,VIN,维修类型,结算时间,客户姓名,手机\n{row}{row}")

    assert counts(result) == (1, 0, 1, 0)
    assert result["planned"] == 1


async def test_a_car_that_came_for_maintenance_is_not_reminded_of_its_first(
    importer: Importer, pool: Pool, store_id: UUID
) -> None:
    async with pool.acquire() as connection:
        await make_programme(connection, "delivery-service", store_id=store_id)
    await importer(Kind.SALES, f"客户姓名,手机,VIN,交车日期\n王伟,13812345678,{VIN},2026-10-20\n")
    await importer(Kind.WORK_ORDERS, f"工单号,VIN,维修类型,结算时间\nR1,{VIN},保养,2026-11-20 10:00\n")

    async with pool.acquire() as connection:
        sql = "SELECT state, state_reason FROM visits WHERE store_id = $1 AND step = 'first_maintenance'"
        [visit] = await connection.fetch(sql, store_id)
    assert tuple(visit) == ("cancelled", "reason_gone")


async def test_after_a_large_file_the_planner_knows_what_the_tables_hold(importer: Importer, pool: Pool) -> None:
    lines = [f"K{number:05d},客户{number},139{number:08d}" for number in range(600)]

    done = await importer(Kind.CUSTOMERS, "\n".join(["客户编号,姓名,手机", *lines]))

    assert done["created"] == 600
    for table in ("customers", "contact_points"):
        known = await pool.fetchval("SELECT reltuples FROM pg_class WHERE oid = $1::text::regclass", table)
        assert known == await pool.fetchval(f"SELECT count(*) FROM {table}")


async def test_a_dry_run_says_what_would_come_and_keeps_nothing(importer: Importer, fetch: Fetch) -> None:
    result = await importer(Kind.CUSTOMERS, (EXPORT / FILES[Kind.CUSTOMERS]).read_bytes(), dry_run=True)

    assert counts(result) == (600, 0, 8, 0)
    assert len(result["warned"]) == 13
    assert result["staff_created"]
    for table in ("customers", "contact_points", "staff", "tasks"):
        [row] = await fetch(f"SELECT count(*) AS n FROM {table} WHERE store_id = $1")
        assert row["n"] == 0, table


async def test_a_refused_row_says_where_and_why_and_comes_back_whole(importer: Importer, pool: Pool, store_id: UUID) -> None:
    text = "客户姓名,手机,备注2\n,13812345678,x\n王伟,13812345679,y\n"
    result = await importer(Kind.CUSTOMERS, text)

    assert counts(result) == (1, 0, 0, 1)
    assert result["unknown_columns"] == ["备注2"]
    assert result["errors"] == [
        {"row": 2, "column": "客户姓名", "value": None, "code": "required", "reason": "required, and empty"}
    ]
    async with store_transaction(pool, store_id) as connection:
        content = await queries.rejected_rows(connection, vault(), store_id, UUID(str(result["id"])), "zh")
    assert content.decode("utf-8-sig").splitlines() == [
        "原文件行号,问题列,问题值,拒绝原因,客户姓名,手机,备注2",
        '2,客户姓名,,"必填,不能为空",,13812345678,x',
    ]


async def test_a_file_that_cannot_be_read_fails_and_says_why(importer: Importer, fetch: Fetch) -> None:
    result = await importer(Kind.SALES, "客户编号,车型,开票日期\nK1,途观L,2026-01-05\n")

    assert result["state"] == "failed"
    assert result["errors"][0]["code"] == "missing_heading"
    assert "交车日期" in result["errors"][0]["reason"]
    [row] = await fetch("SELECT count(*) AS n FROM import_files WHERE store_id = $1")
    assert row["n"] == 0


async def test_of_differing_rows_of_one_customer_the_last_wins_and_the_file_is_stable(importer: Importer, fetch: Fetch) -> None:
    text = "客户编号,客户姓名,手机,地区\nK1,王伟,13812345678,徐汇区\nK1,王伟,13812345678,徐汇区\nK1,王伟,13912345678,浦东新区\n"

    assert counts(await importer(Kind.CUSTOMERS, text)) == (1, 1, 1, 0)
    assert counts(await importer(Kind.CUSTOMERS, text)) == (0, 0, 3, 0)
    [row] = await fetch("SELECT region FROM customers WHERE store_id = $1")
    assert row["region"] == "浦东新区"


async def test_a_later_file_wins_and_an_empty_cell_erases_nothing(importer: Importer, fetch: Fetch) -> None:
    await importer(Kind.CUSTOMERS, "客户编号,客户姓名,手机,地区,生日\nK1,王伟,13812345678,徐汇区,1990-01-05\n")
    changed = await importer(Kind.CUSTOMERS, "客户编号,客户姓名,手机,地区,生日\nK1,王伟,13912345678,浦东新区,\n")

    assert counts(changed) == (0, 1, 0, 0)
    [row] = await fetch("SELECT region, birthday FROM customers WHERE store_id = $1")
    assert (row["region"], row["birthday"]) == ("浦东新区", date(1990, 1, 5))
    phones = await fetch("SELECT value, id, rank FROM contact_points WHERE store_id = $1 AND kind = 'phone' ORDER BY rank")
    numbers = [vault().open(p["value"], "contact_points", "value", await _store(fetch), p["id"]) for p in phones]
    assert numbers == ["+8613912345678", "+8613812345678"]


async def test_10_9_a_file_that_still_has_both_codes_of_a_merged_customer_changes_nothing(
    importer: Importer, fetch: Fetch
) -> None:
    text = "客户编号,客户姓名,手机,地区\nK1,王伟,13812345678,徐汇区\nK2,王伟先生,13912345678,浦东新区\n"
    await importer(Kind.CUSTOMERS, text)
    await fetch(
        "UPDATE customers m SET merged_into = k.id FROM customers k WHERE m.store_id = $1 AND k.store_id = $1"
        " AND k.external_code = 'K1' AND m.external_code = 'K2'"
    )
    await fetch(
        "UPDATE contact_points p SET customer_id = m.merged_into FROM customers m WHERE p.store_id = $1 AND m.id = p.customer_id"
        " AND m.merged_into IS NOT NULL"
    )

    for _ in range(2):
        assert counts(await importer(Kind.CUSTOMERS, text)) == (0, 0, 2, 0)

    rows = await fetch(
        "SELECT external_code, region, merged_into IS NULL AS stands FROM customers WHERE store_id = $1 ORDER BY 1"
    )
    assert [tuple(row) for row in rows] == [("K1", "徐汇区", True), ("K2", "浦东新区", False)]


async def _store(fetch: Fetch) -> UUID:
    [row] = await fetch("SELECT $1::uuid AS id")
    store: UUID = row["id"]
    return store


async def test_without_a_code_name_and_phone_make_the_customer(importer: Importer, fetch: Fetch) -> None:
    await importer(Kind.LEADS, "姓名,手机,意向车型\n王伟,13812345678,途观L\n李娜,13812345678,雅阁\n")
    with_code = await importer(Kind.CUSTOMERS, "客户编号,姓名,手机\nK1,王伟,+86 138-1234-5678\n")

    assert counts(with_code) == (0, 1, 0, 0)
    rows = await fetch("SELECT name, external_code, lifecycle FROM customers WHERE store_id = $1 ORDER BY name")
    assert [tuple(row) for row in rows] == [("李娜", None, "lead"), ("王伟", "K1", "lead")]


async def test_a_sale_finds_its_customer_by_code_and_without_one_is_refused_unless_it_names_somebody(
    importer: Importer, fetch: Fetch
) -> None:
    await importer(Kind.CUSTOMERS, "客户编号,客户姓名,手机\nK1,王伟,13812345678\n")
    result = await importer(
        Kind.SALES,
        "客户编号,客户姓名,手机,VIN,交车日期,是否投保\n"
        f"K1,,,{VIN},2026-11-20,是\nK2,,,{OTHER_VIN},2026-11-20,是\nK3,李娜,13912345678,,2026-11-20,否\n",
    )

    assert counts(result) == (1, 0, 0, 2)
    assert [(error["row"], error["code"]) for error in result["errors"]] == [(3, "customer_unknown"), (4, "required")]
    [row] = await fetch("SELECT lifecycle FROM customers WHERE store_id = $1 AND external_code = 'K1'")
    assert row["lifecycle"] == "owner"


async def test_the_same_car_under_a_new_owner_starts_clean(importer: Importer, fetch: Fetch) -> None:
    people = "客户编号,客户姓名,手机\nK1,王伟,13812345678\nK2,李娜,13912345678\n"
    await importer(Kind.CUSTOMERS, people)
    await importer(Kind.SALES, f"客户编号,VIN,车牌,交车日期\nK1,{VIN},沪A12345,2025-01-05\n")
    result = await importer(Kind.SALES, f"客户编号,VIN,车牌,交车日期\nK2,{VIN},沪A12345,2026-11-01\n")

    assert counts(result) == (1, 0, 0, 0)
    rows = await fetch(
        "SELECT c.external_code, v.ended_at IS NOT NULL AS ended, v.end_reason FROM vehicles v JOIN customers c"
        " ON c.store_id = v.store_id AND c.id = v.customer_id WHERE v.store_id = $1 ORDER BY 1"
    )
    assert [tuple(row) for row in rows] == [("K1", True, "sold"), ("K2", False, None)]
    both = f"客户编号,VIN,车牌,交车日期\nK1,{VIN},沪A12345,2025-01-05\nK2,{VIN},沪A12345,2026-11-01\n"
    assert counts(await importer(Kind.SALES, both)) == (0, 0, 2, 0)


async def test_both_owners_of_a_car_in_one_file_are_kept_apart(importer: Importer, fetch: Fetch) -> None:
    both = f"客户姓名,手机,VIN,交车日期\n李娜,13912345678,{VIN},2026-11-01\n王伟,13812345678,{VIN},2025-01-05\n"
    assert counts(await importer(Kind.SALES, both)) == (2, 0, 0, 0)
    assert counts(await importer(Kind.SALES, both)) == (0, 0, 2, 0)
    rows = await fetch(
        "SELECT c.name, v.ended_at IS NULL AS current FROM vehicles v JOIN customers c"
        " ON c.store_id = v.store_id AND c.id = v.customer_id WHERE v.store_id = $1"
    )
    assert {row["name"]: row["current"] for row in rows} == {"李娜": True, "王伟": False}


async def test_an_order_belongs_to_the_owner_of_the_car_whoever_brought_it(importer: Importer, fetch: Fetch) -> None:
    await importer(Kind.CUSTOMERS, "客户编号,客户姓名,手机\nK1,王伟,13812345678\n")
    await importer(Kind.SALES, f"客户编号,VIN,车牌,交车日期\nK1,{VIN},沪A12345,2026-01-05\n")
    orders = (
        "工单号,车牌,结算时间,维修类型,里程,送修人,送修人电话\n"
        'W1,沪a·12345,2026-11-01 15:00,保养,"5,000",李娜,13912345678\n'
        "W2,沪A12345,2026-11-10 15:00,维修,5200,王伟,13812345678\n"
    )
    assert counts(await importer(Kind.WORK_ORDERS, orders)) == (2, 0, 0, 0)
    assert counts(await importer(Kind.WORK_ORDERS, orders)) == (0, 0, 2, 0)
    rows = await fetch(
        "SELECT id, number, contact_name, contact_phone, first_service FROM work_orders WHERE store_id = $1 ORDER BY 2"
    )
    assert [(row["number"], row["contact_name"], row["first_service"]) for row in rows] == [
        ("W1", "李娜", True),
        ("W2", None, False),
    ]
    store = await _store(fetch)
    assert vault().open(rows[0]["contact_phone"], "work_orders", "contact_phone", store, rows[0]["id"]) == "+8613912345678"
    assert [tuple(r) for r in await fetch("SELECT read_on, km FROM mileage_readings WHERE store_id = $1 ORDER BY 1")] == [
        (date(2026, 11, 1), 5000),
        (date(2026, 11, 10), 5200),
    ]


async def test_an_order_gives_a_car_away_only_to_a_customer_known_by_code(importer: Importer, fetch: Fetch) -> None:
    await importer(Kind.CUSTOMERS, "客户编号,客户姓名,手机\nK1,王伟,13812345678\nK2,李娜,13912345678\n")
    await importer(Kind.SALES, f"客户编号,VIN,车牌,交车日期\nK1,{VIN},沪A12345,2026-01-05\n")
    order = "工单号,VIN,结算时间,客户编号,车主,联系电话\n"
    await importer(Kind.WORK_ORDERS, order + f"W1,{VIN},2026-11-01,R77,赵敏,13712345678\n")
    owners = "SELECT c.name, v.ended_at IS NULL AS current FROM vehicles v JOIN customers c ON c.id = v.customer_id WHERE v.store_id = $1"
    assert [tuple(row) for row in await fetch(owners)] == [("王伟", True)]

    assert counts(await importer(Kind.WORK_ORDERS, order + f"W2,{VIN},2026-11-10,K2,李娜,13912345678\n")) == (1, 0, 0, 0)
    assert {row["name"]: row["current"] for row in await fetch(owners)} == {"王伟": False, "李娜": True}


async def test_an_order_of_an_unknown_car_makes_its_customer_or_is_refused(importer: Importer, fetch: Fetch) -> None:
    text = (
        "工单号,车牌,VIN,结算时间,车主,联系电话\n"
        f"W1,沪A12345,,2026-11-01,王伟,13812345678\nW2,沪B12345,{VIN},2026-11-01,,\nW3,沪A12345,,2026-11-02,王伟,13812345678\n"
    )
    result = await importer(Kind.WORK_ORDERS, text)

    assert counts(result) == (2, 0, 0, 1)
    assert (result["errors"][0]["row"], result["errors"][0]["code"]) == (3, "customer_unknown")
    [row] = await fetch("SELECT count(*) AS n FROM vehicles WHERE store_id = $1")
    assert row["n"] == 1


async def test_a_corrected_order_is_updated_and_its_contact_opens(importer: Importer, fetch: Fetch) -> None:
    await importer(Kind.WORK_ORDERS, "工单号,车牌,结算时间,车主,联系电话\nW1,沪A12345,2026-11-01,王伟,13812345678\n")
    changed = "工单号,车牌,结算时间,车主,联系电话,送修人,送修人电话,金额\nW1,沪A12345,2026-11-02,王伟,13812345678,李娜,13912345678,¥380\n"

    assert counts(await importer(Kind.WORK_ORDERS, changed)) == (0, 1, 0, 0)
    [row] = await fetch("SELECT * FROM work_orders WHERE store_id = $1")
    opened = vault().open(row["contact_phone"], "work_orders", "contact_phone", row["store_id"], row["id"])
    assert (opened, row["contact_name"], row["fee_fen"]) == ("+8613912345678", "李娜", 38000)


async def test_a_lead_has_one_open_intent_and_a_file_never_opens_a_closed_one(importer: Importer, fetch: Fetch) -> None:
    text = "姓名,手机,意向车型,预计购车日期,首次到店日期\n王伟,13812345678,途观L,2026-12-01,2026-11-01\n"
    assert counts(await importer(Kind.LEADS, text)) == (1, 0, 0, 0)
    assert counts(await importer(Kind.LEADS, text.replace("途观L", "雅阁"))) == (0, 1, 0, 0)
    lost = text.replace("途观L", "雅阁").replace("首次到店日期\n", "首次到店日期,状态\n").replace("11-01\n", "11-01,战败\n")
    assert counts(await importer(Kind.LEADS, lost)) == (0, 1, 0, 0)
    assert counts(await importer(Kind.LEADS, lost.replace("战败", "跟进中"))) == (0, 0, 1, 0)
    rows = await fetch("SELECT model, state FROM leads WHERE store_id = $1")
    assert [tuple(row) for row in rows] == [("雅阁", "lost")]


async def test_policies_staff_and_opt_outs_come_in_once(importer: Importer, fetch: Fetch) -> None:
    await importer(Kind.SALES, f"客户姓名,手机,VIN,交车日期\n王伟,13812345678,{VIN},2026-01-05\n")
    files = {
        Kind.POLICIES: f"VIN,保险公司,保险到期日\n{VIN},平安,2027-01-05\n",
        Kind.STAFF: "姓名,岗位,手机\n刘洋,销售顾问/服务顾问,13700000001\n陈杰,总经理,\n",
        Kind.OPT_OUTS: "手机,拒绝渠道\n13812345678,短信\n13812345999,全部\n",
    }
    for kind, text in files.items():
        rows = text.count("\n") - 1
        assert counts(await importer(kind, text)) == (rows, 0, 0, 0), kind
        assert counts(await importer(kind, text)) == (0, 0, rows, 0), kind
    people = await fetch("SELECT name, roles FROM staff WHERE store_id = $1 ORDER BY name")
    assert {row["name"]: row["roles"] for row in people}["刘洋"] == ["sales_consultant", "service_advisor"]


async def test_a_file_gives_no_roles_to_somebody_who_can_sign_in(importer: Importer, pool: Pool, store_id: UUID) -> None:
    async with pool.acquire() as connection:
        account = await connection.fetchval(
            "INSERT INTO accounts (id, login, password_hash, token_version, created_at)"
            " VALUES (gen_random_uuid(), $1, '!', 1, now()) RETURNING id",
            f"login-{store_id}",
        )
        await make_staff(connection, "sales_clerk", store_id=store_id, name="刘洋", account_id=account)
    result = await importer(Kind.STAFF, "姓名,岗位\n刘洋,管理员\n")

    assert counts(result) == (0, 0, 1, 0)
    assert [warning["code"] for warning in result["warned"]] == ["roles_kept"]


async def test_consent_is_granted_once_and_never_again_after_it_was_withdrawn(
    importer: Importer, fetch: Fetch, pool: Pool
) -> None:
    text = "客户编号,姓名,手机,营销同意\nK1,王伟,13812345678,是\n"
    await importer(Kind.CUSTOMERS, text)
    rows = await fetch("SELECT channel FROM consents WHERE store_id = $1 AND withdrawn_at IS NULL")
    assert {row["channel"] for row in rows} == {"sms", "email", "phone", "wechat"}
    async with pool.acquire() as connection:
        await connection.execute("UPDATE consents SET withdrawn_at = $1 WHERE store_id = $2", NOW, await _store(fetch))

    assert counts(await importer(Kind.CUSTOMERS, text)) == (0, 0, 1, 0)
    assert await fetch("SELECT channel FROM consents WHERE store_id = $1 AND withdrawn_at IS NULL") == []


async def test_a_person_named_in_two_columns_has_both_roles(importer: Importer, fetch: Fetch) -> None:
    result = await importer(
        Kind.CUSTOMERS, "姓名,手机,销售顾问,服务顾问\n王伟,13812345678,陈杰,陈杰\n李娜,13912345678,刘洋,陈杰\n"
    )

    assert sorted(result["staff_created"]) == ["刘洋", "陈杰"]
    rows = await fetch("SELECT name, roles FROM staff WHERE store_id = $1 ORDER BY name")
    assert {row["name"]: row["roles"] for row in rows} == {
        "刘洋": ["sales_consultant"],
        "陈杰": ["sales_consultant", "service_advisor"],
    }


async def test_an_import_that_a_dead_process_left_is_done_by_the_next(
    importer: Importer, pool: Pool, settings: Settings, store_id: UUID
) -> None:
    me = Me(Caller("operator"), store_id, "Asia/Shanghai")
    upload = actions.Upload(Kind.CUSTOMERS, False, "file.csv", b"\0" * 32)
    async with store_transaction(pool, store_id) as connection:
        content = Content("姓名,手机\n王伟,13812345678\n".encode())
        import_id = await actions.queue_import(connection, vault(), me, upload, content, now=NOW)
        left = "UPDATE imports SET state = 'running', lease_until = $2, failure = '{\"tries\": 1}' WHERE id = $1"
        await connection.execute(left, import_id, NOW.replace(year=2020))
    assert await work_off(settings, store_id) == 1
    async with store_transaction(pool, store_id) as connection:
        assert counts(await queries.import_of(connection, vault(), store_id, import_id, "en")) == (1, 0, 0, 0)


async def test_an_import_that_kills_its_process_again_and_again_is_given_up(
    pool: Pool, settings: Settings, store_id: UUID
) -> None:
    me = Me(Caller("operator"), store_id, "Asia/Shanghai")
    upload = actions.Upload(Kind.CUSTOMERS, False, "file.csv", b"\0" * 32)
    async with store_transaction(pool, store_id) as connection:
        import_id = await actions.queue_import(connection, vault(), me, upload, Content("姓名\n王伟\n".encode()), now=NOW)
        await connection.execute("UPDATE imports SET failure = '{\"tries\": 3}' WHERE id = $1", import_id)
    await work_off(settings, store_id)
    async with store_transaction(pool, store_id) as connection:
        result = await queries.import_of(connection, vault(), store_id, import_id, "en")
    assert (result["state"], result["errors"][0]["code"]) == ("failed", "import_failed")
