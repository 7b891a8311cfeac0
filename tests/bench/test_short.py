"""Each part of the benchmarks, small: it runs through and measures something. How fast is for `make bench` to say."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

from bench.__main__ import PARTS, run
from bench.results import Row, ratio_row, table


@pytest.mark.timeout(240)
@pytest.mark.parametrize("part", PARTS)
async def test_a_short_run_measures_what_it_should(part: str) -> None:
    with ThreadPoolExecutor(1) as executor:  # a loop of its own, and servers of its own that sync to disk
        rows = await asyncio.get_running_loop().run_in_executor(executor, lambda: run([part], 1, short=True))
    assert rows
    assert all(row.value > 0 for row in rows)
    assert all(row.command.startswith("python -m bench") for row in rows)


def test_a_ratio_is_that_of_the_medians() -> None:
    row = ratio_row("x", "rows/s", [100, 1000, 120], [60, 1, 61], 0.4, "python -m bench")
    assert (row.value, row.met) == (0.5, True)


def test_a_limit_is_met_from_below() -> None:
    assert Row("p99", "ms", 151, "151 ms", 150, False, "python -m bench").met is False


def test_the_table_says_the_target_and_the_command() -> None:
    shown = table([ratio_row("x", "rows/s", [100], [60], 0.4, "python -m bench")])
    assert "| x | 60.0% (60 of 100 rows/s) | ≥ 40% | yes | `python -m bench` |" in shown
