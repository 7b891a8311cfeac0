"""The quarter, day by day: the clock goes on, the world happens, the desk works."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from time import monotonic
from zoneinfo import ZoneInfo

from tests.flows.system import running_system
from tests.quarter.arrivals import Arrivals
from tests.quarter.desk import Desk
from tests.quarter.house import House, move_in, open_house
from tests.quarter.managers import Managers
from tests.quarter.phones import Phones
from tests.quarter.world import Town
from tests.servers import Servers

ZONE = ZoneInfo("Asia/Shanghai")
STORE_OF = 5000
ROUNDS = (time(9, 30), time(14, 0), time(17, 0))
MONTH_CLOSED = time(6, 30)

Say = Callable[[str], None]


def say(line: str) -> None:
    """A line of progress."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


@dataclass(frozen=True)
class Size:
    """How much of a quarter: customers, first day, last day, the morning on which the last month has been closed."""

    customers: int
    first: date
    last: date
    closed_on: date
    seed: int = 20_26

    @property
    def days(self) -> list[date]:
        return [self.first + timedelta(days=number) for number in range((self.last - self.first).days + 1)]

    @property
    def months(self) -> list[str]:
        """Those that were closed, or have at least begun: `2026-07`."""
        return sorted({f"{day:%Y-%m}" for day in self.days})

    @property
    def brings_all(self) -> bool:
        """Whether it is long and large enough for every kind of fact to occur, so that a figure of nothing tells of a fault."""
        return len(self.days) >= ALL_AFTER_DAYS and self.customers >= ALL_AMONG


ALL_AFTER_DAYS, ALL_AMONG = 60, 1000
QUARTER = Size(5000, date(2026, 7, 1), date(2026, 9, 30), date(2026, 10, 5))
SHORT = Size(200, date(2026, 7, 20), date(2026, 8, 2), date(2026, 8, 5))


@dataclass
class Quarter:
    """What is left when it is over."""

    size: Size
    house: House
    town: Town
    seconds: float


@asynccontextmanager
async def played(servers: Servers, size: Size, *, tell: Say = say, redis_number: int = 0) -> AsyncIterator[Quarter]:
    """The quarter played to its end; the services still run."""
    began = monotonic()
    clock = f"{datetime.combine(size.first, time(8), ZONE).isoformat()}@step"
    async with running_system(servers, f"quarter{redis_number}", redis_number=redis_number, clock=clock) as system:
        house, town = await open_house(system), Town.of(size.customers, size.seed, size.first)
        tell(f"{monotonic() - began:6.1f} s  services up, {len(house.staff)} people signed in")
        with house.timed("imports"):
            await move_in(house, town)
        tell(f"{monotonic() - began:6.1f} s  imported {size.customers} customers: {house.counts}")
        await _days(house, town, size, tell, began)
        yield Quarter(size, house, town, monotonic() - began)


async def _days(house: House, town: Town, size: Size, tell: Say, began: float) -> None:
    desk, phones = Desk(house, town), Phones(house, town)
    scale = size.customers / STORE_OF
    arrivals, managers = Arrivals(house, town, scale), Managers(house, town, scale)
    await desk.learn()
    for number, day in enumerate(size.days):
        await house.sign_in()
        is_open = await _is_open(house, day)
        for at in (datetime.combine(day, clock, ZONE) for clock in (ROUNDS if is_open else ROUNDS[:1])):
            with house.timed("the clock and what is due"):
                house.count("hops", await house.to(at.isoformat()))
            with house.timed("customers' answers"):
                await phones.look(at)
            if is_open:
                with house.timed("the desk, beside it arrivals and complaints"):
                    await asyncio.gather(desk.round(at), arrivals.come(at), managers.round(at))
        if number % 7 == 6 or day == size.last:
            tell(_line(house, day, monotonic() - began))
    house.count("hops", await house.to(datetime.combine(size.closed_on, MONTH_CLOSED, ZONE).isoformat()))


async def _is_open(house: House, day: date) -> bool:
    found = await house.operator.get(f"{house.base}/calendar", **{"from": day.isoformat(), "to": day.isoformat()})
    return bool(found["days"][0]["open"])


def _line(house: House, day: date, seconds: float) -> str:
    counts = house.counts
    attempts = sum(count for name, count in counts.items() if name.startswith("attempts "))
    return (
        f"{seconds:6.1f} s  {day:%m-%d}  {attempts} calls, {counts.get('receipts', 0)} texts, "
        f"{len(house.system.mailbox.log)} e-mails, {counts.get('work orders', 0)} orders, {counts.get('hops', 0)} hops"
    )
