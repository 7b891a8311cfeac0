"""A small store whose November is counted by hand: two callers, a consultant, visits made one by one."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg
import orjson

from shared.db import Connection
from shared.domain.month import Month
from shared.reports.scope import Scope, of_month
from shared.stores import StoreContext, load_store
from tests.factories import make_attempt, make_customer, make_programme, make_staff, make_store, make_visit

ZONE = ZoneInfo("Asia/Shanghai")
NOVEMBER = Month.read("2026-11")
END_OF_MONTH = datetime(2026, 12, 1, 0, 0, tzinfo=ZONE)
LONG_AGO = datetime(2026, 9, 1, tzinfo=UTC)


def at(day: int | date, clock: str = "10:00", month: int = 11) -> datetime:
    """An instant of the store: a day of November (or another month of 2026), a time."""
    on = day if isinstance(day, date) else date(2026, month, day)
    return datetime.combine(on, time.fromisoformat(clock), ZONE)


@dataclass
class World:
    """A store and its people."""

    conn: Connection
    store_id: UUID
    staff: dict[str, UUID] = field(default_factory=dict)

    async def visit(self, day: int | date, who: str | None = "li", **given: Any) -> asyncpg.Record:
        """A call due on a day, window of two more days; completed on the day unless another state is given."""
        on = day if isinstance(day, date) else date(2026, 11, day)
        state = given.get("state", "completed")
        values: dict[str, Any] = {
            "store_id": self.store_id,
            "state": state,
            "assignee_id": self.staff[who] if who else None,
            "due_on": on,
            "due_at": at(on, "09:00"),
            "window_start": at(on, "09:00"),
            "window_end": at(on + timedelta(days=3), "00:00"),
            "created_at": LONG_AGO,
            "updated_at": at(on, "11:00"),
            "closed_at": None if state in ("planned", "due", "trying") else at(on, "11:00"),
        }
        if "customer_id" not in given:
            values["customer_id"] = (await make_customer(self.conn, store_id=self.store_id, phone=None))["id"]
        return await make_visit(self.conn, **values | given)

    async def attempt(self, visit: asyncpg.Record, outcome: str = "reached", when: datetime | None = None, **given: Any) -> None:
        """A call on a visit, on its day at ten unless said otherwise, by its assignee."""
        when = when or at(visit["due_on"], "10:00")
        values = {"outcome": outcome, "at": when, "created_at": when, "staff_id": visit["assignee_id"]}
        await make_attempt(self.conn, visit_id=visit["id"], store_id=self.store_id, **values | given)

    async def worked(self, day: int | date, who: str | None = "li", outcome: str = "reached", **given: Any) -> asyncpg.Record:
        """A visit with one call on its day."""
        visit = await self.visit(day, who, **given)
        await self.attempt(visit, outcome)
        return visit

    async def store(self) -> StoreContext:
        return await load_store(self.conn, self.store_id, today=date(2026, 11, 23))

    async def scope(self, month: Month = NOVEMBER, now: datetime = END_OF_MONTH, **asked: Any) -> Scope:
        return of_month(await self.store(), month, now=now.astimezone(UTC), **asked)


async def make_world(conn: Connection, **store: Any) -> World:
    """A store since September with 李敏 and 王芳, who call, 张强, who sells, and 赵磊, who advises."""
    policies = orjson.dumps(store.pop("policies", {})).decode()
    made = await make_store(conn, created_at=LONG_AGO, policies=policies, **store)
    world = World(conn, made["id"])
    people = {
        "li": ("李敏", "followup_specialist"),
        "wang": ("王芳", "followup_specialist"),
        "zhang": ("张强", "sales_consultant"),
        "zhao": ("赵磊", "service_advisor"),
        "boss": ("陈总", "general_manager"),
    }
    for key, (name, role) in people.items():
        world.staff[key] = (await make_staff(conn, role, store_id=made["id"], name=name))["id"]
    for programme in ("after-maintenance", "delivery-sales"):
        await make_programme(conn, programme, store_id=made["id"])
    return world
