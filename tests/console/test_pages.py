"""The other pages: customers, messages, imports, the outbox of development."""

from __future__ import annotations

import asyncio
from email.message import EmailMessage
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI

from services.console.app import create_app
from services.console.mailbox import latest_mails
from shared.db import Pool
from shared.settings import Settings
from tests.console.conftest import PHONE, Desk, make_desk
from tests.console.pages import csrf, sign_in
from tests.factories import make_message

CUSTOMERS = "客户姓名,手机,车牌\n陈静,13900001111,沪B12345\n,13900002222,沪B22345\n"


@pytest.fixture
async def signed_in(browser: httpx.AsyncClient, desk: Desk) -> httpx.AsyncClient:
    await sign_in(browser, desk.login)
    return browser


async def test_a_customer_is_found_by_plate_and_the_file_shows_no_whole_number(signed_in: httpx.AsyncClient, desk: Desk) -> None:
    found = await signed_in.get("/customers", params={"q": "沪A12345"})
    file = await signed_in.get(f"/customers/{desk.customers[0]}")

    assert f"/customers/{desk.customers[0]}" in found.text
    assert f"/customers/{desk.customers[1]}" not in found.text
    assert "更换前刹车片" in file.text
    assert "138****1234" in file.text
    assert PHONE[3:] not in found.text + file.text


async def test_a_search_that_finds_nobody_says_what_may_be_typed(signed_in: httpx.AsyncClient) -> None:
    assert "没有找到“zzzz”" in (await signed_in.get("/customers", params={"q": "zzzz"})).text


async def test_messages_show_their_state_in_words_and_why(signed_in: httpx.AsyncClient, desk: Desk, pool: Pool) -> None:
    async with pool.acquire() as conn:
        held = await make_message(conn, visit_id=desk.visits[0], state="held", reason="quiet_hours", body="您好")

    page = (await signed_in.get("/messages")).text
    drawer = (await signed_in.get(f"/messages/{held['id']}")).text

    assert "暂缓" in page
    assert "夜间不发" in page
    assert "您好" in drawer


async def test_a_file_is_imported_followed_and_its_refused_rows_come_back(
    browser: httpx.AsyncClient, pool: Pool, store_id: UUID
) -> None:
    manager = await make_desk(pool, store_id, "service_manager")
    await sign_in(browser, manager.login)
    page = await browser.get("/imports")

    panel = await browser.post(
        "/imports",
        data={"kind": "customers", "idempotency_key": "import-1"},
        files={"file": ("客户.csv", CUSTOMERS.encode("gb18030"), "text/csv")},
        headers=csrf(page),
    )
    import_id = await pool.fetchval("SELECT id FROM imports WHERE store_id = $1", store_id)
    for _ in range(100):
        panel = await browser.get(f"/imports/{import_id}")
        if "hx-get" not in panel.text:
            break
        await asyncio.sleep(0.2)
    rejected = await browser.get(f"/imports/{import_id}/rejected")

    assert "客户.csv" in panel.text
    assert "读 <b>2</b> = 新增 <b>1</b>" in panel.text
    assert "13900002222" in rejected.text


async def test_the_outbox_shows_an_administrator_the_texts_as_their_readers_see_them(
    browser: httpx.AsyncClient, pool: Pool, store_id: UUID
) -> None:
    admin = await make_desk(pool, store_id, "admin")
    async with pool.acquire() as conn:
        await make_message(conn, visit_id=admin.visits[0], state="accepted", body="【张江店】请回电 https://example.com/s/abc")
    await sign_in(browser, admin.login)

    page = (await browser.get("/outbox")).text

    assert "【张江店】请回电" in page
    assert f"/visits/{admin.visits[0]}" in page


async def test_the_outbox_tells_others_whom_to_sign_in_as(signed_in: httpx.AsyncClient) -> None:
    assert "请用 admin 登录" in (await signed_in.get("/outbox")).text


async def test_there_is_no_outbox_in_production(app: FastAPI) -> None:
    keys = {"prod": b"k" * 32}
    settings = Settings(env="production", secret_key="s" * 40, data_keys=keys, _env_file=None)
    console = create_app(settings, httpx.ASGITransport(app))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(console), base_url="http://console.test") as client:
        assert (await client.get("/outbox")).status_code == 404


def test_a_caught_mail_is_read_as_a_person_reads_it(tmp_path: Path) -> None:
    message = EmailMessage()
    message["Subject"], message["To"], message["From"] = "保养提醒", "wang@example.com", "店 <shop@example.com>"
    message.set_content("该保养了。")
    (tmp_path / "1.eml").write_bytes(message.as_bytes())
    (tmp_path / "2.eml").write_bytes(b"\xff\xfe no mail at all")

    broken, mail = latest_mails(tmp_path)

    assert (mail.subject, mail.to, mail.text.strip()) == ("保养提醒", "wang@example.com", "该保养了。")
    assert broken.subject == ""
