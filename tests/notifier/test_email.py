"""E-mail at a real server: what arrives, what the server says, and what is uncertain."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from services.notifier.channels import Outgoing, Stopped, Verdict, mime
from services.notifier.channels.email import CONNECTIONS, Email, read_smtp_url
from shared.errors import SettingsInvalid
from shared.ids import new_id
from tests.factories import NOW, make_contact_point
from tests.notifier.conftest import MakeDesk

SENDER = "Huifang <follow-up@dealer.example>"


@dataclass
class Server:
    """A mail server that answers as told and keeps what it took."""

    say: dict[str, str] = field(default_factory=dict)
    taken: list[EmailMessage] = field(default_factory=list)
    rcpt: list[str] = field(default_factory=list)
    connections: int = 0
    hang_up_after_data: bool = False
    port: int = 0

    async def handle_MAIL(self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: Any) -> str:
        envelope.mail_from = address
        return self.say.get("MAIL", "250 OK")

    async def handle_RCPT(self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: Any) -> str:
        answer = self.say.get("RCPT", "250 OK")
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
            self.rcpt.append(address)
        return answer

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:
        answer = self.say.get("DATA", "250 kept")
        if answer.startswith("250"):
            assert isinstance(envelope.content, bytes)
            message = message_from_bytes(envelope.content, policy=default)
            assert isinstance(message, EmailMessage)
            self.taken.append(message)
        if self.hang_up_after_data:
            assert server.transport is not None
            server.transport.close()
            await asyncio.sleep(0.05)
        return answer


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    made = Server()
    loop = asyncio.get_running_loop()

    def protocol() -> SMTP:
        made.connections += 1
        return SMTP(made, hostname="mail.test", loop=loop)

    listening = await loop.create_server(protocol, "127.0.0.1", 0)
    made.port = listening.sockets[0].getsockname()[1]
    yield made
    listening.close()


@pytest.fixture
async def email(server: Server) -> AsyncIterator[Email]:
    channel = Email(f"smtp://127.0.0.1:{server.port}", SENDER, patience=2)
    yield channel
    await channel.close()


def a_message(**overrides: Any) -> Outgoing:
    made = Outgoing(
        attempt_id=new_id(),
        to="wang@example.com",
        text="王建国先生，您好！\n请评价：https://hf.example/s/Ab3dEf6hIj9k?e\n再见",
        at=NOW,
        subject="沪兴汽车：想听听您的意见",
        sender_name="沪兴汽车",
        unsubscribe_url="https://hf.example/u/abc",
    )
    return replace(made, **overrides)


class Marks:
    def __init__(self) -> None:
        self.count = 0

    async def __call__(self) -> None:
        self.count += 1


async def test_what_arrives_is_a_whole_message_with_both_unsubscribe_headers(server: Server, email: Email) -> None:
    message, mark = a_message(), Marks()
    result = await email.send(message, mark)
    assert (result.verdict, mark.count) == (Verdict.ACCEPTED, 1)
    (arrived,) = server.taken
    assert arrived["From"] == "沪兴汽车 <follow-up@dealer.example>"
    assert arrived["To"] == "wang@example.com"
    assert arrived["Subject"] == "沪兴汽车：想听听您的意见"
    assert arrived["Message-ID"] == f"<{message.attempt_id}@dealer.example>"
    assert arrived["List-Unsubscribe"] == "<https://hf.example/u/abc>"
    assert arrived["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert arrived["Date"].datetime == NOW
    text, html = arrived.iter_parts()
    assert isinstance(text, EmailMessage)
    assert isinstance(html, EmailMessage)
    assert "请评价：https://hf.example/s/Ab3dEf6hIj9k?e" in text.get_content()
    assert '<a href="https://hf.example/s/Ab3dEf6hIj9k?e">' in html.get_content()
    assert "点此退订" in html.get_content()


async def test_many_messages_share_a_few_connections(server: Server, email: Email) -> None:
    results = await asyncio.gather(*(email.send(a_message(), Marks()) for _ in range(60)))
    assert {result.verdict for result in results} == {Verdict.ACCEPTED}
    assert len(server.taken) == 60
    assert server.connections <= CONNECTIONS


@pytest.mark.parametrize(
    ("step", "answer", "verdict", "marked"),
    [
        ("RCPT", "550 no such user", Verdict.REFUSED_FINAL, 0),
        ("RCPT", "450 greylisted", Verdict.REFUSED_RETRY, 0),
        ("MAIL", "550 who are you", Verdict.REFUSED_RETRY, 0),
        ("DATA", "554 spam", Verdict.REFUSED_FINAL, 1),
        ("DATA", "451 later", Verdict.REFUSED_RETRY, 1),
    ],
)
async def test_the_servers_own_word_is_a_refusal(
    server: Server, email: Email, step: str, answer: str, verdict: Verdict, marked: int
) -> None:
    server.say[step] = answer
    mark = Marks()
    result = await email.send(a_message(), mark)
    assert (result.verdict, result.code, mark.count) == (verdict, answer[:3], marked)
    server.say.clear()
    assert (await email.send(a_message(), Marks())).verdict is Verdict.ACCEPTED


async def test_a_lost_answer_after_the_data_is_unknown(server: Server, email: Email) -> None:
    server.hang_up_after_data = True
    result = await email.send(a_message(), Marks())
    assert result.verdict is Verdict.UNKNOWN
    assert len(server.taken) == 1
    server.hang_up_after_data = False
    assert (await email.send(a_message(), Marks())).verdict is Verdict.ACCEPTED


async def test_a_connection_that_the_server_closed_is_opened_anew(server: Server, email: Email) -> None:
    await email.send(a_message(), Marks())
    line = email._lines.get_nowait()
    assert line.smtp is not None
    assert line.smtp.transport is not None
    line.smtp.transport.close()
    email._lines.put_nowait(line)
    assert (await email.send(a_message(), Marks())).verdict is Verdict.ACCEPTED
    assert len(server.taken) == 2


async def test_no_server_is_nothing_sent() -> None:
    channel = Email("smtp://127.0.0.1:1", SENDER)
    mark = Marks()
    result = await channel.send(a_message(), mark)
    assert (result.verdict, mark.count) == (Verdict.REFUSED_RETRY, 0)
    assert result.code is not None
    assert result.code.startswith("not_sent:")


async def test_a_refused_mark_sends_nothing_and_the_line_lives_on(server: Server, email: Email) -> None:
    async def refuse() -> None:
        raise Stopped("opted_out")

    with pytest.raises(Stopped):
        await email.send(a_message(), refuse)
    assert server.taken == []
    assert (await email.send(a_message(), Marks())).verdict is Verdict.ACCEPTED


@pytest.mark.parametrize(
    "address",
    [
        "a@b.c\r\nBcc: x@y.z",
        "<a@b.c>",
        "a b@c.d",
        "王@example.com",
        "a@b..c",
        "@b.c",
        "a@",
        "a@-b.c",
        "a,b@c.d@e.f",
        "x" * 250 + "@b.c",
    ],
)
async def test_an_address_that_is_none_is_refused_before_a_word_is_said(server: Server, email: Email, address: str) -> None:
    result = await email.send(a_message(to=address), Marks())
    assert (result.verdict, result.code) == (Verdict.REFUSED_FINAL, "bad_address")
    assert server.connections == 0


@pytest.mark.parametrize("evil", ["x\r\nBcc: all@example.com", "x\nX: y", "x\x00y", "x\u2028y", "沪\r\nBcc: 兴"])
async def test_no_value_brings_a_header_of_its_own(server: Server, email: Email, evil: str) -> None:
    await email.send(a_message(subject=evil, sender_name=evil, unsubscribe_url=f"https://hf.example/{evil}"), Marks())
    (arrived,) = server.taken
    assert arrived["Bcc"] is None
    assert arrived["X"] is None
    assert server.rcpt == ["wang@example.com"]


def test_a_long_subject_is_folded_into_short_words() -> None:
    header = mime.encoded("感谢您选择沪兴汽车" * 12)
    assert all(len(line) <= 76 for line in header.split("\r\n "))
    parsed = message_from_bytes(f"Subject: {header}\r\n\r\n".encode(), policy=default)
    assert parsed["Subject"] == "感谢您选择沪兴汽车" * 12


def test_html_is_escaped() -> None:
    html = mime.as_html(a_message(text="<script>alert(1)</script> & https://hf.example/s/a?b=1&c=2"))
    assert "<script>" not in html
    assert '<a href="https://hf.example/s/a?b=1&amp;c=2">' in html


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://mail.example", ("mail.example", 25, None, False, None)),
        ("smtp://u%40x:p@mail.example:2525", ("mail.example", 2525, "u@x", False, None)),
        ("smtps://mail.example", ("mail.example", 465, None, True, False)),
        ("smtp+starttls://mail.example", ("mail.example", 587, None, False, True)),
    ],
)
def test_the_three_ways_to_name_a_server(url: str, expected: tuple[object, ...]) -> None:
    server = read_smtp_url(url)
    assert (server.host, server.port, server.user, server.tls, server.start_tls) == expected


@pytest.mark.parametrize("url", ["mail.example", "http://mail.example", "smtp://"])
def test_anything_else_is_refused_at_the_start(url: str) -> None:
    with pytest.raises(SettingsInvalid):
        read_smtp_url(url)


async def test_an_email_of_the_ladder_arrives(make_desk: MakeDesk, server: Server, email: Email) -> None:
    desk = await make_desk(email=email)
    customer = await desk.customer("+8613912345678")
    await make_contact_point(
        desk.owner, customer_id=customer["id"], store_id=desk.store_id, kind="email", text="wang@example.com"
    )
    visit = await desk.due(step="email", customer_id=customer["id"])
    await desk.work()
    message = await desk.message(visit["id"], "email")
    assert (message["state"], message["wake_at"], message["provider"]) == ("accepted", None, "smtp")
    (arrived,) = server.taken
    assert arrived["Subject"] == "沪兴汽车：想听听您的意见"
    assert arrived["List-Unsubscribe"].startswith("<https://hf.example/u/")
    assert await desk.owner.fetchval("SELECT count(*) FROM public_tokens WHERE kind = 'unsubscribe'") == 1
