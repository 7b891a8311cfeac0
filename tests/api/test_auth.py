"""Signing in: passwords, tokens that rotate, delays that grow, tokens that are not ours."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import jwt
import pytest

from services.api.auth import throttle
from services.api.auth.tokens import access_token
from services.api.house import House
from shared.clock import machine_now
from shared.db import Pool
from shared.settings import DEVELOPMENT_SECRET
from tests.api.conftest import Person, Sign

PASSWORD = "correct horse battery"


@pytest.fixture
async def wang(as_staff: Sign, house: House, pool: Pool) -> AsyncIterator[Person]:
    """Somebody with a password, and no failures from the address of the tests."""
    person = await as_staff("service_advisor")
    await pool.execute(
        "UPDATE accounts SET password_hash = $2 WHERE id = $1", person.account_id, await house.passwords.hash(PASSWORD)
    )
    await pool.execute("DELETE FROM sign_in_failures")
    yield person
    await pool.execute("DELETE FROM sign_in_failures")


def form(login: str, password: str = PASSWORD) -> dict[str, str]:
    return {"grant_type": "password", "username": login, "password": password}


async def test_a_password_gives_tokens_that_say_who_one_is(client: httpx.AsyncClient, wang: Person, store_id: UUID) -> None:
    tokens = (await client.post("/v1/auth/token", data=form(wang.login.upper()))).json()

    me = (await client.get("/v1/me", headers={"Authorization": f"Bearer {tokens['access_token']}"})).json()

    assert tokens["token_type"] == "bearer"
    assert tokens["expires_in"] == 600
    assert [(store["store_id"], store["roles"]) for store in me["stores"]] == [(str(store_id), ["service_advisor"])]
    assert me["stores"][0]["staff_id"] == str(wang.staff_id)
    assert me["now"] == "2026-11-23T09:00:00.000+08:00"


async def test_blanks_around_a_password_are_part_of_it(client: httpx.AsyncClient, wang: Person) -> None:
    change = {"old_password": PASSWORD, "new_password": "  two blanks before"}
    assert (await wang.http.post("/v1/me/password", json=change)).status_code == 204

    bare = await client.post("/v1/auth/token", data=form(wang.login, "two blanks before"))
    whole = await client.post("/v1/auth/token", data=form(wang.login, "  two blanks before"))

    assert (bare.status_code, whole.status_code) == (401, 200)


@pytest.mark.parametrize("login", ["nobody-of-that-name", None])
async def test_a_wrong_name_and_a_wrong_password_are_told_apart_by_nothing(
    client: httpx.AsyncClient, wang: Person, login: str | None
) -> None:
    answer = await client.post("/v1/auth/token", data=form(login or wang.login, "wrong"))

    assert answer.status_code == 401
    assert answer.json()["code"] == "wrong_credentials"


async def test_a_disabled_account_does_not_sign_in(client: httpx.AsyncClient, wang: Person, pool: Pool) -> None:
    await pool.execute("UPDATE accounts SET disabled_at = now() WHERE id = $1", wang.account_id)

    assert (await client.post("/v1/auth/token", data=form(wang.login))).status_code == 401


async def test_the_fifth_failure_delays_even_the_right_password(client: httpx.AsyncClient, wang: Person) -> None:
    for _ in range(throttle.FREE_TRIES):
        assert (await client.post("/v1/auth/token", data=form(wang.login, "wrong"))).status_code == 401

    delayed = await client.post("/v1/auth/token", data=form(wang.login))

    assert delayed.status_code == 429
    assert int(delayed.headers["Retry-After"]) >= 1


def test_the_delays_grow_from_one_second_to_five_minutes() -> None:
    assert [throttle.delay(failures).total_seconds() for failures in (4, 5, 6, 9, 13, 14, 1000)] == [0, 1, 2, 16, 256, 300, 300]


async def test_after_a_quiet_quarter_hour_the_count_begins_anew(client: httpx.AsyncClient, wang: Person, pool: Pool) -> None:
    for _ in range(throttle.FREE_TRIES):
        await client.post("/v1/auth/token", data=form(wang.login, "wrong"))
    await pool.execute("UPDATE sign_in_failures SET blocked_until = blocked_until - interval '16 minutes'")

    await client.post("/v1/auth/token", data=form(wang.login, "wrong"))

    assert (await client.post("/v1/auth/token", data=form(wang.login))).status_code == 200


async def test_a_refresh_token_used_twice_revokes_all_that_came_of_the_sign_in(client: httpx.AsyncClient, wang: Person) -> None:
    first = (await client.post("/v1/auth/token", data=form(wang.login))).json()
    second = await client.post("/v1/auth/refresh", json={"refresh_token": first["refresh_token"]})

    stolen = await client.post("/v1/auth/refresh", json={"refresh_token": first["refresh_token"]})
    honest = await client.post("/v1/auth/refresh", json={"refresh_token": second.json()["refresh_token"]})

    assert (second.status_code, stolen.status_code, honest.status_code) == (200, 401, 401)


async def test_a_refresh_repeated_under_its_key_gets_the_same_tokens(client: httpx.AsyncClient, wang: Person, pool: Pool) -> None:
    first = (await client.post("/v1/auth/token", data=form(wang.login))).json()
    body, key = {"refresh_token": first["refresh_token"]}, {"Idempotency-Key": f"refresh-{wang.login}"}

    once = await client.post("/v1/auth/refresh", json=body, headers=key)
    again = await client.post("/v1/auth/refresh", json=body, headers=key)

    assert once.content == again.content
    kept = await pool.fetchval("SELECT body FROM idempotency_keys WHERE key = $1", f"refresh-{wang.login}")
    assert once.json()["refresh_token"].encode() not in kept


async def test_who_signed_out_cannot_refresh(client: httpx.AsyncClient, wang: Person) -> None:
    tokens = (await client.post("/v1/auth/token", data=form(wang.login))).json()

    out = await client.post("/v1/auth/logout", json={"refresh_token": tokens["refresh_token"]})

    assert out.status_code == 204
    assert (await client.post("/v1/auth/refresh", json={"refresh_token": tokens["refresh_token"]})).status_code == 401


async def test_a_new_password_ends_every_session(client: httpx.AsyncClient, wang: Person) -> None:
    change = {"old_password": PASSWORD, "new_password": "another fine secret"}

    wrong = await wang.http.post("/v1/me/password", json=change | {"old_password": "guess"})
    done = await wang.http.post("/v1/me/password", json=change)

    assert (wrong.status_code, done.status_code) == (401, 204)
    assert (await wang.http.get("/v1/me")).status_code == 401
    assert (await client.post("/v1/auth/token", data=form(wang.login, "another fine secret"))).status_code == 200


async def test_the_operator_gets_a_token_of_a_person_without_a_sign_in(
    operator: httpx.AsyncClient, client: httpx.AsyncClient, as_staff: Sign, store_id: UUID, pool: Pool
) -> None:
    person = await as_staff("technician")
    await pool.execute("UPDATE staff SET account_id = NULL WHERE id = $1", person.staff_id)
    await pool.execute("DELETE FROM account_stores WHERE staff_id = $1", person.staff_id)

    made = await operator.post("/v1/auth/staff-token", json={"staff": str(person.staff_id), "store": str(store_id)})
    me = await client.get("/v1/me", headers={"Authorization": f"Bearer {made.json()['access_token']}"})

    assert made.json()["staff_id"] == str(person.staff_id)
    assert me.json()["stores"][0]["roles"] == ["technician"]
    assert (await person.http.post("/v1/auth/staff-token", json={"staff": "x"})).status_code in {401, 403}


def _signed(**changes: Any) -> str:
    now = machine_now()
    claims = {"iss": "huifang", "aud": "huifang-api", "typ": "access", "sub": str(UUID(int=7)), "tv": 1, "iat": now}
    claims |= {"exp": now + timedelta(minutes=5)} | changes
    return jwt.encode({name: value for name, value in claims.items() if value is not None}, DEVELOPMENT_SECRET, algorithm="HS256")


def _raw(header: dict[str, object], token: str, signature: str = "") -> str:
    part = base64.urlsafe_b64encode(json.dumps(header).encode()).decode().rstrip("=")
    return f"{part}.{token.split('.')[1]}.{signature}"


ATTACKS: dict[str, Callable[[str], str]] = {
    "no algorithm": lambda token: _raw({"alg": "none"}, token),
    "no algorithm, in capitals": lambda token: _raw({"alg": "NONE", "typ": "JWT"}, token),
    "another algorithm": lambda token: jwt.encode(_claims(token), DEVELOPMENT_SECRET, "HS512"),
    "a claimed RSA key": lambda token: _raw({"alg": "RS256"}, token, token.split(".")[2]),
    "a key id that walks": lambda token: _raw({"alg": "HS256", "kid": "../../../dev/null"}, token, token.split(".")[2]),
    "another secret": lambda token: jwt.encode(_claims(token), "x" * 40, "HS256"),
    "another audience": lambda token: _resigned(token, aud="somebody-else"),
    "another issuer": lambda token: _resigned(token, iss="somebody-else"),
    "expired": lambda token: _resigned(token, exp=machine_now() - timedelta(seconds=1)),
    "without an end": lambda token: _resigned(token, exp=None),
    "of another type": lambda token: _resigned(token, typ="refresh"),
    "an operator by its type alone": lambda token: _resigned(token, typ="operator"),
    "an operator for an hour": lambda token: _resigned(
        token, typ="operator", sub="operator", exp=machine_now() + timedelta(hours=1)
    ),
    "of an earlier version": lambda token: _resigned(token, tv=0),
    "of nobody": lambda token: _resigned(token, sub=str(UUID(int=1))),
    "a subject that is no id": lambda token: _resigned(token, sub="' OR 1=1"),
    "issued tomorrow": lambda token: _resigned(token, iat=machine_now() + timedelta(days=1)),
    "cut short": lambda token: token[:-3],
    "not a token": lambda _token: "x.y.z",
}


def _resigned(token: str, **changes: Any) -> str:
    claims = _claims(token)
    return _signed(**{"sub": claims["sub"], "tv": claims["tv"]} | changes)


def _claims(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
async def test_a_forged_token_is_no_token(client: httpx.AsyncClient, as_staff: Sign, base: str, attack: str) -> None:
    person = await as_staff("admin")
    token = access_token(DEVELOPMENT_SECRET, person.account_id, 1)
    assert (await client.get(base, headers={"Authorization": f"Bearer {token}"})).status_code == 200

    answer = await client.get(base, headers={"Authorization": f"Bearer {ATTACKS[attack](token)}"})

    assert answer.status_code == 401, attack
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "header", ["", "Basic d2FuZzp3YW5n", "Bearer", "Bearer hf_live_abc", "Bearer hf_live_a_b", "Bearer hf_é_b"]
)
async def test_what_is_no_credential_is_refused(client: httpx.AsyncClient, base: str, header: str) -> None:
    assert (await client.get(base, headers=[(b"Authorization", header.encode())])).status_code == 401
