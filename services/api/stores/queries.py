"""Reads of stores."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from services.api.identities import Caller
from shared.errors import NotFound
from shared.tables.stores import AccountStore, Store


async def stores_of(session: AsyncSession, caller: Caller, *, after: str | None, limit: int) -> Sequence[Store]:
    """The stores a caller has to do with, by code, one more than `limit`."""
    found = select(Store).order_by(col(Store.code)).limit(limit + 1)
    if after is not None:
        found = found.where(col(Store.code) > after)
    if caller.kind == "key":
        found = found.where(col(Store.id) == caller.key_store_id)
    elif caller.kind == "staff":
        mine = select(col(AccountStore.store_id)).where(col(AccountStore.account_id) == caller.id)
        found = found.where(col(Store.id).in_(mine))
    return (await session.scalars(found)).all()


async def store_by_id(session: AsyncSession, store_id: UUID, *, lock: bool = False) -> Store:
    """A store, locked until the transaction ends if wanted. Raises NotFound."""
    store = await session.get(Store, store_id, with_for_update=lock)
    if store is None:
        raise NotFound
    return store
