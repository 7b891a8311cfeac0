"""An e-mail as bytes, written directly: the standard library's builder costs more than sending does.

Every value that goes into a header passes `_plain`, which leaves no line end in it.
"""

from __future__ import annotations

import re
from base64 import b64encode, encodebytes
from datetime import datetime
from email.utils import format_datetime
from functools import lru_cache
from html import escape
from urllib.parse import quote
from uuid import UUID

from services.notifier.channels.base import Attachment, Outgoing

_CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]+")
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")
_LINK = re.compile(r"https?://[^\s<>\"'，。；）]+")
_URL_SAFE = "%/:?&=#~+@!$,;()*[]"
_WORD_BYTES = 42  # of UTF-8 in one encoded word: 56 letters of base64, well inside 75

LAYOUT = (
    '<!doctype html><html lang="{language}"><head><meta charset="utf-8"><title>{subject}</title></head>'
    '<body style="font:16px/1.6 sans-serif;color:#1b2430;max-width:36em;margin:0 auto;padding:16px">'
    "{content}{unsubscribe}</body></html>"
)
_UNSUBSCRIBE = {"zh": "不想再收到营销邮件？点此退订", "en": "No more marketing e-mail? Unsubscribe"}


class UnsafeAddress(ValueError):
    """The address is none that can stand in an envelope."""


def check_address(address: str) -> str:
    """The address itself. Raises UnsafeAddress on anything but one plain ASCII mailbox."""
    if len(address) > 254 or address.find("@") > 64 or not _ADDRESS.fullmatch(address) or ".." in address:
        raise UnsafeAddress
    return address


def message_id(attempt_id: UUID, domain: str) -> str:
    """Our Message-ID: a bounce that quotes it names the attempt."""
    return f"<{attempt_id}@{domain}>"


def build(message: Outgoing, sender: str) -> bytes:
    """The whole message, CRLF throughout: multipart/alternative of text and HTML. Raises UnsafeAddress."""
    domain = sender.rpartition("@")[2]
    boundary = f"=_{message.attempt_id.hex}"
    headers = [
        f"From: {_mailbox(message.sender_name, sender)}",
        f"To: {check_address(message.to)}",
        f"Subject: {encoded(message.subject)}",
        f"Date: {_date(message.at)}",
        f"Message-ID: {message_id(message.attempt_id, domain)}",
        "MIME-Version: 1.0",
        "Auto-Submitted: auto-generated",
    ]
    if message.unsubscribe_url:
        headers.append(f"List-Unsubscribe: <{quote(_plain(message.unsubscribe_url), safe=_URL_SAFE)}>")
        headers.append("List-Unsubscribe-Post: List-Unsubscribe=One-Click")
    kind = f'Content-Type: multipart/alternative; boundary="{boundary}"'
    words = (_part(boundary, "plain", message.text), _part(boundary, "html", as_html(message)), f"--{boundary}--\r\n".encode())
    if message.attachment is None:
        return b"".join(("\r\n".join([*headers, kind]).encode("ascii"), b"\r\n\r\n", *words))
    return _with_attachment(headers, kind, words, message.attachment, f"=m{message.attempt_id.hex}")


def _with_attachment(headers: list[str], kind: str, words: tuple[bytes, ...], file: Attachment, boundary: str) -> bytes:
    """The words and a file beside them: multipart/mixed. The file's name goes as RFC 2231 wants it."""
    head = "\r\n".join([*headers, f'Content-Type: multipart/mixed; boundary="{boundary}"'])
    name = f"filename*=utf-8''{quote(_plain(file.name), safe='')}"
    return b"".join(
        (
            f"{head}\r\n\r\n--{boundary}\r\n{kind}\r\n\r\n".encode("ascii"),
            *words,
            f"--{boundary}\r\nContent-Type: {file.maintype}/{file.subtype}\r\nContent-Transfer-Encoding: base64\r\n"
            f"Content-Disposition: attachment; {name}\r\n\r\n".encode("ascii"),
            encodebytes(file.content).replace(b"\n", b"\r\n"),
            f"--{boundary}--\r\n".encode("ascii"),
        )
    )


def as_html(message: Outgoing) -> str:
    """The text as HTML: paragraphs, links that can be pressed, the unsubscribe line; in the store's own layout if it has one."""
    content = "".join(f"<p>{_linked(line)}</p>" for line in message.text.split("\n") if line.strip())
    unsubscribe = ""
    if message.unsubscribe_url:
        words = _UNSUBSCRIBE.get(message.language, _UNSUBSCRIBE["zh"])
        unsubscribe = f'<p style="font-size:13px"><a href="{escape(message.unsubscribe_url)}">{words}</a></p>'
    if message.html_layout:
        return message.html_layout.replace("{{ content }}", content).replace("{{ unsubscribe }}", unsubscribe)
    return LAYOUT.format(
        language=escape(message.language), subject=escape(message.subject), content=content, unsubscribe=unsubscribe
    )


def _linked(line: str) -> str:
    return _LINK.sub(lambda found: f'<a href="{found[0]}">{found[0]}</a>', escape(line, quote=False))


def _part(boundary: str, subtype: str, text: str) -> bytes:
    head = f"--{boundary}\r\nContent-Type: text/{subtype}; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    return head.encode() + encodebytes(text.encode()).replace(b"\n", b"\r\n")


def _plain(value: str) -> str:
    return _CONTROL.sub(" ", value).strip()


@lru_cache(maxsize=4096)
def encoded(value: str) -> str:
    """A header's text: as it is when ASCII, else as encoded words (RFC 2047), folded."""
    text = _plain(value)
    if text.isascii() and "=?" not in text and len(text) < 70:
        return text
    words, current, size = [], "", 0
    for character in text:
        width = len(character.encode())
        if size + width > _WORD_BYTES:
            words.append(current)
            current, size = "", 0
        current += character
        size += width
    words.append(current)
    return "\r\n ".join(f"=?utf-8?b?{b64encode(word.encode()).decode()}?=" for word in words)


@lru_cache(maxsize=1024)
def _mailbox(name: str, address: str) -> str:
    return f"{encoded(name)} <{address}>" if _is_word(name) else f'"{_quoted(name)}" <{address}>'


def _is_word(name: str) -> bool:
    return not name.isascii() or bool(re.fullmatch(r"[A-Za-z0-9 ]+", name))


def _quoted(name: str) -> str:
    return _plain(name).replace("\\", "\\\\").replace('"', '\\"')


@lru_cache(maxsize=16)
def _date(at: datetime) -> str:
    return format_datetime(at.replace(microsecond=0))
