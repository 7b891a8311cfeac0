"""Stores and their people."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg

from shared.db import Connection
from shared.ids import new_id
from tests.factories.base import NOW, TODAY, insert, insert_of_store, number, stamps


async def make_store(conn: Connection, **overrides: Any) -> asyncpg.Record:
    """A store that is open 9–18 on every day but statutory holidays."""
    code = overrides.get("code") or f"S{number():05d}"
    values = {
        "id": new_id(),
        "code": code,
        "name": f"{code}汽车销售服务有限公司",
        "phone": "+8621640010" + f"{number() % 100:02d}",
        "rescue_phone": "+864008001234",
        "address": "上海市浦东新区张江路1号",
        "timezone": "Asia/Shanghai",
        "language": "zh",
        "signature": "张江店",
        "weekly_hours": "{}",
        "policies": "{}",
        "version": 1,
        **stamps("created_at", "updated_at"),
    }
    return await insert(conn, "stores", values | overrides)


async def make_store_day(conn: Connection, *, store_id: UUID, **overrides: Any) -> asyncpg.Record:
    """A day on which the store is closed."""
    values = {"store_id": store_id, "day": TODAY, "open": False, "name": "盘点"}
    return await insert_of_store(conn, "store_days", values | overrides)


async def make_staff(conn: Connection, *roles: str, store_id: UUID, **overrides: Any) -> asyncpg.Record:
    """A person of the store, a sales consultant unless roles are named."""
    values = {
        "store_id": store_id,
        "name": f"员工{number()}",
        "ordinal": 1,
        "roles": list(roles) or ["sales_consultant"],
        "active": True,
        "capacity": 60,
        "version": 1,
        **stamps("created_at", "updated_at"),
    }
    return await insert_of_store(conn, "staff", values | overrides)


async def make_absence(conn: Connection, *, store_id: UUID, staff_id: UUID, **overrides: Any) -> asyncpg.Record:
    """A week off from today."""
    values = {"store_id": store_id, "staff_id": staff_id, "from_on": TODAY, "to_on": TODAY + timedelta(days=6)}
    return await insert_of_store(conn, "staff_absences", values | overrides)


async def make_account(conn: Connection, *, store_id: UUID, staff_id: UUID, **overrides: Any) -> asyncpg.Record:
    """A sign-in of a person of the store. Its password hash opens nothing unless one is given."""
    values = {
        "id": new_id(),
        "login": f"user{number()}",
        "password_hash": "!",
        "token_version": 1,
        "created_at": NOW,
    }
    account = await insert(conn, "accounts", values | overrides)
    await conn.execute("UPDATE staff SET account_id = $1 WHERE store_id = $2 AND id = $3", account["id"], store_id, staff_id)
    await insert(conn, "account_stores", {"account_id": account["id"], "store_id": store_id, "staff_id": staff_id})
    return account
