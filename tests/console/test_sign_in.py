"""The door: who comes in, what the cookie gives away, what happens when a session ends."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from uuid import UUID

import httpx
from fastapi import FastAPI

from services.console.session import COOKIE, Sealer, Session
from shared.db import Pool
from shared.settings import DEVELOPMENT_SECRET
from tests.console.conftest import Desk, make_desk
from tests.console.pages import csrf, sign_in


async def test_a_right_password_leads_to_today(browser: httpx.AsyncClient, desk: Desk) -> None:
    answer = await sign_in(browser, desk.login)
    today = await browser.get("/today")

    assert (answer.status_code, answer.headers["location"]) == (303, "/today")
    assert today.status_code == 200
    assert "今日回访" in today.text


async def test_a_wrong_password_is_refused_without_saying_which_of_the_two_was_wrong(
    browser: httpx.AsyncClient, desk: Desk
) -> None:
    wrong_password = await sign_in(browser, desk.login, "not it at all")
    wrong_name = await sign_in(browser, "nobody-of-that-name", "not it at all")

    assert wrong_password.status_code == wrong_name.status_code == 401
    assert "账号或密码不对" in wrong_password.text
    assert "账号或密码不对" in wrong_name.text
    assert COOKIE not in browser.cookies


async def test_the_cookie_shows_no_token_and_no_script_reads_it(browser: httpx.AsyncClient, desk: Desk) -> None:
    answer = await sign_in(browser, desk.login)

    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    session = Sealer(DEVELOPMENT_SECRET).open(browser.cookies[COOKIE])
    assert session is not None
    assert session.refresh not in cookie
    assert session.access not in cookie


async def test_a_cookie_somebody_made_up_signs_nobody_in(browser: httpx.AsyncClient) -> None:
    browser.cookies.set(COOKIE, Sealer("another secret of another deployment").seal(_made_up()))

    answer = await browser.get("/today")

    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/sign-in?expired=1&next=/today")


async def test_after_sign_out_the_session_is_gone(browser: httpx.AsyncClient, desk: Desk) -> None:
    await sign_in(browser, desk.login)
    kept = browser.cookies[COOKIE]
    today = await browser.get("/today")

    answer = await browser.post("/sign-out", headers=csrf(today))

    assert answer.headers["hx-redirect"] == "/sign-in"
    assert COOKIE not in browser.cookies
    session = Sealer(DEVELOPMENT_SECRET).open(kept)
    assert session is not None
    browser.cookies.set(COOKIE, Sealer(DEVELOPMENT_SECRET).seal(replace(session, fresh_until=0)))
    assert (await browser.get("/today")).status_code == 303


async def test_pages_that_find_the_access_token_stale_at_once_share_one_refresh(browser: httpx.AsyncClient, desk: Desk) -> None:
    await sign_in(browser, desk.login)
    _grow_stale(browser)

    answers = await asyncio.gather(*(browser.get(path) for path in ("/today", "/tasks", "/today/head")))
    again = await browser.get("/today")

    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert again.status_code == 200


async def test_an_ended_session_leads_to_the_door_and_says_that_nothing_is_lost(
    browser: httpx.AsyncClient, desk: Desk, pool: Pool
) -> None:
    await sign_in(browser, desk.login)
    await pool.execute("UPDATE accounts SET token_version = token_version + 1, disabled_at = now() WHERE login = $1", desk.login)
    _grow_stale(browser)

    page = await browser.get("/today")
    part = await browser.get("/today/head", headers={"HX-Request": "true", "HX-Current-URL": "http://console.test/today"})
    door = await browser.get(page.headers["location"])

    assert page.headers["location"] == "/sign-in?expired=1&next=/today"
    assert part.headers["hx-redirect"] == "/sign-in?expired=1&next=/today"
    assert "登录已过期" in door.text


async def test_who_works_in_several_stores_is_asked_which(
    browser: httpx.AsyncClient, desk: Desk, pool: Pool, other_store_id: UUID
) -> None:
    account = await pool.fetchval("SELECT id FROM accounts WHERE login = $1", desk.login)
    other = await make_desk(pool, other_store_id)
    await pool.execute(
        "UPDATE account_stores SET account_id = $1 WHERE store_id = $2 AND staff_id = $3", account, other.store_id, other.staff_id
    )
    await pool.execute(
        "UPDATE staff SET account_id = $1 WHERE store_id = $2 AND id = $3", account, other.store_id, other.staff_id
    )
    await sign_in(browser, desk.login)

    asked = await browser.get("/today")
    choice = await browser.get("/stores")
    chosen = await browser.post("/stores", data={"store_id": str(other.store_id)}, headers=csrf(choice))
    today = await browser.get("/today")

    assert asked.headers["location"] == "/stores"
    assert chosen.headers["hx-redirect"] == "/today"
    assert str(other.visits[0]) in today.text
    assert str(desk.visits[0]) not in today.text


async def test_the_door_leads_only_to_pages_of_our_own(browser: httpx.AsyncClient, desk: Desk) -> None:
    form = {"login": desk.login, "password": "correct horse", "next": "//evil.test/today"}

    answer = await browser.post("/sign-in", data=form)

    assert answer.headers["location"] == "/today"


async def test_english_is_one_press_away(browser: httpx.AsyncClient, desk: Desk) -> None:
    await sign_in(browser, desk.login)
    await browser.post("/preferences", data={"language": "en", "next": "/today"})

    today = await browser.get("/today")

    assert '<html lang="en"' in today.text
    assert "Due today" in today.text
    assert "今日截止" not in today.text


def _grow_stale(browser: httpx.AsyncClient) -> None:
    sealer = Sealer(DEVELOPMENT_SECRET)
    session = sealer.open(browser.cookies[COOKIE])
    assert session is not None
    browser.cookies.clear()
    browser.cookies.set(COOKIE, sealer.seal(replace(session, fresh_until=0)))


def _made_up() -> Session:
    return Session("access", "refresh", 0, "csrf")


async def test_the_console_answers_that_it_lives(console: FastAPI, browser: httpx.AsyncClient) -> None:
    assert (await browser.get("/healthz")).text == "ok"
