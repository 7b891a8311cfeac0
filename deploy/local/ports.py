"""Free TCP ports of this machine, the same as last time when they are still free."""

from __future__ import annotations

import socket
from pathlib import Path

HOST = "127.0.0.1"


def is_free(port: int, host: str = HOST) -> bool:
    """True when a server could listen on the port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def any_free_port() -> int:
    """A port nobody listens on, chosen by the system."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
    return port


def remembered_port(file: Path) -> int:
    """The port kept in `file` if it is still free, else another one, which is kept there."""
    try:
        port = int(file.read_text())
    except (OSError, ValueError):
        port = 0
    if 0 < port < 65536 and is_free(port):
        return port
    port = any_free_port()
    file.write_text(f"{port}\n")
    return port
