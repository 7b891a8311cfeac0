"""The customers' side of a message: the gateway reports, some text back, some open the link and answer."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage

from tests.quarter.answers import score
from tests.quarter.house import House
from tests.quarter.wire import Caller
from tests.quarter.world import Person, Town

UNDELIVERED = 0.03
BY_LINK, BY_REPLY = 0.7, 0.25  # of those who answer; the rest write something a person must read
LINK = re.compile(r"https?://[^/\s]+(/s/[A-Za-z0-9]+\S*)")


@dataclass
class Phones:
    """Everybody's telephone and mailbox. `read` counts what has been looked at of the gateway's and the mail server's logs."""

    house: House
    town: Town
    read_texts: int = 0
    read_mails: int = 0
    _public: Caller = field(init=False)

    def __post_init__(self) -> None:
        self._public = Caller(self.house.system.api_url, str)

    async def look(self, now: datetime) -> None:
        """Take what came since the last look: report it, answer some of it."""
        calls = [call for call in self.house.system.gateway.calls[self.read_texts :] if call.accepted]
        self.read_texts = len(self.house.system.gateway.calls)
        mails = self.house.system.mailbox.log[self.read_mails :]
        self.read_mails = len(self.house.system.mailbox.log)
        receipts, replies = [], []
        for call in calls:
            person = self.town.by_phone.get(call.to.removeprefix("+86"))
            dice = self.town.dice("text", call.to, call.text[:40], now.isoformat())
            arrived = dice.random() >= UNDELIVERED
            receipts.append({"id": call.id, "status": "delivered" if arrived else "undelivered", "at": now.isoformat()})
            if not arrived or person is None or dice.random() > person.texts_back:
                continue
            chance, link = dice.random(), LINK.search(call.text)
            if link and chance < BY_LINK:
                await self._answer(link[1], person, now)
            elif "1-5" in call.text:
                words = str(score(person, dice)) if chance < BY_LINK + BY_REPLY else dice.choice(("好的谢谢", "请回电", "TD"))
                replies.append({"from": call.to, "text": words, "at": now.isoformat()})
        await self._post(self.house.sms_hook, receipts)
        await self._post(self.house.sms_hook + "/replies", replies)
        self.house.count("receipts", len(receipts))
        self.house.count("replies", len(replies))
        for addresses, mail in mails:
            await self._mail(addresses, mail, now)

    async def _post(self, url: str, items: list[dict[str, str]]) -> None:
        path = url.removeprefix(self.house.system.api_url)
        for start in range(0, len(items), 200):
            await self._public.post(path, items[start : start + 200], 200)

    async def _answer(self, path: str, person: Person, now: datetime) -> None:
        """The page opened and sent."""
        dice = self.town.dice("survey", person.number, path)
        shown = await self._public.ask("GET", path)
        self.house.count(f"survey pages {shown.status}")
        if shown.status != 200:
            return
        form = f"satisfaction={score(person, dice)}" + ("&wants_call=yes" if dice.random() < 0.05 else "")
        headers = {"content-type": "application/x-www-form-urlencoded"}
        sent = await self._public.ask("POST", path, form.encode(), headers=headers)
        self.house.count(f"survey answers {sent.status}")

    async def _mail(self, addresses: Iterable[str], mail: EmailMessage, now: datetime) -> None:
        number = next(
            (int(part[1:]) - 1 for part in (address.partition("@")[0] for address in addresses) if part[1:].isdigit()), -1
        )
        if not 0 <= number < len(self.town.people):
            return
        person, dice = self.town.people[number], self.town.dice("mail", number, now.isoformat())
        body = mail.get_body(("plain",))
        link = LINK.search(body.get_content()) if body else None
        if link and dice.random() < person.texts_back:
            await self._answer(link[1], person, now)
