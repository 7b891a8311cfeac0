"""The console in front of a real API on a real database: two apps in this process, no network between them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import httpx
import pytest
from argon2 import PasswordHasher
from fastapi import FastAPI

from services.console.app import create_app as create_console
from shared.db import Pool
from shared.settings import Settings
from tests.api.conftest import api_settings, app, house, other_store_id, store_id
from tests.factories import (
    NOW,
    make_account,
    make_customer,
    make_programme,
    make_reading,
    make_staff,
    make_task,
    make_vehicle,
    make_visit,
    make_work_order,
)

__all__ = ["api_settings", "app", "house", "other_store_id", "store_id"]

PASSWORD = "correct horse"  # the password of everybody here
PHONE = "+8613800131234"
HASH = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)


@dataclass(frozen=True)
class Desk:
    """A follow-up specialist's morning: three customers to call, in this order."""

    store_id: UUID
    staff_id: UUID
    login: str
    customers: tuple[UUID, ...]
    visits: tuple[UUID, ...]


async def make_desk(pool: Pool, store_id: UUID, *roles: str) -> Desk:
    """A person of the store who can sign in, with three calls that are due; the first customer's phone is PHONE."""
    names = (("王建国", "male", "沪A12345"), ("李秀英", "female", "沪A67890"), ("赵敏", "female", "沪AD12345"))
    customers, visits = [], []
    async with pool.acquire() as conn:
        staff = await make_staff(conn, *(roles or ("followup_specialist",)), store_id=store_id, name="李敏")
        account = await make_account(conn, store_id=store_id, staff_id=staff["id"], password_hash=HASH)
        await make_programme(conn, "after-repair", store_id=store_id)
        for number, (name, gender, plate) in enumerate(names):
            phone = PHONE if number == 0 else ""
            customer = await make_customer(conn, store_id=store_id, name=name, gender=gender, phone=phone)
            vehicle = await make_vehicle(conn, store_id=store_id, customer_id=customer["id"], plate=plate, model="途观L 2023")
            order = await make_work_order(
                conn,
                store_id=store_id,
                customer_id=customer["id"],
                vehicle_id=vehicle["id"],
                kind="repair",
                items="更换前刹车片",
                closed_at=NOW - timedelta(days=2),
            )
            visit = await make_visit(
                conn,
                store_id=store_id,
                customer_id=customer["id"],
                vehicle_id=vehicle["id"],
                assignee_id=staff["id"],
                programme="after-repair",
                purposes=["satisfaction", "repair_result"],
                state="due",
                trigger_id=order["id"],
                window_end=NOW + timedelta(hours=15 + 24 * number),
            )
            customers.append(customer["id"])
            visits.append(visit["id"])
        await make_reading(conn, store_id=store_id, vehicle_id=vehicle["id"])
        await make_task(conn, store_id=store_id, customer_id=customers[0], assignee_id=staff["id"])
    return Desk(store_id, staff["id"], account["login"], tuple(customers), tuple(visits))


@pytest.fixture
async def desk(pool: Pool, store_id: UUID) -> Desk:
    """The morning of a follow-up specialist."""
    return await make_desk(pool, store_id)


@pytest.fixture
async def console(app: FastAPI, house: object) -> AsyncIterator[FastAPI]:
    """The console, its requests to the API handed to the API's app."""
    settings = Settings(api_url="http://api.test", _env_file=None)
    console = create_console(settings, httpx.ASGITransport(app))
    async with console.router.lifespan_context(console):
        yield console


@pytest.fixture
async def browser(console: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody's browser: it keeps cookies and follows nothing by itself."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(console), base_url="http://console.test") as client:
        yield client
