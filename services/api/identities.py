"""Who calls: bearer tokens and API keys, and what they are in a store. Known for a few seconds, then asked again."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from time import monotonic
from typing import Any, Literal, TypeAlias, TypeVar
from uuid import UUID

import jwt

from services.api.errors import Unauthenticated
from services.api.permissions import TEAMS
from shared.clock import machine_now
from shared.db import Pool, store_transaction
from shared.errors import NotFound
from shared.events import OPERATOR, SYSTEM, Actor

ISSUER, AUDIENCE, ALGORITHM = "huifang", "huifang-api", "HS256"
REQUIRED = ["exp", "iat", "iss", "aud", "sub", "typ"]
OPERATOR_LIFE = timedelta(minutes=5)
REMEMBER_SECONDS = 5.0
LONGEST_CREDENTIAL = 4096
KEY_START = "hf_live_"

ADMIN = "admin"
GENERAL_MANAGER = "general_manager"
MANAGERS = frozenset({"sales_manager", "service_manager", "customer_manager", "general_manager", ADMIN})
SCOPES = ("read", "write", "pii:read", "import", "hooks")

Kind: TypeAlias = Literal["staff", "key", "operator"]
T = TypeVar("T")


@dataclass(frozen=True)
class Caller:
    """Who calls, before any store: an account, an API key of one store, or the operator."""

    kind: Kind
    id: UUID | None = None
    scopes: frozenset[str] = frozenset()
    key_store_id: UUID | None = None

    @property
    def principal(self) -> str:
        """One name for this caller over all its tokens."""
        return f"{self.kind}|{self.id or ''}"


@dataclass(frozen=True)
class Me:
    """The caller in the store of the path. `staff_id` is set for people only; the operator and admins may do everything."""

    caller: Caller
    store_id: UUID
    timezone: str
    staff_id: UUID | None = None
    name: str = ""
    roles: frozenset[str] = frozenset()

    @property
    def is_admin(self) -> bool:
        return self.caller.kind == "operator" or ADMIN in self.roles

    @property
    def is_manager(self) -> bool:
        """A manager of any department, the general manager, an admin, or the operator."""
        return self.is_admin or bool(self.roles & MANAGERS)

    @property
    def reads_all(self) -> bool:
        """Sees messages, surveys and tasks of the whole store: managers, the operator, and keys, which their scopes bind."""
        return self.is_manager or self.caller.kind == "key"

    @property
    def reads_every_visit(self) -> bool:
        """Sees every visit of the store: the general manager, admins, the operator, keys."""
        return self.is_admin or GENERAL_MANAGER in self.roles or self.caller.kind == "key"

    @property
    def team(self) -> frozenset[str]:
        """The roles whose visits a department's manager sees, what is done by nobody ("system") among them; else none."""
        led = frozenset[str]().union(*(TEAMS[role] for role in self.roles if role in TEAMS))
        return led | {"system"} if led else led

    @property
    def closed_tiers(self) -> list[str]:
        """Tiers whose results are not for the caller's eyes: the club audits the consultants (S0)."""
        audited = "sales_consultant" in self.roles and "insurance_specialist" not in self.roles
        return ["club"] if audited and not self.reads_all else []

    @property
    def reads_pii(self) -> bool:
        """May be shown whole numbers without asking for each: only keys with `pii:read`."""
        return "pii:read" in self.caller.scopes

    @property
    def actor(self) -> Actor:
        """The caller as histories name it."""
        if self.staff_id is not None:
            return Actor("staff", self.staff_id)
        return OPERATOR if self.caller.kind == "operator" else SYSTEM


def key_digest(secret: str) -> bytes:
    """What is kept of an API key's secret: it has 256 bits of chance, so a plain digest is enough."""
    return sha256(secret.encode()).digest()


