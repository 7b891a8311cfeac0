"""A manager with campaigns to make, and the files they are about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import orjson
import pytest

from shared.db import Connection, Pool
from shared.events import SYSTEM
from shared.planning.campaigns import plan_campaigns
from shared.stores import load_store
from tests.api.conftest import Person, Sign
from tests.factories import (
    NOW,
    make_consent,
    make_customer,
    make_staff,
    make_vehicle,
)
from tests.factories.base import insert_of_store, number


@dataclass(frozen=True)
class Office:
    """A manager with campaigns to make, the general manager, and the files they are about."""

    manager: Person
    boss: Person
    pool: Pool
    path: str
    store_id: UUID

    def body(self, **fields: Any) -> dict[str, Any]:
        message = {"mode": "message", "channel": "sms", "text": "{{ customer_name }}您好，夏季空调免费检测。"}
        calls = {"mode": "call_list", "channel": "phone", "role": "followup_specialist"}
        common = {
            "name": "空调检测",
            "segment": {"lifecycle": ["owner"]},
            "starts_on": "2026-11-23",
            "ends_on": "2026-11-27",
        }
        return {**common, **(calls if fields.get("mode") == "call_list" else message), **fields}

    async def enter(self, **fields: Any) -> dict[str, Any]:
        answer = await self.manager.http.post(self.path, json=self.body(**fields))
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    async def act(self, campaign: dict[str, Any], verb: str, by: Person | None = None, **body: Any) -> httpx.Response:
        who = by or self.manager
        return await who.http.post(f"{self.path}/{campaign['id']}/{verb}", json=body or None)

    async def ok(self, campaign: dict[str, Any], verb: str, **body: Any) -> dict[str, Any]:
        answer = await self.act(campaign, verb, **body)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def customer(self, *, consent: str | None = "all", **values: Any) -> asyncpg.Record:
        async with self.pool.acquire() as conn:
            customer = await make_customer(conn, store_id=self.store_id, **values)
            if consent:
                await make_consent(conn, customer_id=customer["id"], channel=consent)
        return customer

    async def car(self, **values: Any) -> asyncpg.Record:
        if "customer_id" not in values:
            values["customer_id"] = (await self.customer())["id"]
        async with self.pool.acquire() as conn:
            return await make_vehicle(conn, store_id=self.store_id, **values)

    async def index(self, customer: asyncpg.Record) -> bytes:
        found: bytes = await self.pool.fetchval("SELECT value_index FROM contact_points WHERE customer_id = $1", customer["id"])
        return found

    async def visits(self) -> list[asyncpg.Record]:
        return list(await self.pool.fetch("SELECT * FROM visits WHERE store_id = $1 ORDER BY due_at, id", self.store_id))

    async def setting(self, **policies: Any) -> None:
        await self.pool.execute("UPDATE stores SET policies = $2 WHERE id = $1", self.store_id, orjson.dumps(policies).decode())

    async def morning(self, day: date) -> None:
        async with self.pool.acquire() as conn, conn.transaction():
            store = await load_store(conn, self.store_id, today=day)
            await plan_campaigns(conn, store, now=store.calendar.opening(day) - timedelta(hours=4), actor=SYSTEM)


@pytest.fixture
async def office(as_staff: Sign, pool: Pool, store_id: UUID, base: str) -> Office:
    manager, boss = await as_staff("service_manager"), await as_staff("general_manager")
    async with pool.acquire() as conn:
        for _ in range(2):
            await make_staff(conn, "followup_specialist", store_id=store_id)
    return Office(manager, boss, pool, f"{base}/campaigns", store_id)


def problem(answer: httpx.Response) -> str:
    found: str = answer.json()["type"].rpartition(":")[2]
    return found


async def complain(conn: Connection, store_id: UUID, customer_id: UUID) -> None:
    """An open complaint."""
    values = {
        "store_id": store_id, "customer_id": customer_id, "number": f"202611-{number():04d}", "kind": "service", "category": "other",
        "severity": "normal", "crisis": False, "crisis_reasons": [], "crisis_checklist": "{}", "source": "call", "state": "open",
        "level": 0, "text": "等待太久", "warned": [], "reopened": 0, "opened_at": NOW, "respond_by": NOW, "handle_by": NOW,
        "created_at": NOW, "updated_at": NOW, "version": 1,
    }  # fmt: skip
    await insert_of_store(conn, "complaints", values)
