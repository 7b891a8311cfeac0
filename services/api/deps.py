"""What routes ask for: the transaction, the caller, the instant, the language."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime
from typing import Annotated, TypeAlias

from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncSession

from services.api import errors, idempotency, identities
from services.api.house import House, house_of
from services.api.routing import store_of
from shared.crypto import Vault as SharedVault
from shared.db import BY_KEYS, Connection, raw, set_store_sql

Then: TypeAlias = list[Callable[[], None]]


def _then(request: Request) -> Then:
    if not hasattr(request.state, "then"):
        request.state.then = []
    calls: Then = request.state.then
    return calls


async def _after_commit(request: Request) -> Then:
    return _then(request)


async def _session(request: Request) -> AsyncIterator[AsyncSession]:
    """A session of the path's store (of none: the global tables), in one transaction that commits before the answer goes out."""
    store_id = store_of(request) if "store_id" in request.path_params else None
    async with house_of(request).sessions(info={"store_id": store_id}) as session:
        async with session.begin():
            await idempotency.enter(request, await raw(session))
            yield session
        for call in _then(request):
            call()


async def _store_connection(request: Request) -> AsyncIterator[Connection]:
    """The same for hot code: a plain asyncpg connection."""
    async with house_of(request).pool.acquire() as connection:
        async with _transaction(connection, request):
            yield connection
        for call in _then(request):
            call()


async def _keyed_connection(request: Request) -> AsyncIterator[Connection]:
    """The same where every statement goes by keys."""
    async with house_of(request).pool.acquire() as connection:
        async with _transaction(connection, request, BY_KEYS):
            yield connection
        for call in _then(request):
            call()


def _transaction(connection: Connection, request: Request, *settings: str) -> AbstractAsyncContextManager[None]:
    return (reading if request.method == "GET" else _writing)(connection, request, *settings)


@asynccontextmanager
async def _writing(connection: Connection, request: Request, *settings: str) -> AsyncIterator[None]:
    async with connection.transaction():
        store = (set_store_sql(store_of(request)),) if "store_id" in request.path_params else ()
        if said := (*store, *settings):
            await connection.execute("; ".join(said))
        await idempotency.enter(request, connection)
        yield


@asynccontextmanager
async def reading(connection: Connection, request: Request, *settings: str) -> AsyncIterator[None]:
    """The transaction of a GET: begun and told its store in one round trip. One that cannot be ended is not used again."""
    store = (set_store_sql(store_of(request)),) if "store_id" in request.path_params else ()
    await connection.execute("; ".join(("BEGIN", *store, *settings)))
    try:
        yield
        await connection.execute("COMMIT")
    except BaseException:
        try:
            await connection.execute("ROLLBACK")
        except BaseException:
            connection.terminate()
            raise
        raise


async def _me(request: Request) -> identities.Me:
    me: identities.Me = request.state.me
    return me


async def _caller(request: Request) -> identities.Caller:
    caller: identities.Caller = request.state.caller
    return caller


async def _now(request: Request) -> datetime:
    return house_of(request).clock.now()


async def _house(request: Request) -> House:
    return house_of(request)


async def _vault(request: Request) -> SharedVault:
    return house_of(request).vault


async def _language(request: Request) -> errors.Language:
    return errors.language_of(request)


Session = Annotated[AsyncSession, Depends(_session, scope="function")]
StoreConnection = Annotated[Connection, Depends(_store_connection, scope="function")]
KeyedConnection = Annotated[Connection, Depends(_keyed_connection, scope="function")]
"""For the hottest requests: plans are made for any keys and go by indexes (`shared.db.BY_KEYS`)."""
AfterCommit = Annotated[Then, Depends(_after_commit)]
"""Append what is to be called once the transaction stands."""

Me = Annotated[identities.Me, Depends(_me)]
"""The caller in the path's store."""

Caller = Annotated[identities.Caller, Depends(_caller)]
"""The caller of a route outside any store."""

Now = Annotated[datetime, Depends(_now)]
"""The business instant, UTC."""

TheHouse = Annotated[House, Depends(_house)]
Vault = Annotated[SharedVault, Depends(_vault)]
Locale = Annotated[errors.Language, Depends(_language)]
