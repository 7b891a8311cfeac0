"""`progress`: what a visit's past means is written once, whoever asks and however often."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import asyncpg
import orjson
import pytest

from shared.db import Connection
from shared.domain.visit import State
from shared.events import SYSTEM, Actor
from shared.ids import new_id
from shared.progress import Progressed, progress
from shared.stores import StoreContext, load_store
from tests.factories import (
    NOW,
    TODAY,
    make_attempt,
    make_contact_point,
    make_customer,
    make_message,
    make_opt_out,
    make_survey,
    make_vehicle,
    make_visit,
)

STAFF = Actor("staff", new_id())
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


async def store_of(conn: Connection, visit: asyncpg.Record) -> StoreContext:
    return await load_store(conn, visit["store_id"], today=TODAY)


async def bring_on(conn: Connection, visit: asyncpg.Record, now: datetime = NOW, actor: Actor = SYSTEM) -> Progressed:
    [one] = await progress(conn, await store_of(conn, visit), [visit["id"]], now=now, actor=actor)
    return one


async def row_of(conn: Connection, table: str, row_id: UUID) -> asyncpg.Record:
    row = await conn.fetchrow(f"SELECT * FROM {table} WHERE id = $1", row_id)
    assert row is not None
    return row


async def tasks_of(conn: Connection, visit: asyncpg.Record) -> list[str]:
    return [row["kind"] for row in await conn.fetch("SELECT kind FROM tasks WHERE visit_id = $1 ORDER BY kind", visit["id"])]


async def events_of(conn: Connection, visit: asyncpg.Record) -> list[tuple[int, str]]:
    rows = await conn.fetch(
        "SELECT due_seq, step FROM due_contact_events WHERE visit_ids @> ARRAY[$1::uuid] ORDER BY due_seq", visit["id"]
    )
    return [(row["due_seq"], row["step"]) for row in rows]


async def everything(conn: Connection, visit: asyncpg.Record) -> list[object]:
    """All rows that progress may write for the visit."""
    tables = ("visit_events", "due_contact_events", "tasks")
    found: list[object] = [tuple((await row_of(conn, "visits", visit["id"])).values())]
    for table in tables:
        found += [tuple(row.values()) for row in await conn.fetch(f"SELECT * FROM {table} WHERE visit_id = $1", visit["id"])]
    return found


async def unanswered(conn: Connection, visit: asyncpg.Record, at: datetime) -> None:
    await make_attempt(conn, visit_id=visit["id"], at=at, created_at=at)
    await bring_on(conn, visit, at, STAFF)


async def test_a_visit_whose_instant_has_come_is_due_and_announced_once(connection: Connection) -> None:
    visit = await make_visit(connection)

    first = await bring_on(connection, visit)

    row = await row_of(connection, "visits", visit["id"])
    assert (row["state"], row["next_step"], row["next_at"], row["wake_at"]) == ("due", "call", NOW, visit["window_end"])
    assert first.state is State.DUE
    assert len(first.event_ids) == 1
    assert await events_of(connection, visit) == [(1, "call")]


async def test_asking_again_with_nothing_new_writes_nothing(connection: Connection) -> None:
    visit = await make_visit(connection)
    await bring_on(connection, visit)
    for number in range(3):
        await unanswered(connection, visit, NOW + number * DAY)
    before = await everything(connection, visit)

    again = await bring_on(connection, visit, NOW + 2 * DAY, STAFF)

    assert await everything(connection, visit) == before
    assert again.event_ids == ()


async def test_a_visit_before_its_instant_stays_planned(connection: Connection) -> None:
    visit = await make_visit(connection, due_at=NOW + HOUR, next_at=NOW + HOUR, wake_at=NOW + HOUR)

    one = await bring_on(connection, visit)

    assert one.state is State.PLANNED
    assert await events_of(connection, visit) == []


async def test_three_unanswered_calls_on_three_days_lead_to_one_sms(connection: Connection) -> None:
    visit = await make_visit(connection)
    await bring_on(connection, visit)

    for number in range(3):
        await unanswered(connection, visit, NOW + number * DAY)

    row = await row_of(connection, "visits", visit["id"])
    assert (row["state"], row["tries"], row["next_step"]) == ("trying", 3, "sms")
    assert [step for _, step in await events_of(connection, visit)] == ["call", "sms"]
    assert [seq for seq, _ in await events_of(connection, visit)] == [1, 2]


async def test_an_sms_that_is_not_delivered_is_followed_by_an_email(connection: Connection) -> None:
    customer = await make_customer(connection)
    await make_contact_point(connection, customer_id=customer["id"], kind="email")
    visit = await make_visit(connection, customer_id=customer["id"])
    for number in range(3):
        await unanswered(connection, visit, NOW + number * DAY)
    sent_at = NOW + 2 * DAY
    stamps = {"created_at": sent_at, "updated_at": sent_at + HOUR, "sent_at": sent_at}
    await make_message(connection, visit_id=visit["id"], customer_id=customer["id"], channel="sms", state="undelivered", **stamps)

    one = await bring_on(connection, visit, sent_at + HOUR)

    assert one.next is not None
    assert one.next.step == "email"
    assert (await events_of(connection, visit))[-1][1] == "email"


async def test_a_message_with_no_way_to_go_leaves_its_task_to_people_who_see_it(connection: Connection) -> None:
    customer = await make_customer(connection, phone=None)
    visit = await make_visit(
        connection, customer_id=customer["id"], role="system", channel="sms", step="message", message_template="welcome"
    )

    await bring_on(connection, visit, NOW + HOUR)

    tasks = await connection.fetch("SELECT role FROM tasks WHERE visit_id = $1", visit["id"])
    assert {task["role"] for task in tasks} == {"followup_specialist"}


async def test_a_ladder_without_an_answer_ends_unreachable_and_asks_for_the_number(connection: Connection) -> None:
    visit = await make_visit(connection)
    for number in range(3):
        await unanswered(connection, visit, NOW + number * DAY)

    one = await bring_on(connection, visit, NOW + 6 * DAY)

    row = await row_of(connection, "visits", visit["id"])
    assert one.state is State.UNREACHABLE
    assert (row["wake_at"], row["next_step"]) == (None, None)
    assert "confirm_number" in await tasks_of(connection, visit)
    assert (await row_of(connection, "customers", visit["customer_id"]))["flags"] == ["confirm_number"]


async def test_a_wrong_number_is_marked_and_nothing_more_goes_to_it(connection: Connection) -> None:
    visit = await make_visit(connection)
    point = await connection.fetchrow("SELECT * FROM contact_points WHERE customer_id = $1", visit["customer_id"])
    assert point is not None
    await make_attempt(connection, visit_id=visit["id"], outcome="wrong_number")

    one = await bring_on(connection, visit, actor=STAFF)

    assert one.state is State.INVALID
    assert (await row_of(connection, "contact_points", point["id"]))["wrong_reason"] == "wrong"
    assert await tasks_of(connection, visit) == ["correct_file"]
    assert await events_of(connection, visit) == []


async def test_a_second_number_takes_the_place_of_a_wrong_one(connection: Connection) -> None:
    visit = await make_visit(connection)
    await make_contact_point(connection, customer_id=visit["customer_id"], rank=2)
    await make_attempt(connection, visit_id=visit["id"], outcome="wrong_number")

    first = await bring_on(connection, visit, actor=STAFF)
    again = await bring_on(connection, visit, actor=STAFF)

    assert first.state is again.state is State.DUE
    wrong = "SELECT count(*) FROM contact_points WHERE customer_id = $1 AND wrong_at IS NOT NULL"
    assert await connection.fetchval(wrong, visit["customer_id"]) == 1


async def test_a_withdrawn_attempt_takes_back_what_it_did(connection: Connection) -> None:
    vehicle = await make_vehicle(connection)
    shared = {"customer_id": vehicle["customer_id"], "vehicle_id": vehicle["id"]}
    visit, other = await make_visit(connection, **shared), await make_visit(connection, **shared)
    attempt = await make_attempt(connection, visit_id=visit["id"], outcome="moved_or_sold")
    await bring_on(connection, visit, actor=STAFF)
    assert (await row_of(connection, "visits", other["id"]))["state"] == "cancelled"
    assert (await row_of(connection, "vehicles", vehicle["id"]))["ended_at"] == NOW
    assert await tasks_of(connection, visit) == ["new_owner"]

    await connection.execute("UPDATE attempts SET withdrawn_at = $2 WHERE id = $1", attempt["id"], NOW + HOUR / 10)
    await bring_on(connection, visit, NOW + HOUR / 10, STAFF)

    assert (await row_of(connection, "visits", visit["id"]))["state"] == "due"
    assert (await row_of(connection, "visits", other["id"]))["state"] == "planned"
    assert (await row_of(connection, "vehicles", vehicle["id"]))["ended_at"] is None
    assert await connection.fetchval("SELECT count(*) FROM tasks WHERE visit_id = $1 AND done_at IS NULL", visit["id"]) == 0


async def test_who_wants_no_contact_is_opted_out_of_every_channel(connection: Connection) -> None:
    visit = await make_visit(connection)
    await make_attempt(connection, visit_id=visit["id"], outcome="do_not_contact")

    one = await bring_on(connection, visit, actor=STAFF)

    assert one.state is State.DECLINED
    row = await connection.fetchrow("SELECT channel, scope FROM opt_outs WHERE store_id = $1", visit["store_id"])
    assert row is not None
    assert tuple(row) == ("all", "all")


async def test_a_death_ends_everything_of_the_customer(connection: Connection) -> None:
    customer = await make_customer(connection)
    visit, other = [await make_visit(connection, customer_id=customer["id"]) for _ in range(2)]
    await make_attempt(connection, visit_id=visit["id"], outcome="deceased")

    await bring_on(connection, visit, actor=STAFF)

    assert [(await row_of(connection, "visits", one["id"]))["state"] for one in (visit, other)] == ["cancelled"] * 2
    assert (await row_of(connection, "customers", customer["id"]))["deceased_at"] == NOW


async def test_the_scheduler_leaves_to_the_api_what_only_a_person_can_have_heard(connection: Connection) -> None:
    visit = await make_visit(connection)
    await make_attempt(connection, visit_id=visit["id"], outcome="wrong_number")

    await bring_on(connection, visit, actor=SYSTEM)
    marked = "SELECT count(*) FROM contact_points WHERE customer_id = $1 AND wrong_at IS NOT NULL"
    assert await connection.fetchval(marked, visit["customer_id"]) == 0

    await bring_on(connection, visit, actor=STAFF)
    assert await connection.fetchval(marked, visit["customer_id"]) == 1


async def test_an_answered_survey_completes_the_visit(connection: Connection) -> None:
    visit = await make_visit(connection)
    await unanswered(connection, visit, NOW)
    await make_survey(
        connection, visit_id=visit["id"], customer_id=visit["customer_id"], answered_at=NOW + HOUR, channel="sms", score=5
    )

    one = await bring_on(connection, visit, NOW + HOUR, Actor("customer"))

    row = await row_of(connection, "visits", visit["id"])
    assert (one.state, row["closed_at"], row["state_reason"]) == (State.COMPLETED, NOW + HOUR, "answer_sms")


async def test_a_number_that_opted_out_of_calls_is_not_called(connection: Connection) -> None:
    visit = await make_visit(connection)
    index = await connection.fetchval("SELECT value_index FROM contact_points WHERE customer_id = $1", visit["customer_id"])
    await make_opt_out(connection, number_index=index, channel="all", scope="all_but_recall")

    one = await bring_on(connection, visit)

    row = await row_of(connection, "visits", visit["id"])
    assert (one.state, row["state_reason"]) == (State.CANCELLED, "opted_out")
    assert await events_of(connection, visit) == []
    assert await connection.fetchval("SELECT count(*) FROM tasks WHERE visit_id = $1", visit["id"]) == 0


async def test_10_13_a_low_score_by_sms_is_entered_and_opens_a_complaint(connection: Connection) -> None:
    visit = await make_visit(connection)
    await unanswered(connection, visit, NOW)
    await make_survey(
        connection, visit_id=visit["id"], customer_id=visit["customer_id"], answered_at=NOW + HOUR, channel="sms", score=2
    )

    await bring_on(connection, visit, NOW + HOUR, SYSTEM)

    assert (await row_of(connection, "visits", visit["id"]))["satisfaction"] == 2
    opened = await connection.fetchrow("SELECT kind, source, state, opened_at FROM complaints WHERE visit_id = $1", visit["id"])
    assert opened is not None
    assert tuple(opened) == ("service", "score", "open", NOW + HOUR)


async def test_who_prefers_a_message_gets_one_before_any_call(connection: Connection) -> None:
    customer = await make_customer(connection, preferred_channel="sms")
    visit = await make_visit(connection, customer_id=customer["id"])

    await bring_on(connection, visit)

    assert await events_of(connection, visit) == [(1, "sms")]


async def test_the_manager_is_told_at_the_deadline_and_the_visit_missed_a_day_later(connection: Connection) -> None:
    visit = await make_visit(connection)
    await bring_on(connection, visit)

    told = await bring_on(connection, visit, visit["window_end"])
    assert (told.state, await tasks_of(connection, visit)) == (State.DUE, ["deadline_passed"])

    missed = await bring_on(connection, visit, visit["window_end"] + DAY)
    assert missed.state is State.MISSED
    assert await tasks_of(connection, visit) == ["deadline_passed"]


async def test_a_missed_visit_goes_to_somebody_else_where_the_programme_says_so(connection: Connection) -> None:
    visit = await make_visit(connection, on_missed="reassign")
    await bring_on(connection, visit)

    for _ in range(2):
        await bring_on(connection, visit, visit["window_end"] + DAY)

    [again] = await connection.fetch("SELECT * FROM visits WHERE follows_visit_id = $1", visit["id"])
    assert (again["state"], again["assignee_id"], again["on_missed"]) == ("planned", None, "none")
    assert again["wake_at"] == again["due_at"] >= visit["window_end"] + DAY


async def test_hundreds_of_visits_go_in_one_call(connection: Connection) -> None:
    customer = await make_customer(connection)
    visits = [await make_visit(connection, customer_id=customer["id"]) for _ in range(200)]

    done = await progress(
        connection, await store_of(connection, visits[0]), [visit["id"] for visit in visits], now=NOW, actor=SYSTEM
    )

    assert len({event_id for one in done for event_id in one.event_ids}) == 200
    assert {one.state for one in done} == {State.DUE}


async def test_the_history_says_what_happened_and_who_did_it(connection: Connection) -> None:
    visit = await make_visit(connection)
    await bring_on(connection, visit)
    await unanswered(connection, visit, NOW)

    rows = await connection.fetch("SELECT * FROM visit_events WHERE visit_id = $1 ORDER BY id", visit["id"])

    assert [(row["kind"], row["actor_kind"], row["actor_id"]) for row in rows] == [
        ("due", "system", None),
        ("trying", "staff", STAFF.id),
    ]
    assert orjson.loads(rows[1]["detail"])["next"]["reason"] == "no_answer_1"


@pytest.mark.parametrize("role", ["api", "scheduler"])
async def test_each_role_may_do_what_its_calls_need(fresh_pool: asyncpg.Pool, fresh_role_urls: dict[str, str], role: str) -> None:
    async with fresh_pool.acquire() as owner:
        visit = await make_visit(owner)
        if role == "api":
            await make_attempt(owner, visit_id=visit["id"], outcome="wrong_number")
    connection = await asyncpg.connect(fresh_role_urls[role])
    try:
        async with connection.transaction():
            await connection.execute(f"SET LOCAL app.store = '{visit['store_id']}'")
            actor = STAFF if role == "api" else SYSTEM
            one = await bring_on(connection, visit, actor=actor)
            later = await bring_on(connection, visit, NOW + 5 * DAY, actor)
    finally:
        await connection.close()
    assert one.state is (State.INVALID if role == "api" else State.DUE)
    assert later.state is (State.INVALID if role == "api" else State.MISSED)
