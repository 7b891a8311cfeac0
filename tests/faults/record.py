"""docs/faults.md: each run of `make faults` adds its line to the table at the end."""

from __future__ import annotations

from pathlib import Path

from shared.clock import machine_now
from tests.faults.checker import Report
from tests.faults.house import House

TABLE = Path(__file__).parents[2] / "docs" / "faults.md"


def record(name: str, test: str, house: House, report: Report, note: str = "") -> None:
    """A line of the table; then the run fails if anything was broken."""
    append(name, test, house.seed, house.kills, report, note)
    assert report.total == 0, f"seed {house.seed}\n{report.said()}"


def append(name: str, test: str, seed: int, kills: int, report: Report, note: str) -> None:
    """Date, run, N, kills, violations, unknown share, 95 % bound, command."""
    share = report.uncertain / report.messages if report.messages else 0.0
    bound = 3 / report.messages if report.messages else 1.0
    cells = [
        f"{machine_now():%Y-%m-%d}",
        name,
        f"{report.messages}",
        f"{report.calls}",
        f"{kills}",
        f"{report.total}",
        f"{share:.2%}",
        f"{bound:.3%}" if report.total == 0 else "–",
        note or "–",
        f"`FAULTS_SEED={seed} make faults F=tests/faults/{test}`",
    ]
    with TABLE.open("a") as file:
        file.write(f"| {' | '.join(cells)} |\n")
