"""A client made from an OpenAPI document and nothing else: one call for each operationId, typed answers, problems raised.

It stands for what generators make of the document: what it cannot do, a generated client cannot do either.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx

Json = dict[str, Any]
METHODS = ("get", "put", "post", "patch", "delete")
_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}


class Problem(Exception):
    """A documented refusal; `document` is the problem."""

    def __init__(self, status: int, document: Any) -> None:
        super().__init__(f"{status} {document.code}: {document.detail}")
        self.status, self.document = status, document


class OffContract(Exception):
    """The service answered what the document does not say, or the caller asked for what it does not offer."""


class ContractClient:
    """`await client.call("get_visit", store_id=…, visit_id=…)`; headers are named with underscores, such as `if_match`."""

    def __init__(self, document: Json, http: httpx.AsyncClient) -> None:
        self._schemas: Json = document["components"]["schemas"]
        self._http = http
        self._operations = {
            operation["operationId"]: (method, path, operation)
            for path, item in document["paths"].items()
            for method, operation in item.items()
            if method in METHODS
        }

    @classmethod
    def of_file(cls, file: Path, http: httpx.AsyncClient) -> ContractClient:
        return cls(json.loads(file.read_text(encoding="utf-8")), http)

    async def call(self, operation_id: str, *, body: Any = None, **given: Any) -> Any:
        """The answer as the document types it. Raises Problem for a documented refusal, OffContract for anything else."""
        method, path, operation = self._operations[operation_id]
        places: dict[str, Json] = {"path": {}, "query": {}, "header": {}}
        for parameter in operation.get("parameters", ()):
            name = parameter["name"].lower().replace("-", "_")
            if name in given:
                places[parameter["in"]][parameter["name"]] = given.pop(name)
            elif parameter["required"]:
                raise OffContract(f"{operation_id} wants {name}")
        if given:
            raise OffContract(f"{operation_id} knows no {', '.join(given)}")
        answer = await self._http.request(
            method, path.format(**places["path"]), params=places["query"], headers=places["header"], **_content(operation, body)
        )
        return self._answer(operation, answer)

    def _answer(self, operation: Json, answer: httpx.Response) -> Any:
        response = operation["responses"].get(str(answer.status_code))
        if response is None:
            raise OffContract(f"{operation['operationId']} answered {answer.status_code}: {answer.text}")
        content_type = answer.headers.get("content-type", "").partition(";")[0]
        if not response.get("content"):
            return None
        if content_type not in response["content"]:
            raise OffContract(f"{operation['operationId']} answered {content_type}")
        if not content_type.endswith("json"):
            return answer.text
        value = self.read(response["content"][content_type]["schema"], answer.json(), "#")
        if answer.status_code >= 400:
            raise Problem(answer.status_code, value)
        return value

    def read(self, schema: Json, value: Any, place: str) -> Any:
        """The value as objects with attributes. Raises OffContract where it is not what the schema says."""
        if "$ref" in schema:
            return self.read(self._schemas[schema["$ref"].rpartition("/")[2]], value, place)
        if "anyOf" in schema:
            return self._any(schema["anyOf"], value, place)
        kind = schema.get("type")
        if (kind and not isinstance(value, _TYPES[kind])) or (isinstance(value, bool) and kind in {"integer", "number"}):
            raise OffContract(f"{place}: {value!r} is no {kind}")
        if "enum" in schema and value not in schema["enum"]:
            raise OffContract(f"{place}: {value!r} is none of {schema['enum']}")
        if kind == "array":
            return [self.read(schema.get("items", {}), part, f"{place}/{index}") for index, part in enumerate(value)]
        return self._object(schema, value, place) if "properties" in schema else value

    def _any(self, options: list[Json], value: Any, place: str) -> Any:
        faults = []
        for option in options:
            try:
                return self.read(option, value, place)
            except OffContract as fault:
                faults.append(str(fault))
        raise OffContract("; ".join(faults))

    def _object(self, schema: Json, value: Json, place: str) -> SimpleNamespace:
        missing = [name for name in schema.get("required", ()) if name not in value]
        if missing:
            raise OffContract(f"{place}: without {', '.join(missing)}")
        known = schema["properties"]
        return SimpleNamespace(**{name: self.read(known.get(name, {}), part, f"{place}/{name}") for name, part in value.items()})


def _content(operation: Json, body: Any) -> Json:
    """The body in the form that the document names for it."""
    if body is None:
        return {}
    if "requestBody" not in operation:
        raise OffContract(f"{operation['operationId']} takes no body")
    (content_type,) = operation["requestBody"]["content"]
    return {"json": body} if content_type == "application/json" else {"data": body}
