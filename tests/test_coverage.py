"""What docs/coverage.md names is there: files, folders, tests."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "coverage.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`((?:shared|services|deploy|tests|docs|bench)/[^`]+)`", TEXT)))
SECTIONS = 12


@pytest.mark.parametrize("name", NAMED)
def test_what_the_coverage_names_is_there(name: str) -> None:
    path, _, test = name.partition("::")
    assert (ROOT / path).exists(), f"{path} is not there"
    if test:
        assert re.search(rf"^(async )?def {re.escape(test)}\(", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE), name


def test_every_row_names_where_it_lives_and_a_test() -> None:
    rows = [line for line in TEXT.splitlines() if line.startswith("| ") and not line.startswith("| row |")]
    empty = [row for row in rows if len(row.strip("|").split("|")) != 3 or any("`" not in cell for cell in row.split("|")[2:4])]
    assert empty == []


def test_every_shipped_programme_has_its_row() -> None:
    shipped = {path.name for path in (ROOT / "deploy" / "programmes").glob("*.yaml")}
    assert {name for name in shipped if f"deploy/programmes/{name}" not in TEXT} == set()


def test_every_section_of_the_requirement_is_there() -> None:
    numbers = re.findall(r"^## (\d+)\.", TEXT, re.MULTILINE)
    assert numbers == [str(number) for number in range(1, SECTIONS + 1)]
