"""Business SQL takes its instants as parameters: no statement of services/ or shared/ asks the server what time it is."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CLOCKS = re.compile(
    r"\b(?:now|clock_timestamp|statement_timestamp|transaction_timestamp|timeofday)\s*\(\s*\)"
    r"|\b(?:current_timestamp|current_date|current_time|localtimestamp|localtime)\b",
    re.IGNORECASE,
)
FUNCTIONS = {"now", "current_timestamp", "current_date", "current_time", "localtimestamp", "clock_timestamp"}

# Places that may ask the server's clock, as `file: the line's text`, and why.
ALLOWED: dict[str, str] = {
    'services/api/imports/merging/run.py: NEW_ID = """encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid()) placing': (
        "an id says by the machine's time when the row was made, whatever the business clock says"
    ),
}


def _programs() -> list[Path]:
    return sorted(path for folder in ("services", "shared") for path in (ROOT / folder).rglob("*.py"))


def _docstrings(tree: ast.AST) -> set[ast.AST]:
    """Prose: a string that stands alone as a statement."""
    return {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)}


def _asks(node: ast.AST) -> bool:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return bool(CLOCKS.search(node.value))
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name | ast.Attribute):
        name = node.value.id if isinstance(node.value, ast.Name) else node.value.attr
        return name == "func" and node.attr in FUNCTIONS
    return False


def asked(source: str) -> list[int]:
    """The lines of a program on which SQL asks the server's clock."""
    tree = ast.parse(source)
    prose = _docstrings(tree)
    return sorted({node.lineno for node in ast.walk(tree) if node not in prose and _asks(node)})  # type: ignore[attr-defined]


def test_no_sql_of_ours_asks_the_servers_clock() -> None:
    found: list[str] = []
    for path in _programs():
        source = path.read_text(encoding="utf-8")
        lines = source.splitlines()
        found += [f"{path.relative_to(ROOT)}: {lines[number - 1].strip()}" for number in asked(source)]
    assert [place for place in found if place not in ALLOWED] == [], "pass `now` as a parameter"


def test_what_is_allowed_still_exists() -> None:
    for place in ALLOWED:
        file, _, line = place.partition(": ")
        assert line in (ROOT / file).read_text(encoding="utf-8"), place


@pytest.mark.parametrize(
    "program",
    [
        'SQL = "UPDATE visits SET closed_at = now()"',
        'SQL = f"SELECT {x} WHERE due_on <= CURRENT_DATE"',
        "x = sa.func.now()",
        "x = func.current_timestamp()",
        'SQL = """\n  SELECT 1\n  WHERE at < clock_timestamp()"""',
    ],
)
def test_the_search_finds_a_statement_that_asks(program: str) -> None:
    assert asked(program)


@pytest.mark.parametrize("program", ['"""No `now()` here."""', "at = clock.now()", 'SQL = "SELECT 1 WHERE at < $1"', 'X = "now"'])
def test_the_search_leaves_the_rest_alone(program: str) -> None:
    assert asked(program) == []
