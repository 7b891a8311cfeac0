"""A house to break: a database of its own, a Valkey of its own, a gateway with a log, services forked and killed at will."""

from __future__ import annotations

import asyncio
import os
import random
import secrets
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic, time
from uuid import UUID

import asyncpg
import orjson

from deploy import roles
from deploy.local.valkey import Valkey
from shared.clock import Anchor, machine_now
from shared.db import asyncpg_url
from shared.events import NOTIFY_EVENTS
from shared.ids import new_id
from shared.opt_outs import enter_opt_out
from tests.factories import vault
from tests.faults.checker import Report, check
from tests.faults.forks import Forks
from tests.faults.history import WATCH, Connection, read
from tests.faults.seeding import Plan, seed
from tests.servers import short_lived_folder
from tests.support.provider import Answer, Behaviour, Call, Provider, accepted

LEASE_SECONDS, SWEEP_SECONDS = 5, 1
QUIET_PATIENCE, STOP_PATIENCE = 60.0, 20.0
NO_STORE = UUID(int=0)

_CLOCK = "INSERT INTO business_clock (id, machine_at, business_at, speed) VALUES (1, $1, $2, 1) ON CONFLICT DO NOTHING"
_WAITING = """
    SELECT (SELECT count(*) FROM visits WHERE wake_at <= $1) AS visits,
        (SELECT count(*) FROM due_contact_events WHERE handled_at IS NULL) AS events,
        (SELECT count(*) FROM messages WHERE state IN ('queued', 'held') AND wake_at <= $1 OR state = 'sending') AS messages,
        (SELECT count(*) FROM visit_signals WHERE handled_at IS NULL) AS signals,
        (SELECT count(*) FROM callbacks WHERE handled_at IS NULL) AS callbacks
"""
_TOKEN = """
    INSERT INTO hook_tokens (id, token_index, store_id, kind, provider, created_at) VALUES ($1, $2, NULL, 'sms', 'http', $3)
    ON CONFLICT DO NOTHING
"""
_CALLBACK = "INSERT INTO callbacks (id, hook_token_id, kind, body, received_at) VALUES ($1, $2, 'sms_receipts', $3, $4)"


def chosen_seed() -> int:
    """FAULTS_SEED of the environment, else one by chance; printed, so that a run can be had again."""
    chosen = int(os.environ.get("FAULTS_SEED", "0")) or secrets.randbelow(10**6) + 1
    sys.stderr.write(f"\nFAULTS_SEED={chosen}\n")
    return chosen


def answers_within(chance: random.Random, seconds: float) -> Behaviour:
    """A gateway that takes everything and answers after 0 to `seconds`."""

    async def behave(call: Call) -> Answer:
        answer = accepted(call)
        await asyncio.sleep(chance.uniform(0, seconds))
        return answer

    return behave


