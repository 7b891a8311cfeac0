"""Valkey as a developer's machine runs it."""

from __future__ import annotations

import os
import signal
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from deploy.local.valkey import Valkey


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Valkey]:
    server = Valkey(tmp_path / "a folder with spaces" / "valkey")
    server.start()
    yield server
    server.destroy()


def client(server: Valkey) -> redis.Redis:
    return redis.Redis.from_url(server.url())


def test_nobody_enters_without_the_password(server: Valkey) -> None:
    with redis.Redis(host="127.0.0.1", port=server.port) as stranger, pytest.raises(redis.AuthenticationError):
        stranger.ping()
    assert stat.S_IMODE((server.folder / "valkey.conf").stat().st_mode) == 0o600
    assert server.password not in Path(f"/proc/{server.pid}/cmdline").read_text()


def test_what_was_written_is_there_after_a_stop(server: Valkey) -> None:
    with client(server) as first:
        first.set("bell", "rung")
    server.stop()
    server.start()
    with client(server) as second:
        assert second.get("bell") == b"rung"


def test_it_starts_again_after_kill_9_with_what_it_acknowledged(server: Valkey) -> None:
    with client(server) as first:
        first.set("bell", "rung")
    os.kill(server.pid, signal.SIGKILL)
    while server.alive:
        time.sleep(0.01)
    port = server.port
    server.start()
    assert server.port == port
    with client(server) as second:
        assert second.get("bell") == b"rung"
