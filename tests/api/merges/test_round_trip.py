"""A merge that is undone at once leaves every row as it was (domain.md §10.9), whatever the two files held."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from shared.db import Connection, Pool
from tests.api.conftest import Sign
from tests.factories import (
    NOW,
    make_attempt,
    make_consent,
    make_contact_point,
    make_customer,
    make_lead,
    make_policy,
    make_reading,
    make_sale,
    make_task,
    make_vehicle,
    make_visit,
    make_work_order,
)
from tests.factories.base import number
from tests.factories.vehicles import a_vin

TABLES = (
    "customers", "contact_points", "vehicles", "sales", "insurance_policies", "work_orders", "leads", "visits", "tasks",
    "mileage_readings", "attempts",
)  # fmt: skip
# What follows from other columns, or says only that a row was written.
PASSING = {"version", "updated_at", "wake_at", "next_reason", "state", "next_maintenance_on"}
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


async def fill(conn: Connection, store_id: UUID, customer_id: UUID, random: Random) -> None:
    """A file at random; numbers, plates and days are few, so that two files have much in common."""
    own: dict[str, Any] = {"store_id": store_id, "customer_id": customer_id}
    for phone in random.sample(PHONES, random.randint(0, 3)):
        wrong: dict[str, Any] = {"wrong_at": NOW, "wrong_reason": "wrong"} if random.random() < 0.3 else {}
        await make_contact_point(conn, **own, text=phone, rank=random.randint(1, 3), **wrong)
    for channel in random.sample(["all", "sms", "email"], random.randint(0, 2)):
        withdrawn: dict[str, Any] = {"withdrawn_at": NOW} if random.random() < 0.4 else {}
        await make_consent(conn, **own, channel=channel, **withdrawn)
    for plate in random.sample(PLATES, random.randint(0, 2)):
        vin = a_vin() if random.random() < 0.4 else None
        car = await make_vehicle(conn, **own, plate=plate, vin=vin, colour=random.choice([None, "红"]))
        await use(conn, {**own, "vehicle_id": car["id"]}, random)
    await make_lead(conn, **own, model=random.choice(["朗逸", "途观"]), first_visit_on=date(2026, 11, 1))
    later: dict[str, Any] = {"due_at": NOW + random.randint(1, 40) * HOUR, "window_end": NOW + 9 * DAY}
    await make_visit(
        conn, **own, **later, trigger_type="customer.birthday", trigger_id=customer_id, programme="birthday", step="call",
        next_at=later["due_at"], wake_at=later["due_at"],
    )  # fmt: skip
    await make_task(conn, **own, kind=random.choice(["correct_file", "letter"]))


async def use(conn: Connection, own: dict[str, Any], random: Random) -> None:
    """What happened with one car."""
    sale = await make_sale(conn, **own, delivered_on=random.choice([date(2026, 10, 1), date(2026, 10, 2)]))
    await make_policy(conn, **own, expires_on=date(2027, 10, random.randint(1, 2)))
    order = await make_work_order(conn, **own, number=f"W{number()}")
    await make_reading(conn, store_id=own["store_id"], vehicle_id=own["vehicle_id"], read_on=date(2026, 11, random.randint(1, 2)))
    for programme, trigger_type, trigger in (
        ("delivery-sales", "sale.delivered", sale["id"]),
        ("after-maintenance", "work_order.closed", order["id"]),
        ("maintenance", "maintenance.due", own["vehicle_id"]),
    ):
        due_at = NOW + random.randint(1, 40) * HOUR
        promised = NOW + random.randint(1, 3) * DAY if random.random() < 0.3 else None
        visit = await make_visit(
            conn, **own, programme=programme, step="call", trigger_type=trigger_type, trigger_id=trigger, due_at=due_at,
            next_at=promised or due_at, wake_at=due_at, promised_at=promised, window_end=due_at + 5 * DAY,
            state=random.choice(["planned", "planned", "completed"]),
        )  # fmt: skip
        if random.random() < 0.3:
            await make_attempt(conn, visit_id=visit["id"], at=NOW - HOUR, created_at=NOW - HOUR)


PHONES = [f"+861390088{number():04d}" for _ in range(4)]
PLATES = ["沪B00001", "沪B00002", "沪B00003"]


async def everything(conn: Connection, store_id: UUID) -> dict[str, dict[UUID, dict[str, Any]]]:
    """All rows that a merge may touch, without what passes."""
    found: dict[str, dict[UUID, dict[str, Any]]] = {}
    for table in TABLES:
        rows: list[asyncpg.Record] = await conn.fetch(f"SELECT * FROM {table} WHERE store_id = $1", store_id)
        found[table] = {row["id"]: {name: value for name, value in row.items() if name not in PASSING} for row in rows}
    standing = "SELECT id, customer_id, purpose, channel FROM consents WHERE store_id = $1 AND withdrawn_at IS NULL"
    found["consents"] = {row["id"]: dict(row) for row in await conn.fetch(standing, store_id)}
    return found


@pytest.mark.parametrize("seed", range(12))
async def test_10_9_a_merge_undone_at_once_leaves_every_row_as_it_was(
    pool: Pool, store_id: UUID, base: str, as_staff: Sign, seed: int
) -> None:
    manager, random = await as_staff("customer_manager"), Random(seed)
    async with pool.acquire() as conn:
        files = [(await make_customer(conn, store_id=store_id, name="王建国"))["id"] for _ in range(2)]
        for customer_id in files:
            await fill(conn, store_id, customer_id, random)
        before = await everything(conn, store_id)
    path = f"{base}/customers/{files[0]}/merge"

    merged = await manager.http.post(path, json={"merged_id": str(files[1])})
    assert merged.status_code == 201, merged.text
    async with pool.acquire() as conn:
        open_states = "closed_at IS NULL AND state IN ('planned', 'due', 'trying')"
        left = await conn.fetchval(
            f"SELECT count(*) FROM visits WHERE store_id = $1 AND customer_id = $2 AND {open_states}", store_id, files[1]
        )
        promised = "SELECT count(DISTINCT (programme, promised_at)) FROM visits WHERE store_id = $1 AND promised_at IS NOT NULL"
        kept = await conn.fetchval(f"{promised} AND {open_states}", store_id)
    undone = await manager.http.post(f"{path}/undo")

    async with pool.acquire() as conn:
        after = await everything(conn, store_id)
    assert left == 0
    assert kept > 0 or not any(visit["promised_at"] and not visit["closed_at"] for visit in before["visits"].values())
    assert undone.json()["not_restored"] == []
    for table, rows in before.items():
        for row_id, row in rows.items():
            changed = {name: (row[name], after[table][row_id][name]) for name in row if row[name] != after[table][row_id][name]}
            assert changed == {}, (table, row_id)
