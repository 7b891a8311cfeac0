"""Idempotency-Key: one effect, the same bytes again, and nothing remembered of what did not happen."""

from __future__ import annotations

import asyncio

import httpx
from fastapi import FastAPI

from services.api.house import House
from shared.db import Pool
from tests.api.conftest import Person, operator_token
from tests.api.conftest import http as http_client
from tests.factories.base import number


def key() -> dict[str, str]:
    return {"Idempotency-Key": f"key-{number()}"}


def person(name: str = "") -> dict[str, object]:
    return {"name": name or f"同名{number()}", "roles": ["technician"]}


async def test_twenty_at_once_under_one_key_have_one_effect(as_admin: Person, base: str, pool: Pool) -> None:
    headers, body = key(), person()

    answers = await asyncio.gather(*(as_admin.http.post(f"{base}/staff", json=body, headers=headers) for _ in range(20)))

    codes = {answer.status_code for answer in answers}
    assert codes <= {201, 409}, codes
    assert len({answer.content for answer in answers if answer.status_code == 201}) == 1
    assert all(answer.headers["Retry-After"] for answer in answers if answer.status_code == 409)
    assert all(answer.json()["code"] == "idempotency_in_flight" for answer in answers if answer.status_code == 409)
    assert await pool.fetchval("SELECT count(*) FROM staff WHERE name = $1", body["name"]) == 1


async def test_the_same_request_again_gets_the_same_bytes(as_admin: Person, base: str) -> None:
    headers, body = key(), person()

    first = await as_admin.http.post(f"{base}/staff", json=body, headers=headers)
    again = await as_admin.http.post(f"{base}/staff", json=body, headers=headers)

    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert {name: again.headers[name] for name in ("Location", "ETag", "Content-Type")} == {
        name: first.headers[name] for name in ("Location", "ETag", "Content-Type")
    }
    assert "Idempotent-Replayed" not in first.headers


async def test_another_body_and_another_path_under_the_key_are_refused(as_admin: Person, base: str) -> None:
    headers, body = key(), person()
    await as_admin.http.post(f"{base}/staff", json=body, headers=headers)

    other_body = await as_admin.http.post(f"{base}/staff", json=person(), headers=headers)
    other_path = await as_admin.http.post(f"{base}/api-keys", json={"name": "x", "scopes": ["read"]}, headers=headers)

    assert {other_body.status_code, other_path.status_code} == {422}
    assert other_body.json()["code"] == "idempotency_key_reused"


async def test_what_was_refused_is_not_remembered(as_admin: Person, base: str) -> None:
    headers, body = key(), person()

    refused = await as_admin.http.post(f"{base}/staff", json=body | {"roles": ["emperor"]}, headers=headers)
    taken = await as_admin.http.post(f"{base}/staff", json=body, headers=headers)

    assert (refused.status_code, taken.status_code) == (422, 201)


async def test_two_callers_may_use_one_key(as_admin: Person, operator: httpx.AsyncClient, base: str) -> None:
    headers = key()

    one = await as_admin.http.post(f"{base}/staff", json=person(), headers=headers)
    other = await operator.post(f"{base}/staff", json=person(), headers=headers)

    assert (one.status_code, other.status_code) == (201, 201)


async def test_a_fresh_token_of_the_same_caller_gets_the_same_answer(
    app: FastAPI, operator: httpx.AsyncClient, base: str
) -> None:
    headers, body = key(), person()
    first = await operator.post(f"{base}/staff", json=body, headers=headers)

    async with http_client(app, operator_token()) as later:
        assert (await later.post(f"{base}/staff", json=body, headers=headers)).content == first.content


async def test_an_answer_that_is_kept_shows_nothing_of_itself(as_admin: Person, base: str, pool: Pool) -> None:
    headers = key()
    made = await as_admin.http.post(f"{base}/api-keys", json={"name": "DMS", "scopes": ["read"]}, headers=headers)

    kept = await pool.fetchrow("SELECT * FROM idempotency_keys WHERE key = $1", headers["Idempotency-Key"])

    assert kept is not None
    assert made.json()["key"].encode() not in kept["body"]
    assert "key" in made.json()


async def test_a_key_outlived_begins_anew(as_admin: Person, base: str, pool: Pool) -> None:
    headers = key()
    await as_admin.http.post(f"{base}/staff", json=person(), headers=headers)
    await pool.execute(
        "UPDATE idempotency_keys SET expires_at = expires_at - interval '25 hours' WHERE key = $1", headers["Idempotency-Key"]
    )

    assert (await as_admin.http.post(f"{base}/staff", json=person(), headers=headers)).status_code == 201


async def test_the_answer_stands_or_falls_with_its_effect(as_admin: Person, base: str, pool: Pool, house: House) -> None:
    """The row of the key is in the effect's transaction: a conflict found at the end leaves neither."""
    headers, body = key(), person()
    await as_admin.http.post(f"{base}/staff", json=body)

    refused = await as_admin.http.post(f"{base}/staff", json=body, headers=headers)

    assert refused.status_code == 409
    assert await pool.fetchval("SELECT count(*) FROM idempotency_keys WHERE key = $1", headers["Idempotency-Key"]) == 0


async def test_a_key_that_is_no_key_is_refused(as_admin: Person, base: str) -> None:
    for text in ("", "with blank", "x" * 256):
        answer = await as_admin.http.post(f"{base}/staff", json=person(), headers={"Idempotency-Key": text})

        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "header/idempotency-key")
