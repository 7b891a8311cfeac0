"""The contract as OpenAPI 3.1: what FastAPI finds, and what holds for every route so that no feature repeats it.

Added here: the bearer scheme, problem documents, Idempotency-Key on POST, If-Match on PATCH, ETag, an example for every schema.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from services.api.permissions import RULES
from services.api.wire import EXAMPLE_INSTANT

VERSION = version("huifang")
Json = dict[str, Any]

_PROBLEM: Json = {
    "type": "object",
    "title": "Problem",
    "description": "RFC 9457. `code` is stable; `pointer` is `#/field` for the body, `query/…`, `path/…`, `header/…` for others.",
    "required": ["type", "title", "status", "detail", "code", "errors"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "errors": {"type": "array", "items": {"$ref": "#/components/schemas/ProblemPlace"}},
        "request_id": {"type": "string"},
    },
    "additionalProperties": True,
    "examples": [
        {
            "type": "urn:huifang:problem:invalid",
            "title": "内容不合要求",
            "status": 422,
            "detail": "请求内容有误，见 errors。",
            "code": "invalid",
            "errors": [{"pointer": "#/name", "message": "必填"}],
        }
    ],
}
_PLACE: Json = {
    "type": "object",
    "title": "ProblemPlace",
    "required": ["pointer", "message"],
    "properties": {"pointer": {"type": "string"}, "message": {"type": "string"}},
    "examples": [{"pointer": "#/name", "message": "必填"}],
}
_TEXTS: Mapping[str, str] = {
    "400": "The request could not be read.",
    "401": "Not signed in, or the token is no longer good.",
    "403": "The caller may not do this.",
    "404": "Nothing the caller may know of.",
    "409": "The state of things does not allow it, or the same Idempotency-Key is being worked on (Retry-After).",
    "412": "Changed meanwhile: read it again.",
    "413": "The body is too large.",
    "415": "The body is of another content type.",
    "422": "The content is not as it must be.",
    "428": "If-Match is required.",
    "429": "Too many tries; Retry-After says how long to wait.",
    "503": "The database does not answer at the moment.",
}
_KEY_PARAMETER: Json = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Same key and body: the same answer, with `Idempotent-Replayed: true`. Another body: 422. Kept for 24 hours.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
    "example": "01939a5e-7c7e-7000-8000-000000000001",
}
_MATCH_PARAMETER: Json = {
    "name": "If-Match",
    "in": "header",
    "required": True,
    "description": "The ETag that was read.",
    "schema": {"type": "string"},
    "example": '"1"',
}
_ETAG: Json = {"description": "The version; send it back as If-Match.", "schema": {"type": "string"}, "example": '"1"'}
_PLACES = re.compile(r"\{(\w+)\}")
DEEPEST = 12  # how far an example follows schemas into each other
_METHODS = ("get", "put", "post", "patch", "delete")


def install(app: FastAPI) -> None:
    """Let the app answer /openapi.json with the whole contract."""

    def openapi() -> Json:
        if app.openapi_schema is None:
            app.openapi_schema = build(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # the way FastAPI documents for changing the schema


def build(app: FastAPI) -> Json:
    """The OpenAPI document."""
    document = get_openapi(
        title=app.title,
        version=app.version,
        openapi_version="3.1.0",
        description="Customer follow-up for car dealers: who is to be called, when, by whom, and what came of it.",
        routes=app.routes,
    )
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas["Problem"], schemas["ProblemPlace"] = _PROBLEM, _PLACE
    components["securitySchemes"] = {
        "bearer": {"type": "http", "scheme": "bearer", "description": "A staff access token, or an API key `hf_live_…`."},
        "password": {
            "type": "oauth2",
            "flows": {"password": {"tokenUrl": "/v1/auth/token", "refreshUrl": "/v1/auth/refresh", "scopes": {}}},
        },
    }
    for path, method, operation in operations(document):
        _complete(path, method, operation)
    for name, schema in schemas.items():
        if name.endswith("Patch"):  # what is not sent stays as it is: there is no default
            for part in schema.get("properties", {}).values():
                part.pop("default", None)
        if "examples" not in schema and "example" not in schema:
            schema["examples"] = [example_of(schema, schemas, name)]
    return document


def operations(document: Json) -> Iterator[tuple[str, str, Json]]:
    """Path, method and operation of everything in a document."""
    for path, item in document["paths"].items():
        for method in _METHODS:
            if method in item:
                yield path, method, item[method]


def _complete(path: str, method: str, operation: Json) -> None:
    rule = RULES.get(f"{method.upper()} {path.removeprefix('/v1')}")
    public = rule is not None and rule.level == "public"
    parameters = operation.setdefault("parameters", [])
    named = {parameter["name"].lower() for parameter in parameters}
    for name in _PLACES.findall(path):
        if name not in named:  # the path says it, and no function asks for it: the store's id
            parameters.append({"name": name, "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}})
    if method == "post" and "idempotency-key" not in named:
        parameters.append(_KEY_PARAMETER)
    if method == "patch" and "if-match" not in named:
        parameters.append(_MATCH_PARAMETER)
    if not parameters:
        del operation["parameters"]
    if not public:
        operation["security"] = [{"bearer": []}, {"password": []}]
    _add_problems(method, operation, public, "{store_id}" in path)


def _add_problems(method: str, operation: Json, public: bool, in_store: bool) -> None:
    responses: Json = operation["responses"]
    wanted = {"400", "422", "503"} | ({"401", "403"} if not public else set()) | ({"404"} if in_store else set())
    wanted |= {
        "post": {"409", "413", "415"},
        "patch": {"409", "412", "413", "415", "428"},
        "put": {"409", "412", "413", "415"},
    }.get(method, set())
    wanted |= {"409"} if method == "delete" else set()
    wanted |= {code for code in responses if code[0] in "45"}
    page = "text/html" in responses.get("200", {}).get("content", {})
    own = set(responses)
    for code in sorted(wanted):
        text = responses.get(code, {}).get("description") or _TEXTS.get(code, "The request failed.")
        responses[code] = {
            "description": _TEXTS.get(code, text) if text in {"Validation Error", "Unprocessable Entity"} else text,
            "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        if page and code in own:  # for a phone's browser: what it may be refused is a page as well
            responses[code]["content"]["text/html"] = {"schema": {"type": "string"}}
    if method == "patch":
        for code in ("200", "201"):
            if code in responses:
                responses[code].setdefault("headers", {})["ETag"] = _ETAG


def example_of(schema: Json, schemas: Mapping[str, Json], name: str = "", depth: int = 0) -> Any:
    """An example of a schema from the examples of its parts."""
    if schema.get("examples"):
        return schema["examples"][0]
    for key in ("example", "default", "const"):
        if key in schema and (schema[key] is not None or key != "default"):
            return schema[key]
    if "$ref" in schema and depth < DEEPEST:
        return example_of(schemas[schema["$ref"].rpartition("/")[2]], schemas, name, depth + 1)
    for key in ("anyOf", "oneOf", "allOf"):
        if schema.get(key):
            return example_of(schema[key][0], schemas, name, depth + 1)
    if schema.get("enum"):
        return schema["enum"][0]
    return _example_of_kind(schema, schemas, name, depth)


def _example_of_kind(schema: Json, schemas: Mapping[str, Json], name: str, depth: int) -> Any:
    kind = schema.get("type")
    if kind == "object" or "properties" in schema:
        return (
            {key: example_of(part, schemas, key, depth + 1) for key, part in schema.get("properties", {}).items()}
            if depth < DEEPEST
            else {}
        )
    if kind == "array":
        return [example_of(schema["items"], schemas, name, depth + 1)] if schema.get("items") and depth < DEEPEST else []
    plain = {"integer": int(schema.get("minimum", 1)), "number": 1.0, "boolean": True, "null": None}
    if kind in plain:
        return plain[kind]
    return {
        "uuid": "01939a5e-7c7e-7000-8000-000000000001",
        "date": "2026-11-23",
        "date-time": EXAMPLE_INSTANT,
        "time": "09:00:00",
    }.get(schema.get("format", ""), name or "text")
