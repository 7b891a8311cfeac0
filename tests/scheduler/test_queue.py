"""The queue of wakes: what is in it is found once; what was moved, cancelled or held by somebody else is neither lost nor done twice."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import asyncpg

from services.scheduler.promote import BATCH, Claimed, promote
from services.scheduler.work import work
from shared.db import Connection, Pool
from shared.stores import load_store
from shared.wakes import wake
from tests.factories import NOW, TODAY, make_customer, make_store, make_visit
from tests.scheduler.conftest import Make

HOUR = timedelta(hours=1)
WAITING = "SELECT wake_at, visit_ids FROM visit_wakes WHERE store_id = $1 ORDER BY wake_at"


async def claimed(conn: Connection, store_id: UUID, *, limit: int = 500) -> Claimed:
    ladder = (await load_store(conn, store_id, today=TODAY)).ladder
    return await promote(
        conn, store_id, now=NOW, limit=limit, zone="Asia/Shanghai", sms_from=ladder.sms_from, sms_to=ladder.sms_to
    )


async def visits_of_one_customer(conn: Connection, count: int) -> list[asyncpg.Record]:
    customer = await make_customer(conn)
    return [await make_visit(conn, store_id=customer["store_id"], customer_id=customer["id"]) for _ in range(count)]


async def test_a_promotion_is_entered_for_its_deadline(connection: Connection) -> None:
    visit = await make_visit(connection)

    await claimed(connection, visit["store_id"])

    rows = await connection.fetch(WAITING, visit["store_id"])
    assert [tuple(row) for row in rows] == [(visit["window_end"], [visit["id"]])]


async def test_a_wave_shares_events_and_entries_by_the_hundred(connection: Connection) -> None:
    visits = await visits_of_one_customer(connection, BATCH + 5)
    store_id = visits[0]["store_id"]

    done = await claimed(connection, store_id)

    assert (done.promoted, len(done.event_ids)) == (BATCH + 5, 2)
    named = "SELECT cardinality(visit_ids) FROM due_contact_events WHERE store_id = $1 ORDER BY 1"
    assert [row[0] for row in await connection.fetch(named, store_id)] == [5, BATCH]
    assert sorted(len(row["visit_ids"]) for row in await connection.fetch(WAITING, store_id)) == [5, BATCH]
    lost = "SELECT count(*) FROM visits v JOIN due_contact_events e ON e.id = v.due_event_id AND NOT v.id = ANY (e.visit_ids)"
    assert await connection.fetchval(lost) == 0


async def test_visits_with_instants_of_their_own_have_events_of_their_own(connection: Connection) -> None:
    customer = await make_customer(connection)
    for hours in (1, 2):
        await make_visit(connection, customer_id=customer["id"], due_at=NOW - hours * HOUR)

    done = await claimed(connection, customer["store_id"])

    assert (done.promoted, len(done.event_ids)) == (2, 2)


async def test_a_shared_entry_is_taken_whole_and_a_claim_ends_with_it(connection: Connection) -> None:
    visits = await visits_of_one_customer(connection, 9)
    store_id = visits[0]["store_id"]
    await connection.execute("DELETE FROM visit_wakes")
    for start in (0, 3, 6):
        await wake(connection, store_id, [visit["id"] for visit in visits[start : start + 3]])

    sizes = [(await claimed(connection, store_id, limit=4)).size for _ in range(3)]

    assert sizes == [6, 3, 0]


async def test_an_entry_of_a_visit_that_was_cancelled_is_forgotten(connection: Connection) -> None:
    visit = await make_visit(connection)
    await connection.execute("UPDATE visits SET state = 'cancelled', closed_at = $1, wake_at = NULL", NOW)

    done = await claimed(connection, visit["store_id"])

    assert (done.size, await connection.fetch(WAITING, visit["store_id"])) == (0, [])


async def test_an_entry_of_a_visit_that_was_moved_is_entered_anew(connection: Connection) -> None:
    visit = await make_visit(connection)
    await connection.execute("UPDATE visits SET wake_at = $1", NOW + HOUR)

    done = await claimed(connection, visit["store_id"])

    rows = await connection.fetch(WAITING, visit["store_id"])
    assert (done.size, [tuple(row) for row in rows]) == (0, [(NOW + HOUR, [visit["id"]])])


async def test_a_visit_with_two_entries_is_promoted_once(connection: Connection) -> None:
    visit = await make_visit(connection)
    await wake(connection, visit["store_id"], [visit["id"]])

    assert (await claimed(connection, visit["store_id"])).promoted == 1
    assert (await claimed(connection, visit["store_id"])).size == 0


async def test_a_visit_that_somebody_else_holds_is_taken_when_it_is_free(
    owner: Connection, fresh_pool: Pool, make_scheduler: Make
) -> None:
    store = await make_store(owner)
    held, free = [await make_visit(owner, store_id=store["id"]) for _ in range(2)]
    scheduler = await make_scheduler()

    async with fresh_pool.acquire() as other, other.transaction():
        await other.execute("SELECT FROM visits WHERE id = $1 FOR UPDATE", held["id"])
        first = await work(scheduler, store["id"], limit=500)
    second = await work(scheduler, store["id"], limit=500)

    assert (first.size, second.size) == (1, 1)
    assert first.next_at == NOW
    states = "SELECT state, due_seq FROM visits WHERE id = ANY($1)"
    assert [tuple(row) for row in await owner.fetch(states, [held["id"], free["id"]])] == [("due", 1)] * 2
