"""The API beside Starlette and asyncpg: one visit, one customer, a worklist of 50, an attempt; both servers up, asked in turn."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import cycle, islice
from uuid import UUID

import httpx

from bench import seed
from bench.house import House
from bench.pipeline import Connection, connected, until
from bench.processes import ROOT, Running, running
from bench.results import Row, ratio_row
from deploy import roles
from deploy.local.ports import HOST, any_free_port
from deploy.local.process import tail
from services.api.auth.tokens import access_token
from shared.settings import DEVELOPMENT_SECRET
from tests.factories import make_account, make_staff

TEMPLATE = "http"
COMMAND = "python -m bench http"
CONNECTIONS = 32
LIST = 50
CLOCK = "2026-11-23T10:00:00+08:00@x1"

# The visits are due and nobody called yet; fifty are one person's worklist, the rest are another's.
_DUE = """
    UPDATE visits SET state = 'due', next_reason = 'due', due_seq = 1, wake_at = window_end,
        assignee_id = CASE WHEN id = ANY($3) THEN $1::uuid ELSE $2::uuid END
"""


@dataclass(frozen=True)
class Data:
    """What is asked for: `token` is that of the person with a worklist of fifty, `other_token` that of who has the rest."""

    store_id: UUID
    staff_id: UUID
    token: str
    other_token: str
    visits: list[UUID]
    customers: list[UUID]


@dataclass(frozen=True)
class Route:
    """One kind of request: its requests, made for a number of them, and the ratio to reach (None: said, not judged)."""

    name: str
    target: float
    requests: Callable[[Data, int], list[str]]
    count: int
    once: bool = False


async def prepare(house: House, visits: int) -> Data:
    """Seed the template: one store, one person with a worklist of fifty."""
    url = await house.template(TEMPLATE)
    await seed.seed(url, visits, stores=1, channel="phone")
    async with connected(house, TEMPLATE) as conn:
        store_id = await conn.fetchval("SELECT id FROM stores")
        person, token = await _person(conn, store_id)
        other, other_token = await _person(conn, store_id)
        rows = await conn.fetch("SELECT id, customer_id FROM visits ORDER BY id")
        ids = [row["id"] for row in rows]
        await conn.execute(_DUE, person, other, ids[:LIST])
        await conn.execute("VACUUM ANALYZE")
    return Data(store_id, person, token, other_token, ids[LIST:], [row["customer_id"] for row in rows])


async def _person(conn: Connection, store_id: UUID) -> tuple[UUID, str]:
    person = await make_staff(conn, "followup_specialist", store_id=store_id)
    account = await make_account(conn, store_id=store_id, staff_id=person["id"])
    return person["id"], access_token(DEVELOPMENT_SECRET, account["id"], account["token_version"])


def _head(data: Data, method: str, path: str, length: int | None = None, token: str = "") -> str:
    body = f"Content-Type: application/json\r\nContent-Length: {length}\r\n" if length is not None else ""
    start = f"{method} /v1/stores/{data.store_id}{path} HTTP/1.1\r\nHost: bench\r\n"
    return f"{start}Authorization: Bearer {token or data.other_token}\r\n{body}\r\n"


def _visits(data: Data, count: int) -> list[str]:
    return [_head(data, "GET", f"/visits/{visit}") for visit in islice(cycle(data.visits), count)]


def _customers(data: Data, count: int) -> list[str]:
    return [_head(data, "GET", f"/customers/{customer}") for customer in islice(cycle(data.customers), count)]


def _worklists(data: Data, count: int) -> list[str]:
    return [_head(data, "GET", f"/worklist?limit={LIST}&staff={data.staff_id}", token=data.token)] * count


def _attempts(data: Data, count: int) -> list[str]:
    body = json.dumps({"channel": "phone", "outcome": "no_answer", "note": "nobody answered"})
    return [_head(data, "POST", f"/visits/{visit}/attempts", len(body)) + body for visit in data.visits[-count:]]


ROUTES = (
    Route("GET one visit", 0.45, _visits, 6000),
    Route("GET one customer", 0.45, _customers, 6000),
    Route(f"GET a worklist of {LIST}", 0.25, _worklists, 1500),
    Route("POST an attempt", 0.20, _attempts, 2500, once=True),
)


@dataclass(frozen=True)
class Side:
    """A server that is asked."""

    part: Running
    port: int
    resident: list[float]

    def ask(self, house: House, requests: Sequence[str]) -> Mapping[str, float]:
        """Run the load client once. Raises when an answer was not 2xx."""
        plan = house.folder / "plan.json"
        warm_up = len(requests) // 6
        content = {"host": HOST, "port": self.port, "connections": CONNECTIONS, "warm_up": warm_up, "requests": list(requests)}
        plan.write_text(json.dumps(content))
        done = subprocess.run([sys.executable, "-m", "bench.load", str(plan)], cwd=ROOT, capture_output=True, check=False)
        self.part.check()
        if done.returncode:
            raise RuntimeError(f"{self.part.name}: {done.stderr.decode()[-300:]}\n{tail(self.part.log, 30)}")
        result: dict[str, float] = json.loads(done.stdout)
        if result["bad"]:
            raise RuntimeError(
                f"{self.part.name}: {result['bad']:.0f} of {len(requests)} answers were not 2xx: {requests[0][:80]!r}"
            )
        self.resident.append(self.part.resident_mb())
        return result


async def rows(house: House, pairs: int, *, visits: int = 20_000, share: float = 1.0) -> tuple[list[Row], dict[str, float]]:
    """The rows of the API. Out: rows, and the largest memory of the API."""
    data = await prepare(house, visits)
    found: dict[str, dict[str, list[Mapping[str, float]]]] = {}
    async with house.copy(TEMPLATE) as bare_database, house.copy(TEMPLATE) as our_database:
        with ExitStack() as stack:
            bare = _start(stack, house, "raw", "bench.raw_api", bare_database)
            ours = _start(stack, house, "api", "services.api", our_database)
            await _ready(bare, ours, data)
            for number in range(pairs):
                for route in ROUTES:
                    count = max(60, int(route.count * share))
                    at = data if not route.once else _slice(data, number, count)
                    if not await _offered(ours, route.requests(at, 1)[0]):
                        continue
                    for name, side in (("bare", bare), ("ours", ours)):
                        answers = found.setdefault(route.name, {"bare": [], "ours": []})[name]
                        answers.append(side.ask(house, route.requests(at, count)))
            memory = {"api": max(ours.resident)}
    return [_row(route, found[route.name]) for route in ROUTES if route.name in found], memory


def _slice(data: Data, number: int, count: int) -> Data:
    """Visits that no run has tried yet."""
    end = len(data.visits) - number * count
    return replace(data, visits=data.visits[:end])


def _start(stack: ExitStack, house: House, name: str, module: str, database: str) -> Side:
    port = any_free_port()
    environment = house.environment(database, "api", CLOCK) | {
        "BENCH_PORT": str(port),
        "HUIFANG_API_PORT": str(port),
        "HUIFANG_API_HOST": HOST,
        "DATABASE_URL": roles.role_url(house.url(database), "api"),
    }
    return Side(stack.enter_context(running(name, module, house.folder, environment)), port, [])


async def _ready(bare: Side, ours: Side, data: Data) -> None:
    """Both answer the same request."""
    requests = [(side, _visits(data, 1)[0]) for side in (bare, ours)]

    async def answering() -> bool:
        return all([await _offered(side, request) for side, request in requests])

    await until(answering, [bare.part, ours.part], 0.2)


async def _offered(side: Side, request: str) -> bool:
    """True when the route answers 2xx to a GET (a POST is taken to)."""
    method, path, _ = request.split(" ", 2)
    if method == "POST":
        return True
    headers = {"Authorization": request.split("Authorization: ", 1)[1].split("\r\n", 1)[0]}
    try:
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.get(f"http://{HOST}:{side.port}{path}", headers=headers)
    except httpx.TransportError:
        return False
    return answer.is_success


def _row(route: Route, answers: Mapping[str, Sequence[Mapping[str, float]]]) -> Row:
    rates = {name: [answer["rate"] for answer in runs] for name, runs in answers.items()}
    detail = {f"{name}_{key}_ms": [answer[key] for answer in runs] for name, runs in answers.items() for key in ("p50", "p99")}
    return ratio_row(
        route.name, "requests/s", rates["bare"], rates["ours"], route.target, COMMAND, connections=CONNECTIONS, **detail
    )
