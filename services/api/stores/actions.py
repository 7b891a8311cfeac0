"""Writes of stores. `version` grows with every change: other processes read a store anew when it does."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from services.api.etags import Expected
from services.api.shipped import select_shipped
from services.api.stores.hours import stored_hours
from services.api.stores.queries import store_by_id
from services.api.stores.schemas import StoreIn, StorePatch
from shared.db import raw, set_store_sql
from shared.errors import Conflict
from shared.tables.stores import Store

LONGEST_SIGNATURE = 12


class StoreCodeTaken(Conflict):
    """There is a store with this code."""

    code = "store_code_taken"
    zh = "已有使用该代码的门店。"


async def create_store(session: AsyncSession, body: StoreIn, *, timezone: str, now: datetime) -> Store:
    """A new store; the session speaks for it from here on. Raises StoreCodeTaken."""
    if await session.scalar(select(col(Store.id)).where(col(Store.code) == body.code)):
        raise StoreCodeTaken
    store = Store(
        **body.model_dump(exclude={"weekly_hours", "timezone", "signature"}),
        timezone=body.timezone or timezone,
        signature=body.signature or body.name[:LONGEST_SIGNATURE],
        weekly_hours=stored_hours(body.weekly_hours),
        created_at=now,
        updated_at=now,
    )
    session.add(store)
    await session.flush()
    connection = await raw(session)
    await connection.execute(set_store_sql(store.id))
    await select_shipped(connection, store.id, now)
    return store


async def change_store(session: AsyncSession, store_id: UUID, body: StorePatch, expected: Expected, *, now: datetime) -> Store:
    """Change what was given. Raises Stale, NotFound."""
    store = await store_by_id(session, store_id, lock=True)
    expected.check(store.version)
    given = body.given
    if "weekly_hours" in given:
        given["weekly_hours"] = stored_hours(body.weekly_hours)
    if "policies" in given:
        merged = {**store.policies, **body.policies}
        given["policies"] = {name: value for name, value in merged.items() if value is not None}
    for name, value in given.items():
        setattr(store, name, value)
    touch(store, now)
    return store


def touch(store: Store, now: datetime) -> None:
    """Mark a store as changed."""
    store.version += 1
    store.updated_at = now
