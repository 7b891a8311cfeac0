"""The API as the console sees it: one client for the process, one caller for each request.

Refresh tokens are good once and a second use ends the session, so requests of one page that find the same token stale share one
refresh: the first asks, the others, and those that come within a minute with the old cookie, get the same pair.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeAlias

import httpx
import orjson

from services.console.session import Session, new_csrf
from shared.clock import machine_now
from shared.errors import HuifangError

Json: TypeAlias = dict[str, Any]

PATIENCE = httpx.Timeout(30.0, connect=3.0)
LIMITS = httpx.Limits(max_connections=40, max_keepalive_connections=20)
EARLY_SECONDS = 45  # a token is exchanged this long before it ends
KEEP_PAIRS_SECONDS = 60
WORDS_SECONDS = 300


class Problem(HuifangError):
    """The API refused; `detail` says why in the caller's language."""

    def __init__(self, status: int, body: Mapping[str, Any], retry_after: str | None = None) -> None:
        self.status = status
        self.code = str(body.get("code", "error"))
        self.detail = str(body.get("detail") or body.get("title") or "")
        self.errors: list[Json] = list(body.get("errors") or [])
        self.request_id = str(body.get("request_id") or "")
        self.retry_after = retry_after
        super().__init__(self.detail or self.code)


class Away(HuifangError):
    """The API does not answer."""

    code = "away"


class SignedOut(HuifangError):
    """There is no session, or it has ended."""

    code = "signed_out"


class Api:
    """The API at `base_url`. `transport` stands in for the network in tests."""

    def __init__(self, base_url: str, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._http = httpx.AsyncClient(
            base_url=base_url, transport=transport, timeout=PATIENCE, limits=LIMITS, trust_env=False, follow_redirects=False
        )
        self._pairs: dict[str, tuple[float, asyncio.Task[Session]]] = {}
        self._words: tuple[float, Json] | None = None
        self._programmes: dict[str, tuple[float, Json]] = {}

    async def close(self) -> None:
        await self._http.aclose()

    async def send(self, method: str, path: str, **options: Any) -> httpx.Response:
        """One request. Raises Problem for a refusal, Away when nobody answers."""
        try:
            answer = await self._http.request(method, path, **options)
        except httpx.TransportError as fault:
            raise Away from fault
        if answer.status_code < 400:
            return answer
        if answer.status_code in (502, 503, 504):
            raise Away
        raise Problem(answer.status_code, _body(answer), answer.headers.get("retry-after"))

    async def sign_in(self, login: str, password: str, language: str) -> Session:
        """A session for a name and a password. Raises Problem (401, 429), Away."""
        form = {"grant_type": "password", "username": login, "password": password}
        answer = await self.send("POST", "/v1/auth/token", data=form, headers={"Accept-Language": language})
        return _session(answer.json())

    async def sign_out(self, session: Session) -> None:
        """End the session, as far as the API can be told."""
        await self.send("POST", "/v1/auth/logout", json={"refresh_token": session.refresh})

    async def refreshed(self, session: Session) -> Session:
        """The session with its next pair of tokens. Raises SignedOut, Away."""
        now = machine_now().timestamp()
        self._pairs = {key: pair for key, pair in self._pairs.items() if pair[0] > now}
        known = self._pairs.get(session.refresh)
        if known is None:
            task = asyncio.create_task(self._refresh(session))
            self._pairs[session.refresh] = (now + KEEP_PAIRS_SECONDS, task)
        else:
            task = known[1]
        try:
            pair = await asyncio.shield(task)
        except HuifangError:
            self._pairs.pop(session.refresh, None)
            raise
        return replace(session, access=pair.access, refresh=pair.refresh, fresh_until=pair.fresh_until)

    async def _refresh(self, session: Session) -> Session:
        try:
            answer = await self.send("POST", "/v1/auth/refresh", json={"refresh_token": session.refresh})
        except Problem as refusal:
            raise SignedOut from refusal
        return _session(answer.json())

    async def words(self) -> Json:
        """The API's enumerations: `{name: {value: {zh, en}}}`; kept for some minutes."""
        now = machine_now().timestamp()
        if self._words is None or self._words[0] < now:
            found = (await self.send("GET", "/v1/enumerations")).json()["enumerations"]
            words = {name: {word["value"]: word for word in listed} for name, listed in found.items()}
            self._words = (now + WORDS_SECONDS, words)
        return self._words[1]

    async def programmes(self, caller: Caller, store_path: str) -> Json:
        """What a store calls its programmes: `{key: {zh, en}}`; kept for some minutes, nobody's data are in it."""
        now = machine_now().timestamp()
        known = self._programmes.get(store_path)
        if known is None or known[0] < now:
            items = (await caller.get(f"{store_path}/programmes"))["items"]
            names = {item["key"]: {"zh": item["name_zh"], "en": item["name_en"]} for item in items}
            known = self._programmes[store_path] = (now + WORDS_SECONDS, names)
        return known[1]


class Caller:
    """The API for one signed-in person during one request; `keep` is told of each new pair of tokens."""

    def __init__(self, api: Api, session: Session, language: str, keep: Callable[[Session], None]) -> None:
        self._api = api
        self._language = language
        self._keep = keep
        self.session = session

    async def send(self, method: str, path: str, *, key: str | None = None, **options: Any) -> httpx.Response:
        """One request of this person. Raises Problem, Away, SignedOut."""
        if self.session.fresh_until <= machine_now().timestamp():
            await self._refresh()
        try:
            return await self._api.send(method, path, headers=self._headers(key), **options)
        except Problem as refusal:
            if refusal.status != 401:
                raise
        # The access token ended before its time: the password was changed, or the secret was.
        await self._refresh()
        try:
            return await self._api.send(method, path, headers=self._headers(key), **options)
        except Problem as refusal:
            if refusal.status == 401:
                raise SignedOut from refusal
            raise

    async def get(self, path: str, **params: Any) -> Json:
        """What a GET answers."""
        given = {name: value for name, value in params.items() if value not in (None, "")}
        answer: Json = (await self.send("GET", path, params=given)).json()
        return answer

    async def post(self, path: str, body: Mapping[str, Any] | None = None, *, key: str | None = None) -> Json:
        """What a POST answers; `key` is its Idempotency-Key."""
        answer = await self.send("POST", path, key=key, json=body if body is not None else {})
        found: Json = answer.json() if answer.content else {}
        return found

    async def _refresh(self) -> None:
        self.session = await self._api.refreshed(self.session)
        self._keep(self.session)

    def _headers(self, key: str | None) -> dict[str, str]:
        headers = {"Authorization": f"Bearer {self.session.access}", "Accept-Language": self._language}
        return headers | ({"Idempotency-Key": key} if key else {})


def _session(tokens: Mapping[str, Any]) -> Session:
    fresh_until = int(machine_now().timestamp()) + int(tokens["expires_in"]) - EARLY_SECONDS
    return Session(str(tokens["access_token"]), str(tokens["refresh_token"]), fresh_until, new_csrf())


def _body(answer: httpx.Response) -> Json:
    try:
        body = orjson.loads(answer.content)
    except orjson.JSONDecodeError:
        return {}
    return body if isinstance(body, dict) else {}
