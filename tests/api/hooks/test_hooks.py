"""Callbacks are kept as they came, sealed, and answered at once."""

from __future__ import annotations

from uuid import UUID

import httpx
import pytest

from services.api.hooks.routes import LARGEST, NO_STORE
from services.api.house import House
from shared.db import Pool
from shared.tokens import development_hook_token
from tests.factories import vault


@pytest.fixture
def path(house: House) -> str:
    return f"/v1/hooks/sms/http/{development_hook_token(house.vault)}"


async def last_callback(pool: Pool) -> tuple[str, bytes, UUID]:
    row = await pool.fetchrow("SELECT id, kind, body FROM callbacks ORDER BY received_at DESC LIMIT 1")
    assert row is not None
    return row["kind"], vault().open_bytes(row["body"], "callbacks", "body", NO_STORE, row["id"]), row["id"]


async def test_receipts_are_kept_sealed_and_word_for_word(client: httpx.AsyncClient, pool: Pool, path: str) -> None:
    body = b'[{"id":"01939a5e-7c7e-7000-8000-000000000001","status":"delivered"}]'
    answer = await client.post(path, content=body)
    assert (answer.status_code, answer.json()) == (200, {"kept": True})
    kind, kept, _ = await last_callback(pool)
    assert (kind, kept) == ("sms_receipts", body)


async def test_replies_have_a_path_of_their_own(client: httpx.AsyncClient, pool: Pool, path: str) -> None:
    answer = await client.post(f"{path}/replies", json={"from": "+8613800138000", "text": "R"})
    assert answer.status_code == 200
    assert (await last_callback(pool))[0] == "sms_replies"


@pytest.mark.parametrize("wrong", ["/v1/hooks/sms/http/nonsense", "/v1/hooks/email/nonsense", "/v1/hooks/sms/http/" + "x" * 500])
async def test_an_unknown_token_is_not_found_whatever_the_body(client: httpx.AsyncClient, wrong: str) -> None:
    assert (await client.post(wrong, content=b"not json")).status_code == 404


async def test_the_token_of_one_provider_is_none_of_another(client: httpx.AsyncClient, house: House) -> None:
    assert (await client.post(f"/v1/hooks/sms/aliyun/{development_hook_token(house.vault)}", json=[])).status_code == 404
    assert (await client.post(f"/v1/hooks/email/{development_hook_token(house.vault)}", json=[])).status_code == 404


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[" * 5000])
async def test_what_is_no_json_is_refused(client: httpx.AsyncClient, path: str, body: bytes) -> None:
    answer = await client.post(path, content=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "not_json")


async def test_a_body_that_is_too_large_is_refused(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.post(path, content=b'"' + b"x" * LARGEST + b'"')).status_code == 413
