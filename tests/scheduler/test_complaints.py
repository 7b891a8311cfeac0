"""The clocks of complaints and problems, kept by the scheduler's own role: each step once, whatever restarts, woken in time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.scheduler import complaints as module
from services.scheduler.complaints import keep_clocks, run_clocks
from services.scheduler.context import Context
from services.scheduler.listen import listen
from services.scheduler.signals import apply_signals
from shared.clock import move_clock
from shared.complaints import STANDING, after_visits, bring_on, lock, open_complaint, put
from shared.db import Connection
from shared.events import NOTIFY_COMPLAINTS, SYSTEM, Actor
from shared.ids import new_id
from shared.stores import load_store
from tests.factories import NOW, TODAY, make_customer, make_programme, make_staff, make_store, make_survey, make_visit
from tests.factories.base import insert_of_store
from tests.factories.complaints import make_problem
from tests.scheduler.conftest import Make

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


class House:
    """A store with its managers and one customer who complains."""

    def __init__(self, owner: Connection, ids: Mapping[str, UUID]) -> None:
        self.owner, self.ids = owner, ids

    async def open(self, **more: Any) -> UUID:
        store = await load_store(self.owner, self.ids["store"], today=TODAY)
        values = {
            "customer_id": self.ids["customer"], "vehicle_id": None, "visit_id": None, "kind": "service", "category": "other",
            "text": "没人理我", "source": "phone", "now": NOW, "actor": Actor("staff", self.ids["service_advisor"]),
        }  # fmt: skip
        return await open_complaint(self.owner, store, **values | more)

    async def row(self, complaint_id: UUID) -> Any:
        return await self.owner.fetchrow("SELECT * FROM complaints WHERE id = $1", complaint_id)

    async def events(self, complaint_id: UUID) -> list[str]:
        rows = await self.owner.fetch("SELECT kind FROM complaint_events WHERE complaint_id = $1 ORDER BY at, id", complaint_id)
        return [row["kind"] for row in rows]

    async def to(self, at: datetime, *contexts: Context) -> None:
        await move_clock(self.owner, at)
        for context in contexts:
            await context.clock.refresh(self.owner)


@pytest.fixture
async def house(owner: Connection, scheduler: Context) -> House:
    store = await make_store(owner)
    ids = {"store": store["id"], "customer": (await make_customer(owner, store_id=store["id"]))["id"]}
    for role in ("service_advisor", "service_manager", "customer_manager", "general_manager"):
        ids[role] = (await make_staff(owner, role, store_id=store["id"]))["id"]
    await make_programme(owner, "after-complaint", store_id=store["id"])
    return House(owner, ids)


async def test_warning_escalation_and_missing_countersign_happen_once_whatever_runs(house: House, make_scheduler: Make) -> None:
    schedulers = [await make_scheduler() for _ in range(3)]
    complaint_id = await house.open()
    for at in (NOW + 30 * MINUTE, NOW + 48 * MINUTE, NOW + HOUR, NOW + HOUR, NOW + 9 * HOUR, NOW + DAY):
        await house.to(at, *schedulers)
        await asyncio.gather(*(run_clocks(scheduler) for scheduler in schedulers))
        restarted = await make_scheduler()
        await restarted.clock.refresh(house.owner)
        await run_clocks(restarted)

    row = await house.row(complaint_id)
    assert await house.events(complaint_id) == [
        "opened", "warned", "warned", "escalated", "sign_off_missing", "escalated",
    ]  # fmt: skip
    assert (row["level"], row["owner_id"], row["wake_at"]) == (2, house.ids["service_advisor"], None)
    per_kind = await house.owner.fetch("SELECT kind, staff_id, count(*) AS n FROM staff_notices GROUP BY kind, staff_id, ref")
    assert {row["n"] for row in per_kind} == {1}
    tasks = await house.owner.fetch("SELECT kind, count(*) AS n FROM tasks WHERE about_id = $1 GROUP BY kind", complaint_id)
    assert {row["kind"]: row["n"] for row in tasks} == {
        "complaint_respond": 1, "complaint_sign_off": 1, "response_overdue": 1, "handling_overdue": 1, "sign_off_missing": 1,
    }  # fmt: skip


async def test_run_clocks_says_when_the_next_step_is(house: House, scheduler: Context) -> None:
    await house.open()
    assert await run_clocks(scheduler) == NOW + 30 * MINUTE
    await make_problem(house.owner, customer_id=house.ids["customer"], act_by=NOW + 10 * MINUTE)
    assert await run_clocks(scheduler) == NOW + 10 * MINUTE


async def test_one_that_fails_is_put_off_and_the_others_go_on(
    house: House, scheduler: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = await house.open(), await house.open()
    real = bring_on

    async def fails(conn: Connection, store: Any, ids: list[UUID], **more: Any) -> int:
        if ids == [bad]:
            raise ValueError("a row nobody foresaw")
        return await real(conn, store, ids, **more)

    monkeypatch.setattr(module, "bring_on", fails)
    await house.to(NOW + HOUR, scheduler)
    await run_clocks(scheduler)

    assert (await house.row(bad))["wake_at"] == NOW + 2 * HOUR
    assert "escalated" in await house.events(good)


async def test_a_notice_wakes_it_and_so_does_the_clock(house: House, scheduler: Context) -> None:
    stop = asyncio.Event()
    listening = asyncio.create_task(listen(scheduler.settings.database_url, scheduler.notices))
    keeping = asyncio.create_task(keep_clocks(scheduler, stop))
    try:
        await asyncio.sleep(0.5)
        complaint_id = await house.open()
        await house.owner.execute("SELECT pg_notify($1, $2)", NOTIFY_COMPLAINTS, str(house.ids["store"]))
        await move_clock(house.owner, NOW + HOUR)
        for _ in range(200):
            if "escalated" in await house.events(complaint_id):
                break
            await asyncio.sleep(0.05)
        assert "escalated" in await house.events(complaint_id)
    finally:
        stop.set()
        scheduler.notices.complaints.set()
        await keeping
        listening.cancel()


async def test_5_8_a_problem_nobody_acted_on_in_24_hours_is_told_to_the_manager_once(house: House, scheduler: Context) -> None:
    problem = await make_problem(house.owner, customer_id=house.ids["customer"])
    await house.to(NOW + DAY, scheduler)
    await run_clocks(scheduler)
    await run_clocks(scheduler)

    tasks = await house.owner.fetch("SELECT kind, role FROM tasks WHERE about_id = $1", problem["id"])
    assert [tuple(task) for task in tasks] == [("problem_overdue", "service_manager")]
    notices = await house.owner.fetch("SELECT kind, staff_id FROM staff_notices")
    assert [tuple(notice) for notice in notices] == [("problem_overdue", house.ids["service_manager"])]


async def told(house: House) -> tuple[UUID, Any]:
    """A complaint whose result was told, and its follow-up, to which an SMS went."""
    complaint_id = await house.open()
    store = await load_store(house.owner, house.ids["store"], today=TODAY)
    await lock(house.owner, store.id, [complaint_id])
    values = {"state": "told", **dict.fromkeys(("responded_at", "handled_at", "told_at", "resolved_at"), NOW)}
    await put(house.owner, store, complaint_id, values, now=NOW)
    visit = await make_visit(
        house.owner, store_id=store.id, customer_id=house.ids["customer"], programme="after-complaint", step="call", state="trying",
        tries=3, trigger_type="complaint.told", trigger_id=complaint_id, purposes=["complaint_result"],
    )  # fmt: skip
    return complaint_id, visit


async def answered(house: House, visit: Any, score: int) -> None:
    await make_survey(house.owner, store_id=house.ids["store"], visit_id=visit["id"], answered_at=NOW, channel="sms", score=score)
    await insert_of_store(
        house.owner, "visit_signals",
        {"store_id": house.ids["store"], "visit_id": visit["id"], "kind": f"answer_{score}", "at": NOW, "ref_id": new_id()},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("score", "state", "level", "reopened"), [(5, "closed", 0, 0), (4, "closed", 0, 0), (3, "open", 1, 1), (1, "open", 1, 1)]
)
async def test_11_4_the_customers_word_by_sms_decides(
    house: House, scheduler: Context, score: int, state: str, level: int, reopened: int
) -> None:
    complaint_id, visit = await told(house)
    await answered(house, visit, score)
    await apply_signals(scheduler)

    row = await house.row(complaint_id)
    assert (row["state"], row["level"], row["reopened"]) == (state, level, reopened)
    assert await house.owner.fetchval("SELECT count(*) FROM complaints") == 1  # no second one from the low score


async def test_10_13_a_low_score_by_sms_after_the_call_opens_a_complaint_too(house: House, scheduler: Context) -> None:
    visit = await make_visit(
        house.owner, store_id=house.ids["store"], customer_id=house.ids["customer"], state="completed", closed_at=NOW
    )
    await answered(house, visit, 2)
    await apply_signals(scheduler)
    row = await house.owner.fetchrow(f"SELECT {STANDING} FROM complaints WHERE visit_id = $1", visit["id"])
    assert row is not None
    assert (row["source"], row["owner_id"], row["level"], row["opened_at"]) == ("score", house.ids["service_manager"], 1, NOW)


async def test_10_13_a_score_of_three_and_no_answer_open_none(house: House, scheduler: Context) -> None:
    visit = await make_visit(house.owner, store_id=house.ids["store"], customer_id=house.ids["customer"])
    await answered(house, visit, 3)
    await apply_signals(scheduler)
    assert await house.owner.fetchval("SELECT count(*) FROM complaints") == 0


async def test_an_unreachable_follow_up_leaves_the_decision_to_the_manager(house: House, scheduler: Context) -> None:

    complaint_id, visit = await told(house)
    await house.owner.execute("UPDATE visits SET state = 'unreachable' WHERE id = $1", visit["id"])
    store = await load_store(house.owner, house.ids["store"], today=TODAY)
    await after_visits(house.owner, store, [visit["id"]], now=NOW, actor=SYSTEM)

    assert (await house.row(complaint_id))["state"] == "told"
    task = await house.owner.fetchrow(
        "SELECT role FROM tasks WHERE about_id = $1 AND kind = 'complaint_unconfirmed'", complaint_id
    )
    assert task is not None
    assert task["role"] == "service_manager"


async def test_numbers_are_counted_under_concurrency(house: House, make_scheduler: Make) -> None:
    store = await load_store(house.owner, house.ids["store"], today=TODAY)
    schedulers = [await make_scheduler() for _ in range(4)]

    async def one(context: Context) -> None:
        async with context.pool.acquire() as conn, conn.transaction():
            await open_complaint(
                conn, store, customer_id=house.ids["customer"], vehicle_id=None, visit_id=None, kind="service", category="other",
                text="x", source="phone", now=NOW, actor=SYSTEM,
            )  # fmt: skip

    await asyncio.gather(*(one(context) for context in schedulers for _ in range(3)))
    numbers = [row["number"] for row in await house.owner.fetch("SELECT number FROM complaints ORDER BY number")]
    assert numbers == [f"202611-{number:04d}" for number in range(1, 13)]
