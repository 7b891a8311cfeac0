"""The ground the other tests stand on."""

from __future__ import annotations

import asyncpg
import pytest
import redis

from shared.db import Pool


async def test_the_database_has_the_newest_schema(pool: Pool) -> None:
    assert await pool.fetchval("SELECT count(*) FROM alembic_version") == 1


@pytest.mark.parametrize("turn", [1, 2])
async def test_what_a_test_writes_is_gone_in_the_next(connection: asyncpg.Connection[asyncpg.Record], turn: int) -> None:
    assert await connection.fetchval("SELECT to_regclass('left_behind')") is None
    await connection.execute("CREATE TABLE left_behind (n int)")


async def test_each_service_signs_in_as_its_own_role(role_urls: dict[str, str]) -> None:
    for service, url in role_urls.items():
        connection = await asyncpg.connect(url)
        assert await connection.fetchval("SELECT current_user") == f"huifang_{service}"
        await connection.close()


async def test_a_fresh_database_is_another_one(fresh_database_url: str, database_url: str) -> None:
    assert fresh_database_url != database_url
    connection = await asyncpg.connect(fresh_database_url)
    assert await connection.fetchval("SELECT count(*) FROM stores") == 0
    await connection.close()


def test_redis_is_empty_and_answers(redis_url: str) -> None:
    client = redis.Redis.from_url(redis_url)
    assert client.ping()
    assert client.dbsize() == 0
    client.close()
