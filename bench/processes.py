"""Processes that are measured: started, stopped, and asked what they used, from /proc."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.local.process import start_server, stop_server, tail

TICKS = os.sysconf("SC_CLK_TCK")
ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Running:
    """A process of ours."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def cpu_seconds(self) -> float:
        """Processor time it has used, with children it has waited for."""
        return _cpu(self.process.pid)

    def resident_mb(self) -> float:
        """Resident memory now."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        return 0.0

    def check(self) -> None:
        """Raises when it has ended, with the end of what it said."""
        if self.process.poll() is not None:
            raise RuntimeError(f"{self.name} ended with code {self.process.returncode}:\n{tail(self.log, 40)}")


@contextmanager
def running(name: str, module: str, folder: Path, environment: Mapping[str, str], *arguments: str) -> Iterator[Running]:
    """`python -m module arguments` for the duration."""
    log = folder / f"{name}.log"
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("HUIFANG_", "DATABASE_", "REDIS_"))}
    command = [sys.executable, "-m", module, *arguments]
    process = start_server(command, log=log, death_signal=signal.SIGTERM, env={**kept, **environment}, folder=ROOT)
    try:
        yield Running(name, process, log)
    finally:
        stop_server(process, signal.SIGTERM, patience=20)


def machine_busy_seconds() -> float:
    """Processor time used by everything on this machine since it started, stolen time left out."""
    fields = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    user, nice, system, _idle, _wait, irq, softirq, _steal = fields
    return (user + nice + system + irq + softirq) / TICKS


def tree_busy_seconds() -> float:
    """Processor time of this process and everything below it, what has ended included."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (fields := _stat(int(entry.name))):
            parents.setdefault(int(fields[1]), []).append(int(entry.name))
    total, waiting = 0.0, [os.getpid()]
    while waiting:
        pid = waiting.pop()
        total += _cpu(pid)
        waiting += parents.get(pid, [])
    return total


def _cpu(pid: int) -> float:
    fields = _stat(pid)
    return sum(int(field) for field in fields[11:15]) / TICKS if fields else 0.0


def _stat(pid: int) -> list[str]:
    """The fields after the name: [0] state, [1] parent, [11:15] user, system, and the same of children waited for."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
