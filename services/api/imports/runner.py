"""Starting the child process that does a store's imports; one at a time on this machine, so that the API keeps a core."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from uuid import UUID

import structlog

from services.api.imports.queries import something_waits
from shared.db import Pool, store_transaction
from shared.settings import Settings

log = structlog.get_logger("imports")


class Runner:
    """Children by store. A child that is cut off leaves a lease that runs out: whoever looks next starts another."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._one_at_a_time = threading.Lock()
        self._guard = threading.Lock()
        self._waiting: set[UUID] = set()

    def start(self, store_id: UUID) -> None:
        """See that a child comes to do the store's imports; one that has not begun yet serves all who ask."""
        with self._guard:
            if store_id in self._waiting:
                return
            self._waiting.add(store_id)
        threading.Thread(target=self._run, args=(store_id,), name=f"import {store_id}", daemon=True).start()

    def _run(self, store_id: UUID) -> None:
        with self._one_at_a_time:
            with self._guard:
                self._waiting.discard(store_id)
            command = [sys.executable, "-m", "services.api.imports", str(store_id)]
            code = subprocess.run(command, env=_environment(self._settings), stdin=subprocess.DEVNULL, check=False).returncode  # noqa: S603 - our own module and an id
        if code:
            log.warning("import_process_ended", code=code)


async def resume(pool: Pool, runner: Runner) -> None:
    """When the API starts: go on with the imports that wait, or that a process which died has left."""
    for row in await pool.fetch("SELECT id FROM stores ORDER BY id"):
        async with store_transaction(pool, row["id"]) as connection:
            waits = await something_waits(connection, row["id"])
        if waits:
            runner.start(row["id"])


def _environment(settings: Settings) -> Mapping[str, str]:
    """The child works with the very settings of this process, whatever files and secrets they came from."""
    keys = ",".join(f"{name}:{base64.b64encode(key).decode()}" for name, key in settings.data_keys.items())
    return {
        **os.environ,
        "DATABASE_URL": settings.database_url,
        "HUIFANG_ENV": settings.env,
        "HUIFANG_SECRET_KEY": settings.secret_key,
        "HUIFANG_DATA_KEYS": keys,
        "HUIFANG_CLOCK": settings.clock,
        "HUIFANG_LEASE_SECONDS": str(settings.lease_seconds),
        "PYPINYIN_NO_PHRASES": "true",  # names are read by character; the table of phrases takes half a second to load
    }
