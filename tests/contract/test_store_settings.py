"""A store's settings: what the code reads is known to the API, and docs/settings.md tells of each."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

from services.api.stores.policies import KNOWN, OBJECTS

ROOT = Path(__file__).resolve().parents[2]
CONTEXT = ROOT / "shared/stores.py"
READERS = [path for top in ("shared", "services") for path in sorted((ROOT / top).rglob("*.py"))]
IN_SQL = re.compile(r"policies\s*->>?\s*'(\w+)'")


def _named(path: Path) -> Iterator[str]:
    """The names in `store.setting(…)`, `….policies.get(…)`, `policies ->> '…'`."""
    text = path.read_text(encoding="utf-8")
    yield from IN_SQL.findall(text)
    for node in ast.walk(ast.parse(text)):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args and _reads(node.func)):
            continue
        if path != CONTEXT or isinstance(node.args[0], ast.Constant):  # there, `setting` itself is asked for a name
            yield _text(node.args[0], path)


def _reads(call: ast.Attribute) -> bool:
    if call.attr == "setting":
        return True
    holder = call.value.attr if isinstance(call.value, ast.Attribute) else getattr(call.value, "id", "")
    return call.attr == "get" and holder == "policies"


def _text(name: ast.expr, path: Path) -> str:
    """A literal, or a constant of the module it stands in. A variable could not be looked up, and fails."""
    if isinstance(name, ast.Constant):
        return str(name.value)
    assert isinstance(name, ast.Name), f"{path}:{name.lineno}: a setting read by what is no name"
    module = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    return str(getattr(module, name.id))


def test_every_setting_that_is_read_is_known_and_every_known_one_is_read() -> None:
    named = {name for path in READERS for name in _named(path)}

    assert named == set(KNOWN)


def test_the_settings_of_a_store_are_all_in_the_docs_and_no_others() -> None:
    table = (ROOT / "docs/settings.md").read_text(encoding="utf-8").partition("## What a store sets for itself")[2]
    told = {name for row in re.findall(r"^\| (`[^|]*) \|", table, re.MULTILINE) for name in _names_of(row)}
    wanted = {name for name in KNOWN if name not in OBJECTS}
    wanted |= {f"{name}.{field}" for name, model in OBJECTS.items() if name != "kpi_targets" for field in model.model_fields}

    assert told == wanted | {"kpi_targets.<figure>"}
    assert all(f"`{figure}`" in table for figure in OBJECTS["kpi_targets"].model_fields)


def _names_of(row: str) -> Iterator[str]:
    """`ladder.sms_from`, `ladder.sms_to`; a name that begins with a dot is of the object before it."""
    holder = ""
    for name in re.findall(r"`([^`]+)`", row):
        yield f"{holder}{name}" if name.startswith(".") else name
        holder = name.partition(".")[0]
