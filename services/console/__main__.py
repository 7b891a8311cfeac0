"""`python -m services.console`: one process, stateless; more of them side by side are welcome."""

from __future__ import annotations

import sys

import uvicorn

from services.console.app import create_app
from shared.errors import SettingsInvalid
from shared.logs import set_up_logs
from shared.settings import load_settings

KEEP_ALIVE_SECONDS = 75  # longer than the usual reverse proxy keeps an idle connection


def main() -> int:
    """Serve until told to stop. 2: a setting is missing or wrong, said in one line."""
    try:
        settings = load_settings("secret_key", "api_url")
    except SettingsInvalid as fault:
        sys.stderr.write(f"{fault}\n")
        return 2
    set_up_logs(settings.log_level)
    uvicorn.run(
        create_app(settings),
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        host=settings.console_host,
        port=settings.console_port,
        loop="uvloop" if sys.platform != "win32" else "auto",
        http="httptools",
        log_level=settings.log_level.lower(),
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=10,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
