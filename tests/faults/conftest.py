"""Houses for the runs: each on a database of its own of the shared server, or on a server of its own that may be broken."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from deploy import migrate, roles
from deploy.local.postgres import Postgres
from tests.servers import short_lived_folder

SMALL = {"max_connections": "100", "shared_buffers": "128MB"}  # fsync and synchronous commits as in production


@dataclass(frozen=True)
class OwnPostgres:
    """A PostgreSQL that a run may restart, and its migrated database."""

    server: Postgres
    url: str


@pytest.fixture
def own_postgres() -> Iterator[OwnPostgres]:
    """A server of the test's own, with the durability of production."""
    with short_lived_folder() as folder:
        server = Postgres(folder / "postgres", SMALL)
        try:
            server.start()
            migrate.upgrade(server.url(), roles.passwords(server.url()))
            yield OwnPostgres(server, server.url())
        finally:
            server.destroy()
