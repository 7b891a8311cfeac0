"""A store with the people a complaint goes through, on Monday at nine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from services.api.house import House
from shared.db import Pool
from tests.api.conftest import Person, Sign
from tests.factories import make_customer, make_programme, make_vehicle


@dataclass
class Counter:
    """Who is there, and how they work on complaints."""

    path: str
    base: str
    store_id: UUID
    pool: Pool
    house: House
    customer_id: UUID
    vehicle_id: UUID
    advisor: Person
    manager: Person
    customer_manager: Person
    general: Person
    follow_up: Person

    async def open(self, by: Person | None = None, **fields: Any) -> dict[str, Any]:
        answer = await self.send(by, "", kind="service", **fields)
        assert answer.status_code == 201, answer.text
        opened: dict[str, Any] = answer.json()
        return opened

    async def send(self, by: Person | None, tail: str, **fields: Any) -> httpx.Response:
        body = {"customer_id": str(self.customer_id), "text": "等了两个小时没人理"} | fields if not tail else fields
        return await (by or self.advisor).http.post(f"{self.path}{tail}", json=body)

    async def do(self, complaint: Mapping[str, Any], verb: str, by: Person | None = None, **fields: Any) -> dict[str, Any]:
        answer = await self.send(by, f"/{complaint['id']}/{verb}", **fields)
        assert answer.status_code == 200, answer.text
        done: dict[str, Any] = answer.json()
        return done

    async def get(self, complaint: Mapping[str, Any], by: Person | None = None) -> dict[str, Any]:
        found: dict[str, Any] = (await (by or self.manager).http.get(f"{self.path}/{complaint['id']}")).json()
        return found

    async def patch(self, complaint: Mapping[str, Any], by: Person | None = None, **fields: Any) -> httpx.Response:
        headers = {"If-Match": f'"{complaint["version"]}"'}
        return await (by or self.advisor).http.patch(f"{self.path}/{complaint['id']}", json=fields, headers=headers)

    async def history(self, complaint: Mapping[str, Any]) -> list[str]:
        answer = await self.manager.http.get(f"{self.path}/{complaint['id']}/history")
        return [line["kind"] for line in answer.json()]

    async def tasks(self, complaint: Mapping[str, Any]) -> set[str]:
        rows = await self.pool.fetch("SELECT kind FROM tasks WHERE about_id = $1 AND done_at IS NULL", UUID(complaint["id"]))
        return {row["kind"] for row in rows}

    async def notices(self, complaint: Mapping[str, Any]) -> set[tuple[str, UUID]]:
        sql = "SELECT kind, staff_id FROM staff_notices WHERE ref LIKE $1 || '%'"
        return {(row["kind"], row["staff_id"]) for row in await self.pool.fetch(sql, complaint["id"])}

    async def visits(self, complaint: Mapping[str, Any]) -> list[asyncpg.Record]:
        sql = "SELECT * FROM visits WHERE trigger_id = $1 ORDER BY due_at, occurrence"
        return list(await self.pool.fetch(sql, UUID(complaint["id"])))

    async def later(self, **by: float) -> datetime:
        """Move the clock of the house."""
        now = self.house.clock.now() + timedelta(**by)
        async with self.pool.acquire() as connection:
            await connection.execute("UPDATE business_clock SET machine_at = $1, business_at = $1", now)
            await self.house.clock.refresh(connection)
        return now

    async def told(self, **fields: Any) -> dict[str, Any]:
        """A complaint whose result was told an hour after it was opened."""
        opened = await self.open(**fields)
        await self.later(hours=1)
        return await self.do(opened, "resolve", self.general, result="已返修，路试正常")


@pytest.fixture
async def counter(base: str, store_id: UUID, pool: Pool, house: House, as_staff: Sign) -> Counter:
    async with pool.acquire() as conn:
        customer = await make_customer(conn, store_id=store_id)
        vehicle = await make_vehicle(conn, store_id=store_id, customer_id=customer["id"])
        await make_programme(conn, "after-complaint", store_id=store_id)
    people = {
        name: await as_staff(role, name=name)
        for name, role in (
            ("advisor", "service_advisor"), ("manager", "service_manager"), ("customer_manager", "customer_manager"),
            ("general", "general_manager"), ("follow_up", "followup_specialist"),
        )
    }  # fmt: skip
    path = f"{base}/complaints"
    return Counter(path, base, store_id, pool, house, customer["id"], vehicle["id"], **people)


def at(text: str | None) -> datetime:
    """An instant as the API writes it."""
    assert text is not None
    return datetime.fromisoformat(text)


def place(answer: httpx.Response) -> str:
    """Where the fault of a refused body is."""
    pointer: str = answer.json()["errors"][0]["pointer"]
    return pointer.removeprefix("#")
