"""The contract as a generated client reads it: names that stay, examples everywhere, problems as problems."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

from services.api.app import create_app
from services.api.contract import Json, operations
from services.api.permissions import RULES
from shared.settings import Settings
from tests.support.contract_client import ContractClient

DOCUMENT: Json = create_app(Settings(_env_file=None)).openapi()
OPERATIONS = [(f"{method.upper()} {path}", method, operation) for path, method, operation in operations(DOCUMENT)]
SCHEMAS: dict[str, Json] = DOCUMENT["components"]["schemas"]


def test_it_is_openapi_3_1() -> None:
    assert DOCUMENT["openapi"].startswith("3.1.")


def test_operation_ids_are_given_by_hand_and_once() -> None:
    names = [operation["operationId"] for _, _, operation in OPERATIONS]

    assert [name for name in names if not re.fullmatch(r"[a-z]+(_[a-z0-9]+)*", name) or "v1" in name] == []
    assert len(set(names)) == len(names)


def test_path_parameters_have_full_names() -> None:
    short = [path for path in DOCUMENT["paths"] if "{id}" in path]

    assert short == []


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_schema_has_an_example(name: str) -> None:
    assert SCHEMAS[name].get("examples") or SCHEMAS[name].get("example")


@pytest.mark.parametrize("name", SCHEMAS)
async def test_every_example_is_one_of_its_schema(name: str) -> None:
    async with httpx.AsyncClient() as nobody:
        client = ContractClient(DOCUMENT, nobody)
        for example in SCHEMAS[name].get("examples", [SCHEMAS[name].get("example")]):
            client.read(SCHEMAS[name], example, name)


@pytest.mark.parametrize(
    "name", [name for name, schema in SCHEMAS.items() if name.endswith(("In", "Patch")) and schema.get("properties")]
)
def test_what_comes_in_refuses_what_it_does_not_know(name: str) -> None:
    assert SCHEMAS[name]["additionalProperties"] is False


@pytest.mark.parametrize(("name", "method", "operation"), OPERATIONS, ids=[name for name, _, _ in OPERATIONS])
def test_refusals_are_documented_as_problems(name: str, method: str, operation: Json) -> None:
    for status, response in operation["responses"].items():
        if status[0] in "45":
            problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
            page = {"text/html": {"schema": {"type": "string"}}} if name.endswith("/{token}") and "hooks" not in name else {}
            assert response["content"] in (problem, problem | page), status
    parameters = {parameter["name"]: parameter for parameter in operation.get("parameters", ())}
    if method == "post":
        assert parameters["Idempotency-Key"]["required"] is False
    if method == "patch":
        assert parameters["If-Match"]["required"] is True
        assert {"412", "428"} <= set(operation["responses"])
    rule = RULES[name.replace(" /v1", " ")]
    assert bool(operation.get("security")) is (rule.level != "public")


def test_every_reference_leads_somewhere() -> None:
    assert sorted({name for name in _references(DOCUMENT) if name not in SCHEMAS}) == []


def _references(value: Any) -> set[str]:
    if isinstance(value, dict):
        own = {value["$ref"].rpartition("/")[2]} if isinstance(value.get("$ref"), str) else set()
        return own.union(*(_references(part) for part in value.values()))
    return set().union(*(_references(part) for part in value)) if isinstance(value, list) else set()
