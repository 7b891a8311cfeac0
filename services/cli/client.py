"""The commands' client of the HTTP API: an operator's token of one minute, answers as JSON, refusals in plain words."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from datetime import timedelta
from types import TracebackType
from typing import Self

import httpx
import jwt

from services.cli.options import Json, Refused
from services.cli.state import System
from shared.clock import machine_now

LIFE = timedelta(seconds=60)
TIMEOUT = httpx.Timeout(60, connect=5)
UNFIT = frozenset({413, 415, 422})


class Unfit(Refused):
    """The API did not take this content; it may take another."""


def operator_token(secret_key: str) -> str:
    """A bearer token of the operator (who holds the secret), good for one minute."""
    now = machine_now()
    claims = {"iss": "huifang", "aud": "huifang-api", "typ": "operator", "sub": "operator", "iat": now, "exp": now + LIFE}
    return jwt.encode(claims, secret_key, algorithm="HS256")


class OperatorAuth(httpx.Auth):
    """Signs each request anew, so that a long import outlives a token."""

    def __init__(self, secret_key: str) -> None:
        self._secret_key = secret_key

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["Authorization"] = f"Bearer {operator_token(self._secret_key)}"
        yield request


class Api:
    """The API of a running system. Every method raises Refused with the API's own words when it says no."""

    def __init__(self, system: System) -> None:
        self._http = httpx.Client(
            base_url=system.api_url,
            auth=OperatorAuth(system.secret_key),
            timeout=TIMEOUT,
            trust_env=False,
            headers={"Accept-Language": "en"},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        self._http.close()

    def get(self, path: str, params: dict[str, str] | None = None) -> Json:
        return _json(self._send("GET", path, params=params))

    def post(self, path: str, body: Json, patience: float | httpx.Timeout = TIMEOUT) -> Json:
        """`patience`: seconds to wait for an answer that takes its time."""
        return _json(self._send("POST", path, json=body, timeout=patience))

    def put(self, path: str, body: Json) -> Json:
        return _json(self._send("PUT", path, json=body))

    def upload(self, path: str, fields: dict[str, str], name: str, content: bytes) -> Json:
        """A multipart form with one file."""
        return _json(self._send("POST", path, data=fields, files={"file": (name, content)}))

    def download(self, path: str, params: dict[str, str] | None = None, accept: str = "*/*") -> bytes:
        """The bytes of a file; `accept` says in which form."""
        return self._send("GET", path, params=params, headers={"Accept": accept}).content

    def items(self, path: str) -> Iterator[Json]:
        """Every item of a list, page after page."""
        cursor: str | None = None
        while True:
            page = self.get(path, {"limit": "200"} | ({"cursor": cursor} if cursor else {}))
            yield from page["items"]
            cursor = page.get("next_cursor")
            if not cursor:
                return

    def store_path(self, code: str) -> str:
        """`/v1/stores/{id}` of the store with this code."""
        for store in self.items("/v1/stores"):
            if store["code"] == code:
                return f"/v1/stores/{store['id']}"
        raise Refused(f"There is no store {code}. Add it: huifang store add --code {code} --name …")

    def _send(self, method: str, path: str, **content: object) -> httpx.Response:
        try:
            response = self._http.request(method, path, **content)  # type: ignore[arg-type]  # httpx's own keywords, from the methods above
        except httpx.TransportError as fault:
            raise Refused(f"The API at {self._http.base_url} did not answer ({type(fault).__name__}).") from fault
        if response.is_error:
            raise (Unfit if response.status_code in UNFIT else Refused)(_problem(response))
        return response


def _json(response: httpx.Response) -> Json:
    if not response.content:
        return {}
    answer: Json = response.json()
    return answer


def _problem(response: httpx.Response) -> str:
    """A problem document (RFC 9457) in one line a fault."""
    try:
        problem = response.json()
    except ValueError:
        return f"The API answered {response.status_code}."
    lines = [str(problem.get("detail") or problem.get("title") or f"The API answered {response.status_code}.")]
    lines += [f"  {error.get('pointer', '')}: {error.get('message', '')}" for error in problem.get("errors") or []]
    return "\n".join(lines)
