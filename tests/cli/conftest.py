"""A folder of its own for each test of the commands, and the console script as a process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.servers import short_lived_folder

OURS = ("DATABASE_URL", "REDIS_URL", "HUIFANG_", "PORT", "CONSOLE_PORT")


@dataclass(frozen=True)
class Huifang:
    """The console script on one data folder, in an environment without settings of the machine it runs on."""

    data: Path

    @property
    def environment(self) -> dict[str, str]:
        return {name: value for name, value in os.environ.items() if not name.startswith(OURS)}

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "services.cli", *words, "--data", str(self.data)]

    def run(self, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*words), env={**self.environment, **settings}, capture_output=True, text=True, check=False, timeout=90
        )

    def start(self, *words: str, **settings: str) -> subprocess.Popen[bytes]:
        """Start a command and go on; what it says goes to `output`, which a full pipe would stop."""
        with self.output.open("wb") as output:
            return subprocess.Popen(
                self.command(*words), env={**self.environment, **settings}, stdout=output, stderr=subprocess.STDOUT
            )

    @property
    def output(self) -> Path:
        return self.data.with_name("output")


@pytest.fixture(scope="module")
def huifang() -> Iterator[Huifang]:
    with short_lived_folder() as folder:
        yield Huifang(folder / "data")
