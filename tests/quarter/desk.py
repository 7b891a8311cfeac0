"""The desk: everybody who calls fetches the worklist three times a day and works it from the top, over the API."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from shared.packs import load_pack
from tests.quarter.answers import on_a_call, on_questions
from tests.quarter.house import Colleague, House
from tests.quarter.world import Person, Town

CALLERS = (
    "sales_consultant", "insurance_specialist", "renewal_specialist", "service_advisor", "technician", "followup_specialist",
    "sales_manager", "service_manager", "customer_manager",
)  # fmt: skip
CAPACITY = 60
LOOKS_FIRST = 0.05  # of the calls: the brief is read before

Call = Mapping[str, Any]


@dataclass
class Desk:
    """The staff at work."""

    house: House
    town: Town
    made: Counter[tuple[str, date]] = field(default_factory=Counter)  # calls of a person on a day
    _questions: dict[tuple[str, str], list[dict[str, Any]]] = field(default_factory=dict)

    async def learn(self) -> None:
        """Read the programmes: which step asks what."""
        programmes = (await self.house.operator.get(f"{self.house.base}/programmes"))["items"]
        for known in programmes:
            whole = await self.house.operator.get(f"{self.house.base}/programmes/{known['key']}")
            for step in load_pack(whole["source"], whole["policy"]).steps:
                self._questions[known["key"], step.key] = [
                    {
                        "key": question.key,
                        "type": question.type,
                        "required": question.required,
                        "options": [{"value": option.value} for option in question.options],
                    }
                    for question in step.questions
                ]

    async def round(self, now: datetime) -> None:
        """One round of everybody, all at once."""
        await asyncio.gather(*(self._person(colleague, now) for role in CALLERS for colleague in self.house.of(role)))

    async def _person(self, colleague: Colleague, now: datetime) -> None:
        room = CAPACITY - self.made[colleague.id, now.date()]
        if room <= 0:
            return
        found = await colleague.call.get(f"{self.house.base}/worklist", assignee_id=colleague.id, limit=min(room, 200))
        self.house.count("worklists")
        calls = [call for call in found["items"] if call["blocked"] is None and _is_now(call, now)]
        self.made[colleague.id, now.date()] += len(calls)
        by_customer: dict[str, list[Call]] = {}
        for call in calls:
            by_customer.setdefault(call["customer"]["id"], []).append(call)
        await asyncio.gather(*(self._customer(colleague, own, now) for own in by_customer.values()))

    async def _customer(self, colleague: Colleague, calls: Sequence[Call], now: datetime) -> None:
        """One after another with the same customer; the clock stands meanwhile, so others may be called beside."""
        for call in calls:
            await self._call(colleague, call, now)

    async def _call(self, colleague: Colleague, call: Call, now: datetime) -> None:
        person = self.town.by_customer[call["customer"]["id"]]
        dice = self.town.dice(person.number, call["programme"], call["step"], now.isoformat())
        path = f"{self.house.base}/visits/{call['visit_ids'][0]}"
        if dice.random() < LOOKS_FIRST:
            await colleague.call.get(f"{path}/brief")
            self.house.count("briefs")
        reaction = on_a_call(person, dice, now)
        body = {"channel": "phone", "outcome": reaction.outcome, **reaction.more}
        if reaction.outcome == "reached":
            body |= self._said(person, dice, call, now)
        answer = await colleague.call.ask("POST", f"{path}/attempts", body)
        if answer.status in (409, 422) and "appointment" in body:
            self.house.count(f"appointments refused {answer.json['code']}")
            answer = await colleague.call.ask("POST", f"{path}/attempts", _another_hour(body, answer.json.get("slots")))
        self.house.count(f"attempts {answer.status}")
        self.house.count(f"outcome {reaction.outcome}")
        if answer.status not in (201, 409):
            raise AssertionError(f"{answer.status} {answer.body.decode()}\n{body}")

    def _said(self, person: Person, dice: random.Random, call: Call, now: datetime) -> dict[str, Any]:
        """What a talk gives: a result for each visit of the call, the answers, a date or an appointment."""
        state = dice.choices(("completed", "incomplete", "declined"), (93, 4, 3))[0]
        answers = on_questions(person, dice, self._questions.get((call["programme"], call["step"]), []), now)
        satisfaction = answers.get("satisfaction")
        said: dict[str, Any] = {"answers": answers, "satisfaction": satisfaction if isinstance(satisfaction, int) else None}
        if satisfaction is not None and satisfaction <= 3:
            said["problem_type"] = dice.choice(("efficiency", "quality", "price", "environment", "other"))
        body: dict[str, Any] = {
            "results": [{"visit_id": call["visit_ids"][0], "state": state, **said}]
            + [{"visit_id": other, "state": "completed"} for other in call["visit_ids"][1:]]
        }
        if state == "incomplete":
            body["next_at"] = (now + timedelta(days=dice.randrange(2, 8))).replace(hour=14, minute=0).isoformat()
        comes = "appointment" in call["purposes"] and dice.random() < 0.4
        if answers.get("appointment_result") == "moved" or (state == "completed" and comes):
            at = (now + timedelta(days=dice.randrange(2, 9))).replace(hour=dice.choice((9, 10, 11, 14, 15)), minute=0)
            body["appointment"] = {"at": at.isoformat(), "items": "保养"}
        return body


def _another_hour(body: dict[str, Any], free: list[dict[str, Any]] | None) -> dict[str, Any]:
    """The customer takes the first hour that is free; without one the call is kept and the date is not."""
    if free:
        return body | {"appointment": body["appointment"] | {"at": free[0]["starts_at"]}}
    del body["appointment"]
    for result in body["results"]:
        if result.get("answers", {}).get("appointment_result") == "moved":
            result["answers"]["appointment_result"] = "confirmed"
    return body


def _is_now(call: Call, now: datetime) -> bool:
    """Its instant has come: a later part of the day, or a promise, is waited for."""
    wanted = call["next"]["at"] if call["next"] else call["window_start"]
    return datetime.fromisoformat(wanted) <= now
