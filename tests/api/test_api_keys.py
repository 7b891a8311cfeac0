"""API keys: shown once, bound to one store and to their scopes, ended at once."""

from __future__ import annotations

from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI

from shared.db import Pool
from tests.api.conftest import Person, http


async def make_key(admin: Person, base: str, *scopes: str, **more: str) -> dict[str, str]:
    answer = await admin.http.post(f"{base}/api-keys", json={"name": "DMS", "scopes": list(scopes), **more})
    assert answer.status_code == 201, answer.text
    made: dict[str, str] = answer.json()
    return made


async def test_a_key_does_what_its_scopes_say_in_its_own_store(
    app: FastAPI, as_admin: Person, base: str, other_store_id: UUID
) -> None:
    key = await make_key(as_admin, base, "read")
    async with http(app, key["key"]) as integration:
        read = await integration.get(f"{base}/staff")
        write = await integration.post(f"{base}/staff", json={"name": "某", "roles": ["technician"]})
        other = await integration.get(f"/v1/stores/{other_store_id}/staff")
        me = (await integration.get("/v1/me")).json()

    assert (read.status_code, write.status_code, other.status_code) == (200, 403, 404)
    assert (me["kind"], me["scopes"], len(me["stores"])) == ("key", ["read"], 1)


async def test_a_secret_is_shown_once_and_kept_nowhere(as_admin: Person, base: str, pool: Pool) -> None:
    key = await make_key(as_admin, base, "read", "write")
    secret = key["key"].rpartition("_")[2]

    listed = await as_admin.http.get(f"{base}/api-keys")

    assert secret not in listed.text
    assert listed.json()["items"][0]["prefix"] == key["prefix"]
    assert (
        await pool.fetchval("SELECT count(*) FROM api_keys WHERE encode(secret_hash, 'escape') LIKE '%' || $1 || '%'", secret)
        == 0
    )


async def test_a_revoked_key_is_refused(app: FastAPI, as_admin: Person, base: str) -> None:
    key = await make_key(as_admin, base, "read")
    async with http(app, key["key"]) as integration:
        assert (await integration.get(base)).status_code == 200
        assert (await as_admin.http.delete(f"{base}/api-keys/{key['id']}")).status_code == 204
        assert (await integration.get(base)).status_code == 401


async def test_an_expired_key_is_refused(app: FastAPI, as_admin: Person, base: str) -> None:
    key = await make_key(as_admin, base, "read", expires_at="2020-01-01T00:00:00Z")

    async with http(app, key["key"]) as integration:
        assert (await integration.get(base)).status_code == 401


@pytest.mark.parametrize(
    "change", [lambda key: key[:-1] + ("a" if key[-1] != "a" else "b"), lambda key: key + "a", lambda key: key[:20]]
)
async def test_a_key_that_is_nearly_right_is_wrong(app: FastAPI, as_admin: Person, base: str, change: object) -> None:
    key = await make_key(as_admin, base, "read")

    async with http(app, change(key["key"])) as integration:  # type: ignore[operator]  # one of the functions above
        assert (await integration.get(base)).status_code == 401


async def test_a_key_makes_no_keys(app: FastAPI, as_admin: Person, base: str) -> None:
    key = await make_key(as_admin, base, "read", "write", "pii:read", "import", "hooks")

    async with http(app, key["key"]) as integration:
        answer = await integration.post(f"{base}/api-keys", json={"name": "more", "scopes": ["read"]})

    assert answer.status_code == 403


async def test_providers_say_where_they_call_back_and_that_token_is_known(
    as_admin: Person, base: str, pool: Pool, client: httpx.AsyncClient
) -> None:
    sms = (await as_admin.http.get(f"{base}/providers")).json()["sms"]

    assert sms["provider"] == "outbox"
    assert "/v1/hooks/sms/http/" in sms["sms_hook_url"]
    assert sms["replies_url"] == sms["sms_hook_url"] + "/replies"
    assert await pool.fetchval("SELECT count(*) FROM hook_tokens WHERE kind = 'sms' AND provider = 'http'") == 1
