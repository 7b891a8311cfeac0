"""How values look on the wire."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from services.api import wire


@pytest.mark.parametrize(
    ("zone", "at", "text"),
    [
        ("Asia/Shanghai", datetime(2026, 11, 23, 1, tzinfo=UTC), "2026-11-23T09:00:00.000+08:00"),
        ("Asia/Urumqi", datetime(1904, 11, 23, 18, 9, 40, tzinfo=UTC), "1904-11-23T23:59:40.000+05:50"),
        ("America/New_York", datetime(1880, 1, 1, 12, tzinfo=UTC), "1880-01-01T07:03:00.000-04:57"),
    ],
)
def test_an_instant_has_an_offset_of_whole_minutes_and_stays_the_same_instant(zone: str, at: datetime, text: str) -> None:
    wire.use_zone(zone)
    assert wire.instant_text(at) == text
    assert datetime.fromisoformat(text) == at
