"""The ladder's story on a clock that runs: `python -m tests.flows.demo [SPEED]` (`make demo`), speed 600 unless given.

Everything is real but the clock's speed: the services are processes, the gateway and the mail server have sockets. At ×600 a day
takes 144 s and the story about twenty minutes; at ×6000 two.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from tests.flows.system import START, Store, System, open_store, running_system
from tests.flows.test_ladder import deliver, report, texts_to
from tests.servers import started

PHONE, ADDRESS = "+8613800131234", "wang@example.com"
LOOK = 0.2


def tell(now: datetime, text: str) -> None:
    sys.stdout.write(f"{now:%m-%d %a %H:%M}  {text}\n")
    sys.stdout.flush()


async def poll(check: Callable[[], Awaitable[bool]]) -> None:
    """Look again and again until it holds."""
    while not await check():  # noqa: ASYNC110 - what is waited for happens in other processes
        await asyncio.sleep(LOOK)


async def until(system: System, instant: datetime) -> datetime:
    """Wait for the business clock to come to an instant."""

    async def reached() -> bool:
        return await system.now() >= instant

    await poll(reached)
    return await system.now()


async def until_ended(store: Store, visit_id: str) -> dict[str, Any]:
    """Wait until nothing follows for the visit."""

    async def ended() -> bool:
        return (await store.get(f"/visits/{visit_id}"))["next"] is None

    await poll(ended)
    visit: dict[str, Any] = await store.get(f"/visits/{visit_id}")
    return visit


async def _true(found: object) -> bool:
    return bool(found)


async def story(system: System, store: Store) -> bool:
    """From the delivery to `unreachable`. Out: whether it ended so, with one SMS and one e-mail."""
    counts, now = await deliver(store, name="王建国", phone=PHONE, email=ADDRESS, vin="LSVAG2180E2100001", plate="沪A12345")
    tell(now, f"a delivery is imported: {counts['created']} created, {counts['planned']} visits planned")
    visit = await store.visit(step="thanks")
    tell(now, f"the thank-you call is planned for {visit['due_on']}")
    for number in (1, 2, 3):
        at = datetime.fromisoformat(visit["next"]["at"]) + timedelta(minutes=20)
        now = await until(system, at)
        visit = (await store.call("sales_consultant", visit["id"], outcome="no_answer"))["visit"]
        tell(
            now,
            f"call {number}: nobody answers; next {visit['next']['step']} at {visit['next']['at'][:16]} ({visit['next']['reason']})",
        )
    await poll(lambda: _true(texts_to(system, PHONE)))
    [sms] = texts_to(system, PHONE)
    tell(await system.now(), f"SMS: {sms.text}")
    await report(store, sms, "undelivered")
    tell(await system.now(), "the gateway reports it undelivered")
    await poll(lambda: _true(system.mailbox.sent_to(ADDRESS)))
    [mail] = system.mailbox.sent_to(ADDRESS)
    tell(await system.now(), f"e-mail: {mail['Subject']}; List-Unsubscribe-Post: {mail['List-Unsubscribe-Post']}")
    visit = await until_ended(store, visit["id"])
    tell(await system.now(), f"the visit is {visit['state']} ({visit['state_reason']})")
    sys.stdout.write("\nwhy:\n")
    for line in (await store.get(f"/visits/{visit['id']}/why"))["story"]:
        tell(datetime.fromisoformat(line["at"]), f"{line['kind']:<20} {line['text']}")
    sent = await system.sql("SELECT channel FROM messages WHERE visit_id = $1 ORDER BY created_at", UUID(visit["id"]))
    return visit["state"] == "unreachable" and [row["channel"] for row in sent] == ["sms", "email"]


async def main(speed: str) -> bool:
    with started("", "") as servers:
        async with (
            running_system(servers, "demo", clock=f"{START}@x{speed}") as system,
            open_store(system, "sales_consultant", "sales_manager") as store,
        ):
            return await story(system, store)


if __name__ == "__main__":
    sys.exit(0 if asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "600")) else 1)
