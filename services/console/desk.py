"""What every page of a signed-in person stands on: who, which store, what time it is for the service, and in which language."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import Depends, Request

from services.console import words
from services.console.api import Api, Caller, Json, SignedOut
from services.console.edge import KEEP_SESSION
from services.console.formats import Language, instant
from services.console.session import COOKIE, Sealer, Session
from shared.clock import machine_now
from shared.errors import Forbidden, HuifangError
from shared.settings import Settings

LANGUAGE_COOKIE = "huifang_language"
THEME_COOKIE = "huifang_theme"
THEMES = ("light", "dark")
CLOCK_IS_SET = timedelta(seconds=90)
"""A service's clock this far from the machine's is a demo's."""

MANAGERS = frozenset({"sales_manager", "service_manager", "customer_manager", "general_manager", "admin"})
IMPORTERS = MANAGERS | {"sales_clerk"}


class ChooseStore(HuifangError):
    """The person works in several stores and has not said which."""


@dataclass(frozen=True)
class Console:
    """What the process holds: settings, the API, the seal of cookies."""

    settings: Settings
    api: Api
    sealer: Sealer


@dataclass(frozen=True)
class Desk:
    """One request of one person in one store."""

    request: Request
    console: Console
    caller: Caller
    language: Language
    me: Json
    store: Json
    enumerations: Mapping[str, Any]
    programmes: Mapping[str, Any]

    @property
    def path(self) -> str:
        """The store's path in the API."""
        return f"/v1/stores/{self.store['store_id']}"

    @property
    def now(self) -> datetime:
        """The business instant, UTC or with the store's offset."""
        return instant(self.me["now"])

    @property
    def zone(self) -> tzinfo:
        return ZoneInfo(self.store["timezone"])

    @property
    def roles(self) -> frozenset[str]:
        return frozenset(self.store["roles"])

    @property
    def demo_clock(self) -> bool:
        return abs(self.now - machine_now()) > CLOCK_IS_SET

    @property
    def csrf(self) -> str:
        return self.caller.session.csrf

    def label(self, enumeration: str, value: str | None) -> str:
        """The API's word for a value; the value itself when the API has none."""
        if value is None:
            return ""
        word = self.enumerations.get(enumeration, {}).get(value)
        return str(word[self.language]) if word else value

    def word(self, table: str, code: str | None) -> str:
        """The console's own word for a code; `table` is a name of words.py."""
        return words.word(getattr(words, table), code, self.language)

    def programme(self, key: str) -> str:
        """The store's own name of a programme; one it no longer has keeps its key."""
        name = self.programmes.get(key)
        return str(name[self.language]) if name else self.word("PROGRAMMES", key)

    def t(self, zh: str, en: str) -> str:
        return en if self.language == "en" else zh


def console_of(request: Request) -> Console:
    """What the app holds."""
    console: Console = request.app.state.console
    return console


def language_of(request: Request) -> Language:
    """Chinese unless English was chosen."""
    return "en" if request.cookies.get(LANGUAGE_COOKIE) == "en" else "zh"


def theme_of(request: Request) -> str:
    """`light` or `dark`, as chosen; empty follows the system."""
    chosen = request.cookies.get(THEME_COOKIE, "")
    return chosen if chosen in THEMES else ""


def session_of(request: Request) -> Session | None:
    """Who the cookie says is signed in."""
    return console_of(request).sealer.open(request.cookies.get(COOKIE))


def keep(request: Request, session: Session | None) -> None:
    """Seal this session into the answer; None signs out."""
    request.scope[KEEP_SESSION] = session


async def caller_of(request: Request) -> Caller:
    """The API for the signed-in person. Raises SignedOut; Forbidden for a write without the page's own token."""
    session = session_of(request)
    if session is None:
        raise SignedOut
    sent = request.headers.get("x-csrf-token", "")
    if request.method not in ("GET", "HEAD") and not hmac.compare_digest(sent.encode(), session.csrf.encode()):
        raise Forbidden
    return Caller(console_of(request).api, session, language_of(request), lambda latest: keep(request, latest))


async def desk_of(request: Request, caller: Annotated[Caller, Depends(caller_of)]) -> Desk:
    """The desk of a request. Raises SignedOut, ChooseStore, Away."""
    console = console_of(request)
    me = await caller.get("/v1/me")
    stores = {store["store_id"]: store for store in me["stores"]}
    chosen = caller.session.store_id if caller.session.store_id in stores else next(iter(stores), None)
    if not stores or (len(stores) > 1 and caller.session.store_id not in stores):
        raise ChooseStore
    names = await console.api.programmes(caller, f"/v1/stores/{chosen}")
    return Desk(request, console, caller, language_of(request), me, stores[chosen], await console.api.words(), names)


Signed = Annotated[Desk, Depends(desk_of)]
