"""The story of tests/flows/test_ladder.py with Redis emptied every second and services killed between its steps: it ends the same."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
import redis

from deploy.local.valkey import Valkey
from tests.flows.system import System, open_store, running_system
from tests.flows.test_ladder import deliver, morning, report, texts_to
from tests.servers import Servers, short_lived_folder

pytestmark = [pytest.mark.slow, pytest.mark.timeout(570)]

PHONE, EMAIL = "+8613800131234", "wang@example.com"
CALLS = [(2, "09:30"), (3, "14:00"), (4, "17:00")]


@asynccontextmanager
async def emptied_every_second(url: str) -> AsyncIterator[None]:
    """FLUSHALL every second for the duration."""

    async def empty() -> None:
        client = redis.Redis.from_url(url)
        while True:
            await asyncio.to_thread(client.flushall)
            await asyncio.sleep(1)

    task = asyncio.create_task(empty())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def kill_both(system: System) -> None:
    """kill -9 of scheduler and notifier, and new ones in their place."""
    for service in ("scheduler", "notifier"):
        await system.processes[service].kill()
        await system.processes[service].start()


async def test_the_ladder_ends_the_same_under_fault(servers: Servers) -> None:
    with short_lived_folder() as folder:
        valkey = Valkey(folder / "valkey", {"appendonly": "no"})
        valkey.start()
        try:
            own = replace(servers, redis_url=valkey.url())
            async with running_system(own, "faults_ladder") as system, emptied_every_second(valkey.url()):
                await the_story(system)
        finally:
            valkey.destroy()


async def the_story(system: System) -> None:
    async with open_store(system, "sales_consultant", "sales_manager") as store:
        _, now = await deliver(
            store, name="王建国", phone="138 0013 1234", email=EMAIL, vin="LSVAG2180E2100001", plate="沪A12345"
        )
        visit = await store.visit(step="thanks")
        for days, clock in CALLS:
            await kill_both(system)
            await system.to(morning(now, days, clock))
            await store.call("sales_consultant", visit["id"], outcome="no_answer")

        await kill_both(system)
        await system.pass_time(timedelta(minutes=1))
        [sms] = texts_to(system, PHONE)

        await kill_both(system)
        await report(store, sms, "undelivered")
        await system.pass_time(timedelta(minutes=1))
        assert len(system.mailbox.sent_to(EMAIL)) == 1

        await kill_both(system)
        await system.pass_time(timedelta(days=3, minutes=1))
        final = await store.get(f"/visits/{visit['id']}")
        assert final["state"] == "unreachable"
        assert len(texts_to(system, PHONE)) == 1
        assert len(system.mailbox.sent_to(EMAIL)) == 1

        why = await store.get(f"/visits/{visit['id']}/why")
        kinds = [line["kind"] for line in why["story"]]
        assert kinds.count("attempt") == 3
        assert {"message_undelivered", "message_sent", "unreachable"} <= set(kinds)
        events = await system.sql(
            "SELECT due_seq FROM due_contact_events WHERE visit_ids @> ARRAY[$1::uuid] ORDER BY due_seq", UUID(visit["id"])
        )
        assert [row["due_seq"] for row in events] == list(range(1, len(events) + 1))
