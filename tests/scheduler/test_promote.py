"""The one statement that makes plain visits due writes what `next_step` says, whatever the file looks like."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import asyncpg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.scheduler.promote import Claimed, promote
from services.scheduler.work import work
from shared.db import Connection
from shared.events import SYSTEM
from shared.progress import progress
from shared.stores import load_store
from tests.factories import NOW, TODAY, make_contact_point, make_customer, make_opt_out, make_store, make_visit
from tests.scheduler.conftest import Make

HOUR = timedelta(hours=1)
COLUMNS = "state, state_reason, late, tries, next_step, next_at, next_reason, wake_at, due_seq, promised_at, closed_at"

phones = st.lists(
    st.fixed_dictionaries(
        {
            "textable": st.booleans(),
            "wrong": st.sampled_from([None, None, NOW]),
            "dead": st.sampled_from([None, None, "invalid", "wrong"]),
            "opted_out": st.sampled_from(
                [None, None, ("phone", "all"), ("sms", "all"), ("all", "all_but_recall"), ("sms", "marketing")]
            ),
        }
    ),
    max_size=2,
)
files = st.fixed_dictionaries(
    {
        "preferred": st.sampled_from([None, None, "phone", "sms", "email", "wechat"]),
        "phones": phones,
        "email": st.sampled_from([None, "good", "wrong", "opted_out"]),
    }
)
visits = st.fixed_dictionaries(
    {
        "channel": st.sampled_from(["phone", "phone", "sms", "email", "onsite", "letter", "wechat"]),
        "due_at": st.integers(-80, 4).map(lambda quarters: NOW + quarters * HOUR),
        "window": st.integers(1, 90).map(lambda hours: hours * HOUR),
        "promised": st.sampled_from([None, None, None, -HOUR, HOUR]),
        "purposes": st.sampled_from([["satisfaction"], ["satisfaction"], ["recall_safety"]]),
        "on_missed": st.sampled_from(["none", "sms"]),
        "wake_early": st.booleans(),
    }
)


async def arrange(conn: Connection, file: dict[str, Any], visit: dict[str, Any]) -> asyncpg.Record:
    store = await make_store(conn)
    customer = await make_customer(conn, store_id=store["id"], phone=None, preferred_channel=file["preferred"])
    for rank, phone in enumerate(file["phones"], start=1):
        point = await make_contact_point(
            conn, customer_id=customer["id"], rank=rank, textable=phone["textable"], wrong_at=phone["wrong"]
        )
        if phone["dead"]:
            sql = "INSERT INTO numbers (number_index, wrong_at, wrong_reason) VALUES ($1, $2, $3)"
            await conn.execute(sql, point["value_index"], NOW, phone["dead"])
        if phone["opted_out"]:
            channel, scope = phone["opted_out"]
            await make_opt_out(conn, number_index=point["value_index"], channel=channel, scope=scope)
    if file["email"]:
        point = await make_contact_point(
            conn, customer_id=customer["id"], kind="email", wrong_at=NOW if file["email"] == "wrong" else None
        )
        if file["email"] == "opted_out":
            await make_opt_out(conn, number_index=point["value_index"], channel="email")
    due_at = visit["due_at"]
    return await make_visit(
        conn,
        customer_id=customer["id"],
        channel=visit["channel"],
        purposes=visit["purposes"],
        due_at=due_at,
        next_at=due_at,
        window_start=due_at - HOUR,
        window_end=due_at + visit["window"],
        promised_at=NOW + visit["promised"] if visit["promised"] else None,
        on_missed=visit["on_missed"],
        wake_at=min(due_at, NOW) if visit["wake_early"] else due_at,
    )


async def outcome(conn: Connection, visit: asyncpg.Record) -> tuple[object, ...]:
    row = await conn.fetchrow(f"SELECT {COLUMNS} FROM visits WHERE id = $1", visit["id"])
    events = await conn.fetch(
        "SELECT due_seq, step, due_at, created_at FROM due_contact_events WHERE visit_ids = ARRAY[$1::uuid]", visit["id"]
    )
    assert row is not None
    return tuple(row), [tuple(event) for event in events]


async def promoted(conn: Connection, visit: asyncpg.Record) -> Claimed:
    ladder = (await load_store(conn, visit["store_id"], today=TODAY)).ladder
    return await promote(
        conn, visit["store_id"], now=NOW, limit=10, zone="Asia/Shanghai", sms_from=ladder.sms_from, sms_to=ladder.sms_to
    )


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(file=files, visit=visits)
async def test_what_the_statement_promotes_is_what_the_ladder_says(
    connection: Connection, file: dict[str, Any], visit: dict[str, Any]
) -> None:
    whole = connection.transaction()
    await whole.start()
    try:
        row = await arrange(connection, file, visit)
        savepoint = connection.transaction()
        await savepoint.start()
        store = await load_store(connection, row["store_id"], today=TODAY)
        await progress(connection, store, [row["id"]], now=NOW, actor=SYSTEM)
        said = await outcome(connection, row)
        await savepoint.rollback()

        claimed = await promoted(connection, row)

        if claimed.event_ids:
            assert await outcome(connection, row) == said
        else:
            assert claimed.others == ([row["id"]] if row["wake_at"] <= NOW else [])
    finally:
        await whole.rollback()


async def test_plain_visits_do_go_by_the_statement(connection: Connection) -> None:
    for channel in ("phone", "sms", "onsite"):
        visit = await make_visit(connection, channel=channel)

        claimed = await promoted(connection, visit)

        assert (claimed.promoted, len(claimed.event_ids), list(claimed.others)) == (1, 1, [])


async def test_a_visit_announced_before_is_not_plain(connection: Connection) -> None:
    visit = await make_visit(connection, channel="sms", due_seq=1)

    claimed = await promoted(connection, visit)

    assert (list(claimed.event_ids), list(claimed.others)) == ([], [visit["id"]])


async def test_what_a_batch_rings_is_what_it_wrote(owner: Connection, make_scheduler: Make) -> None:
    store = await make_store(owner)
    for _ in range(7):
        await make_visit(owner, store_id=store["id"])
    prefers = await make_customer(owner, store_id=store["id"], preferred_channel="sms")
    await make_visit(owner, customer_id=prefers["id"])
    scheduler = await make_scheduler()

    batch = await work(scheduler, store["id"], limit=500)

    assert (batch.size, batch.events, batch.full) == (8, 2, False)
    written = "SELECT step, cardinality(visit_ids) FROM due_contact_events ORDER BY step"
    assert [tuple(row) for row in await owner.fetch(written)] == [("call", 7), ("sms", 1)]
