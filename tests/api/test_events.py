"""The live feed: ids of what changed in one's own store, over a real socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from services.api.auth.tokens import access_token
from services.api.events.routes import changes
from services.api.listening import BACKLOG, Change, Feed, read_change
from shared.db import Pool
from shared.events import NOTIFY_FEED, feed
from shared.ids import new_id
from shared.settings import DEVELOPMENT_SECRET
from tests.api.conftest import Person
from tests.factories import NOBODY


@pytest.fixture
async def address(app: FastAPI) -> AsyncIterator[str]:
    """The app on a port: a stream has no end that an in-process client could wait for."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, lifespan="off", log_level="warning"))
    task = asyncio.create_task(server.serve())
    async with asyncio.timeout(10):
        while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    server.force_exit = True
    await task


async def test_a_page_hears_of_its_store_and_of_no_other(
    address: str, as_admin: Person, pool: Pool, store_id: UUID, other_store_id: UUID, base: str
) -> None:
    visit_id = new_id()
    headers = {"Authorization": f"Bearer {access_token(DEVELOPMENT_SECRET, as_admin.account_id, 1)}"}
    async with (
        httpx.AsyncClient(base_url=address, trust_env=False) as client,
        client.stream("GET", f"{base}/events", headers=headers, timeout=10) as stream,
    ):
        lines = stream.aiter_lines()
        assert "following" in await anext(lines)
        for payload in (feed(other_store_id, "visit", new_id()), feed(store_id, "visit", visit_id)):
            await pool.execute("SELECT pg_notify($1, $2)", NOTIFY_FEED, payload)
        heard = [line async for line in _until_data(lines)]

    assert stream.headers["Content-Type"].startswith("text/event-stream")
    assert heard[-2:] == ["event: visit", f'data: {{"kind":"visit","id":"{visit_id}"}}']


async def _until_data(lines: AsyncIterator[str]) -> AsyncIterator[str]:
    async for line in lines:
        if line:
            yield line
        if line.startswith("data:"):
            return


async def test_who_does_not_keep_up_is_told_so() -> None:
    news, store_id = Feed(), new_id()
    with news.follow(store_id) as queue:
        for _ in range(BACKLOG + 5):
            news.publish(store_id, Change("visit", new_id()))

        assert queue.qsize() <= BACKLOG
        assert Change("lost", None) in [queue.get_nowait() for _ in range(queue.qsize())]


async def test_a_stream_ends_with_the_process_and_in_time() -> None:
    news, store_id = Feed(), new_id()
    stream = changes(news, store_id)
    await anext(stream)
    ended = asyncio.ensure_future(anext(stream, None))
    await asyncio.sleep(0)
    news.close()

    assert await ended is None
    assert [event async for event in changes(news, store_id, longest=0.01)][1:] == []


@pytest.mark.parametrize("payload", ["", "x", "x:visit:", NOBODY, f"{NOBODY}:visit:x"])
def test_a_notice_of_another_shape_is_passed_over(payload: str) -> None:
    assert read_change(payload) is None
