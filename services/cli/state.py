"""The data folder: who holds it, what runs there, and its secrets.

A lock of the operating system says whether somebody holds the folder: it goes with its process, so a killed `up` leaves
nothing stale and a recycled process id means nothing. `run.json` (0600: it has passwords) says what the holder runs.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

from deploy.local.places import own_folder
from deploy.local.process import write_private
from services.cli.options import Refused, say
from shared.settings import Settings

Kind = Literal["up", "command", "elsewhere"]
PATIENCE = 600.0


@dataclass(frozen=True)
class System:
    """A running Huifang: the addresses, the owner's database URL and the secret that signs an operator's token."""

    kind: Kind
    pid: int
    api_url: str
    database_url: str
    secret_key: str
    console_url: str | None = None
    redis_url: str | None = None
    smtp_url: str | None = None


@dataclass(frozen=True)
class Secrets:
    """What a data folder keeps for itself: the key of tokens, and the keys of personal data as HUIFANG_DATA_KEYS has them."""

    secret_key: str
    data_keys: str


def read_system(data: Path) -> System | None:
    """What runs on the folder now, as its holder wrote it; None when nobody holds the folder."""
    if not _held(data):
        return None
    try:
        return System(**json.loads((data / "run.json").read_text()))
    except (OSError, ValueError, TypeError):
        return None


def write_system(data: Path, system: System) -> None:
    """Say what runs here; only the holder of the lock does."""
    write_private(data / "run.json", json.dumps(asdict(system), indent=2))


@contextmanager
def holding(data: Path, *, wait: bool) -> Iterator[None]:
    """Hold the folder. Raises Refused when `up` holds it, or, unless `wait`, when a command does."""
    own_folder(data)
    with (data / "lock").open("a") as lock:
        _take(lock.fileno(), data, wait)
        try:
            yield
        finally:
            (data / "run.json").unlink(missing_ok=True)


def keep_secrets(data: Path, settings: Settings) -> Secrets:
    """The secrets of the folder, made on first use; what the environment gives stands before them."""
    file = data / "secrets.json"
    if not file.exists():
        key = base64.b64encode(secrets.token_bytes(32)).decode()
        write_private(file, json.dumps(asdict(Secrets(secrets.token_urlsafe(48), f"local1:{key}")), indent=2))
    kept = Secrets(**json.loads(file.read_text()))
    return replace(kept, secret_key=settings.secret_key) if "secret_key" in settings.model_fields_set else kept


def _held(data: Path) -> bool:
    try:
        with (data / "lock").open("r") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _take(lock: int, data: Path, wait: bool) -> None:
    limit, told = time.monotonic() + (PATIENCE if wait else 2.0), False
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = read_system(data)
            if holder is not None and holder.kind == "up":
                raise Refused(
                    f"`huifang up` already runs on {data} (process {holder.pid}): "
                    f"API {holder.api_url}, console {holder.console_url}.\n"
                    f"Stop it with Ctrl-C there or `kill {holder.pid}`, or give another folder with --data."
                ) from None
            if time.monotonic() > limit:
                raise Refused(f"Another huifang command holds {data}. Try again when it is done.") from None
            if not told and wait:
                say(f"Waiting for another huifang command on {data} …")
                told = True
            time.sleep(0.1)
        else:
            os.set_inheritable(lock, False)
            return
