"""Who is signed in, sealed into one cookie: the console itself keeps nothing, so it may restart or run many times over."""

from __future__ import annotations

import base64
import secrets
from dataclasses import asdict, dataclass

import orjson
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

COOKIE = "huifang_session"
LIFE_SECONDS = 14 * 24 * 3600  # as long as a refresh token


@dataclass(frozen=True)
class Session:
    """A person's tokens, the store in view, and what proves that a request comes from our own page.

    `fresh_until`: machine seconds since 1970 until which the access token is good.
    """

    access: str
    refresh: str
    fresh_until: int
    csrf: str
    store_id: str | None = None


def new_csrf() -> str:
    """A value that pages of other sites cannot know."""
    return secrets.token_urlsafe(24)


class Sealer:
    """Seals sessions with a key of its own, derived from the deployment's secret."""

    def __init__(self, secret_key: str) -> None:
        derived = HKDF(SHA256(), 32, salt=None, info=b"huifang console session").derive(secret_key.encode())
        self._fernet = Fernet(base64.urlsafe_b64encode(derived))

    def seal(self, session: Session) -> str:
        """The session as a cookie's value."""
        return self._fernet.encrypt(orjson.dumps(asdict(session))).decode()

    def open(self, value: str | None) -> Session | None:
        """The session of a cookie; None when there is none, it is too old, or it was not sealed by us."""
        if not value:
            return None
        try:
            return Session(**orjson.loads(self._fernet.decrypt(value.encode(), ttl=LIFE_SECONDS)))
        except (InvalidToken, orjson.JSONDecodeError, TypeError):
            return None
