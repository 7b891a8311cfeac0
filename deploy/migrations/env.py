"""How alembic reaches the database: the owner's URL, one connection, a lock time-out that keeps traffic moving."""

import asyncio
from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import text
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel.sql.sqltypes import AutoString

from shared.db import sqlalchemy_url
from shared.settings import load_settings
from shared.tables import metadata
from shared.tables.base import Json, SealedBytes

LOCK_TIMEOUT = "5s"


def render_item(kind: str, item: Any, _context: AutogenContext) -> str | Literal[False]:
    """Types as the database knows them, so that a migration imports nothing of ours or of SQLModel."""
    if kind != "type":
        return False
    if isinstance(item, SealedBytes):
        return "sa.LargeBinary()"
    if isinstance(item, Json):
        return "postgresql.JSONB(astext_type=sa.Text())"
    return "sa.String()" if isinstance(item, AutoString) else False


def migrate(connection: Connection) -> None:
    connection.execute(text(f"SET lock_timeout = '{LOCK_TIMEOUT}'"))
    connection.commit()
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_item=render_item,
        compare_type=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


async def migrate_online() -> None:
    url = context.config.attributes.get("url") or load_settings("database_url").database_url
    engine = create_async_engine(sqlalchemy_url(url))
    async with engine.connect() as connection:
        await connection.run_sync(migrate)
    await engine.dispose()


asyncio.run(migrate_online())
