"""`huifang up` as the person at the terminal meets it: ready, found by other commands, stopped; and refused in plain words."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import httpx

from deploy.local.ports import HOST, any_free_port
from tests.cli.conftest import Huifang

READY_WITHIN = 60.0


@contextmanager
def up(huifang: Huifang) -> Iterator[subprocess.Popen[bytes]]:
    """`huifang up --no-demo` on free ports, its API ready; ended by Ctrl-C unless it has ended already."""
    process = huifang.start("up", "--no-demo", "--port", str(any_free_port()), "--console-port", str(any_free_port()))
    try:
        limit = time.monotonic() + READY_WITHIN
        while not ready(huifang):
            assert process.poll() is None, huifang.output.read_text()
            assert time.monotonic() < limit, "not ready"
            time.sleep(0.1)
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        process.wait(40)


def running(huifang: Huifang) -> dict[str, str]:
    """What `up` says of itself."""
    found: dict[str, str] = json.loads((huifang.data / "run.json").read_text())
    return found


def ready(huifang: Huifang) -> bool:
    try:
        return httpx.get(f"{running(huifang)['api_url']}/readyz", trust_env=False).status_code == 200
    except (OSError, ValueError, httpx.TransportError):
        return False


def listens(url: str) -> bool:
    address = httpx.URL(url)
    try:
        with socket.create_connection((address.host, address.port or 0), timeout=1):
            return True
    except OSError:
        return False


def wait_for(what: Callable[[], bool], seconds: float = 30) -> None:
    limit = time.monotonic() + seconds
    while not what() and time.monotonic() < limit:
        time.sleep(0.05)
    assert what()


def test_others_find_it_a_second_one_is_refused_and_ctrl_c_stops_everything(huifang: Huifang) -> None:
    with up(huifang) as process:
        addresses = running(huifang)
        told = json.loads(huifang.run("doctor", "--json").stdout)
        assert {name: told[name] for name in ("api_url", "database_url", "redis_url", "smtp_url")} == {
            name: addresses[name] for name in ("api_url", "database_url", "redis_url", "smtp_url")
        }
        assert {"scheduler", "notifier"} <= {finding["name"] for finding in told["findings"]}
        assert huifang.run("db", "current").returncode == 0

        second = huifang.run("up", "--port", str(any_free_port()))
        assert second.returncode == 1
        assert f"already runs on {huifang.data} (process {process.pid})" in second.stderr

        process.send_signal(signal.SIGINT)
        assert process.wait(40) == 0
    assert not any(listens(addresses[name]) for name in ("api_url", "database_url", "redis_url", "smtp_url"))
    assert not (huifang.data / "run.json").exists()


def test_a_dead_service_and_dead_servers_come_back(huifang: Huifang) -> None:
    with up(huifang):
        addresses = running(huifang)
        for name in ("redis_url", "database_url"):
            os.kill(listener(addresses[name]), signal.SIGKILL)
            wait_for(partial(listens, addresses[name]))
        os.kill(listener(addresses["api_url"]), signal.SIGKILL)
        wait_for(lambda: ready(huifang))


def test_nothing_is_left_after_kill_9_and_the_next_start_works(huifang: Huifang) -> None:
    with up(huifang) as process:
        addresses = running(huifang)
        process.kill()
        process.wait()
        wait_for(lambda: not any(listens(addresses[name]) for name in ("api_url", "database_url", "redis_url", "smtp_url")))
    with up(huifang):
        assert running(huifang)["database_url"] == addresses["database_url"]


def test_a_taken_port_is_named_with_a_free_one_instead(huifang: Huifang) -> None:
    with socket.socket() as squatter:
        squatter.bind((HOST, 0))
        squatter.listen()
        taken = squatter.getsockname()[1]
        refused = huifang.run("up", "--no-demo", "--port", str(taken), "--console-port", str(any_free_port()))
    assert refused.returncode == 1
    assert f"Port {taken} is taken by another program" in refused.stderr
    assert "huifang up --port " in refused.stderr


def listener(url: str) -> int:
    """The process that listens on the address's port."""
    port = httpx.URL(url).port or 0
    inode = next(
        words[9]
        for words in (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
        if words[3] == "0A" and int(words[1].split(":")[1], 16) == port
    )
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            handles = os.listdir(f"/proc/{pid}/fd")
            if any(os.readlink(f"/proc/{pid}/fd/{handle}") == f"socket:[{inode}]" for handle in handles):
                return int(pid)
        except OSError:
            continue
    raise AssertionError(f"nobody listens on {port}")
