"""`python -m tests.openapi check|write`: the API's contract against the committed snapshot, docs/openapi.json."""

from __future__ import annotations

import difflib
import json
import sys
from itertools import islice
from pathlib import Path

from services.api.app import create_app
from shared.settings import Settings

SNAPSHOT = Path(__file__).parents[1] / "docs" / "openapi.json"
SHOWN = 60


def document() -> str:
    """The contract as it is now, in a stable order."""
    settings = Settings(database_url="postgresql://nobody@127.0.0.1:1/none", _env_file=None)
    return json.dumps(create_app(settings).openapi(), ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def main(arguments: list[str]) -> int:
    """`write` keeps the contract; `check` shows how it differs from the one kept, exit code 1 when it does."""
    now = document()
    if arguments == ["write"]:
        SNAPSHOT.write_text(now, encoding="utf-8")
        return 0
    kept = SNAPSHOT.read_text(encoding="utf-8") if SNAPSHOT.exists() else ""
    if now == kept:
        return 0
    changes = difflib.unified_diff(kept.splitlines(), now.splitlines(), "docs/openapi.json", "the API", lineterm="", n=1)
    sys.stdout.write("\n".join(islice(changes, SHOWN)) + "\n\nThe contract has changed. If that is meant: make openapi\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
