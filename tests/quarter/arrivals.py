"""What a day brings: closed orders, deliveries, people in the showroom, who buys after all. Everything goes in through the API."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from tests.quarter.house import Colleague, House, know
from tests.quarter.wire import Unexpected
from tests.quarter.world import JOBS, Person, Town

# A day of a store of 5,000 customers; other sizes in proportion.
ORDERS, SALES, LEADS = 18.0, 1.6, 3.0
KINDS, SHARES = ("maintenance", "repair", "bodywork", "claim", "internal"), (60, 22, 12, 4, 2)
NEW_TO_THE_WORKSHOP = 0.06
USUAL = 170  # days between two visits to the workshop
CHANGED_MEANWHILE = 412
WON, LOST = 0.03, 0.05  # of the open leads, a day


@dataclass
class Arrivals:
    """The stream of facts, day after day."""

    house: House
    town: Town
    scale: float
    open_leads: list[str] = field(default_factory=list)
    _serial: int = 0

    async def come(self, at: datetime) -> None:
        """What happened in the third of a day before `at`."""
        dice = self.town.dice("arrivals", at.isoformat())
        jobs = [self._order(dice, at) for _ in range(_about(dice, ORDERS * self.scale / 3))]
        jobs += [self._sale(dice, at.date()) for _ in range(_about(dice, SALES * self.scale / 3))]
        jobs += [self._lead(dice, at.date()) for _ in range(_about(dice, LEADS * self.scale / 3))]
        jobs += [self._decide(lead, dice) for lead in list(self.open_leads)]
        for start in range(0, len(jobs), 8):  # as many clerks type at once
            await asyncio.gather(*jobs[start : start + 8])

    def _next(self) -> int:
        self._serial += 1
        return self._serial

    async def _order(self, dice: random.Random, at: datetime) -> None:
        """A closed order, of a car that has been away for a while or of one that never came."""
        clerk, number = self.house.of("sales_clerk")[0], self._next()
        advisor, technician = dice.choice(self.house.of("service_advisor")), dice.choice(self.house.of("technician"))
        closed_at = at - timedelta(minutes=15 * dice.randrange(1, 9))
        kind = dice.choices(KINDS, SHARES)[0]
        if dice.random() < NEW_TO_THE_WORKSHOP:
            person = self.town.newcomer(dice, at.date())
            await self._file(clerk, person, "owner")
            await self._car(clerk, person)
        else:
            person = _whose_turn_it_is(dice, self.town.people, at.date())
        person.last_order_on = at.date()
        order = {
            "vin": person.vin, "number": f"Q{number:06d}", "kind": kind, "closed_at": closed_at.isoformat(),
            "opened_at": (closed_at - timedelta(hours=2)).isoformat(), "advisor_id": advisor.id, "technician_id": technician.id,
            "items": JOBS[kind], "fee_fen": 100 * dice.randrange(280, 4200), "mileage_km": person.km_on(at.date()),
        }  # fmt: skip
        if dice.random() < 0.05 and person.phone:
            order |= {"contact_name": person.name, "contact_phone": person.phone}
        answer = await clerk.call.ask("POST", f"{self.house.base}/work-orders", order)
        if answer.status not in (201, 404, 409, 422):
            raise Unexpected(answer.body.decode())
        self.house.count("work orders" if answer.status == 201 else f"work orders refused {answer.status}")

    async def _sale(self, dice: random.Random, today: date) -> None:
        """A delivery to somebody new; some cars are not insured or plated yet."""
        clerk, consultant = self.house.of("sales_clerk")[0], dice.choice(self.house.of("sales_consultant"))
        person = self.town.newcomer(dice, today)
        person.car_since = person.delivered_on = today
        insured, plated = dice.random() < 0.8, dice.random() < 0.4
        await self._file(clerk, person, "owner")
        await self._car(clerk, person)
        sale = {
            "customer_id": person.ids["customer"], "vehicle_id": person.ids["vehicle"], "delivered_on": today.isoformat(),
            "consultant_id": consultant.id, "insured": insured, "plated": plated,
            "card_handed_on": today.isoformat() if dice.random() < 0.5 else None,
        }  # fmt: skip
        await clerk.call.post(f"{self.house.base}/sales", sale)
        policy = {"vehicle_id": person.ids["vehicle"], "expires_on": (today + timedelta(days=364)).isoformat()}
        if insured:
            await clerk.call.post(f"{self.house.base}/policies", policy)
        self.house.count("deliveries")

    async def _lead(self, dice: random.Random, today: date) -> None:
        consultant = dice.choice(self.house.of("sales_consultant"))
        person = self.town.newcomer(dice, today)
        await self._file(consultant, person, "lead")
        expected = today + timedelta(days=dice.choice((2, 5, 10, 20, 45)))
        lead = {
            "customer_id": person.ids["customer"], "consultant_id": consultant.id, "model": person.model,
            "expected_on": expected.isoformat(), "first_visit_on": today.isoformat(), "source": "自然到店",
        }  # fmt: skip
        made = await consultant.call.post(f"{self.house.base}/leads", lead)
        self.open_leads.append(made["id"])
        self.house.count("leads")

    async def _decide(self, lead: str, dice: random.Random) -> None:
        """Some buy, some go elsewhere."""
        chance = dice.random()
        if chance > WON + LOST:
            return
        self.open_leads.remove(lead)
        body = {"state": "won"} if chance < WON else {"state": "lost", "lost_reason": dice.choice(("价格", "竞品", "不买了"))}
        path = f"{self.house.base}/leads/{lead}"
        manager = self.house.of("sales_manager")[0].call
        while True:
            version = (await manager.get(path))["version"]
            answer = await manager.ask("PATCH", path, body, headers={"if-match": f'"{version}"'})
            if answer.status != CHANGED_MEANWHILE:  # by a call at the same moment: one looks again
                break
        if answer.status != 200:
            raise Unexpected(answer.body.decode())
        self.house.count(f"leads {body['state']}")

    async def _file(self, by: Colleague, person: Person, lifecycle: str) -> None:
        body = {
            "name": person.name, "external_code": person.code, "lifecycle": lifecycle, "birthday": person.birthday.isoformat(),
            "gender": "male" if person.gender == "男" else "female",
            **({"phone": person.phone} if person.phone else {}), **({"email": person.email} if person.email else {}),
        }  # fmt: skip
        made = await by.call.post(f"{self.house.base}/customers", body)
        know(self.town, person, made["id"])

    async def _car(self, by: Colleague, person: Person) -> None:
        body = {"customer_id": person.ids["customer"], "vin": person.vin, "plate": person.plate, "model": person.model}
        person.ids["vehicle"] = (await by.call.post(f"{self.house.base}/vehicles", body))["id"]


def _about(dice: random.Random, mean: float) -> int:
    """A whole number around a mean: never more than one away from it."""
    return int(mean) + (dice.random() < mean - int(mean))


def _whose_turn_it_is(dice: random.Random, people: list[Person], today: date) -> Person:
    """Of a handful by chance, the one whose last visit was about half a year ago: cars come back after months, not after days."""
    few = [dice.choice(people) for _ in range(12)]
    cars = [person for person in few if (person.delivered_on or person.last_order_on) and person.shut not in ("sold", "dead")]
    return min(cars or few, key=lambda person: abs((today - (person.last_order_on or person.delivered_on or today)).days - USUAL))
