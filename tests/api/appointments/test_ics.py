"""The feed as RFC 5545 wants it."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from services.api.appointments.ics import Event, calendar, escaped, folded

EVENT = Event(
    "01@huifang", 3, datetime(2026, 11, 23, 1, 0, tzinfo=UTC), datetime(2026, 11, 27, 2, 0, tzinfo=UTC), 90,
    "沪A12345 朗逸 保养、空调滤芯；检查刹车, 轮胎", "已约，预计 90 分钟", "booked",
)  # fmt: skip


def _unfolded(data: bytes) -> list[str]:
    return data.decode().replace("\r\n ", "").split("\r\n")


def test_an_event_has_what_a_calendar_needs() -> None:
    lines = _unfolded(calendar("张江店 预约", [EVENT], "张江路1号"))

    assert lines[:3] == ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Huifang//Appointments//ZH"]
    assert {"UID:01@huifang", "SEQUENCE:3", "DTSTART:20261127T020000Z", "DTEND:20261127T033000Z", "STATUS:TENTATIVE"} <= set(
        lines
    )
    assert "DTSTAMP:20261123T010000Z" in lines
    assert lines[-2:] == ["END:VCALENDAR", ""]


def test_commas_semicolons_and_line_ends_are_escaped() -> None:
    assert escaped("a,b;c\\d\r\ne\x07") == "a\\,b\\;c\\\\d\\ne"


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"])))
def test_no_line_is_longer_than_75_octets_and_no_character_is_cut(text: str) -> None:
    lines = folded(f"SUMMARY:{text}").split(b"\r\n")

    assert lines[-1] == b""
    assert all(len(line) <= 75 for line in lines)
    assert all(line.startswith(b" ") for line in lines[1:-1])
    assert b"".join([lines[0], *(line[1:] for line in lines[1:])]).decode() == f"SUMMARY:{text}"
