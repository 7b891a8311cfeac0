"""Connections: asyncpg pools for set-based and hot code, SQLAlchemy sessions for CRUD, one way to say which store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeAlias
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit
from uuid import UUID

import asyncpg
from sqlalchemy import event
from sqlalchemy.engine import Connection as SyncConnection
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session as SyncSession
from sqlalchemy.orm import SessionTransaction

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"
Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"

STATEMENT_TIMEOUT = "30s"
LET_GO = "20s"  # for the services that claim rows: between two statements of theirs there is never as much as a second
PLAN_ONCE = "SET LOCAL plan_cache_mode = force_generic_plan"
BY_KEYS = f"{PLAN_ONCE}; SET LOCAL enable_seqscan = off"
"""For a transaction of many small statements, all by keys: planning each anew for its keys would cost more than running it, and without
keys to look at the planner reads from end to end what it takes for small."""
STATEMENTS = 1000
"""Prepared statements that a connection keeps, for as long as it lives. asyncpg's own hundred are fewer than the API has, and it forgets
those of five minutes ago: each one that is gone is parsed and planned anew."""
DATABASE_AWAY = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""What working with a database that goes away may raise. The last one: the connection was cut in the midst of asyncpg's own steps."""


def _server_settings(name: str) -> dict[str, str]:
    return {"application_name": name, "statement_timeout": STATEMENT_TIMEOUT, "timezone": "UTC", "jit": "off"}


def asyncpg_url(url: str) -> str:
    """A URL as asyncpg wants it, from any of the usual forms (`postgres://`, `postgresql+asyncpg://`)."""
    scheme, rest = url.split("://", 1)
    return (
        f"{scheme.split('+')[0].replace('postgres', 'postgresql', 1) if scheme == 'postgres' else scheme.split('+')[0]}://{rest}"
    )


def sqlalchemy_url(url: str) -> str:
    """The same URL for SQLAlchemy's asyncpg dialect; `sslmode` becomes `ssl`."""
    parts = urlsplit(asyncpg_url(url))
    query = [("ssl" if key == "sslmode" else key, value) for key, value in parse_qsl(parts.query)]
    return urlunsplit(("postgresql+asyncpg", parts.netloc, parts.path, urlencode(query), ""))


async def connect(url: str, name: str = "huifang") -> asyncpg.Connection[asyncpg.Record]:
    """One connection outside any pool, for LISTEN and for commands."""
    return await asyncpg.connect(asyncpg_url(url), server_settings=_server_settings(name))


async def open_pool(url: str, name: str, *, smallest: int = 1, largest: int = 10, let_go: str = "0") -> Pool:
    """A pool of asyncpg connections. No reset query: every transaction sets what it needs by SET LOCAL.

    `let_go`: how long a transaction may stand idle before the database ends it, so that a process that froze, or whose machine
    is gone without a word, holds up nobody for longer.
    """
    return await asyncpg.create_pool(
        asyncpg_url(url),
        min_size=smallest,
        max_size=largest,
        server_settings={**_server_settings(name), "idle_in_transaction_session_timeout": let_go},
        reset=_nothing,
        statement_cache_size=STATEMENTS,
        max_cached_statement_lifetime=0,
        max_cacheable_statement_size=0,
    )


async def _nothing(_connection: Connection) -> None:
    return None


def open_engine(url: str, name: str, *, size: int = 10) -> AsyncEngine:
    """A SQLAlchemy engine whose errors never print parameters."""
    return create_async_engine(
        sqlalchemy_url(url),
        pool_size=size,
        max_overflow=0,
        hide_parameters=True,
        json_deserializer=str,  # jsonb comes as text through `raw` too; the column type `Json` reads it
        connect_args={
            "server_settings": _server_settings(name),
            "prepared_statement_cache_size": STATEMENTS,
            "statement_cache_size": STATEMENTS,
            "max_cached_statement_lifetime": 0,
            "max_cacheable_statement_size": 0,
        },
    )


def session_maker(engine: AsyncEngine) -> async_sessionmaker[AsyncSession]:
    """Sessions that say their store: `maker(info={"store_id": store_id})`; without one, row-level security shows nothing."""
    return async_sessionmaker(engine, expire_on_commit=False)


@event.listens_for(SyncSession, "after_begin")
def _set_store(session: SyncSession, _transaction: SessionTransaction, connection: SyncConnection) -> None:
    store_id = session.info.get("store_id")
    if store_id is not None:
        connection.exec_driver_sql(set_store_sql(store_id))


def set_store_sql(store_id: UUID) -> str:
    """SET LOCAL, because it reaches the workers of a sharded PostgreSQL; a UUID cannot carry anything else."""
    return f"SET LOCAL app.store = '{UUID(str(store_id))}'"


async def raw(session: AsyncSession) -> asyncpg.Connection[asyncpg.Record]:
    """The asyncpg connection under a session, inside the same transaction."""
    connection = await session.connection()
    fairy = await connection.get_raw_connection()
    driver: Any = fairy.driver_connection
    return driver  # type: ignore[no-any-return]  # SQLAlchemy types the driver's own connection as Any


@asynccontextmanager
async def store_transaction(pool: Pool, store_id: UUID | None, *, plan_once: bool = False) -> AsyncIterator[Connection]:
    """A transaction of one store on a pooled connection; None for the global tables.

    `plan_once`: statements run by the plan made for any parameters. For one large statement that is run often with few rows, where
    planning it each time would cost more than running it.
    """
    settings = [set_store_sql(store_id)] if store_id is not None else []
    settings += [PLAN_ONCE] if plan_once else []
    async with pool.acquire() as connection, connection.transaction():
        if settings:
            await connection.execute("; ".join(settings))
        yield connection
