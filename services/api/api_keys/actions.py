"""Writes and reads of API keys. Expiry is machine time."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from services.api.api_keys.schemas import ApiKeyIn
from services.api.identities import KEY_START, key_digest
from shared.clock import machine_now
from shared.errors import NotFound
from shared.tables.stores import ApiKey
from shared.tokens import ALPHABET, base62

PREFIX_LENGTH = 12


async def make_key(session: AsyncSession, store_id: UUID, body: ApiKeyIn) -> tuple[ApiKey, str]:
    """A key's row and its text, which is kept nowhere."""
    prefix = "".join(secrets.choice(ALPHABET) for _ in range(PREFIX_LENGTH))
    secret = base62(secrets.token_bytes(32))
    key = ApiKey(
        store_id=store_id,
        name=body.name,
        prefix=prefix,
        secret_hash=key_digest(secret),
        scopes=sorted(set(body.scopes)),
        created_at=machine_now(),
        expires_at=body.expires_at,
    )
    session.add(key)
    await session.flush()
    return key, f"{KEY_START}{prefix}_{secret}"


async def revoke_key(session: AsyncSession, store_id: UUID, key_id: UUID) -> None:
    """End a key; ending it again changes nothing. Raises NotFound."""
    key = await session.get(ApiKey, key_id, with_for_update=True)
    if key is None or key.store_id != store_id:
        raise NotFound
    key.revoked_at = key.revoked_at or machine_now()


async def keys_of(session: AsyncSession, store_id: UUID, *, after: UUID | None, limit: int) -> Sequence[ApiKey]:
    """Keys of a store, the newest first, one more than `limit`."""
    found = select(ApiKey).where(col(ApiKey.store_id) == store_id).order_by(col(ApiKey.id).desc()).limit(limit + 1)
    if after is not None:
        found = found.where(col(ApiKey.id) < after)
    return (await session.scalars(found)).all()
