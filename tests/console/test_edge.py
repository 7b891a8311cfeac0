"""What every answer carries, and what happens when the API is away."""

from __future__ import annotations

from collections.abc import AsyncIterator
from html.parser import HTMLParser

import httpx
import pytest

from services.console.app import create_app
from shared.settings import Settings
from tests.console.conftest import Desk
from tests.console.pages import csrf, sign_in


class Inline(HTMLParser):
    """Finds what a strict policy would refuse: inline scripts, style attributes and elements, handlers."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = dict(attrs)
        if tag == "style" or (tag == "script" and "src" not in names):
            self.found.append(tag)
        self.found += [name for name in names if name == "style" or name.startswith(("on", "hx-on"))]
        self.found += [url for name in ("src", "href") if (url := names.get(name) or "").startswith(("http:", "https:", "//"))]


async def test_every_answer_forbids_what_is_not_ours(browser: httpx.AsyncClient) -> None:
    for path in ("/sign-in", "/today", "/healthz", "/static/keys.js", "/static/htmx.min.js", "/nothing-here"):
        headers = (await browser.get(path)).headers
        assert headers["content-security-policy"].startswith("default-src 'self';")
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-frame-options"] == "DENY"
        assert headers["x-content-type-options"] == "nosniff"


async def test_no_page_holds_an_inline_script_a_style_or_a_foreign_address(browser: httpx.AsyncClient, desk: Desk) -> None:
    door = await browser.get("/sign-in")
    await sign_in(browser, desk.login)
    paths = ("/today", f"/visits/{desk.visits[0]}", "/tasks", "/messages", "/outbox", "/outbox?channel=email")
    pages = [door, *[await browser.get(path) for path in paths]]

    for page in pages:
        assert page.status_code == 200, page.text
        parser = Inline()
        parser.feed(page.text)
        assert parser.found == [], page.url


async def test_pages_are_not_kept_by_the_browser_and_files_are_asked_for_again(browser: httpx.AsyncClient) -> None:
    assert (await browser.get("/sign-in")).headers["cache-control"] == "no-store"
    assert (await browser.get("/static/keys.js")).headers["cache-control"] == "no-cache"


async def test_a_write_without_the_pages_token_is_refused(browser: httpx.AsyncClient, desk: Desk) -> None:
    await sign_in(browser, desk.login)

    answer = await browser.post(f"/visits/{desk.visits[0]}/attempts", data={"outcome": "no_answer"})

    assert answer.status_code == 428


async def test_a_write_from_a_page_of_another_site_is_refused(browser: httpx.AsyncClient, desk: Desk) -> None:
    await sign_in(browser, desk.login)
    headers = csrf(await browser.get("/today"))

    by_site = await browser.post("/sign-out", headers=headers | {"Sec-Fetch-Site": "cross-site"})
    by_origin = await browser.post("/sign-in", data={"login": "a", "password": "b"}, headers={"Origin": "https://evil.test"})

    assert (by_site.status_code, by_origin.status_code) == (403, 403)


class Nobody(httpx.AsyncBaseTransport):
    """A network on which nobody answers."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")


@pytest.fixture
async def without_api() -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(Settings(_env_file=None), Nobody())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://console.test") as client:
        yield client


async def test_while_the_api_is_away_a_page_asks_again_and_a_part_of_one_shows_a_banner(
    browser: httpx.AsyncClient, without_api: httpx.AsyncClient, desk: Desk
) -> None:
    await sign_in(browser, desk.login)
    without_api.cookies.update(browser.cookies)

    page = await without_api.get("/today")
    part = await without_api.get("/today/head", headers={"HX-Request": "true"})

    assert page.status_code == part.status_code == 503
    assert 'http-equiv="refresh"' in page.text
    assert part.headers["hx-retarget"] == "#banner"
    assert "暂时连接不上" in part.text
