"""The servers of a run: one PostgreSQL that syncs to disk as in production, one Valkey, databases copied from a seeded template."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import asyncpg
import redis

from deploy import migrate, roles
from deploy.local.postgres import Postgres
from deploy.local.valkey import Valkey
from shared.db import asyncpg_url

TUNING = {
    "shared_buffers": "1GB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "30min",
    "track_commit_timestamp": "on",  # says exactly when a row stood, without anybody polling for it
    "wal_compression": "off",
    "autovacuum_naptime": "10min",  # both sides work on fresh copies; a vacuum that starts in one of them would be chance
    "max_connections": "100",
}
CACHE = {"appendonly": "no"}

_numbers = count(1)


@dataclass(frozen=True)
class House:
    """Where the servers are; `folder` holds the logs of what is measured."""

    postgres: Postgres
    valkey: Valkey
    folder: Path

    def url(self, database: str) -> str:
        """The owner's URL."""
        return self.postgres.url(database)

    def environment(self, database: str, service: str, clock: str) -> dict[str, str]:
        """What a service is started with."""
        return {
            "DATABASE_URL": roles.role_url(self.url(database), service),
            "REDIS_URL": self.valkey.url(),
            "HUIFANG_CLOCK": clock,
            "HUIFANG_SMS_PROVIDER": "outbox",
            "HUIFANG_LOG_LEVEL": "WARNING",
        }

    def empty_cache(self) -> None:
        client = redis.Redis.from_url(self.valkey.url())
        client.flushall()
        client.close()

    async def administer(self, *statements: str) -> None:
        connection = await asyncpg.connect(asyncpg_url(self.url("postgres")))
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    async def template(self, name: str) -> str:
        """A migrated database to be seeded. Out: its URL."""
        await self.administer(f'CREATE DATABASE "{name}"')
        await asyncio.to_thread(migrate.upgrade, self.url(name), roles.passwords(self.url(name)))
        return self.url(name)

    @asynccontextmanager
    async def copy(self, template: str) -> AsyncIterator[str]:
        """The name of a fresh copy of a database; everything on disk first, so that no run pays for the one before."""
        name = f"{template}_{next(_numbers)}"
        await self.administer(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY file_copy', "CHECKPOINT")
        self.empty_cache()
        try:
            await self._warm(name)
            yield name
        finally:
            await self.administer(f'DROP DATABASE "{name}" WITH (FORCE)', "CHECKPOINT")

    async def _warm(self, name: str) -> None:
        """Read every table once, so that both sides find the same in memory."""
        connection = await asyncpg.connect(asyncpg_url(self.url(name)))
        try:
            tables = await connection.fetch(
                "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE schemaname IN ('public', 'bare')"
            )
            for table in tables:
                await connection.fetchval(f"SELECT count(*) FROM {table['name']}")
        finally:
            await connection.close()


@contextmanager
def opened() -> Iterator[House]:
    """The servers, started for the duration and removed after it."""
    with tempfile.TemporaryDirectory(prefix="huifang-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        postgres, valkey = Postgres(folder / "postgres", TUNING), Valkey(folder / "valkey", CACHE)
        try:
            postgres.start()
            valkey.start()
            yield House(postgres, valkey, folder)
        finally:
            valkey.destroy()
            postgres.destroy()
