"""A store whose mornings are planned by hand: what the tests of occasions and of churn share."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any
from uuid import UUID

import asyncpg

from shared.db import Connection
from shared.events import SYSTEM
from shared.stores import StoreContext, load_store
from tests.factories import (
    NOW,
    TODAY,
    make_customer,
    make_programme,
    make_staff,
    make_store,
    make_vehicle,
    make_work_order,
)

PROGRAMMES = ("birthday", "anniversary", "holiday", "churn-warning", "win-back", "first-service", "new-customer-offer")


class House:
    """A store whose mornings are planned by hand."""

    def __init__(self, conn: Connection, store_id: UUID) -> None:
        self.conn, self.store_id = conn, store_id

    async def store(self, today: date = TODAY) -> StoreContext:
        return await load_store(self.conn, self.store_id, today=today)

    async def morning(self, planner: Any, day: date = TODAY) -> None:
        store = await self.store(day)
        await planner(self.conn, store, now=store.calendar.at(day, time(5)), actor=SYSTEM)

    async def visits(self, **where: object) -> list[asyncpg.Record]:
        rows = await self.conn.fetch("SELECT * FROM visits WHERE store_id = $1 ORDER BY due_at, step, id", self.store_id)
        return [row for row in rows if all(row[name] == value for name, value in where.items())]

    async def vouchers(self) -> list[asyncpg.Record]:
        return list(await self.conn.fetch("SELECT * FROM vouchers WHERE store_id = $1 ORDER BY id", self.store_id))

    async def customer(self, **values: Any) -> asyncpg.Record:
        return await make_customer(self.conn, store_id=self.store_id, **values)

    async def car(self, **values: Any) -> asyncpg.Record:
        if "customer_id" not in values:
            values["customer_id"] = (await self.customer())["id"]
        return await make_vehicle(self.conn, store_id=self.store_id, **values)

    async def came(self, car: asyncpg.Record, on: date, **values: Any) -> asyncpg.Record:
        closed_at = datetime(on.year, on.month, on.day, 7, tzinfo=NOW.tzinfo)
        return await make_work_order(self.conn, store_id=self.store_id, vehicle_id=car["id"], closed_at=closed_at, **values)

    async def policy(self, key: str, policy: str) -> None:
        await self.conn.execute("UPDATE programmes SET policy = $3 WHERE store_id = $1 AND key = $2", self.store_id, key, policy)

    async def lifecycle(self, car: asyncpg.Record) -> str:
        word: str = await self.conn.fetchval("SELECT lifecycle FROM customers WHERE id = $1", car["customer_id"])
        return word


async def make_house(connection: Connection) -> House:
    """The store with its programmes and one person to call."""
    store = await make_store(connection)
    for key in PROGRAMMES:
        await make_programme(connection, key, store_id=store["id"])
    await make_staff(connection, "followup_specialist", store_id=store["id"])
    return House(connection, store["id"])
