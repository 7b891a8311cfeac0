"""`python -m services.api.imports STORE_ID`: a child of the API that does the store's waiting imports and ends.

A process of its own, so that the memory and the processor time of a large file are not the API's.
"""

from __future__ import annotations

import asyncio
import sys
from uuid import UUID

import asyncpg

from services.api.imports.job import work_off
from shared.errors import SettingsInvalid
from shared.settings import load_settings


def main() -> int:
    """0: nothing waits any more; 1: the database is away (the lease runs out, another child goes on); 2: wrong use or settings."""
    try:
        settings = load_settings("database_url", "secret_key")
        store_id = UUID(sys.argv[1])
    except (SettingsInvalid, IndexError, ValueError) as fault:
        sys.stderr.write(f"{fault}\n")
        return 2
    try:
        asyncio.run(work_off(settings, store_id))
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as fault:
        sys.stderr.write(f"import: the database is away ({type(fault).__name__})\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
