"""Appointments as iCalendar (RFC 5545). By hand: no library for it is among our dependencies, and the few lines that a feed of plain
events needs (escaping, folding, UTC instants) are shorter than the review of one.

A calendar app keeps what it reads with its own provider, so a feed names the car and the work, never the customer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

LONGEST_LINE = 75  # octets, without the line end
CONTENT_TYPE = "text/calendar; charset=utf-8"
PRODUCT = "-//Huifang//Appointments//ZH"
STATUS: Mapping[str, str] = {
    "booked": "TENTATIVE",
    "confirmed": "CONFIRMED",
    "arrived": "CONFIRMED",
    "no_show": "CANCELLED",
    "moved": "CANCELLED",
    "cancelled": "CANCELLED",
}


@dataclass(frozen=True)
class Event:
    """One appointment as a calendar shows it. `uid` never changes; `sequence` grows with every change; instants are aware."""

    uid: str
    sequence: int
    changed_at: datetime
    starts_at: datetime
    minutes: int
    summary: str
    description: str
    state: str


def calendar(name: str, events: Iterable[Event], location: str | None = None) -> bytes:
    """The whole file: CRLF line ends, lines folded at 75 octets."""
    lines = [
        "BEGIN:VCALENDAR", "VERSION:2.0", f"PRODID:{PRODUCT}", "CALSCALE:GREGORIAN", "METHOD:PUBLISH",
        f"X-WR-CALNAME:{escaped(name)}", "REFRESH-INTERVAL;VALUE=DURATION:PT15M", "X-PUBLISHED-TTL:PT15M",
        *(line for event in events for line in _event(event, location)),
        "END:VCALENDAR",
    ]  # fmt: skip
    return b"".join(folded(line) for line in lines)


def escaped(text: str) -> str:
    """TEXT of RFC 5545 §3.3.11: backslash, semicolon, comma and line ends; other control characters are dropped."""
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    plain = plain.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")
    return "".join(letter for letter in plain if letter >= " " or letter == "\t")


def folded(line: str) -> bytes:
    """A line with its end, folded so that none is longer than 75 octets and no character is cut (§3.1)."""
    parts: list[bytes] = []
    current = b""
    for letter in line:
        octets = letter.encode()
        room = LONGEST_LINE if not parts else LONGEST_LINE - 1  # a continuation begins with a blank
        if len(current) + len(octets) > room:
            parts.append(current)
            current = b""
        current += octets
    return b"\r\n ".join([*parts, current]) + b"\r\n"


def _event(event: Event, location: str | None) -> Iterator[str]:
    yield "BEGIN:VEVENT"
    yield f"UID:{event.uid}"
    yield f"DTSTAMP:{_instant(event.changed_at)}"
    yield f"LAST-MODIFIED:{_instant(event.changed_at)}"
    yield f"SEQUENCE:{event.sequence}"
    yield f"DTSTART:{_instant(event.starts_at)}"
    yield f"DTEND:{_instant(event.starts_at + timedelta(minutes=event.minutes))}"
    yield f"SUMMARY:{escaped(event.summary)}"
    if event.description:
        yield f"DESCRIPTION:{escaped(event.description)}"
    if location:
        yield f"LOCATION:{escaped(location)}"
    yield f"STATUS:{STATUS[event.state]}"
    yield "END:VEVENT"


def _instant(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"
