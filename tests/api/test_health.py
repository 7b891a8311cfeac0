"""For whoever runs it: alive, ready, counted; a start that is refused says why in one line."""

from __future__ import annotations

import subprocess
import sys

import httpx
import pytest

from services.api.health import routes
from tests.api.conftest import Person


async def test_it_is_alive_and_ready(client: httpx.AsyncClient) -> None:
    assert (await client.get("/healthz")).json() == {"status": "ok"}
    assert (await client.get("/readyz")).json() == {"status": "ok"}


async def test_it_is_not_ready_on_another_schema(client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes, "newest_schema", lambda: "9999")

    answer = await client.get("/readyz")

    assert (answer.status_code, answer.json()["code"]) == (503, "not_migrated")


async def test_numbers_name_templates_and_no_ids(client: httpx.AsyncClient, as_admin: Person, base: str) -> None:
    await as_admin.http.get(base)
    await client.get("/v1/" + "x" * 50)

    text = (await client.get("/metrics")).text

    assert 'huifang_http_requests_total{method="GET",route="/stores/{store_id}",status="200"}' in text
    assert base.rpartition("/")[2] not in text
    assert "xxxx" not in text


async def test_every_word_has_both_languages(client: httpx.AsyncClient) -> None:
    lists = (await client.get("/v1/enumerations")).json()["enumerations"]

    assert {"visit_state", "outcome", "channel", "role", "message_state"} <= set(lists)
    assert all(word["zh"] and word["en"] for words in lists.values() for word in words)
    assert len(lists["visit_state"]) == 11


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({}, "DATABASE_URL is not set"),
        ({"DATABASE_URL": "postgresql://x/y", "HUIFANG_ENV": "production"}, "HUIFANG_SECRET_KEY"),
        ({"DATABASE_URL": "postgresql://x/y", "HUIFANG_ENV": "production", "HUIFANG_SECRET_KEY": "short"}, "HUIFANG_SECRET_KEY"),
        ({"DATABASE_URL": "postgresql://x/y", "HUIFANG_ENV": "production", "HUIFANG_SECRET_KEY": "s" * 40}, "HUIFANG_DATA_KEYS"),
        ({"DATABASE_URL": "postgresql://x/y", "HUIFANG_CLOCK": "soon"}, "HUIFANG_CLOCK"),
    ],
)
def test_a_start_without_what_it_needs_is_refused_in_one_line(environment: dict[str, str], says: str) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "services.api"],
        env={"PATH": "/usr/bin:/bin"} | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert run.returncode == 2
    assert says in run.stderr
    assert len(run.stderr.strip().splitlines()) == 1
