"""`python -m bench [pipeline latency http imports …] [--pairs 5] [--short]`: run the rows, print the table, keep the JSON."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence

from bench import http, imports, pipeline, reports
from bench.house import House, opened
from bench.results import Row, keep, table
from shared.clock import machine_now

PARTS = ("pipeline", "latency", "http", "imports", "reports")
COMMAND = "python -m bench"
MEMORY_LIMIT, IMPORT_LIMIT = 200.0, 400.0
IMPORTING = "the importing process"


async def measure(house: House, parts: Sequence[str], pairs: int, *, short: bool) -> list[Row]:
    """All rows of the parts named; `short` shrinks the work, not what is done."""
    rows: list[Row] = []
    memory: dict[str, float] = {}
    if "pipeline" in parts:
        found, used = await pipeline.throughput(house, 2_000 if short else 100_000, pairs)
        rows, memory = rows + found, memory | used
    if "latency" in parts:
        rows += await pipeline.latency(house, 2 if short else 15, pairs)
    if "http" in parts:
        found, used = await http.rows(house, pairs, visits=1_000 if short else 20_000, share=0.05 if short else 1.0)
        rows, memory = rows + found, memory | used
    if "imports" in parts:
        found, used = await imports.rows(house, 1_000 if short else 100_000, pairs)
        rows, memory = rows + found, memory | used
    if "reports" in parts:
        rows += await reports.rows(house, 2_000 if short else 200_000, pairs)
    return rows + [_memory(name, size) for name, size in memory.items()]


def _memory(name: str, size: float) -> Row:
    limit = IMPORT_LIMIT if name == IMPORTING else MEMORY_LIMIT
    when = "at its most" if name == IMPORTING else "after the run"
    return Row(f"resident memory of {name} {when}", "MB", round(size, 1), f"{size:.0f} MB", limit, False, COMMAND, [], [size])


def run(parts: Sequence[str], pairs: int, *, short: bool) -> list[Row]:
    """The rows of the parts named, on servers of their own."""
    with opened() as house:
        return asyncio.run(measure(house, parts, pairs, short=short))


def main() -> int:
    """Run, print, keep. 1: a target was missed (never with --short)."""
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__)
    parser.add_argument("parts", nargs="*", default=[], help=f"of {', '.join(PARTS)}; none: all")
    parser.add_argument("--pairs", type=int, default=5, help="runs of baseline and product, in turn")
    parser.add_argument("--short", action="store_true", help="a thousand rows and one pair: does it still run?")
    given = parser.parse_args()
    if unknown := set(given.parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    started = machine_now().isoformat(timespec="seconds")
    rows = run(given.parts or PARTS, 1 if given.short else given.pairs, short=given.short)
    print(table(rows))
    if given.short:
        return 0
    print(f"\n{keep(rows, started)}")
    return int(any(row.met is False for row in rows))


if __name__ == "__main__":
    sys.exit(main())
