"""A setting that cannot be meant ends the start with one line that names it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from shared.errors import SettingsInvalid
from shared.settings import load_settings

WRONG = {
    "DATABASE_URL": "mysql://localhost/huifang",
    "REDIS_URL": "nonsense",
    "HUIFANG_SMS_URL": "gateway.example",
    "HUIFANG_PUBLIC_URL": "nope",
    "HUIFANG_LEASE_SECONDS": "-3",
    "HUIFANG_SMS_PROVIDER": "carrier",
    "HUIFANG_TIMEZONE": "Mars/One",
    "HUIFANG_DATA_KEYS": "k:short",
}


@pytest.mark.parametrize(("name", "value"), WRONG.items())
def test_a_malformed_setting_is_named_in_one_line(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsInvalid) as refusal:
        load_settings()
    assert str(refusal.value).startswith(name)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("url", ["postgres://u:p@db/h", "postgresql://u:p@db/h", "postgresql+asyncpg://u:p@db/h"])
def test_the_usual_forms_of_a_database_url_are_taken(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    assert load_settings("database_url").database_url == url


@pytest.mark.parametrize("service", ["api", "scheduler", "notifier"])
def test_a_clock_that_is_none_keeps_every_service_from_starting(service: str) -> None:
    given = {"DATABASE_URL": "postgresql://u:p@127.0.0.1:1/h", "REDIS_URL": "redis://127.0.0.1:1/0", "HUIFANG_CLOCK": "yesterday"}
    ran = subprocess.run(
        [sys.executable, "-m", f"services.{service}"], env=given, capture_output=True, text=True, check=False, timeout=60
    )
    assert ran.returncode == 2
    assert ran.stderr.startswith("HUIFANG_CLOCK")
    assert ran.stderr.count("\n") == 1
