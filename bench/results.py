"""What a row of the result is, and how it is shown and kept."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path

from shared.clock import machine_now

RESULTS = Path(__file__).parent / "results"
PACKAGES = ("asyncpg", "fastapi", "starlette", "uvicorn", "uvloop", "orjson", "arq", "redis", "sqlmodel", "pydantic")


@dataclass
class Row:
    """One figure: what was measured, beside what, and whether the target of performance.md (column "first") is met.

    `baseline` and `product` are the runs in their order, in `unit`; `value` is compared with `target`.
    """

    name: str
    unit: str
    value: float
    shown: str
    target: float | None
    at_least: bool
    command: str
    baseline: list[float] = field(default_factory=list)
    product: list[float] = field(default_factory=list)
    detail: dict[str, object] = field(default_factory=dict)

    @property
    def met(self) -> bool | None:
        """None: there is no target."""
        if self.target is None:
            return None
        return self.value >= self.target if self.at_least else self.value <= self.target


def ratio_row(
    name: str,
    unit: str,
    baseline: Sequence[float],
    product: Sequence[float],
    target: float | None,
    command: str,
    **detail: object,
) -> Row:
    """The product's median beside the baseline's."""
    ours, theirs = statistics.median(product), statistics.median(baseline)
    value = ours / theirs if theirs else 0.0
    shown = f"{value:.1%} ({ours:,.0f} of {theirs:,.0f} {unit})"
    return Row(name, unit, round(value, 4), shown, target, True, command, [*baseline], [*product], dict(detail))


def table(rows: Sequence[Row]) -> str:
    """The rows for people, as Markdown."""
    lines = ["| what | measured | target | met | command |", "|---|---|---|---|---|"]
    for row in rows:
        sign = "≥" if row.at_least else "≤"
        percent = row.at_least and row.target is not None
        target = "–" if row.target is None else f"{sign} {row.target:.0%}" if percent else f"{sign} {row.target:g} {row.unit}"
        met = {True: "yes", False: "**no**", None: "–"}[row.met]
        lines.append(f"| {row.name} | {row.shown} | {target} | {met} | `{row.command}` |")
    return "\n".join(lines)


def keep(rows: Sequence[Row], started: str) -> Path:
    """Write the rows and the circumstances to bench/results. Out: the file."""
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / f"{started.replace(':', '')}.json"
    content = {"circumstances": circumstances(started), "rows": [asdict(row) | {"met": row.met} for row in rows]}
    file.write_text(json.dumps(content, ensure_ascii=False, indent=1, default=str) + "\n", encoding="utf-8")
    return file


def circumstances(started: str) -> dict[str, object]:
    """Where and on what this ran."""
    return {
        "started": started,
        "ended": machine_now().isoformat(timespec="seconds"),
        "commit": _commit(),
        "machine": {"cores": os.cpu_count(), "kernel": platform.release(), "load": os.getloadavg()},
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
    }


def _commit() -> str:
    try:
        said = subprocess.run(
            ["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=True, cwd=RESULTS.parent
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return said.stdout.strip()
