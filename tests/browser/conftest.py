"""API and console on ports of their own, and a Chromium in front of them."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI
from playwright.async_api import Browser, Page, async_playwright

from services.console.app import create_app as create_console
from shared.settings import Settings
from tests.api.conftest import api_settings, app, house, store_id
from tests.console.conftest import PASSWORD, Desk, desk

__all__ = ["api_settings", "app", "desk", "house", "store_id"]

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESK_SIZE = (1280, 720)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say aloud that no browser was tried."""
    if not CHROMIUM.exists():
        terminalreporter.write_line(f"SKIPPED the browser's tests: there is no {CHROMIUM} (apt-get install chromium)")


@asynccontextmanager
async def serving(app: FastAPI) -> AsyncIterator[str]:
    """The app on a free port of this machine, its address; its lifespan is whoever opened it's own affair."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        config = uvicorn.Config(app, log_level="error", lifespan="off", timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        running = asyncio.create_task(server.serve([listener]))
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        with suppress(asyncio.CancelledError):
            await running


@pytest.fixture
async def console_url(app: FastAPI, house: object) -> AsyncIterator[str]:
    """A console that speaks to its API over the network."""
    async with serving(app) as api_url:
        console = create_console(Settings(api_url=api_url, _env_file=None))
        async with console.router.lifespan_context(console), serving(console) as url:
            yield url


@pytest.fixture(scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """One Chromium for all tests."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=FLAGS)
        yield browser
        await browser.close()


@pytest.fixture
async def page(chromium: Browser, console_url: str, desk: Desk) -> AsyncIterator[Page]:
    """Today, open before the specialist of `desk`; whatever a script of ours throws fails the test."""
    width, height = DESK_SIZE
    context = await chromium.new_context(viewport={"width": width, "height": height}, locale="zh-CN", base_url=console_url)
    page = await context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda fault: faults.append(str(fault)))
    page.on(
        "console", lambda line: faults.append(line.text) if line.type == "error" and "Content Security" in line.text else None
    )
    await page.goto("/sign-in")
    await page.fill("#login", desk.login)
    await page.fill("#password", PASSWORD)
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/today", wait_until="load")
    await page.wait_for_selector("tr[data-row]:focus")
    yield page
    await context.close()
    assert faults == []
