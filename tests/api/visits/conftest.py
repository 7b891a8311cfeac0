"""A follow-up specialist with one customer, one car and one due call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import pytest

from shared.db import Pool
from tests.api.conftest import Person, Sign
from tests.factories import NOW, make_customer, make_programme, make_vehicle, make_visit


@dataclass(frozen=True)
class Desk:
    """Who calls, whom, about what."""

    person: Person
    base: str
    store_id: UUID
    customer_id: UUID
    vehicle_id: UUID
    visit_id: UUID

    @property
    def path(self) -> str:
        return f"{self.base}/visits/{self.visit_id}"

    async def record(self, **body: Any) -> httpx.Response:
        return await self.person.http.post(f"{self.path}/attempts", json=body)


@pytest.fixture
async def desk(pool: Pool, store_id: UUID, base: str, as_staff: Sign) -> Desk:
    """The call of the day."""
    person = await as_staff("followup_specialist")
    async with pool.acquire() as conn:
        await make_programme(conn, "after-maintenance", store_id=store_id)
        customer = await make_customer(conn, store_id=store_id)
        vehicle = await make_vehicle(conn, customer_id=customer["id"], store_id=store_id)
        visit = await make_visit(
            conn,
            store_id=store_id,
            customer_id=customer["id"],
            vehicle_id=vehicle["id"],
            assignee_id=person.staff_id,
            state="due",
            next_reason="due",
            wake_at=NOW,
        )
    return Desk(person, base, store_id, customer["id"], vehicle["id"], visit["id"])
