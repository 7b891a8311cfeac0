"""An advisor at the counter of a workshop, and a customer's car that has been here before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from shared.db import Pool
from tests.api.conftest import Person, Sign
from tests.factories import NOW, make_customer, make_programme, make_vehicle, make_work_order
from tests.factories.base import number

PROGRAMMES = ("welcome", "first-service", "after-maintenance", "after-repair", "maintenance", "delivery-service")


@dataclass(frozen=True)
class Counter:
    """Who enters orders, of which car."""

    person: Person
    pool: Pool
    path: str
    store_id: UUID
    customer_id: UUID
    vehicle: asyncpg.Record

    def order(self, **fields: Any) -> dict[str, Any]:
        """An order that closed an hour ago."""
        body = {
            "vehicle_id": str(self.vehicle["id"]),
            "number": f"RO-{number()}",
            "kind": "maintenance",
            "closed_at": "2026-11-23T08:00:00+08:00",
        }
        return {name: value for name, value in (body | fields).items() if value is not ...}

    async def post(self, **fields: Any) -> httpx.Response:
        """Enter an order."""
        return await self.person.http.post(self.path, json=self.order(**fields))

    async def enter(self, **fields: Any) -> dict[str, Any]:
        """Enter an order that is taken."""
        answer = await self.post(**fields)
        assert answer.status_code == 201, answer.text
        order: dict[str, Any] = answer.json()
        return order

    async def patch(self, order: dict[str, Any], **fields: Any) -> httpx.Response:
        """Correct an order as it was answered."""
        headers = {"If-Match": f'"{order["version"]}"'}
        return await self.person.http.patch(f"{self.path}/{order['id']}", json=fields, headers=headers)

    async def visits(self) -> list[tuple[str, str]]:
        """Programme and state of the car's visits."""
        rows = await self.rows("SELECT programme, state FROM visits WHERE vehicle_id = $1 ORDER BY programme, state")
        return [(row["programme"], row["state"]) for row in rows]

    async def rows(self, statement: str) -> list[asyncpg.Record]:
        """What a statement about the car (`$1`) finds."""
        return list(await self.pool.fetch(statement, self.vehicle["id"]))


@pytest.fixture
async def counter(pool: Pool, store_id: UUID, base: str, as_staff: Sign) -> Counter:
    """A known car: its first service was two years ago."""
    person = await as_staff("service_advisor")
    async with pool.acquire() as conn:
        for key in PROGRAMMES:
            await make_programme(conn, key, store_id=store_id)
        customer = await make_customer(conn, store_id=store_id)
        vehicle = await make_vehicle(conn, store_id=store_id, customer_id=customer["id"])
        await make_work_order(conn, vehicle_id=vehicle["id"], closed_at=NOW - timedelta(days=700), first_service=True)
    return Counter(person, pool, f"{base}/work-orders", store_id, customer["id"], vehicle)
