"""One batch of one store: claim, promote, ask the ladder about the rest, commit, ring."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg
import structlog

from services.scheduler.context import Context
from services.scheduler.promote import promote
from shared.db import Connection, store_transaction
from shared.domain.visit import State
from shared.events import NOTIFY_FEED, SYSTEM, feed
from shared.progress import Progressed, progress
from shared.stores import StoreContext
from shared.wakes import wake

KEEPING_UP, BACKLOG = 500, 2000
SET_ASIDE = timedelta(hours=1)

log = structlog.get_logger("scheduler")

_PUT_OFF = "UPDATE visits SET wake_at = $3, version = version + 1 WHERE store_id = $1 AND id = $2"
_NEXT = "SELECT min(wake_at) FROM visit_wakes WHERE store_id = $1"
_NEXT_AND_TELL = "SELECT (SELECT min(wake_at) FROM visit_wakes WHERE store_id = $1), pg_notify($2, $3)"


@dataclass(frozen=True)
class Batch:
    """What a batch did. `full`: there is probably more; `next_at`: when the store has something again (None: not asked, or never)."""

    size: int
    events: int
    full: bool
    next_at: datetime | None


async def work(context: Context, store_id: UUID, *, limit: int) -> Batch:
    """Bring on what is due in a store, up to `limit` visits, in one transaction; ring after the commit."""
    clock = context.clock
    async with store_transaction(context.pool, store_id, plan_once=True) as conn:
        now = clock.now()
        store = await context.stores.get(conn, store_id, today=now.date())
        claimed = await promote(
            conn,
            store_id,
            now=now,
            limit=limit,
            zone=store.timezone,
            sms_from=store.ladder.sms_from,
            sms_to=store.ladder.sms_to,
        )
        progressed = await bring_on(context, conn, store, claimed.others, now)
        next_at = await _end(conn, store_id, told=bool(claimed.event_ids))
    events = [*claimed.event_ids, *(event_id for one in progressed for event_id in one.event_ids)]
    context.emitter.ring(store_id, events)
    _count(context, claimed.promoted, progressed, len(events))
    context.flood.note(claimed.size)
    full = claimed.size >= limit
    if claimed.earliest and clock.speed:
        context.meters.lag.observe((now - claimed.earliest).total_seconds() / clock.speed)
    return Batch(claimed.size, len(events), full, None if full else next_at)


async def _end(conn: Connection, store_id: UUID, *, told: bool) -> datetime | None:
    """When the store has something again; live pages are told of what became due, in the same round trip."""
    statement, more = (_NEXT_AND_TELL, (NOTIFY_FEED, feed(store_id, "visit"))) if told else (_NEXT, ())
    at: datetime | None = await conn.fetchval(statement, store_id, *more)
    return at


async def bring_on(
    context: Context, conn: Connection, store: StoreContext, visit_ids: Sequence[UUID], now: datetime
) -> list[Progressed]:
    """`progress` for a batch; when one visit makes it fail, that one is put off by an hour and the others go on."""
    if not visit_ids:
        return []
    try:
        async with conn.transaction():
            return await progress(conn, store, visit_ids, now=now, actor=SYSTEM)
    except (asyncpg.InterfaceError, asyncpg.InternalClientError, asyncpg.PostgresConnectionError, OSError):
        raise
    except Exception:
        if len(visit_ids) == 1:
            log.exception("visit_set_aside", store_id=str(store.id), visit_id=str(visit_ids[0]))
            context.meters.poisoned.inc()
            await conn.execute(_PUT_OFF, store.id, visit_ids[0], now + SET_ASIDE)
            await wake(conn, store.id, visit_ids)
            return []
    middle = len(visit_ids) // 2
    first = await bring_on(context, conn, store, visit_ids[:middle], now)
    return first + await bring_on(context, conn, store, visit_ids[middle:], now)


def _count(context: Context, promoted: int, progressed: Sequence[Progressed], events: int) -> None:
    meters = context.meters
    meters.promoted.inc(promoted)
    meters.progressed.inc(len(progressed))
    meters.events.inc(events)
    meters.expired.inc(sum(one.state is State.EXPIRED for one in progressed))
