"""The quarter in small: two weeks of two hundred customers through all services."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.timeout(300)
def test_two_weeks_of_two_hundred_customers_agree_with_a_second_reckoning() -> None:
    """In a process of its own, as `make quarter` runs: hundreds of kept-alive connections of its stand-ins end with it."""
    played = subprocess.run([sys.executable, "-m", "tests.quarter", "--short"], capture_output=True, text=True, check=False)
    assert played.returncode == 0, played.stdout + played.stderr
