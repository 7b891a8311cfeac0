"""A whole Huifang for one story: PostgreSQL, Valkey, api, scheduler and notifier as processes, a gateway, a mail server."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import httpx

from deploy import roles
from deploy.local.ports import any_free_port
from deploy.local.process import tethered
from services.cli.client import OperatorAuth
from shared.clock import machine_now
from shared.db import asyncpg_url
from tests.servers import Servers
from tests.support.mailbox import Mailbox
from tests.support.provider import Provider

SECRET = "a secret of the flow tests, long enough for anybody"
START = "2026-11-20T08:00:00+08:00"  # a Friday
ENGLISH = {"Accept-Language": "en"}
PASSWORD = "correct horse battery"
STARTING_SECONDS = 40.0


@dataclass
class Process:
    """One service as a child; it can be killed and started again."""

    module: str
    env: Mapping[str, str]
    log: list[str] = field(default_factory=list)
    child: asyncio.subprocess.Process | None = None
    pump: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self.child = await asyncio.create_subprocess_exec(
            *tethered([sys.executable, "-m", self.module], signal.SIGKILL),
            env=dict(self.env),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        self.pump = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self.child is not None
        assert self.child.stdout is not None
        async for line in self.child.stdout:
            self.log.append(line.decode(errors="replace").rstrip())
            del self.log[:-400]

    async def kill(self, sign: signal.Signals = signal.SIGKILL) -> None:
        if self.child is None:
            return
        if self.child.returncode is None:
            self.child.send_signal(sign)
        await self.child.wait()
        if self.pump is not None:
            await self.pump


@dataclass
class System:
    """What a story works with."""

    owner_url: str
    api_url: str
    operator: httpx.AsyncClient
    gateway: Provider
    mailbox: Mailbox
    processes: dict[str, Process]
    redis_url: str

    async def now(self) -> datetime:
        return datetime.fromisoformat((await self.operator.get("/v1/dev/clock")).json()["now"])

    async def to(self, instant: str | datetime) -> None:
        """Move the clock; returns when nothing is due before it and all queues are empty."""
        text = instant if isinstance(instant, str) else instant.isoformat()
        answer = await self.operator.post("/v1/dev/clock", json={"to": text}, timeout=180)
        assert answer.status_code == 200, f"{answer.text}\n{self.logs()}"

    async def pass_time(self, span: timedelta) -> None:
        await self.to(await self.now() + span)

    async def sql(self, statement: str, *values: object) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(asyncpg_url(self.owner_url))
        try:
            return list(await connection.fetch(statement, *values))
        finally:
            await connection.close()

    def logs(self) -> str:
        return "\n".join(f"{name} | {line}" for name, process in self.processes.items() for line in process.log[-25:])


@asynccontextmanager
async def running_system(
    servers: Servers, name: str, *, redis_number: int = 0, clock: str = f"{START}@step", **more: str
) -> AsyncIterator[System]:
    """Everything started, and ended afterwards. `more`: further settings of all services."""
    with servers.database(name) as owner_url:
        async with Provider() as gateway, Mailbox.running() as mailbox:
            redis_url = servers.redis(redis_number)
            port = any_free_port()
            processes = _processes(owner_url, redis_url, port, gateway, mailbox, clock, more)
            api_url = f"http://127.0.0.1:{port}"
            for process in processes.values():
                await process.start()
            async with httpx.AsyncClient(base_url=api_url, auth=OperatorAuth(SECRET), headers=ENGLISH, timeout=30) as operator:
                system = System(owner_url, api_url, operator, gateway, mailbox, processes, redis_url)
                try:
                    await _ready(system)
                    yield system
                finally:
                    for process in processes.values():
                        await process.kill(signal.SIGTERM)


def _processes(
    owner_url: str, redis_url: str, port: int, gateway: Provider, mailbox: Mailbox, clock: str, more: Mapping[str, str]
) -> dict[str, Process]:
    common = {
        "PATH": os.environ["PATH"],
        "PYTHONUNBUFFERED": "1",
        "REDIS_URL": redis_url,
        "HUIFANG_SECRET_KEY": SECRET,
        "HUIFANG_CLOCK": clock,
        "HUIFANG_SMS_PROVIDER": "http",
        "HUIFANG_SMS_URL": gateway.url,
        "HUIFANG_SMS_TOKEN": "flow-token",
        "HUIFANG_SMTP_URL": mailbox.url,
        "HUIFANG_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "HUIFANG_API_PORT": str(port),
        "HUIFANG_LEASE_SECONDS": "5",
        "HUIFANG_SWEEP_SECONDS": "1",
        **more,
    }
    return {
        service: Process(f"services.{service}", common | {"DATABASE_URL": roles.role_url(owner_url, service)})
        for service in ("api", "scheduler", "notifier")
    }


async def _ready(system: System) -> None:
    deadline = machine_now() + timedelta(seconds=STARTING_SECONDS)
    while machine_now() < deadline:
        try:
            if (await system.operator.get("/readyz")).status_code == 200:
                return
        except httpx.TransportError:
            pass
        await asyncio.sleep(0.2)
    raise AssertionError(f"the API did not start\n{system.logs()}")


@dataclass
class Store:
    """A store of the story with one person in each role that works in it."""

    system: System
    id: str
    people: dict[str, httpx.AsyncClient]

    @property
    def base(self) -> str:
        return f"/v1/stores/{self.id}"

    async def get(self, path: str, **params: Any) -> Any:
        answer = await self.system.operator.get(self.base + path, params=params)
        assert answer.status_code == 200, f"{path}: {answer.text}"
        return answer.json()

    async def post(self, path: str, body: Mapping[str, Any], status: int = 201) -> Any:
        answer = await self.system.operator.post(self.base + path, json=body)
        assert answer.status_code == status, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    async def visit(self, **match: str) -> dict[str, Any]:
        """The one visit that matches, such as `step="thanks"`."""
        items = (await self.get("/visits", limit=200))["items"]
        found = [visit for visit in items if all(visit[name] == value for name, value in match.items())]
        assert len(found) == 1, [(visit["programme"], visit["step"], visit["state"], visit["due_on"]) for visit in items]
        first: dict[str, Any] = found[0]
        return first

    async def call(self, role: str, visit_id: str, **attempt: Any) -> dict[str, Any]:
        """A person of that role records an attempt."""
        answer = await self.people[role].post(f"{self.base}/visits/{visit_id}/attempts", json={"channel": "phone", **attempt})
        assert answer.status_code == 201, answer.text
        recorded: dict[str, Any] = answer.json()
        return recorded

    async def import_file(self, kind: str, name: str, text: str) -> dict[str, Any]:
        """Upload a file and wait until its planning is done."""
        answer = await self.system.operator.post(
            f"{self.base}/imports", data={"kind": kind}, files={"file": (name, text.encode("gb18030"), "text/csv")}
        )
        assert answer.status_code == 202, answer.text
        path = answer.headers["Location"]
        for _ in range(600):
            found: dict[str, Any] = (await self.system.operator.get(path)).json()
            if found["state"] in {"done", "failed"}:
                assert found["state"] == "done", found
                return found
            await asyncio.sleep(0.1)
        raise AssertionError(f"the import did not end\n{self.system.logs()}")


@asynccontextmanager
async def open_store(system: System, *roles_of_staff: str) -> AsyncIterator[Store]:
    """A new store; each role's person is signed in through the API."""
    code = f"S{secrets.randbelow(10**6):06d}"
    made = await system.operator.post(
        "/v1/stores", json={"code": code, "name": "沪兴汽车", "signature": "沪兴汽车", "phone": "021-64001234"}
    )
    assert made.status_code == 201, made.text
    store = Store(system, made.json()["id"], {})
    for role in roles_of_staff:
        login = f"{role}-{code}"
        body = {"name": f"{role}", "roles": [role], "login": login, "password": PASSWORD}
        await store.post("/staff", body)
        form = {"username": login, "password": PASSWORD}
        token = (await system.operator.post("/v1/auth/token", data=form)).json()["access_token"]
        headers = {"Authorization": f"Bearer {token}", "Accept-Language": "en"}
        store.people[role] = httpx.AsyncClient(base_url=system.api_url, headers=headers, timeout=30)
    try:
        yield store
    finally:
        for person in store.people.values():
            await person.aclose()
