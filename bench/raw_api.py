"""The least that answers the same requests: Starlette and asyncpg, the same statements in the same transactions, JSON by orjson.

No token check, no permissions, no schemas, no idempotency: what a careful person would still have to write by hand. The statements are
the product's own, so both sides ask PostgreSQL the same.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID

import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bench.seed import DUE
from services.api.customers import points
from services.api.visits import attempts, queries
from services.api.worklist import queries as worklist_queries
from shared.db import open_pool, store_transaction
from shared.events import NOTIFY_FEED, feed
from shared.ids import new_id
from shared.progress import facts

NOW = DUE + timedelta(hours=1)
DAY_START, DAY_END = DUE - timedelta(hours=9), DUE + timedelta(hours=15)
_TRIED = """
    UPDATE visits SET state = 'trying', tries = tries + 1, next_step = 'call', next_at = $3, next_reason = 'no_answer_1', wake_at = $3,
        updated_at = $4, version = version + 1 WHERE store_id = $1 AND id = $2
"""


def _json(value: object, status: int = 200) -> Response:
    return Response(orjson.dumps(value, str), status, media_type="application/json")


async def one_visit(request: Request) -> Response:
    """GET a visit with its attempts."""
    store_id, visit_id = UUID(request.path_params["store_id"]), UUID(request.path_params["visit_id"])
    async with store_transaction(request.app.state.pool, store_id) as conn:
        rows = await conn.fetch(queries._ONE, store_id, visit_id)
    return _json([dict(row) for row in rows])


async def one_customer(request: Request) -> Response:
    """GET a customer with how to reach him; the sealed numbers stay where they are."""
    store_id, customer_id = UUID(request.path_params["store_id"]), UUID(request.path_params["customer_id"])
    async with store_transaction(request.app.state.pool, store_id) as conn:
        row = await conn.fetchrow("SELECT * FROM customers WHERE store_id = $1 AND id = $2", store_id, customer_id)
        reached = await conn.fetch(points._OF, store_id, [customer_id])
    ways = [{name: value for name, value in point.items() if not isinstance(value, bytes)} for point in reached]
    return _json({**dict(row or {}), "contact_points": ways})


async def worklist(request: Request) -> Response:
    """GET the worklist of a person."""
    store_id, staff_id = UUID(request.path_params["store_id"]), UUID(request.query_params["staff"])
    limit = worklist_queries.LIMIT
    async with store_transaction(request.app.state.pool, store_id, plan_once=True) as conn:
        roles = ["followup_specialist"]
        rows = await conn.fetch(worklist_queries._ONES, store_id, DAY_END, DAY_START, limit, staff_id, roles, True)
        done = await conn.fetchrow(worklist_queries._DONE, store_id, staff_id, False, DAY_START, DAY_END, [])
    return _json({"items": [dict(row) for row in rows], "done": dict(done or {})})


async def attempt(request: Request) -> Response:
    """POST an attempt that nobody answered: what is read to decide, and what is written."""
    store_id, visit_id = UUID(request.path_params["store_id"]), UUID(request.path_params["visit_id"])
    body, attempt_id = orjson.loads(await request.body()), new_id()
    async with store_transaction(request.app.state.pool, store_id, plan_once=True) as conn:
        visit = (await conn.fetch(attempts._LOCK, store_id, [visit_id]))[0]
        (file,) = await conn.fetch(attempts._CALLEE, store_id, visit["customer_id"], visit["callee_phone_index"], None)
        said = [
            body["channel"],
            body["outcome"],
            "out",
            file["first_id"],
            None,
            NOW,
            None,
            None,
            body["note"],
            None,
            None,
            None,
            None,
            None,
            None,
        ]
        await conn.execute(attempts._INSERT, store_id, attempt_id, visit_id, None, *said, False, NOW)
        await conn.fetch(f"{facts._VISITS} FOR UPDATE OF v", store_id, [visit_id])
        for statement in (facts._ATTEMPTS, facts._MESSAGES, facts._TRACES):
            await conn.fetch(statement, store_id, [visit_id])
        await conn.fetch(facts._NUMBERS, store_id, [visit["customer_id"]])
        await conn.execute(_TRIED, store_id, visit_id, NOW + timedelta(hours=4), NOW)
        await conn.execute(attempts._EVENT, store_id, new_id(), visit_id, NOW, "attempt", "staff", None, "{}")
        await conn.execute("SELECT pg_notify($1, $2)", NOTIFY_FEED, feed(store_id, "visit", visit_id))
        rows = await conn.fetch(queries._SEVERAL, store_id, [visit_id])
    return _json([dict(row) for row in rows], 201)


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    """The pool, as large as the product's."""
    async with await open_pool(os.environ["DATABASE_URL"], "bench-raw", smallest=2, largest=10) as pool:
        app.state.pool = pool
        yield


def make_app() -> Starlette:
    """The app."""
    base = "/v1/stores/{store_id}"
    return Starlette(
        lifespan=lifespan,
        routes=[
            Route(base + "/visits/{visit_id}", one_visit),
            Route(base + "/customers/{customer_id}", one_customer),
            Route(base + "/worklist", worklist),
            Route(base + "/visits/{visit_id}/attempts", attempt, methods=["POST"]),
        ],
    )


if __name__ == "__main__":
    port = int(os.environ["BENCH_PORT"])
    uvicorn.run(
        make_app(),
        port=port,
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
        server_header=False,
        timeout_keep_alive=75,
    )
