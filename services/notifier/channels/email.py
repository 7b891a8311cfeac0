"""SMTP through a few kept connections. What was said before DATA can be said again; after DATA only the server's word counts."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from email.utils import parseaddr
from time import monotonic
from urllib.parse import unquote, urlsplit

import aiosmtplib
from aiosmtplib.errors import SMTPDataError, SMTPException, SMTPRecipientRefused, SMTPResponseException, SMTPServerDisconnected

from services.notifier.channels import mime
from services.notifier.channels.base import Mark, Outgoing, Result, Stopped, Verdict
from shared.errors import SettingsInvalid

CONNECTIONS = 8
CONNECT_SECONDS = 3.0
ANSWER_SECONDS = 10.0
IDLE_SECONDS = 20.0
_PORTS = {"smtp": 25, "smtps": 465, "smtp+starttls": 587}


@dataclass(frozen=True)
class Server:
    """An SMTP server as HUIFANG_SMTP_URL names it. `start_tls` None: if offered."""

    host: str
    port: int
    user: str | None
    password: str | None
    tls: bool
    start_tls: bool | None


def read_smtp_url(url: str) -> Server:
    """`smtp://` uses STARTTLS if offered, `smtps://` TLS from the start, `smtp+starttls://` insists. Raises SettingsInvalid."""
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise SettingsInvalid("HUIFANG_SMTP_URL wants smtp://, smtps:// or smtp+starttls://, then [user:password@]host[:port]")
    return Server(
        host=parts.hostname,
        port=parts.port or _PORTS[parts.scheme],
        user=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        tls=parts.scheme == "smtps",
        start_tls={"smtp": None, "smtps": False, "smtp+starttls": True}[parts.scheme],
    )


class _Line:
    """One kept connection, and when it was last of use."""

    def __init__(self) -> None:
        self.smtp: aiosmtplib.SMTP | None = None
        self.used_at = 0.0


class Email:
    """`HUIFANG_SMTP_URL`. The envelope's sender is HUIFANG_SMTP_FROM, the visible name the store's."""

    provider = "smtp"
    wire = True
    receipts = False

    def __init__(self, url: str, sender: str, *, patience: float = ANSWER_SECONDS) -> None:
        self._server = read_smtp_url(url)
        self._name, self._sender = parseaddr(sender)
        mime.check_address(self._sender)
        self._patience = min(patience, ANSWER_SECONDS)
        self._lines: asyncio.LifoQueue[_Line] = asyncio.LifoQueue()
        for _ in range(CONNECTIONS):
            self._lines.put_nowait(_Line())

    async def send(self, message: Outgoing, mark: Mark) -> Result:
        try:
            content = mime.build(message, self._sender)
        except mime.UnsafeAddress:
            return Result(Verdict.REFUSED_FINAL, "bad_address")
        line = await self._lines.get()
        call = _Call(mark)
        try:
            async with asyncio.timeout(CONNECT_SECONDS + self._patience):
                return await self._deliver(line, message.to, content, call)
        except Stopped:
            await self._reset(line)
            raise
        except SMTPResponseException as fault:
            await self._reset(line)
            return _refusal(fault, call.marked)
        except (SMTPException, TimeoutError, OSError, ValueError) as fault:
            self._drop(line)
            if call.marked:
                return Result(Verdict.UNKNOWN, type(fault).__name__)
            return Result(Verdict.REFUSED_RETRY, f"not_sent:{type(fault).__name__}")
        except BaseException:
            self._drop(line)
            raise
        finally:
            line.used_at = monotonic()
            self._lines.put_nowait(line)

    async def close(self) -> None:
        while not self._lines.empty():
            line = self._lines.get_nowait()
            if line.smtp is not None:
                with suppress(SMTPException, OSError):
                    await line.smtp.quit(timeout=1)
                self._drop(line)

    async def _deliver(self, line: _Line, to: str, content: bytes, call: _Call) -> Result:
        smtp = await self._open(line)
        try:
            await smtp.mail(self._sender)
        except SMTPServerDisconnected:  # the kept line had gone quiet; nothing of this message was said
            self._drop(line)
            smtp = await self._open(line)
            await smtp.mail(self._sender)
        await smtp.rcpt(to)
        await call.mark()
        answer = await smtp.data(content)
        return Result(Verdict.ACCEPTED, str(answer.code), answer.message.strip()[:200] or None)

    async def _open(self, line: _Line) -> aiosmtplib.SMTP:
        """The kept connection when it still answers, else a new one; nothing has been said about a message yet."""
        if line.smtp is not None and line.smtp.is_connected:
            if monotonic() - line.used_at < IDLE_SECONDS:
                return line.smtp
            with suppress(SMTPException, OSError):
                await line.smtp.rset(timeout=1)
                return line.smtp
        self._drop(line)
        server = self._server
        line.smtp = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            username=server.user,
            password=server.password,
            use_tls=server.tls,
            start_tls=server.start_tls,
            # "if offered" protects against listening only: a certificate nobody promised cannot be insisted on
            validate_certs=server.tls or server.start_tls is True,
            timeout=self._patience,
        )
        await line.smtp.connect(timeout=CONNECT_SECONDS)
        return line.smtp

    async def _reset(self, line: _Line) -> None:
        if line.smtp is None:
            return
        try:
            await line.smtp.rset(timeout=1)
        except (SMTPException, OSError):
            self._drop(line)

    def _drop(self, line: _Line) -> None:
        if line.smtp is not None:
            line.smtp.close()
            line.smtp = None


class _Call:
    def __init__(self, mark: Mark) -> None:
        self._mark = mark
        self.marked = False

    async def mark(self) -> None:
        await self._mark()
        self.marked = True


def _refusal(fault: SMTPResponseException, marked: bool) -> Result:
    """The server's own word: 5xx to this recipient or this message is for ever, everything else it refuses is for now.

    A sender or a password it does not like is our set-up, not the message's fault. An answer that is no SMTP reply says nothing.
    """
    if marked and not 400 <= fault.code < 600:
        return Result(Verdict.UNKNOWN, str(fault.code))
    final = fault.code >= 500 and isinstance(fault, SMTPRecipientRefused | SMTPDataError)
    return Result(Verdict.REFUSED_FINAL if final else Verdict.REFUSED_RETRY, str(fault.code))
