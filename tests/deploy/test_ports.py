"""Which ports the servers of a developer's machine get."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import pytest

from deploy.local.ports import HOST, OUTGOING, any_free_port, is_free, remembered_port, servers_ports


def test_a_servers_port_is_none_that_an_outgoing_connection_may_get() -> None:
    first_outgoing = int(OUTGOING.read_text().split()[0]) if OUTGOING.exists() else 32_768
    ports = {any_free_port() for _ in range(50)}

    assert max(ports) < first_outgoing
    assert len(ports) > 40
    assert all(is_free(port) for port in ports)


def test_a_system_that_gives_away_nearly_all_ports_still_has_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    narrow = tmp_path / "range"
    narrow.write_text("1024\t65535\n")
    monkeypatch.setattr("deploy.local.ports.OUTGOING", narrow)

    assert any_free_port() in servers_ports()


def test_the_port_of_last_time_is_kept_while_it_is_free(tmp_path: Path) -> None:
    port = remembered_port(tmp_path / "port")

    assert remembered_port(tmp_path / "port") == port
    with _listening(port):
        other = remembered_port(tmp_path / "port")
    assert other != port
    assert remembered_port(tmp_path / "port") == other


def test_a_port_among_those_of_outgoing_connections_is_given_up(tmp_path: Path) -> None:
    (tmp_path / "port").write_text("45521\n")

    assert remembered_port(tmp_path / "port") in servers_ports()


def test_a_server_that_has_just_died_gets_its_port_back(tmp_path: Path) -> None:
    port = remembered_port(tmp_path / "port")
    holder = _listening(port)
    threading.Timer(0.3, holder.close).start()

    assert remembered_port(tmp_path / "port", patience=10) == port


def _listening(port: int) -> socket.socket:
    holder = socket.socket()
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.bind((HOST, port))
    holder.listen()
    return holder
