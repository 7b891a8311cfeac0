"""The route class of every feature: finds the caller, asks the table of permissions, then lets the feature work."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from typing import Any, Final
from uuid import UUID

import asyncpg
import structlog
from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.routing import APIRoute

from services.api import errors, etags, idempotency
from services.api.house import house_of
from services.api.identities import ADMIN, Caller, Me
from services.api.methods import allowed
from services.api.permissions import RULES, Rule
from services.api.wire import use_zone
from shared.errors import Forbidden, Invalid

ID_LENGTH: Final = 36
TRIES: Final = 3
PAUSE: Final = 0.05
ROLLED_BACK: Final = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError)
FUNCTION_STACK: Final = (
    "fastapi_function_astack"  # where FastAPI looks for what outlives the work of a route; tests/api/test_again.py
)

log = structlog.get_logger("api")

Handle = Callable[[Request], Coroutine[Any, Any, Response]]


class NotAnId(Invalid):
    """This is no id."""

    code = "not_an_id"
    zh = "不是有效的编号。"

    def __init__(self, pointer: str) -> None:
        super().__init__(pointer=pointer)


class NotStorable(Invalid):
    """The address holds a character that cannot be kept."""

    code = "not_storable"
    zh = "地址中含有无法保存的字符。"


class Route(APIRoute):
    """Admission before anything of the body is read; If-Match on PATCH; Idempotency-Key on POST."""

    def get_route_handler(self) -> Handle:
        inner = super().get_route_handler()
        if direct := getattr(self.endpoint, "direct", None):
            inner = direct(inner)
        path = self.path_format

        async def handle(request: Request) -> Response:
            request.scope["huifang.route"] = path
            await admit(request, path)
            if _is_a_word(request) and request.method not in allowed(request.app, request.scope["path"]).split(", "):
                raise HTTPException(405)
            if request.method == "PATCH":
                etags.require(request)
            return await _again(request, once if request.method == "POST" else inner)

        async def once(request: Request) -> Response:
            return await idempotency.once(request, inner)

        return handle


def _is_a_word(request: Request) -> bool:
    """Does the address have a word where this route has an id: another route may be named so (`/customers/duplicates`)."""
    return any(len(str(value)) != ID_LENGTH for name, value in request.path_params.items() if name.endswith("_id"))


async def _again(request: Request, work: Handle) -> Response:
    """Run the work of a request; from the beginning when PostgreSQL chose its transaction to end a deadlock.

    Each run has a stack of its own for what the framework closes after the work, the transaction first of all: the one that failed
    lets go of its locks before the next begins. Forms are streams and are not read twice.
    """
    tries = 1 if request.headers.get("content-type", "").lower().startswith("multipart/") else TRIES
    while True:
        tries -= 1
        try:
            async with AsyncExitStack() as stack:
                request.scope[FUNCTION_STACK] = stack
                return await work(request)
        except Exception as error:
            if not tries or not isinstance(errors.driver_error(error), ROLLED_BACK):
                raise
            log.info("once_more", route=request.scope["huifang.route"], error=type(error).__name__)
        request.state.then = []
        await asyncio.sleep(random.uniform(0, PAUSE))  # noqa: S311 (nothing to guess)


def router(prefix: str = "", tag: str | None = None) -> APIRouter:
    """A feature's router; app.py mounts it under /v1. `prefix` is as in permissions.py, such as `/stores/{store_id}/staff`."""
    return APIRouter(prefix=prefix, tags=[tag] if tag else None, route_class=Route)


async def admit(request: Request, path: str) -> None:
    """Let the caller in or raise: 401 unknown, 404 nothing to do with the store, 403 known and not allowed."""
    rule = RULES.get(f"{request.method} {path}")
    house = house_of(request)
    use_zone(house.settings.timezone)
    refuse_unstorable(request)
    if rule is not None and rule.level == "public":
        return
    caller = await house.identities.identify(request.headers.get("authorization"))
    request.state.caller = caller
    if rule is None:
        log.error("route_without_rule", method=request.method, route=path)
        raise Forbidden
    if rule.level == "store":
        me = await house.identities.enter(caller, store_of(request))
        request.state.me = me
        use_zone(me.timezone)
        _check_roles(rule, me)
    _check_caller(rule, caller)
    if rule.level == "signed_in" and rule.roles is not None and not await house.identities.has_role(caller, rule.roles):
        raise Forbidden


def _check_caller(rule: Rule, caller: Caller) -> None:
    if rule.level == "operator" and caller.kind != "operator":
        raise Forbidden
    if caller.kind == "key" and (rule.scope is None or rule.scope not in caller.scopes):
        raise Forbidden


def _check_roles(rule: Rule, me: Me) -> None:
    if me.caller.kind != "staff" or rule.roles is None or ADMIN in me.roles:
        return
    if not me.roles & rule.roles:
        raise Forbidden


def store_of(request: Request) -> UUID:
    """The store in the path. Raises Invalid when it is no id."""
    try:
        return UUID(request.path_params["store_id"])
    except ValueError:
        raise NotAnId("path/store_id") from None


def refuse_unstorable(request: Request) -> None:
    """No value in the address may hold the character NUL, which PostgreSQL cannot keep."""
    if "\x00" in request.url.path or "\x00" in request.scope["path"] or "%00" in request.url.query:
        raise NotStorable
