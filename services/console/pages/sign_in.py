"""Sign in and out, the store in view, language and looks."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse

from services.console.api import Away, Caller, Problem
from services.console.desk import (
    LANGUAGE_COOKIE,
    THEME_COOKIE,
    THEMES,
    caller_of,
    console_of,
    keep,
    language_of,
    session_of,
)
from services.console.errors import go
from services.console.render import plain
from shared.errors import HuifangError, NotFound

router = APIRouter()

YEAR_SECONDS = 365 * 24 * 3600
WRONG = ("账号或密码不对。", "Wrong name or password.")
EXPIRED = ("登录已过期，请重新登录，内容不会丢。", "Your session has ended. Sign in again; nothing is lost.")
WAIT = ("尝试次数过多，请 {seconds} 秒后再试，或请管理员重置。", "Too many tries. Wait {seconds} s, or ask an administrator.")
AWAY = ("服务暂时连接不上，请稍后再试。", "The service does not answer; try again shortly.")


def local_path(url: str) -> str:
    """A path of ours to go on to; anything else becomes the front page."""
    return url if url.startswith("/") and not url.startswith(("//", "/\\")) else "/today"


@router.get("/sign-in")
async def show(request: Request, next: str = "/today", expired: bool = False) -> Response:
    """The form; whoever is signed in goes on."""
    if session_of(request) is not None and not expired:
        return RedirectResponse(local_path(next), 303)
    words = EXPIRED[language_of(request) == "en"] if expired else ""
    return plain(request, "sign_in/page.html", next=local_path(next), login="", error="", note=words)


@router.post("/sign-in")
async def sign_in(
    request: Request,
    login: Annotated[str, Form(max_length=200)] = "",
    password: Annotated[str, Form(max_length=256)] = "",
    next: Annotated[str, Form()] = "/today",
) -> Response:
    """Exchange name and password for a session; never says which of the two was wrong."""
    english = language_of(request) == "en"
    try:
        session = await console_of(request).api.sign_in(login.strip(), password, language_of(request))
    except Problem as refusal:
        words = WAIT[english].format(seconds=refusal.retry_after or 30) if refusal.status == 429 else WRONG[english]
        status = 429 if refusal.status == 429 else 401
    except Away:
        words, status = AWAY[english], 503
    else:
        keep(request, session)
        return RedirectResponse(local_path(next), 303)
    return plain(request, "sign_in/page.html", status=status, next=local_path(next), login=login, error=words, note="")


@router.post("/sign-out")
async def sign_out(request: Request, caller: Annotated[Caller, Depends(caller_of)]) -> Response:
    """End the session here, and in the API when it answers."""
    with suppress(HuifangError):  # the refresh token ends by itself; the cookie goes in any case
        await console_of(request).api.sign_out(caller.session)
    keep(request, None)
    return go(request, "/sign-in")


@router.get("/stores")
async def choose(request: Request, caller: Annotated[Caller, Depends(caller_of)]) -> Response:
    """The stores of a person who works in several."""
    me = await caller.get("/v1/me")
    return plain(request, "sign_in/stores.html", stores=me["stores"], csrf=caller.session.csrf)


@router.post("/stores")
async def chosen(request: Request, store_id: Annotated[str, Form()], caller: Annotated[Caller, Depends(caller_of)]) -> Response:
    """Put a store in view."""
    me = await caller.get("/v1/me")
    if store_id not in {store["store_id"] for store in me["stores"]}:
        raise NotFound
    keep(request, replace(caller.session, store_id=store_id))
    return go(request, "/today")


@router.post("/preferences")
async def prefer(
    request: Request,
    next: Annotated[str, Form()] = "/today",
    language: Annotated[str, Form()] = "",
    theme: Annotated[str, Form()] = "",
) -> Response:
    """Language and looks, in plain cookies: they are wanted before anybody has signed in."""
    response = RedirectResponse(local_path(next), 303)
    if language in ("zh", "en"):
        response.set_cookie(LANGUAGE_COOKIE, language, max_age=YEAR_SECONDS, samesite="strict", httponly=True)
    if theme in THEMES:
        response.set_cookie(THEME_COOKIE, theme, max_age=YEAR_SECONDS, samesite="strict", httponly=True)
    return response
