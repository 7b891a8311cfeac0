"""A request whose transaction PostgreSQL ends to break a deadlock is done once more, and has one effect."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from services.api.routing import TRIES
from services.api.staff import actions
from shared.db import Pool, raw, store_transaction
from tests.api.conftest import Person
from tests.factories import make_staff
from tests.factories.base import number

Add = Callable[..., Awaitable[Any]]
_LOCK = "SELECT id FROM staff WHERE id = $1 FOR UPDATE"


def _instead(monkeypatch: pytest.MonkeyPatch, replace: Callable[[Add], Add]) -> None:
    monkeypatch.setattr(actions, "add_staff", replace(actions.add_staff))


async def test_a_deadlock_is_lost_and_the_request_answered(
    as_admin: Person, base: str, pool: Pool, store_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with pool.acquire() as connection:
        one, other = [(await make_staff(connection, "technician", store_id=store_id))["id"] for _ in range(2)]
    crossed, others, runs = asyncio.Event(), [], 0

    async def cross() -> None:
        """Holds `other`, and asks for `one` while the request already waits for `other`: the request's clock runs out first."""
        async with store_transaction(pool, store_id) as connection:
            await connection.execute(_LOCK, other)
            crossed.set()
            await asyncio.sleep(0.4)
            await connection.execute(_LOCK, one)

    def replace(add: Add) -> Add:
        async def adding(session: AsyncSession, *args: Any, **named: Any) -> Any:
            nonlocal runs
            runs += 1
            added = await add(session, *args, **named)
            if runs == 1:
                connection = await raw(session)
                await connection.execute(_LOCK, one)
                others.append(asyncio.create_task(cross()))
                await crossed.wait()
                await connection.execute(_LOCK, other)
            return added

        return adding

    _instead(monkeypatch, replace)
    name, headers = f"同名{number()}", {"Idempotency-Key": f"again-{number()}"}

    answer = await as_admin.http.post(f"{base}/staff", json={"name": name, "roles": ["technician"]}, headers=headers)
    again = await as_admin.http.post(f"{base}/staff", json={"name": name, "roles": ["technician"]}, headers=headers)

    assert (answer.status_code, runs) == (201, 2)
    await asyncio.gather(*others)
    assert await pool.fetchval("SELECT count(*) FROM staff WHERE name = $1", name) == 1
    assert again.content == answer.content


async def test_what_cannot_get_through_is_unavailable_and_has_no_effect(
    as_admin: Person, base: str, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = 0

    def replace(add: Add) -> Add:
        async def adding(*args: Any, **named: Any) -> Any:
            nonlocal runs
            runs += 1
            await add(*args, **named)
            raise asyncpg.DeadlockDetectedError("deadlock detected")

        return adding

    _instead(monkeypatch, replace)
    name = f"同名{number()}"

    answer = await as_admin.http.post(f"{base}/staff", json={"name": name, "roles": ["technician"]})

    assert (answer.status_code, answer.json()["code"], runs) == (503, "unavailable", TRIES)
    assert await pool.fetchval("SELECT count(*) FROM staff WHERE name = $1", name) == 0
