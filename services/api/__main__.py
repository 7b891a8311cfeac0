"""`python -m services.api`: one process, one worker; more of them side by side are welcome."""

from __future__ import annotations

import sys

import uvicorn

from services.api.app import create_app
from shared.clock import parse_clock
from shared.errors import SettingsInvalid
from shared.logs import set_up_logs
from shared.loop import settle_memory
from shared.settings import load_settings

KEEP_ALIVE_SECONDS = 75  # longer than the usual reverse proxy keeps an idle connection


def main() -> int:
    """Serve until told to stop. 2: a setting is missing or wrong, said in one line."""
    try:
        settings = load_settings("database_url", "secret_key")
        parse_clock(settings.clock)
    except SettingsInvalid as fault:
        sys.stderr.write(f"{fault}\n")
        return 2
    set_up_logs(settings.log_level)
    app = create_app(settings)
    settle_memory()
    uvicorn.run(
        app,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        host=settings.api_host,
        port=settings.api_port,
        loop="uvloop" if sys.platform != "win32" else "auto",
        http="httptools",
        log_level=settings.log_level.lower(),
        access_log=False,
        server_header=False,
        date_header=True,
        timeout_graceful_shutdown=10,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
