"""Every route × everybody: generated from the app, so that a route nobody thought of fails here."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts

from services.api.app import create_app
from services.api.auth.tokens import access_token
from services.api.identities import KEY_START, SCOPES, key_digest
from services.api.permissions import ROLES, RULES, Rule
from shared.db import Pool
from shared.ids import new_id
from shared.settings import DEVELOPMENT_SECRET, Settings
from tests.api.conftest import http
from tests.factories import make_account, make_staff, make_store
from tests.factories.base import NOW, insert

STREAMS = {"/stores/{store_id}/events"}  # never ends, so an in-process client would wait for ever: see test_events.py
SOME_ID = "01939a5e-7c7e-7000-8000-00000000dead"


@dataclass(frozen=True)
class Door:
    """A route as a caller meets it."""

    method: str
    path: str

    @property
    def rule(self) -> Rule:
        return RULES[str(self)]

    def url(self, store_id: UUID) -> str:
        """With the store in it, and names of nothing for the rest."""
        filled = self.path.replace("{store_id}", str(store_id)).replace("{day}", "2026-01-01")
        mounted = filled if self.path in {"/healthz", "/readyz", "/metrics"} or re.match(r"/[su]/", self.path) else f"/v1{filled}"
        return re.sub(r"\{[^}]*_id\}", SOME_ID, re.sub(r"\{(?![^}]*_id)[^}]*\}", "nothing", mounted))

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def doors() -> list[Door]:
    found = []
    for context in iter_route_contexts(create_app(Settings(_env_file=None)).routes):
        if isinstance(context.original_route, APIRoute):
            found += [Door(method, context.original_route.path_format) for method in sorted(context.original_route.methods or ())]
    return found


DOORS = doors()
IN_A_STORE = [door for door in DOORS if str(door) in RULES and RULES[str(door)].level == "store"]
LOCKED = [door for door in DOORS if str(door) in RULES and RULES[str(door)].level != "public"]


@dataclass(frozen=True)
class People:
    """One client for each role of a store, and one for each scope a key can have."""

    store_id: UUID
    other_store_id: UUID
    roles: Mapping[str, httpx.AsyncClient]
    keys: Mapping[str, httpx.AsyncClient]
    nobody: httpx.AsyncClient
    disabled: httpx.AsyncClient


@pytest.fixture(scope="module")
async def people(app: FastAPI, pool: Pool) -> AsyncIterator[People]:
    async with AsyncExitStack() as stack:

        async def enter(token: str | None) -> httpx.AsyncClient:
            return await stack.enter_async_context(http(app, token))

        async with pool.acquire() as connection:
            store_id, other = [(await make_store(connection))["id"] for _ in range(2)]
            roles, keys = {}, {}
            for role in [*ROLES, "disabled"]:
                person = await make_staff(connection, role if role in ROLES else "admin", store_id=store_id)
                account = await make_account(connection, store_id=store_id, staff_id=person["id"])
                roles[role] = await enter(access_token(DEVELOPMENT_SECRET, account["id"], 1))
            await connection.execute("UPDATE accounts SET disabled_at = now() WHERE id = $1", account["id"])
            for scope in SCOPES:
                values = {"id": new_id(), "store_id": store_id, "name": scope, "scopes": [scope], "created_at": NOW}
                prefix = f"matrix{scope.replace(':', '')}"
                await insert(connection, "api_keys", values | {"prefix": prefix, "secret_hash": key_digest("secret")})
                keys[scope] = await enter(f"{KEY_START}{prefix}_secret")
        disabled = roles.pop("disabled")
        yield People(store_id, other, roles, keys, await enter(None), disabled)


async def ask(client: httpx.AsyncClient, door: Door, store_id: UUID) -> int:
    """The status of a request without a body. Never a 5xx."""
    answer = await client.request(door.method, door.url(store_id), headers={"If-Match": "*"})
    assert answer.status_code < 500, f"{door}: {answer.text}"
    return answer.status_code


def test_every_route_stands_in_the_table_of_permissions() -> None:
    assert [str(door) for door in DOORS if str(door) not in RULES] == []


def test_the_table_of_permissions_names_no_route_that_is_not_there() -> None:
    assert sorted(set(RULES) - {str(door) for door in DOORS}) == []


def test_the_roles_of_the_table_exist() -> None:
    assert {role for rule in RULES.values() for role in rule.roles or ()} <= set(ROLES)
    assert {rule.scope for rule in RULES.values()} <= {*SCOPES, None}


@pytest.mark.parametrize("door", LOCKED, ids=str)
async def test_nobody_comes_in_without_a_credential_or_with_a_disabled_one(people: People, door: Door) -> None:
    assert await ask(people.nobody, door, people.store_id) == 401
    assert await ask(people.disabled, door, people.store_id) == 401


@pytest.mark.parametrize("door", IN_A_STORE, ids=str)
async def test_a_store_is_not_there_for_people_and_keys_of_another(people: People, door: Door) -> None:
    for client in (people.roles["admin"], people.roles["technician"], people.keys["read"], people.keys["write"]):
        assert await ask(client, door, people.other_store_id) == 404
        assert await ask(client, door, UUID(SOME_ID)) == 404


@pytest.mark.parametrize("door", IN_A_STORE, ids=str)
async def test_a_role_comes_in_where_the_table_lets_it(people: People, door: Door) -> None:
    for role, client in people.roles.items():
        allowed = door.rule.roles is None or role in door.rule.roles or role == "admin"
        if not allowed:
            assert await ask(client, door, people.store_id) == 403, role
        elif role == "admin" and door.path not in STREAMS:
            assert await ask(client, door, people.store_id) not in {401, 403}, role


@pytest.mark.parametrize("door", IN_A_STORE, ids=str)
async def test_a_key_comes_in_with_the_scope_of_the_table_and_no_other(people: People, door: Door) -> None:
    for scope, client in people.keys.items():
        if scope != door.rule.scope:
            assert await ask(client, door, people.store_id) == 403, scope
        elif door.path not in STREAMS:
            assert await ask(client, door, people.store_id) not in {401, 403}, scope


@pytest.mark.parametrize("door", [door for door in LOCKED if RULES[str(door)].level == "operator"], ids=str)
async def test_what_is_the_operators_is_nobody_elses(people: People, door: Door) -> None:
    for client in (*people.roles.values(), *people.keys.values()):
        assert await ask(client, door, people.store_id) == 403


async def test_only_an_administrator_or_the_operator_adds_a_store(people: People, operator: httpx.AsyncClient) -> None:
    door = Door("POST", "/stores")
    statuses = {role: await ask(client, door, people.store_id) for role, client in people.roles.items()}

    assert {role for role, status in statuses.items() if status != 403} == {"admin"}
    assert await ask(operator, door, people.store_id) == 422


async def test_nobody_of_a_store_becomes_a_member_by_asking(people: People) -> None:
    """What a person may not set is not in the body's schema: unknown fields are refused, by name."""
    answer = await people.roles["admin"].patch(
        f"/v1/stores/{people.store_id}", json={"id": SOME_ID, "version": 9, "created_at": "x"}, headers={"If-Match": "*"}
    )

    assert answer.status_code == 422
    assert {error["pointer"] for error in answer.json()["errors"]} == {"#/id", "#/version", "#/created_at"}
