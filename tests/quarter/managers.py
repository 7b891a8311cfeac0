"""What is done beside the telephone: complaints are worked by whoever owns them, cars arrive for their appointments or do not."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from tests.quarter.house import House
from tests.quarter.wire import Caller, Unexpected
from tests.quarter.world import Town

KINDS: Final = ("quality", "attitude", "service")
CATEGORIES: Final = ("service_quality", "repair_quality", "vehicle_quality", "technical", "reception", "other")
AT_THE_COUNTER: Final = 0.35  # complaints a day of a store of 5,000
ACTED, NOT_VALID, ARRIVED = 0.85, 0.06, 0.86
LAST_ROUND = 17


@dataclass
class Managers:
    """The people who answer for what went wrong, and the reception."""

    house: House
    town: Town
    scale: float

    async def round(self, now: datetime) -> None:
        """One look at everything that is open."""
        dice = self.town.dice("managers", now.isoformat())
        if dice.random() < AT_THE_COUNTER * self.scale / 3:
            await self._complains(dice)
        found = await self.house.operator.get(f"{self.house.base}/complaints", open="true", limit=200)
        for complaint in found["items"]:
            if dice.random() < ACTED:
                await self._work(complaint, dice)
        if now.hour >= LAST_ROUND:
            await self._reception(dice, now)

    async def _complains(self, dice: random.Random) -> None:
        """Somebody comes to the counter or rings."""
        person = dice.choice(self.town.people)
        if "customer" not in person.ids or person.shut:
            return
        body = {
            "customer_id": person.ids["customer"], "kind": dice.choices(KINDS, (4, 1, 3))[0], "category": dice.choice(CATEGORIES),
            "text": "修了两次还是有异响。", "source": dice.choice(("counter", "phone")),
        }  # fmt: skip
        await self.house.operator.post(f"{self.house.base}/complaints", body)
        self.house.count("complaints at the counter")

    async def _work(self, complaint: Mapping[str, Any], dice: random.Random) -> None:
        """The next step of its loop; the customer's word comes by the call that follows."""
        owner = next((one.call for one in self.house.staff if one.id == complaint["owner_id"]), self.house.operator)
        path, state = f"{self.house.base}/complaints/{complaint['id']}", complaint["state"]
        if state == "open":
            await self._do(owner, f"{path}/responses", {"text": "已致电致歉，约客户到店检查。"})
            if dice.random() < NOT_VALID:
                await self._do(owner, f"{path}/reject", {"reason": "异响为胎噪，试车确认，已向客户解释。"})
        elif state in ("responded", "handling"):
            await self._do(owner, f"{path}/handle", {"solution": "更换张紧轮，免工时费。", "customer_opinion": "同意"})
            await self._do(owner, f"{path}/tell", {"result": "已更换并路试正常。", "measure": "试车后方可交车。"})
        if complaint["signed_off_at"] is None and complaint["sign_off_by"] is not None:
            await self._do(self.house.operator, f"{path}/sign-off", {})

    async def _do(self, who: Caller, path: str, body: Mapping[str, Any]) -> None:
        answer = await who.ask("POST", path, dict(body))
        self.house.count(f"complaint {path.rpartition('/')[2]} {answer.status}")
        if answer.status >= 500 or answer.status == 422:
            raise Unexpected(f"{path}: {answer.status} {answer.body.decode()}")

    async def _reception(self, dice: random.Random, now: datetime) -> None:
        """At the end of the day: who came, who did not."""
        day = now.date().isoformat()
        found = await self.house.operator.get(f"{self.house.base}/appointments", limit=200, **{"from": day, "to": day})
        advisor = self.house.of("service_advisor")[0].call
        for appointment in found["items"]:
            if appointment["closed_at"] or appointment["arrived_at"] or datetime.fromisoformat(appointment["starts_at"]) > now:
                continue
            what = "arrived" if dice.random() < ARRIVED else "no-show"
            answer = await advisor.ask("POST", f"{self.house.base}/appointments/{appointment['id']}/{what}", {})
            self.house.count(f"appointment {what} {answer.status}")