class Identities:
    """Finds callers; remembers what it found for REMEMBER_SECONDS, so a revoked one is refused within ten seconds."""

    def __init__(self, pool: Pool, secret: str) -> None:
        self._pool = pool
        self._secret = secret
        self._known: dict[Hashable, tuple[float, Any]] = {}

    def forget(self) -> None:
        """Ask again for everybody: call after staff, accounts or keys changed."""
        self._known.clear()

    async def identify(self, authorization: str | None) -> Caller:
        """The caller of an Authorization header. Raises Unauthenticated."""
        scheme, _, credential = (authorization or "").partition(" ")
        credential = credential.strip()
        if scheme.lower() != "bearer" or not credential or len(credential) > LONGEST_CREDENTIAL:
            raise Unauthenticated
        if credential.startswith("hf_"):
            return await self._of_key(credential)
        return await self._of_token(credential)

    async def enter(self, caller: Caller, store_id: UUID) -> Me:
        """The caller in a store. Raises NotFound for a store that the caller has nothing to do with."""
        me: Me | None = await self._remember((caller, store_id), lambda: self._find_me(caller, store_id))
        if me is None:
            raise NotFound
        return me

    async def has_role(self, caller: Caller, roles: frozenset[str]) -> bool:
        """Whether a caller has one of the roles in any store; the operator has them all."""
        if caller.kind != "staff":
            return caller.kind == "operator"
        for row in await self._pool.fetch("SELECT store_id FROM account_stores WHERE account_id = $1", caller.id):
            me: Me | None = await self._find_me(caller, row["store_id"])
            if me is not None and me.roles & roles:
                return True
        return False

    async def _of_token(self, token: str) -> Caller:
        claims = self._claims(token)
        if claims["typ"] == "operator" and claims["sub"] == "operator":
            if claims["exp"] - claims["iat"] > OPERATOR_LIFE.total_seconds():
                raise Unauthenticated
            return Caller("operator")
        if claims["typ"] != "access":
            raise Unauthenticated
        try:
            account_id, version = UUID(claims["sub"]), int(claims["tv"])
        except (ValueError, KeyError, TypeError):
            raise Unauthenticated from None
        if await self._remember(("account", account_id), lambda: self._token_version(account_id)) != version:
            raise Unauthenticated
        return Caller("staff", account_id)

    def _claims(self, token: str) -> dict[str, Any]:
        """The claims of a token; one that was checked a moment ago is not checked again before it ends."""
        known = self._known.get(("token", token))
        if known is not None and known[0] > monotonic():
            claims: dict[str, Any] = known[1]
            return claims
        claims = read_token(token, self._secret)
        left = claims["exp"] - machine_now().timestamp()
        self._keep(("token", token), min(left, REMEMBER_SECONDS), claims)
        return claims

    async def _token_version(self, account_id: UUID) -> int | None:
        found: int | None = await self._pool.fetchval(
            "SELECT token_version FROM accounts WHERE id = $1 AND disabled_at IS NULL", account_id
        )
        return found

    async def _of_key(self, key: str) -> Caller:
        prefix, _, secret = key.removeprefix(KEY_START).partition("_")
        if not key.isascii() or not key.startswith(KEY_START) or not secret:
            raise Unauthenticated
        row = await self._remember(("key", prefix), lambda: self._find_key(prefix))
        digest = key_digest(secret)
        if row is None or not hmac.compare_digest(row["secret_hash"], digest):
            raise Unauthenticated
        if row["revoked_at"] is not None or (row["expires_at"] is not None and row["expires_at"] <= machine_now()):
            raise Unauthenticated
        return Caller("key", row["id"], frozenset(row["scopes"]), row["store_id"])

    async def _find_key(self, prefix: str) -> Any:
        return await self._pool.fetchrow(
            "SELECT id, store_id, secret_hash, scopes, expires_at, revoked_at FROM api_keys WHERE prefix = $1", prefix
        )

    async def _find_me(self, caller: Caller, store_id: UUID) -> Me | None:
        if caller.kind == "staff":
            return await self._find_staff(caller, store_id)
        if caller.kind == "key" and caller.key_store_id != store_id:
            return None
        timezone = await self._pool.fetchval("SELECT timezone FROM stores WHERE id = $1", store_id)
        return Me(caller, store_id, timezone) if timezone else None

    async def _find_staff(self, caller: Caller, store_id: UUID) -> Me | None:
        async with store_transaction(self._pool, store_id) as connection:
            row = await connection.fetchrow(
                "SELECT t.id, t.name, t.roles, s.timezone FROM account_stores a"
                " JOIN stores s ON s.id = a.store_id JOIN staff t ON t.store_id = a.store_id AND t.id = a.staff_id"
                " WHERE a.account_id = $1 AND a.store_id = $2 AND t.active",
                caller.id,
                store_id,
            )
        if row is None:
            return None
        return Me(caller, store_id, row["timezone"], row["id"], row["name"], frozenset(row["roles"]))

    async def _remember(self, key: Hashable, ask: Callable[[], Awaitable[T]]) -> T:
        now = monotonic()
        found = self._known.get(key)
        if found is not None and found[0] > now:
            known: T = found[1]
            return known
        answer = await ask()
        if answer is not None:  # what does not exist is asked for each time: it may be made any moment, and would fill the memory
            self._keep(key, REMEMBER_SECONDS, answer)
        return answer

    def _keep(self, key: Hashable, seconds: float, answer: Any) -> None:
        if len(self._known) > 10_000:
            self._known.clear()
        self._known[key] = (monotonic() + seconds, answer)


def read_token(token: str, secret: str) -> dict[str, Any]:
    """The claims of a token of ours (RFC 8725: one algorithm, ours; issuer, audience, times and type required).

    Raises Unauthenticated.
    """
    try:
        claims: dict[str, Any] = jwt.decode(
            token, secret, algorithms=[ALGORITHM], audience=AUDIENCE, issuer=ISSUER, options={"require": REQUIRED}
        )
    except (jwt.PyJWTError, ValueError):
        raise Unauthenticated from None
    return claims
