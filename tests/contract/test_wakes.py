"""Whoever gives a visit an instant to be looked at enters it in the scheduler's queue; nothing else would find it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
WRITES = re.compile(r"(UPDATE|INSERT INTO) visits\b", re.IGNORECASE)
SETS = re.compile(r"\bwake_at = (?!NULL)|INSERT INTO visits\b[^)]*\bwake_at\b", re.IGNORECASE)
ENTERS = re.compile(r"\bwake\(|INSERT INTO visit_wakes")


def _statements(source: str) -> Iterator[str]:
    """The texts of a program, the fixed parts of those that are put together included."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)


def _programs() -> Iterator[Path]:
    for folder in ("services", "shared"):
        yield from (ROOT / folder).rglob("*.py")


def _sets_a_wake(source: str) -> bool:
    return any(WRITES.search(text) and SETS.search(text) for text in _statements(source))


def test_every_program_that_sets_a_wake_enters_it_in_the_queue() -> None:
    setting = {path: text for path in _programs() if _sets_a_wake(text := path.read_text(encoding="utf-8"))}
    assert len(setting) >= 5
    assert [str(path.relative_to(ROOT)) for path, text in setting.items() if not ENTERS.search(text)] == []


def test_one_that_forgets_the_queue_is_seen() -> None:
    assert _sets_a_wake('_MOVE = "UPDATE visits SET wake_at = $2 WHERE id = $1"')
    assert _sets_a_wake('_NEW = "INSERT INTO visits (store_id, wake_at) VALUES ($1, $2)"')
    assert not _sets_a_wake('_CANCEL = "UPDATE visits SET wake_at = NULL WHERE id = $1"')
    assert not _sets_a_wake('_LATER = "UPDATE messages SET wake_at = $2 WHERE id = $1"')
