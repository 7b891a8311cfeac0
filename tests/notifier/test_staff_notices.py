"""Word to the staff by e-mail: once, with its file, tried again when the server is away, said to be undeliverable when it is."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest

from services.notifier import staff_notices
from services.notifier.channels import Mark, Outgoing, Result, Verdict
from services.notifier.channels.base import Attachment
from services.notifier.channels.mime import build
from services.notifier.staff_notices import AGAIN_AFTER, End, send_notices, settled
from shared.clock import machine_now
from shared.ids import new_id
from shared.notices import notify
from shared.stores import load_store
from tests.factories import NOW, TODAY, make_staff
from tests.factories.base import insert_of_store
from tests.notifier.conftest import Desk, MakeDesk


@dataclass
class Post:
    """A mail server that says what it is told to, and keeps what it was given."""

    verdicts: list[Verdict] = field(default_factory=list)
    taken: list[Outgoing] = field(default_factory=list)
    provider: str = "post"
    wire: bool = True
    receipts: bool = False

    async def send(self, message: Outgoing, mark: Mark) -> Result:
        await mark()
        self.taken.append(message)
        verdict = self.verdicts.pop(0) if self.verdicts else Verdict.ACCEPTED
        return Result(verdict, "421" if verdict is Verdict.REFUSED_RETRY else None)

    async def close(self) -> None:
        return None


@dataclass
class Office:
    """A notifier with that post, and a manager with an address."""

    desk: Desk
    post: Post
    manager_id: UUID

    async def tell(self, ref: str = "1", **more: tuple[str, str]) -> int:
        store = await load_store(self.desk.owner, self.desk.store_id, today=TODAY)
        return await notify(
            self.desk.owner, store, roles=["service_manager"], kind="escalation_respond", ref=ref, subject="投诉升级",
            body="投诉升级\n张江店", now=self.desk.clock.at, report=more.get("report"),
        )  # fmt: skip

    async def rows(self) -> list[asyncpg.Record]:
        return list(await self.desk.owner.fetch("SELECT * FROM staff_notices ORDER BY created_at, id"))


@pytest.fixture
async def office(make_desk: MakeDesk) -> Office:
    post = Post()
    desk = await make_desk(email=post)
    person = await make_staff(desk.owner, "service_manager", store_id=desk.store_id, email="liu@dealer.example")
    return Office(desk, post, person["id"])


Make = Callable[..., Awaitable[Office]]


async def test_a_notice_goes_out_once_however_often_it_is_said(office: Office) -> None:
    assert (await office.tell(), await office.tell()) == (1, 0)

    await send_notices(office.desk.ctx)
    await send_notices(office.desk.ctx)

    assert [(mail.to, mail.subject) for mail in office.post.taken] == [("liu@dealer.example", "投诉升级")]
    [row] = await office.rows()
    assert (row["state"], row["tries"], row["sent_at"], row["wake_at"]) == ("sent", 1, NOW, None)


async def test_who_has_no_address_is_told_by_nobody_and_the_row_says_so(office: Office) -> None:
    await office.desk.owner.execute("UPDATE staff SET email = NULL")
    await office.tell()
    await send_notices(office.desk.ctx)

    [row] = await office.rows()
    assert (row["state"], row["reason"], office.post.taken) == ("no_address", "no_address", [])


async def test_only_active_people_are_told(office: Office) -> None:
    await make_staff(
        office.desk.owner, "service_manager", store_id=office.desk.store_id, active=False, email="gone@dealer.example"
    )
    assert await office.tell() == 1


async def test_a_server_that_is_away_is_tried_again_by_the_schedule_and_then_given_up(office: Office) -> None:
    office.post.verdicts = [Verdict.REFUSED_RETRY] * 6
    await office.tell()
    for pause in AGAIN_AFTER:
        await send_notices(office.desk.ctx)
        await send_notices(office.desk.ctx)  # not before its time
        [row] = await office.rows()
        assert (row["state"], row["wake_at"]) == ("queued", office.desk.clock.at + pause)
        office.desk.clock.set(row["wake_at"])

    await send_notices(office.desk.ctx)

    [row] = await office.rows()
    assert (row["state"], row["reason"], row["tries"], len(office.post.taken)) == ("failed", "421", 6, 6)
    assert len({mail.attempt_id for mail in office.post.taken}) == 1  # one Message-ID


async def test_what_was_being_sent_when_a_process_died_is_sent_when_its_lease_is_over(office: Office) -> None:
    await office.tell()
    taken = "UPDATE staff_notices SET state = 'sending', tries = 1, lease_until = $1"
    await office.desk.owner.execute(taken, machine_now() + timedelta(minutes=1))
    assert await send_notices(office.desk.ctx) == 0

    await office.desk.owner.execute(taken, machine_now())
    await send_notices(office.desk.ctx)
    assert [row["state"] for row in await office.rows()] == ["sent"]


async def test_two_notifiers_send_one_notice_once(office: Office) -> None:
    for number in range(10):
        await office.tell(ref=str(number))
    await asyncio.gather(*(send_notices(office.desk.ctx) for _ in range(4)))
    assert len(office.post.taken) == 10


async def test_a_frozen_report_goes_along_as_a_file(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staff_notices, "workbook", lambda name, content: f"{name}:{content['rows']}".encode())
    await insert_of_store(
        office.desk.owner, "frozen_reports",
        {"store_id": office.desk.store_id, "name": "form-6", "month": "2026-11", "frozen_at": NOW, "content": {"rows": 3}},
    )  # fmt: skip
    await office.tell(report=("form-6", "2026-11"))
    await send_notices(office.desk.ctx)

    file = office.post.taken[0].attachment
    assert file is not None
    assert (file.content, file.name.startswith("form-6_"), file.name.endswith("_2026-11.xlsx")) == (b"form-6:3", True, True)


def test_the_file_is_a_part_of_its_own_beside_the_words() -> None:
    from email import message_from_bytes
    from email.policy import default

    file = Attachment("投诉月报.xlsx", "application", "octet-stream", b"\x00\x01" * 100)
    mail = Outgoing(new_id(), "liu@dealer.example", "请查收", NOW, subject="月报", sender_name="张江店", attachment=file)
    message = message_from_bytes(build(mail, "house@dealer.example"), policy=default)

    words, part = message.iter_parts()
    assert words.get_content_type() == "multipart/alternative"
    assert (part.get_filename(), part.get_content()) == ("投诉月报.xlsx", b"\x00\x01" * 100)


@pytest.mark.parametrize(
    ("verdict", "tries", "state"),
    [
        (Verdict.ACCEPTED, 0, "sent"),
        (Verdict.REFUSED_FINAL, 0, "failed"),
        (Verdict.UNKNOWN, 0, "queued"),
        (Verdict.REFUSED_RETRY, 4, "queued"),
        (Verdict.REFUSED_RETRY, 5, "failed"),
    ],
)
def test_the_servers_word_decides(verdict: Verdict, tries: int, state: str) -> None:
    end = settled(Result(verdict, "x"), tries, NOW)
    assert isinstance(end, End)
    assert end.state == state
