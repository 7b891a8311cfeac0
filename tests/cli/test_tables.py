"""How the commands print data for people: what fits is shown whole, what does not is named."""

from __future__ import annotations

import re

import pytest
from rich.cells import cell_len

from services.cli.options import print_table
from services.cli.programmes import _print_rehearsal
from tests.cli.conftest import Huifang

WIDE = {f"c{number}": f"第{number}列" for number in range(30)}


def test_at_eighty_columns_no_column_is_squeezed_and_those_left_out_are_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")

    print_table([dict.fromkeys(WIDE, "88.8%") for _ in range(2)], WIDE)

    table, told = capsys.readouterr()
    lines = table.splitlines()
    assert len(lines) == 3
    assert lines[1].split() == ["88.8%"] * lines[0].count("列")
    assert "11 of 30 columns fit into 80 characters" in told
    assert "第29列" in told


def test_a_long_text_is_folded_beside_short_columns(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("COLUMNS", "80")

    print_table([{"to": "138****5678", "text": "回访" * 60}], {"to": "To", "text": "Text"})

    table, told = capsys.readouterr()
    assert max(map(cell_len, table.splitlines())) <= 80
    assert ("138****5678" in table, told) == (True, "")


def test_another_program_gets_every_column_in_one_line_a_row(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)

    print_table([dict.fromkeys(WIDE, "88.8%")], WIDE)

    table, told = capsys.readouterr()
    assert [len(line.split()) for line in table.splitlines()] == [30, 30]
    assert told == ""


def test_a_rehearsal_of_nothing_prints_no_headings(capsys: pytest.CaptureFixture[str]) -> None:
    nothing = {"volumes": [], "steps": [], "sample": [], "messages_before": 0, "messages_after": 0, "counts": {"moved": 0}}

    _print_rehearsal(nothing | {"key": "birthday", "first": "2026-11-23", "last": "2026-12-06"})

    table, told = capsys.readouterr()
    assert table == ""
    assert told.splitlines() == [
        "birthday, 2026-11-23 to 2026-12-06. Planned visits: 0 moved.",
        "Messages: 0 now, 0 then.",
    ]


def test_the_list_of_programmes_says_which_are_off_and_a_report_fits_a_terminal(huifang: Huifang) -> None:
    huifang.run("store", "add", "--code", "S01", "--name", "沪兴汽车")

    listed = huifang.run("programmes", "list", "--store", "S01", COLUMNS="80").stdout.splitlines()
    report = huifang.run("report", "form-6", "--store", "S01", COLUMNS="80")

    states = {line.split()[0]: line.split()[1] for line in listed[1:] if line.split()[0] in {"new-owner", "birthday"}}
    assert states == {"new-owner": "off", "birthday": "on"}
    assert report.returncode == 0, report.stderr
    assert not re.search(r"(?<!\S)[\u4e00-\u9fff](?!\S)", report.stdout)  # a heading folded to one character a line
    assert max(map(cell_len, report.stdout.splitlines())) <= 80
