"""An SMTP server on a socket of this machine that keeps what it is given."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Self

from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass
class Mailbox:
    """What arrived, in order."""

    port: int = 0
    log: list[tuple[list[str], EmailMessage]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    @classmethod
    @asynccontextmanager
    async def running(cls) -> AsyncIterator[Self]:
        mailbox, loop = cls(), asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: SMTP(mailbox, enable_SMTPUTF8=True, hostname="mail.test", loop=loop), "127.0.0.1", 0
        )
        mailbox.port = server.sockets[0].getsockname()[1]
        try:
            yield mailbox
        finally:
            server.close()

    def sent_to(self, address: str) -> list[EmailMessage]:
        """The messages for an address."""
        return [message for addresses, message in self.log if address in addresses]

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        """aiosmtpd's own name for the hook."""
        content = envelope.content if isinstance(envelope.content, bytes) else str(envelope.content).encode()
        message = message_from_bytes(content, policy=default)
        self.log.append(([str(address) for address in envelope.rcpt_tos], message))
        return "250 kept"
