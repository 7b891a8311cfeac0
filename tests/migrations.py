"""`python -m tests.migrations`: every migration up, no difference from the tables in Python, and down again, on a real server."""

from __future__ import annotations

import os
import sys

from deploy import migrate, roles
from tests.servers import started


def main() -> None:
    """Raises what alembic raises: a difference, a migration that fails either way."""
    with (
        started(os.environ.get("DATABASE_URL", ""), os.environ.get("REDIS_URL", "")) as servers,
        servers.database("migrations") as url,
    ):
        migrate.check(url)
        migrate.downgrade(url)
        migrate.upgrade(url, roles.passwords(url))
        migrate.check(url)
    sys.stdout.write(f"Migrations to {migrate.newest()}: up, check, down and up again.\n")


if __name__ == "__main__":
    main()
