"""The servers of a test run: one PostgreSQL and one Valkey for all workers, one database for each, copied from a template."""

from __future__ import annotations

import asyncio
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from deploy import migrate, roles
from deploy.local.postgres import Postgres
from deploy.local.valkey import Valkey
from shared.db import asyncpg_url

FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "300"}
TEMPLATE, WORKING = "huifang_template", "huifang_test"


@dataclass(frozen=True)
class Servers:
    """Where the servers are. `run` tells the databases of this run from those of others on the same server."""

    owner_url: str
    redis_url: str
    run: str

    @property
    def template(self) -> str:
        return f"{TEMPLATE}_{self.run}"

    def named(self, database: str) -> str:
        """The owner's URL of another database on the same server."""
        return urlunsplit(urlsplit(self.owner_url)._replace(path=f"/{database}"))

    def redis(self, worker: int) -> str:
        """A numbered database for each worker: 0 to 63 on our own server, 0 to 15 on a usual one."""
        return urlunsplit(urlsplit(self.redis_url)._replace(path=f"/{worker}"))

    @contextmanager
    def database(self, name: str) -> Iterator[str]:
        """A fresh migrated database for the duration. Out: the owner's URL."""
        full = f"{WORKING}_{self.run}_{name}"
        self.administer(f'CREATE DATABASE "{full}" TEMPLATE "{self.template}"')
        try:
            yield self.named(full)
        finally:
            self.administer(f'DROP DATABASE IF EXISTS "{full}" WITH (FORCE)')

    def administer(self, *statements: str) -> None:
        """Statements about databases, one call each."""

        async def run() -> None:
            connection = await asyncpg.connect(asyncpg_url(self.named("postgres")))
            try:
                for statement in statements:
                    await connection.execute(statement)
            finally:
                await connection.close()

        migrate.in_thread(lambda: asyncio.run(run()))


@contextmanager
def started(database_url: str, redis_url: str) -> Iterator[Servers]:
    """The servers given, or embedded ones for the duration; the template is built by the real migrations."""
    with _postgres(database_url) as owner_url, _valkey(redis_url) as redis:
        servers = Servers(owner_url, redis, secrets.token_hex(4))
        servers.administer(f'CREATE DATABASE "{servers.template}"')
        try:
            migrate.upgrade(servers.named(servers.template), roles.passwords(owner_url))
            yield servers
        finally:
            servers.administer(f'DROP DATABASE IF EXISTS "{servers.template}" WITH (FORCE)')


@contextmanager
def short_lived_folder() -> Iterator[Path]:
    """A folder of our own that the server's user may pass through, outside pytest's closed one."""
    folder = Path(tempfile.mkdtemp(prefix="huifang-test-"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _postgres(url: str) -> Iterator[str]:
    if url:
        yield url
        return
    with short_lived_folder() as folder:
        server = Postgres(folder / "postgres", FAST)
        try:
            server.start()
            yield server.url()
        finally:
            server.destroy()


@contextmanager
def _valkey(url: str) -> Iterator[str]:
    if url:
        yield url
        return
    with short_lived_folder() as folder:
        server = Valkey(folder / "valkey", {"appendonly": "no"})
        try:
            server.start()
            yield server.url()
        finally:
            server.destroy()
