"""`python -m tests.quarter`: play, compare, print; the exit code says whether everything agrees."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from shared.loop import run as run_loop
from tests.quarter.examples import write_examples
from tests.quarter.report import judge
from tests.quarter.run import QUARTER, SHORT, Size, played, say
from tests.servers import started

# A day of the store passes in seconds: the server looks as often, in the store's time, at what its tables hold as in production.
IN_STEP = ("ALTER SYSTEM SET autovacuum_naptime = '15s'", "SELECT pg_reload_conf()")


async def main(size: Size, examples: Path | None) -> bool:
    """Out: whether everything agrees."""
    with started("", "") as servers:
        servers.administer(*IN_STEP)
        async with played(servers, size) as quarter:
            faults = await judge(quarter, say)
            if examples is not None:
                for path in await write_examples(quarter, examples):
                    say(f"wrote {path}")
    return not faults


def read_arguments() -> tuple[Size, Path | None]:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="200 customers, two weeks")
    parser.add_argument("--customers", type=int, help="how many customers the store begins with")
    parser.add_argument("--days", type=int, help="how many days")
    parser.add_argument("--seed", type=int, help="another town")
    parser.add_argument("--examples", type=Path, help="write Excel files of the quarter into this folder")
    given = parser.parse_args()
    size = SHORT if given.short else QUARTER
    if given.customers:
        size = replace(size, customers=given.customers)
    if given.days:
        last = size.first + timedelta(days=given.days - 1)
        size = replace(size, last=last, closed_on=last + timedelta(days=1))
    return (replace(size, seed=given.seed) if given.seed else size), given.examples


if __name__ == "__main__":
    sys.exit(0 if run_loop(main(*read_arguments())) else 1)
