"""Access tokens: what a person of a store shows for ten minutes."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

import jwt

from services.api.identities import ALGORITHM, AUDIENCE, ISSUER
from shared.clock import machine_now

ACCESS_LIFE = timedelta(minutes=10)


def access_token(secret: str, account_id: UUID, token_version: int, life: timedelta = ACCESS_LIFE) -> str:
    """A signed token of an account; void as soon as the account's `token_version` grows."""
    now = machine_now()
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "typ": "access",
        "sub": str(account_id),
        "tv": token_version,
        "jti": uuid4().hex,
        "iat": now,
        "exp": now + life,
    }
    return jwt.encode(claims, secret, algorithm=ALGORITHM)
