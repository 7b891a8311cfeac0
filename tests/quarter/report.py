"""What a played quarter is judged by, printed: KPIs told and found, what is broken, how long a rehearsal takes, where the time went."""

from __future__ import annotations

from time import monotonic

from bench.processes import _cpu
from shared.packs import pack_text
from tests.quarter.independent import Compared, compare
from tests.quarter.invariants import broken
from tests.quarter.run import Quarter, Say, Size

REHEARSAL_DAYS = 14


async def judge(quarter: Quarter, say: Say) -> list[str]:
    """Everything that is not as it should be, a line each; what was looked at is said."""
    figures = await compare(quarter.house, quarter.size.months)
    say(f"\n  month    figure                 {'the API says':>26s} {'plain SQL finds':>26s}")
    for figure in figures:
        say(figure.line())
    faults = judged(figures, quarter.size, say)
    faults += await broken(quarter.house)
    await _rehearsal(quarter, say)
    _time(quarter, say)
    for fault in faults:
        say(f"BROKEN  {fault}")
    return faults


def judged(figures: list[Compared], size: Size, say: Say) -> list[str]:
    """Figures that differ; and, of a run that brings facts of every kind, those of which nothing was counted."""
    faults = [f"differs: {figure.line().strip()}" for figure in figures if not figure.agrees]
    empty = nothing_counted(figures)
    if size.brings_all or len(empty) == len({figure.kpi for figure in figures}):
        return faults + [f"nothing was counted for {kpi}" for kpi in empty]
    if empty:
        say(f"\nno such fact fell in so short a run, n/a on both sides: {', '.join(empty)}")
    return faults


def nothing_counted(figures: list[Compared]) -> list[str]:
    """The figures of which both reckonings found nothing in any month: of a whole quarter that shows nothing, of some days it may be."""
    counted = {figure.kpi: 0 for figure in figures}
    for figure in figures:
        counted[figure.kpi] += figure.found[1]
    return [kpi for kpi, count in counted.items() if not count]


async def _rehearsal(quarter: Quarter, say: Say) -> None:
    """A change tried on the files as they stand at the end."""
    house, began = quarter.house, monotonic()
    body = {"pack": pack_text("after-repair", "s4"), "days": REHEARSAL_DAYS}
    found = await house.operator.post(f"{house.base}/programmes/after-repair/rehearsal", body, 200)
    counts = ", ".join(f"{count} {name}" for name, count in found["counts"].items())
    say(f"\nrehearsal of {REHEARSAL_DAYS} days in {monotonic() - began:.1f} s: {counts}, {found['messages_after']} messages")


def _time(quarter: Quarter, say: Say) -> None:
    house = quarter.house
    for name, count in sorted(house.counts.items()):
        say(f"{count:9d}  {name}")
    for name, used in house.seconds.items():
        say(f"{used:7.1f} s  {name}")
    for process in house.system.processes.values():
        if process.child is not None:
            say(f"{_cpu(process.child.pid):7.1f} s of a core  {process.module}")
    say(f"{quarter.seconds:.1f} s for {quarter.size.customers} customers and {len(quarter.size.days)} days")
