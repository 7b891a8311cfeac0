"""A catcher of mail: `python -m deploy.local.smtp --port PORT --dir FOLDER`.

Keeps each message as one .eml file and sends nothing on.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import time
from itertools import count
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

from deploy.local.ports import HOST

LARGEST = 30_000_000


class Catcher:
    """Writes every message, its envelope on top, under a name that sorts by arrival."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._numbers = count()

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        """Keep the message; aiosmtpd's own name for the hook."""
        content = envelope.content if isinstance(envelope.content, bytes) else str(envelope.content).encode()
        head = f"X-Envelope-From: {envelope.mail_from}\r\nX-Envelope-To: {', '.join(envelope.rcpt_tos)}\r\n"
        name = f"{time.time_ns():020d}-{next(self._numbers):06d}"
        draft = self.folder / f".{name}"
        draft.write_bytes(head.encode() + content)
        draft.rename(self.folder / f"{name}.eml")  # whoever lists the folder never sees half a message
        return "250 kept"


async def serve(port: int, folder: Path) -> None:
    """Catch mail until SIGTERM or SIGINT."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    catcher = Catcher(folder)
    server = await loop.create_server(
        lambda: SMTP(catcher, enable_SMTPUTF8=True, data_size_limit=LARGEST, hostname="localhost", loop=loop),
        HOST,
        port,
    )
    sys.stdout.write(f"catching mail on port {port}\n")
    sys.stdout.flush()
    async with server:
        await stop.wait()


def main() -> None:
    """Read the arguments and serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--dir", type=Path, required=True)
    arguments = parser.parse_args()
    arguments.dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    asyncio.run(serve(arguments.port, arguments.dir))


if __name__ == "__main__":
    main()
