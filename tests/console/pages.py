"""What a person does on a page, by name."""

from __future__ import annotations

import re

import httpx

from tests.console.conftest import PASSWORD


async def sign_in(browser: httpx.AsyncClient, login: str, password: str = PASSWORD) -> httpx.Response:
    """Fill in the door's form."""
    return await browser.post("/sign-in", data={"login": login, "password": password, "next": "/today"})


def csrf(page: httpx.Response) -> dict[str, str]:
    """The headers htmx sends from this page."""
    found = re.search(r'"X-CSRF-Token": "([^"]+)"', page.text)
    assert found is not None, page.text
    return {"X-CSRF-Token": found[1], "HX-Request": "true"}


def value_of(page: httpx.Response, name: str) -> str:
    """The value of a hidden field."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page.text)
    assert found is not None, page.text
    return found[1]
