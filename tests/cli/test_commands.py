"""Commands without `up`: they start PostgreSQL and one API for their own duration."""

from __future__ import annotations

import json
import stat
from pathlib import Path

from tests.cli.conftest import Huifang


def test_a_store_is_added_on_an_empty_folder_and_listed_by_the_next_command(huifang: Huifang) -> None:
    added = huifang.run("store", "add", "--code", "S01", "--name", "沪兴汽车", "--json")
    assert added.returncode == 0, added.stderr
    assert json.loads(added.stdout)["timezone"] == "Asia/Shanghai"

    again = huifang.run("store", "add", "--code", "S01", "--name", "沪兴汽车")
    assert again.returncode == 1
    assert again.stderr.startswith("huifang: ")

    listed = json.loads(huifang.run("store", "list", "--json").stdout)
    assert [(store["code"], store["name"]) for store in listed] == [("S01", "沪兴汽车")]
    assert not (huifang.data / "run.json").exists()


def test_secrets_are_made_once_and_are_private(huifang: Huifang) -> None:
    first = (huifang.data / "secrets.json").read_text()
    huifang.run("store", "list")
    assert (huifang.data / "secrets.json").read_text() == first
    assert stat.S_IMODE((huifang.data / "secrets.json").stat().st_mode) == 0o600


def test_a_backup_brings_back_what_was_there(huifang: Huifang, tmp_path: Path) -> None:
    file = tmp_path / "huifang.backup"
    assert huifang.run("backup", str(file)).returncode == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert huifang.run("backup", str(file)).returncode == 2

    huifang.run("store", "add", "--code", "S02", "--name", "后来的店")
    restored = huifang.run("restore", str(file), "--yes")
    assert restored.returncode == 0, restored.stderr
    assert [store["code"] for store in json.loads(huifang.run("store", "list", "--json").stdout)] == ["S01"]


def test_a_file_that_is_no_backup_changes_nothing(huifang: Huifang, tmp_path: Path) -> None:
    file = tmp_path / "wrong"
    file.write_text("no backup")
    refused = huifang.run("restore", str(file), "--yes")
    assert refused.returncode == 1
    assert [store["code"] for store in json.loads(huifang.run("store", "list", "--json").stdout)] == ["S01"]


def test_wrong_use_is_exit_code_2(huifang: Huifang) -> None:
    assert huifang.run("store", "add", "--code", "S09").returncode == 2
    assert huifang.run("clock", "to", "tomorrow").returncode == 2
    assert huifang.run("nonsense").returncode == 2


def test_a_file_that_holds_nothing_is_told_and_the_next_one_comes_in(huifang: Huifang, tmp_path: Path) -> None:
    empty, good = tmp_path / "empty.csv", tmp_path / "good.csv"
    empty.touch()
    good.write_text("客户姓名,手机\n王伟,13812345678\n")

    ran = huifang.run("import", "customers", str(empty), str(good), "--store", "S01", "--json")

    assert ran.returncode == 1
    told = [(done["file_name"], done["state"], done["created"]) for done in json.loads(ran.stdout)]
    assert told == [("empty.csv", "failed", 0), ("good.csv", "done", 1)]


def test_an_unknown_store_is_refused_with_the_way_to_add_it(huifang: Huifang) -> None:
    refused = huifang.run("staff", "add", "--store", "S77", "--name", "林静", "--role", "followup_specialist")
    assert refused.returncode == 1
    assert "huifang store add --code S77" in refused.stderr


def test_a_wrong_setting_is_named(huifang: Huifang) -> None:
    refused = huifang.run("store", "list", HUIFANG_TIMEZONE="Mars/Olympus")
    assert refused.returncode == 1
    assert "HUIFANG_TIMEZONE" in refused.stderr


def test_doctor_says_that_nothing_runs_and_finds_nothing_wrong(huifang: Huifang) -> None:
    told = huifang.run("doctor", "--json")
    assert told.returncode == 0, told.stdout
    report = json.loads(told.stdout)
    assert report["ok"]
    assert not report["running"]
    assert report["api_url"] is None


def test_doctor_says_how_to_mend_a_server_that_is_away(huifang: Huifang) -> None:
    told = huifang.run("doctor", REDIS_URL="redis://127.0.0.1:1/0")
    assert told.returncode == 1
    assert "WRONG  redis" in told.stdout
    assert "Check REDIS_URL" in told.stdout


def test_a_report_is_shown_as_json_and_written_as_a_file(huifang: Huifang, tmp_path: Path) -> None:
    huifang.run("store", "add", "--code", "S01", "--name", "沪兴汽车")
    file = tmp_path / "form-6.xlsx"

    shown = huifang.run("report", "followup-statistics", "--month", "2026-11", "--store", "S01", "--json")
    written = huifang.run("report", "form-6", "--month", "2026-11", "--store", "S01", "--xlsx", str(file))
    wrong = huifang.run("report", "form-6", "--month", "2026-13", "--store", "S01")
    unknown = huifang.run("report", "nonsense", "--store", "S01")

    assert json.loads(shown.stdout)["title"]["zh"] == "2026年11月回访统计表"
    assert (written.returncode, file.read_bytes()[:2]) == (0, b"PK")
    assert (wrong.returncode, "query/month" in wrong.stderr) == (1, True)
    assert unknown.returncode == 1
