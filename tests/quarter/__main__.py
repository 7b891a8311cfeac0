"""`python -m tests.quarter`."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from datetime import timedelta

from bench.processes import _cpu
from shared.loop import run as run_loop
from tests.flows.system import Process
from tests.quarter.invariants import broken
from tests.quarter.run import QUARTER, SHORT, Size, played, say
from tests.servers import started


def cpu_seconds(process: Process) -> float:
    """Processor time of a service, with children it has waited for."""
    assert process.child is not None
    return _cpu(process.child.pid)


async def main(size: Size) -> bool:
    """Play, compare, print. Out: whether everything agrees."""
    with started("", "") as servers:
        async with played(servers, size) as quarter:
            for name, count in sorted(quarter.house.counts.items()):
                say(f"{count:9d}  {name}")
            for name, used in quarter.house.seconds.items():
                say(f"{used:7.1f} s  {name}")
            for process in quarter.house.system.processes.values():
                say(f"{cpu_seconds(process):7.1f} s of a core  {process.module}")
            for what in (
                "programme || ' ' || step || ' ' || state FROM visits",
                "channel || ' ' || state || ' ' || coalesce(reason, '') FROM messages",
            ):
                for row in await quarter.house.system.sql(f"SELECT count(*), {what} GROUP BY 2 ORDER BY 2"):
                    say(f"{row[0]:9d}  {row[1]}")
            problems = await broken(quarter.house)
            for problem in problems:
                say(f"BROKEN  {problem}")
            say(f"{quarter.seconds:.1f} s")
    return not problems


def read_arguments() -> Size:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="200 customers, two weeks")
    parser.add_argument("--customers", type=int, help="how many customers the store begins with")
    parser.add_argument("--days", type=int, help="how many days")
    parser.add_argument("--seed", type=int, help="another town")
    given = parser.parse_args()
    size = SHORT if given.short else QUARTER
    if given.customers:
        size = replace(size, customers=given.customers)
    if given.days:
        last = size.first + timedelta(days=given.days - 1)
        size = replace(size, last=last, closed_on=last + timedelta(days=1))
    return replace(size, seed=given.seed) if given.seed else size


if __name__ == "__main__":
    sys.exit(0 if run_loop(main(read_arguments())) else 1)
