"""The least that does the work of the pipeline: claim 2000, a hundred ids an event, emit beside the next claim, insert by set.

`python -m bench.minimum dispatch|consume bare|own`, two processes on DATABASE_URL and REDIS_URL, plain asyncpg and redis-py. `bare`
writes tables of its own with the few columns and indexes it needs. `own` writes the product's rows into the product's tables: visit,
event (a hundred visits each), message, with every index and reference. Both without history, consent, opt-outs, caps, rendering,
sealing.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
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
GO, STREAM, GROUP, READY = "bench:go", "bench:events", "bench", "bench:ready"


@dataclass(frozen=True)
class Shape:
    """The statements of one kind of minimum: claim (store, now, limit), insert (now and four arrays), and what follows it."""

    stores: str
    claim: str
    insert: str
    handled: str | None = None


_BARE = Shape(
    stores="SELECT DISTINCT store_id FROM bare.visits",
    claim="""
        UPDATE bare.visits SET state = 'due', due_seq = due_seq + 1
        WHERE store_id = $1 AND id = ANY(ARRAY(
            SELECT id FROM bare.visits WHERE store_id = $1 AND state = 'planned' AND due_at <= $2
            ORDER BY due_at LIMIT $3 FOR UPDATE SKIP LOCKED))
        RETURNING id, customer_id
    """,
    insert="""
        INSERT INTO bare.messages (store_id, id, visit_id, customer_id, channel, step_no, state, created_at)
        SELECT u.store_id, u.id, u.visit_id, u.customer_id, 'sms', 1, 'queued', $1
        FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[]) AS u (store_id, id, visit_id, customer_id)
        ON CONFLICT (store_id, visit_id, channel, step_no) DO NOTHING
    """,
)
_OWN = Shape(
    stores="SELECT id AS store_id FROM stores",
    claim="""
        WITH taken AS MATERIALIZED (
            DELETE FROM visit_wakes WHERE store_id = $1 AND id = ANY(ARRAY(
                SELECT id FROM visit_wakes WHERE store_id = $1 AND wake_at <= $2
                ORDER BY wake_at LIMIT $3 FOR UPDATE SKIP LOCKED))
            RETURNING visit_ids
        ), batches AS MATERIALIZED (
            SELECT gen_random_uuid() AS event_id, array_agg(id) AS visit_ids
            FROM (SELECT id, (row_number() OVER () - 1) / 100 AS part FROM (SELECT unnest(visit_ids) AS id FROM taken) t) t
            GROUP BY part
        ), moved AS (
            UPDATE visits v SET state = 'due', next_reason = 'due', wake_at = window_end, due_seq = 1, due_event_id = b.event_id,
                updated_at = $2, version = version + 1
            FROM (SELECT event_id, unnest(visit_ids) AS id FROM batches) b WHERE v.store_id = $1 AND v.id = b.id
            RETURNING v.id, customer_id
        ), written AS (
            INSERT INTO due_contact_events (store_id, id, visit_ids, due_seq, step, due_at, created_at)
            SELECT $1, event_id, visit_ids, 1, 'sms', $2, $2 FROM batches
        ), again AS (
            INSERT INTO visit_wakes (store_id, id, wake_at, visit_ids)
            SELECT $1, event_id, $2 + interval '1 day', visit_ids FROM batches
        )
        SELECT id, customer_id FROM moved
    """,
    insert="""
        INSERT INTO messages (store_id, id, visit_id, event_id, customer_id, kind, purpose, channel, step_no, template, language,
            state, tries, fence, wake_at, expire_at, created_at, updated_at)
        SELECT u.store_id, u.id, u.visit_id, u.visit_id, u.customer_id, 'automatic', 'service_followup', 'sms', 1, 'welcome', 'zh',
            'queued', 0, 0, $1, $1, $1, $1
        FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[]) AS u (store_id, id, visit_id, customer_id)
        ON CONFLICT (store_id, visit_id, channel, step_no) DO NOTHING
    """,
    handled="""
        UPDATE due_contact_events e SET handled_at = $1
        FROM (SELECT DISTINCT v.store_id, v.due_event_id FROM unnest($2::uuid[], $3::uuid[]) AS u (store_id, id)
              JOIN visits v ON v.store_id = u.store_id AND v.id = u.id) d
        WHERE e.store_id = d.store_id AND e.id = d.due_event_id AND e.handled_at IS NULL
    """,
)
SHAPES = {"bare": _BARE, "own": _OWN}


async def dispatch(conn: asyncpg.Connection[asyncpg.Record], cache: aioredis.Redis, shape: Shape) -> None:
    """Wait for the word, then claim and emit until nothing is due."""
    stores = [row["store_id"] for row in await conn.fetch(shape.stores)]
    _, said = await cast("Awaitable[tuple[bytes, bytes]]", cache.blpop([GO]))
    now = datetime.fromisoformat(said.decode())
    emitting: asyncio.Task[None] | None = None
    for store_id in stores:
        while rows := await conn.fetch(shape.claim, store_id, now, CLAIM):
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


async def consume(conn: asyncpg.Connection[asyncpg.Record], cache: aioredis.Redis, shape: Shape) -> None:
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
            async with conn.transaction():
                await conn.execute(shape.insert, machine_now(), stores, [new_id() for _ in visits], visits, customers)
                if shape.handled:
                    await conn.execute(shape.handled, machine_now(), stores, visits)
            await cache.xack(STREAM, GROUP, *[entry for entry, _ in entries])


async def main(part: str, shape: str) -> None:
    """Run one of the two processes."""
    conn = await asyncpg.connect(os.environ["DATABASE_URL"], server_settings={"jit": "off"})
    cache = aioredis.Redis.from_url(os.environ["REDIS_URL"])
    await cache.sadd(READY, part)
    await {"dispatch": dispatch, "consume": consume}[part](conn, cache, SHAPES[shape])


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], sys.argv[2]))
