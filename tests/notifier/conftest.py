"""A notifier of its own role on a fresh database, with a clock that is moved by hand, and a provider with a log of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg
import orjson
import pytest

from deploy import roles
from services.notifier.callbacks import NO_STORE, take_callbacks
from services.notifier.channels import Channel
from services.notifier.channels.http import HttpGateway
from services.notifier.channels.local import NotSetUp, Outbox
from services.notifier.context import Context
from services.notifier.deliver import Delivery
from services.notifier.loops import take_all_events
from services.notifier.orders import take_orders
from services.notifier.reconcile import reconcile
from shared.clock import Anchor, Clock, machine_now
from shared.db import Pool, asyncpg_url, open_pool
from shared.ids import new_id
from shared.settings import load_settings
from shared.stores import StoreCache
from tests.factories import NOW, make_contact_point, make_customer, make_due_event, make_store, make_vehicle, make_visit, vault
from tests.servers import Servers
from tests.support.provider import Provider

Owner: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


@dataclass
class HandClock(Clock):
    """A clock that a test moves."""

    at: datetime = NOW

    def __post_init__(self) -> None:
        super().__init__(Anchor(machine_now(), self.at, 0.0))

    def move(self, **by: float) -> None:
        self.at += timedelta(**by)
        self._anchor = Anchor(machine_now(), self.at, 0.0)

    def set(self, at: datetime) -> None:
        self.at = at
        self._anchor = Anchor(machine_now(), at, 0.0)


@dataclass
class Desk:
    """A notifier, the owner's connection that arranges and looks, the provider."""

    ctx: Context
    clock: HandClock
    owner: Owner
    provider: Provider
    store_id: UUID
    deliveries: list[Delivery] = field(default_factory=list)

    async def work(self) -> None:
        """Everything that there is to do at this instant, calls included."""
        await take_callbacks(self.ctx)
        await take_orders(self.ctx)
        await take_all_events(self.ctx)
        await self.deliver()
        await reconcile(self.ctx)

    async def deliver(self) -> None:
        delivery = Delivery(self.ctx)
        self.deliveries.append(delivery)
        for name in self.ctx.channels:
            await delivery.pass_over(name)
        await delivery.idle()

    async def due(self, step: str = "sms", **visit: Any) -> asyncpg.Record:
        """A visit after three calls, and its event that an SMS (or e-mail) is due. Out: the visit."""
        if "customer_id" not in visit:
            customer = await make_customer(self.owner, store_id=self.store_id)
            visit["customer_id"] = customer["id"]
        made = await make_visit(self.owner, store_id=self.store_id, **{"state": "trying", "tries": 3, **visit})
        await make_due_event(self.owner, visit_id=made["id"], store_id=self.store_id, step=step, due_at=self.clock.at)
        return made

    async def message(self, visit_id: UUID, channel: str = "sms") -> asyncpg.Record:
        row = await self.owner.fetchrow("SELECT * FROM messages WHERE visit_id = $1 AND channel = $2", visit_id, channel)
        assert row is not None
        return row

    async def attempts(self, message_id: UUID) -> list[asyncpg.Record]:
        return list(await self.owner.fetch("SELECT * FROM message_attempts WHERE message_id = $1 ORDER BY n", message_id))

    async def signals(self, visit_id: UUID) -> set[str]:
        return {row["kind"] for row in await self.owner.fetch("SELECT kind FROM visit_signals WHERE visit_id = $1", visit_id)}

    async def callback(self, kind: str, body: object, *, store_id: UUID | None = None) -> None:
        """What the API keeps when a provider calls back."""
        token, row = new_id(), new_id()
        await self.owner.execute(
            "INSERT INTO hook_tokens (id, token_index, store_id, kind, provider, created_at) VALUES ($1, $2, $3, 'sms', 'http', $4)",
            token,
            token.bytes,
            store_id,
            NOW,
        )
        sealed = vault().seal_bytes(body if isinstance(body, bytes) else orjson.dumps(body), "callbacks", "body", NO_STORE, row)
        await self.owner.execute(
            "INSERT INTO callbacks (id, hook_token_id, kind, body, received_at) VALUES ($1, $2, $3, $4, $5)",
            row,
            token,
            kind,
            bytes(sealed),
            machine_now(),
        )

    async def receipt(self, *receipts: dict[str, object]) -> None:
        await self.callback("sms_receipts", list(receipts))
        await take_callbacks(self.ctx)

    async def reply(self, number: str, text: str) -> None:
        await self.callback("sms_replies", {"from": number, "text": text})
        await take_callbacks(self.ctx)

    async def customer(self, phone: str, *, email: str | None = None, **overrides: Any) -> asyncpg.Record:
        """A customer with this number, and perhaps an address."""
        store_id = overrides.pop("store_id", self.store_id)
        made = await make_customer(self.owner, store_id=store_id, phone=phone, **overrides)
        if email:
            await make_contact_point(self.owner, customer_id=made["id"], store_id=store_id, kind="email", text=email)
        return made

    async def car(self, customer_id: UUID, **overrides: Any) -> asyncpg.Record:
        return await make_vehicle(self.owner, store_id=self.store_id, customer_id=customer_id, **overrides)


