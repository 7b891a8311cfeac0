"""Free TCP ports of this machine, the same as last time when they are still free.

They lie below the range from which the system gives ports to outgoing connections: a server that died finds its port free again. From
within that range another program's connection could have taken it, or a client's own: one that knocks at a port nobody listens on is
now and then connected to itself.
"""

from __future__ import annotations

import random
import socket
import time
from pathlib import Path
from typing import Final

HOST = "127.0.0.1"
LOWEST: Final = 10_000
OUTGOING: Final = Path("/proc/sys/net/ipv4/ip_local_port_range")
OUTGOING_FROM: Final = 32_768  # where Linux begins by itself; others begin higher
FEWEST: Final = 1_000  # ports to choose from; a system that gives away nearly all of them leaves us none of our own
TRIES: Final = 100
PAUSE: Final = 0.05
RESTART: Final = 5.0  # seconds to wait for the port of a server of ours that has just died: whoever uses it knows that port


def is_free(port: int, host: str = HOST) -> bool:
    """True when a server could listen on the port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def servers_ports() -> range:
    """The ports for servers: below those of outgoing connections, unless the system leaves too few there."""
    try:
        end = int(OUTGOING.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        end = OUTGOING_FROM
    return range(LOWEST, end if end - LOWEST >= FEWEST else 65_536)


def any_free_port() -> int:
    """A port nobody listens on, by chance. Raises OSError when none is found."""
    ports = servers_ports()
    for _ in range(TRIES):
        port = random.choice(ports)  # noqa: S311 (no secret: everybody may see who listens where)
        if is_free(port):
            return port
    raise OSError(f"No free port was found between {ports.start} and {ports.stop - 1}.")


def remembered_port(file: Path, *, patience: float = 0) -> int:
    """The port kept in `file`, if it is one for servers and free within `patience` seconds; else another one, which is kept there."""
    try:
        port = int(file.read_text())
    except (OSError, ValueError):
        port = 0
    if port in servers_ports():
        limit = time.monotonic() + patience
        while not (free := is_free(port)) and time.monotonic() < limit:
            time.sleep(PAUSE)
        if free:
            return port
    port = any_free_port()
    file.write_text(f"{port}\n")
    return port