@dataclass
class House:
    """What a run works with. All chance comes from `chance`."""

    owner_url: str
    gateway: Provider
    valkey: Valkey
    forks: Forks
    seed: int
    chance: random.Random
    anchor: Anchor
    lease: float
    numbers: Sequence[str] = ()
    kills: int = 0
    stops: dict[bytes, float] = field(default_factory=dict)
    running: set[int] = field(default_factory=set)

    @asynccontextmanager
    async def owner(self) -> AsyncIterator[Connection]:
        """A connection of the owner's, opened for the occasion: servers come and go here."""
        conn = await asyncpg.connect(asyncpg_url(self.owner_url))
        try:
            yield conn
        finally:
            await conn.close()

    @property
    def now(self) -> datetime:
        return self.anchor.at(machine_now())

    async def start(self, service: str, *, dies: str = "") -> int:
        """Fork a service. Out: its process id."""
        pid = await self.forks.start(service, self._environment(service), dies=dies)
        self.running.add(pid)
        return pid

    async def kill(self, pid: int) -> None:
        """kill -9, counted."""
        self.running.discard(pid)
        if await self.forks.signal(pid, signal.SIGKILL):
            self.kills += 1

    async def ended(self, pid: int, patience: float) -> bool:
        """Wait until a process has killed itself; counted. False: it still runs."""
        if not await self._gone(pid, patience):
            return False
        self.running.discard(pid)
        self.kills += 1
        return True

    async def _gone(self, pid: int, patience: float) -> bool:
        until = monotonic() + patience
        while monotonic() < until:
            if not await self.forks.alive(pid):
                return True
            await asyncio.sleep(0.01)
        return False

    async def stop_all(self) -> None:
        """SIGTERM to what runs, and wait."""
        for pid in self.running:
            await self.forks.signal(pid, signal.SIGTERM)
        for pid in self.running:
            await self._gone(pid, STOP_PATIENCE)
        self.running.clear()

    async def called(self, more_than: int, patience: float) -> bool:
        """Wait until the gateway has seen more calls than that."""
        until = monotonic() + patience
        while monotonic() < until:
            if len(self.gateway.calls) > more_than:
                return True
            await asyncio.sleep(0.002)
        return False

    async def waiting(self) -> dict[str, int]:
        """What is due and not done, by table."""
        async with self.owner() as conn:
            row = await conn.fetchrow(_WAITING, self.now)
        return {name: count for name, count in row.items() if count} if row else {}

    async def quiet(self, patience: float = QUIET_PATIENCE) -> None:
        """Wait until everything due is done. Fails with what is not."""
        until = monotonic() + patience
        while waiting := await self.waiting():
            assert monotonic() < until, f"after {patience} s this is still not done: {waiting}"
            await asyncio.sleep(0.25)

    async def past(self, plan: Plan) -> None:
        """Wait until the last visit of a plan is due."""
        ahead = (plan.start + timedelta(seconds=plan.seconds + 1) - self.now).total_seconds()
        await asyncio.sleep(max(0.0, ahead))

    async def post(self, receipts: Iterable[object]) -> None:
        """A callback with these receipts, kept as the API keeps one."""
        row, token = new_id(), UUID(int=1)
        body = vault().seal_bytes(orjson.dumps(list(receipts)), "callbacks", "body", NO_STORE, row)
        async with self.owner() as conn:
            await conn.execute(_TOKEN, token, token.bytes, machine_now())
            await conn.execute(_CALLBACK, row, token, bytes(body), machine_now())
            await conn.execute("SELECT pg_notify($1, '')", NOTIFY_EVENTS)

    def receipt(self, call: Call, status: str = "delivered") -> dict[str, object]:
        return {"id": call.id, "status": status, "at": self.now.isoformat()}

    async def report_all(self, size: int = 200) -> None:
        """The gateway reports on all it took."""
        calls = self.gateway.accepted
        for start in range(0, len(calls), size):
            await self.post(map(self.receipt, calls[start : start + size]))

    async def opt_out(self, number: str) -> None:
        """A customer stops SMS; noted is the instant after the commit."""
        index = vault().index("phone", number)
        async with self.owner() as conn:
            async with conn.transaction():
                await enter_opt_out(conn, [index], "sms", source="reply", store_id=None, at=self.now)
            self.stops[index] = time()

    async def check(self) -> Report:
        """The history so far, held to everything."""
        async with self.owner() as conn:
            return check(await read(conn, self.gateway.calls, self.stops, machine_now()))

    def _environment(self, service: str) -> dict[str, str]:
        return {
            "DATABASE_URL": roles.role_url(self.owner_url, service),
            "REDIS_URL": self.valkey.url(),
            "HUIFANG_SMS_PROVIDER": "http",
            "HUIFANG_SMS_URL": self.gateway.url,
            "HUIFANG_SMS_TOKEN": "token",
            "HUIFANG_LEASE_SECONDS": str(self.lease),
            "HUIFANG_SWEEP_SECONDS": str(SWEEP_SECONDS),
        }


@asynccontextmanager
async def opened(owner_url: str, plan: Plan, *, answers: float = 0.02, lease: float = LEASE_SECONDS) -> AsyncIterator[House]:
    """A house on a migrated database, its visits planned, its clock started; no service runs yet."""
    number = chosen_seed()
    chance = random.Random(number)
    with short_lived_folder() as folder:
        valkey = Valkey(folder / "valkey", {"appendonly": "no"})
        valkey.start()
        try:
            async with Provider(answers_within(chance, answers)) as gateway, Forks(folder / "log") as forks:
                anchor = Anchor(machine_now(), plan.start, 1.0)
                house = House(owner_url, gateway, valkey, forks, number, chance, anchor, lease)
                await _prepare(house, plan)
                yield house
                await house.stop_all()
        finally:
            _keep_log(folder / "log", number)
            valkey.destroy()


async def _prepare(house: House, plan: Plan) -> None:
    async with house.owner() as conn:
        house.numbers = await seed(conn, plan, house.chance)
        await conn.execute(WATCH)
        house.anchor = Anchor(machine_now(), plan.start, 1.0)
        await conn.execute(_CLOCK, house.anchor.machine_at, plan.start)


def _keep_log(log: Path, number: int) -> None:
    """What the services said, where FAULTS_LOGS says, for whoever looks for a cause."""
    place = os.environ.get("FAULTS_LOGS")
    if place and log.exists():
        Path(place, f"faults-{number}.log").write_bytes(log.read_bytes())


async def all_of(*work: Awaitable[object]) -> None:
    """Side by side; the first fault ends all."""
    async with asyncio.TaskGroup() as group:
        for one in work:
            group.create_task(_await(one))


async def _await(work: Awaitable[object]) -> None:
    await work
