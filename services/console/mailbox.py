"""E-mails a development catcher kept as files, read for people. Reads a folder; writes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from email.utils import parsedate_to_datetime
from pathlib import Path

LARGEST = 1_000_000  # bytes of a file that are read
LATEST = 30


@dataclass(frozen=True)
class Mail:
    """An e-mail as a person would see it."""

    to: str
    sender: str
    subject: str
    text: str
    at: datetime | None


def latest_mails(folder: Path, limit: int = LATEST) -> list[Mail]:
    """The newest e-mails of a folder, newest first; none when there is no folder."""
    if not folder.is_dir():
        return []
    # The catcher's names sort by arrival.
    names = sorted((path for path in folder.glob("*.eml") if path.is_file()), reverse=True)[:limit]
    return [read_mail(path) for path in names]


def read_mail(path: Path) -> Mail:
    """One e-mail of a file; what cannot be read is left empty."""
    with path.open("rb") as file:
        message = BytesParser(policy=policy.default).parsebytes(file.read(LARGEST))
    return Mail(
        to=str(message.get("X-Envelope-To") or message.get("To") or ""),
        sender=str(message.get("From") or ""),
        subject=str(message.get("Subject") or ""),
        text=_text(message),
        at=_date(message),
    )


def _text(message: EmailMessage) -> str:
    part = message.get_body(("plain", "html"))
    if part is None:
        return ""
    try:
        return str(part.get_content())
    except (LookupError, UnicodeError):  # a charset nobody knows
        return ""


def _date(message: EmailMessage) -> datetime | None:
    try:
        return parsedate_to_datetime(str(message["Date"])) if message["Date"] else None
    except ValueError:
        return None
