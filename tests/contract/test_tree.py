"""What is in the tree: no address of a package registry, no path of somebody's machine, no file too long to read."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import typer.main

from services.cli.__main__ import app

ROOT = Path(__file__).parents[2]
LONGEST = 400

# Programs longer than that, and why each is worth it.
LONG: dict[str, str] = {
    "deploy/migrations/versions/0001_the_house.py": "one statement a table, as alembic writes them",
    "deploy/migrations/versions/0002_the_whole_of_follow_up.py": "as alembic writes them",
    "tests/api/imports/test_job.py": "one sample export, and everything an import must do with it",
    "tests/domain/test_ladder.py": "the ladder's cases, read from top to bottom as the ladder itself",
    "tests/test_planning.py": "the programmes' days, one test a rule of the sources",
}

# Put together here, so that this file does not hold what it looks for.
REGISTRIES = re.compile(
    "|".join(
        ("py" + r"pi\.org", "python" + "hosted", "/sim" + "ple/?\\b", "npm" + r"js\.(?:org|com)", "(?<!emit-)index" + "-url")
    ),
    re.IGNORECASE,
)
MACHINES = re.compile(
    "|".join((r"(?<![\w.-])/wo" + "rk/", r"(?<![\w.-])/ro" + "ot/", r"(?<![\w.-])/ho" + r"me/\w+/", r"C:\\Us" + "ers"))
)
BINARY = {".xlsx", ".png", ".ico", ".woff2", ".gz", ".pdf"}


def _tracked() -> list[Path]:
    """Every file under version control; without git, every file that is not hidden."""
    try:
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
    except (OSError, subprocess.CalledProcessError):
        return [p for p in ROOT.rglob("*") if p.is_file() and not any(part.startswith(".") for part in p.relative_to(ROOT).parts)]
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def _texts() -> dict[str, str]:
    return {
        str(path.relative_to(ROOT)): path.read_text(encoding="utf-8", errors="replace")
        for path in _tracked()
        if path.suffix not in BINARY
    }


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    return _texts()


def _holding(texts: dict[str, str], pattern: re.Pattern[str]) -> list[str]:
    return [f"{name}: {found[0]}" for name, text in texts.items() if (found := pattern.search(text))]


def test_no_file_names_a_package_registry(texts: dict[str, str]) -> None:
    assert _holding(texts, REGISTRIES) == []


def test_no_file_names_a_folder_of_somebodys_machine(texts: dict[str, str]) -> None:
    assert _holding(texts, MACHINES) == []


def test_no_program_is_longer_than_one_can_read(texts: dict[str, str]) -> None:
    long = {name for name, text in texts.items() if name.endswith(".py") and len(text.splitlines()) > LONGEST}
    assert long - set(LONG) == set()


def test_the_list_of_long_programs_names_only_files_that_exist(texts: dict[str, str]) -> None:
    assert set(LONG) <= set(texts)


def test_nothing_is_called_utils(texts: dict[str, str]) -> None:
    assert [name for name in texts if re.search(r"(^|/)(utils?|helpers?|common|misc)(\.py|/)", name)] == []


def test_no_test_is_skipped_or_expected_to_fail(texts: dict[str, str]) -> None:
    marks = re.compile("mark" + r"\.(?:skip\b|xfail)|pytest\." + r"xfail\(")
    assert _holding({name: text for name, text in texts.items() if name.endswith(".py")}, marks) == []


def _prose(texts: dict[str, str]) -> dict[str, str]:
    return {name: text for name, text in texts.items() if name.endswith(".md") and name != "CHANGELOG.md"}


def _code(texts: dict[str, str]) -> list[tuple[str, str]]:
    """Each line of code in a document, fenced or between backticks, with the document's name."""
    found = []
    for name, text in _prose(texts).items():
        fenced = re.findall(r"^```[^\n]*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
        inline = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL))
        found += [(name, line.strip()) for block in fenced for line in block.splitlines()] + [(name, code) for code in inline]
    return found


def test_every_make_target_that_the_documents_name_exists(texts: dict[str, str]) -> None:
    targets = set(re.findall(r"^([a-z-]+):", texts["Makefile"], re.MULTILINE))
    named = [(name, found[1]) for name, code in _code(texts) if (found := re.match(r"(?:\$ )?make ([a-z-]+)", code))]
    assert [(name, target) for name, target in named if target not in targets] == []


def _commands() -> dict[str, set[str]]:
    """The commands of `huifang`, and the subcommands of each."""
    group = typer.main.get_command(app)
    found = getattr(group, "commands", {})
    return {name: set(getattr(command, "commands", {})) for name, command in found.items()}


def test_every_command_that_the_documents_name_exists(texts: dict[str, str]) -> None:
    commands = _commands()
    call = re.compile(r"(?:\$ )?(?:\.venv/bin/)?huifang ([a-z-]+)(?: ([a-z-]+))?")
    wrong = []
    for name, code in _code(texts):
        if found := call.match(code):
            first, second = found.groups()
            subcommands = commands.get(first)
            if subcommands is None or (subcommands and second and second not in subcommands):
                wrong.append((name, found[0]))
    assert wrong == []


def test_every_file_that_the_documents_link_to_exists(texts: dict[str, str]) -> None:
    missing = []
    for name, text in _prose(texts).items():
        for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", text):
            if not (ROOT / name).parent.joinpath(target).exists():
                missing.append(f"{name}: {target}")
    assert missing == []
