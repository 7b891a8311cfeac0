"""`python -m tests.fuzz [--minutes N] [--seed N] [--only OPERATION_ID]`: the whole run; exit code 1 when a check failed."""

from __future__ import annotations

import argparse
import os
import secrets
import sys
from contextlib import nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.fuzz.run import Wish, fuzz
from tests.servers import started


def main() -> int:
    """Start the servers, fuzz, end them."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=20, help="the time for random and stateful requests together")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**31), help="repeat the run that said this number")
    parser.add_argument("--only", default="", metavar="OPERATION_ID", help="one operation")
    parser.add_argument("--report", type=Path, help="a folder that keeps the log of every request")
    given = parser.parse_args()
    wish = Wish(seconds=int(given.minutes * 60), seed=given.seed, only=given.only)
    folder = nullcontext(given.report) if given.report else TemporaryDirectory()
    with started(os.environ.get("DATABASE_URL", ""), os.environ.get("REDIS_URL", "")) as servers, folder as path:
        outcome = fuzz(servers, wish, Path(path), sys.stdout.write)
    sys.stdout.write(f"\nseed {given.seed}: {'no failures' if outcome.passed else 'failures'}\n")
    return 0 if outcome.passed else 1


if __name__ == "__main__":
    sys.exit(main())