@pytest.fixture(scope="session")
def house_url(servers: Servers, worker_number: int) -> Iterator[str]:
    """A database of the notifier's tests; what they commit is emptied before the next one."""
    with servers.database(f"n{worker_number}") as url:
        yield url


@pytest.fixture(scope="session")
async def house_pool(house_url: str) -> AsyncIterator[Pool]:
    """The owner's connections to it."""
    async with asyncpg.create_pool(asyncpg_url(house_url), min_size=1, max_size=4) as pool:
        yield pool


async def empty(connection: asyncpg.pool.PoolConnectionProxy[asyncpg.Record]) -> None:
    """Delete every row; a fraction of what TRUNCATE of so many small tables takes."""
    rows = await connection.fetch(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
    )
    statements = "; ".join(f"DELETE FROM {row['tablename']}" for row in rows)
    await connection.execute(f"SET session_replication_role = replica; {statements}; SET session_replication_role = DEFAULT")


@pytest.fixture
async def owner(house_pool: Pool) -> AsyncIterator[Owner]:
    """The owner's connection to an empty house: arranges rows and looks at them; everything it does is committed."""
    async with house_pool.acquire() as connection:
        await empty(connection)
        yield connection  # type: ignore[misc]  # the pool's proxy has every method of a connection


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    async with Provider() as provider:
        yield provider


MakeDesk = Callable[..., Awaitable[Desk]]


@pytest.fixture
async def make_desk(house_url: str, owner: Owner, provider: Provider) -> AsyncIterator[MakeDesk]:
    """Notifiers, any number, in one store; SMS by HTTP to the provider unless channels are given."""
    desks: list[Desk] = []
    store = await make_store(owner, name="沪兴汽车", signature="沪兴汽车", phone="+862164001234", rescue_phone="+864008001234")

    async def make(*, lease: float = 60.0, patience: float = 5.0, **channels: Channel) -> Desk:
        settings = load_settings().model_copy(
            update={
                "database_url": roles.role_url(house_url, "notifier"),
                "lease_seconds": lease,
                "public_url": "https://hf.example",
            }
        )
        pool = await open_pool(settings.database_url, "tests-notifier", largest=6)
        ways: dict[str, Channel] = {
            "sms": HttpGateway(provider.url, "secret", patience=patience),
            "email": NotSetUp("smtp", "no_smtp"),
        }
        clock = HandClock()
        ctx = Context(settings, pool, vault(), clock, {**ways, **channels}, stores=StoreCache(0))
        desks.append(Desk(ctx, clock, owner, provider, store["id"]))
        return desks[-1]

    yield make
    for desk in desks:
        for delivery in desk.deliveries:
            await delivery.drain(1)
        await desk.ctx.close_channels()
        await desk.ctx.pool.close()


@pytest.fixture
async def desk(make_desk: MakeDesk) -> Desk:
    """One notifier whose SMS go to the provider."""
    return await make_desk()


@pytest.fixture
async def outbox_desk(make_desk: MakeDesk) -> Desk:
    """One notifier that keeps everything in the database."""
    return await make_desk(sms=Outbox(), email=Outbox())
