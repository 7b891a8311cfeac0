"""The least that does the work of the pipeline: claim 2000, a hundred ids an event, emit beside the next claim, insert by set.

`python -m bench.minimum dispatch|consume`, two processes on DATABASE_URL and REDIS_URL, plain asyncpg and redis-py. No history, no
consent, no rendering, no sealing: what nobody could leave out and still call it a pipeline.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Sequence
from datetime import datetime
from typing import cast
from uuid import UUID

import asyncpg
import orjson
import redis.asyncio as aioredis
import uvloop

from shared.clock import machine_now
from shared.ids import new_id

CLAIM, PACK, READ = 2000, 100, 10
GO, STREAM, GROUP = "bench:go", "bench:events", "bench"

_CLAIM = """
    UPDATE bare.visits SET state = 'due', due_seq = due_seq + 1
    WHERE store_id = $1 AND id = ANY(ARRAY(
        SELECT id FROM bare.visits WHERE store_id = $1 AND state = 'planned' AND due_at <= $2
        ORDER BY due_at LIMIT $3 FOR UPDATE SKIP LOCKED))
    RETURNING id, customer_id, due_at
"""
_INSERT = """
    INSERT INTO bare.messages (store_id, id, visit_id, customer_id, channel, step_no, state, created_at)
    SELECT u.store_id, u.id, u.visit_id, u.customer_id, 'sms', 1, 'queued', $1
    FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[]) AS u (store_id, id, visit_id, customer_id)
    ON CONFLICT (store_id, visit_id, channel, step_no) DO NOTHING
"""


async def dispatch(conn: asyncpg.Connection[asyncpg.Record], cache: aioredis.Redis) -> None:
    """Wait for the word, then claim and emit until nothing is due."""
    stores = [row["store_id"] for row in await conn.fetch("SELECT DISTINCT store_id FROM bare.visits")]
    _, said = await cast("Awaitable[tuple[bytes, bytes]]", cache.blpop([GO]))
    now = datetime.fromisoformat(said.decode())
    emitting: asyncio.Task[None] | None = None
    for store_id in stores:
        while rows := await conn.fetch(_CLAIM, store_id, now, CLAIM):
            if emitting is not None:
                await emitting
            emitting = asyncio.create_task(_emit(cache, store_id, rows))
    if emitting is not None:
        await emitting


async def _emit(cache: aioredis.Redis, store_id: UUID, rows: Sequence[asyncpg.Record]) -> None:
    pipe = cache.pipeline(transaction=False)
    for start in range(0, len(rows), PACK):
        packed = [[str(row["id"]), str(row["customer_id"])] for row in rows[start : start + PACK]]
        pipe.xadd(STREAM, {"d": orjson.dumps([str(store_id), packed])})
    await pipe.execute()


async def consume(conn: asyncpg.Connection[asyncpg.Record], cache: aioredis.Redis) -> None:
    """Insert what comes, a thousand rows at a time, until told to stop."""
    await cache.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
    while True:
        for _, entries in await cache.xreadgroup(GROUP, "one", {STREAM: ">"}, count=READ, block=1000):
            stores, visits, customers = [], [], []
            for _, fields in entries:
                store_id, packed = orjson.loads(fields[b"d"])
                stores += [store_id] * len(packed)
                visits += [visit for visit, _ in packed]
                customers += [customer for _, customer in packed]
            await conn.execute(_INSERT, machine_now(), stores, [new_id() for _ in visits], visits, customers)
            await cache.xack(STREAM, GROUP, *[entry for entry, _ in entries])


async def main(part: str) -> None:
    """Run one of the two processes."""
    conn = await asyncpg.connect(os.environ["DATABASE_URL"], server_settings={"jit": "off"})
    cache = aioredis.Redis.from_url(os.environ["REDIS_URL"])
    await cache.sadd("bench:ready", part)
    await {"dispatch": dispatch, "consume": consume}[part](conn, cache)


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1]))
