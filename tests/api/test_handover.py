"""People leave (domain.md §10.10): hand over by preview, split evenly, keep promises, undo, log; an absence delegates for a period."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from shared.db import Pool, open_pool, store_transaction
from shared.events import SYSTEM
from shared.handover.absences import run_absences
from shared.stores import load_store
from tests.api.conftest import Person, Sign
from tests.factories import NOW, TODAY, make_attempt, make_customer, make_lead, make_task, make_visit
from tests.factories.base import insert_of_store, stamps

FOLLOW_UP = "followup_specialist"


@pytest.fixture
def scheduler_url(role_urls: dict[str, str]) -> str:
    return role_urls["scheduler"]


@pytest.fixture
async def manager(as_staff: Sign) -> Person:
    return await as_staff("customer_manager")


async def give_visits(pool: Pool, store_id: UUID, to: Person, count: int, **overrides: Any) -> list[UUID]:
    async with pool.acquire() as conn:
        rows = []
        for _ in range(count):
            customer = await make_customer(conn, store_id=store_id)
            rows.append(
                await make_visit(conn, store_id=store_id, customer_id=customer["id"], assignee_id=to.staff_id, **overrides)
            )
    return [row["id"] for row in rows]


async def owners(pool: Pool, visit_ids: list[UUID]) -> Counter[UUID]:
    rows = await pool.fetch("SELECT assignee_id FROM visits WHERE id = ANY($1)", visit_ids)
    return Counter(row["assignee_id"] for row in rows)


async def morning(url: str, store_id: UUID, days: int) -> None:
    """The daily run, some days on, by the scheduler's role."""
    now = NOW + timedelta(days=days)
    async with await open_pool(url, "tests") as pool, store_transaction(pool, store_id) as conn:
        store = await load_store(conn, store_id, today=now.date())
        for _ in range(2):
            await run_absences(conn, store, now=now, actor=SYSTEM)


async def test_10_10_the_preview_says_who_gets_what_and_moves_nothing(
    manager: Person, as_staff: Sign, pool: Pool, store_id: UUID, base: str
) -> None:
    leaver, one, two = [await as_staff(FOLLOW_UP) for _ in range(3)]
    visits = await give_visits(pool, store_id, leaver, 6)
    path = f"{base}/staff/{leaver.staff_id}/handover"

    seen = await manager.http.post(f"{path}/preview")

    assert seen.status_code == 200, seen.text
    assert seen.json()["work"] == {"visits": 6}
    assert {share["staff_id"]: share["work"] for share in seen.json()["shares"]} == {
        str(one.staff_id): {"visits": 3},
        str(two.staff_id): {"visits": 3},
    }
    assert await owners(pool, visits) == {leaver.staff_id: 6}

    done = await manager.http.post(path)

    assert done.status_code == 201, done.text
    assert done.json()["shares"] == seen.json()["shares"]
    for line in seen.json()["visits"]:
        assert str(await pool.fetchval("SELECT assignee_id FROM visits WHERE id = $1", UUID(line["visit_id"]))) == line["to_id"]


async def test_10_10_a_handover_keeps_promises_tries_and_the_credit_for_attempts(
    manager: Person, as_staff: Sign, pool: Pool, store_id: UUID, base: str
) -> None:
    leaver, other = await as_staff(FOLLOW_UP), await as_staff(FOLLOW_UP)
    promised = NOW + timedelta(days=1, hours=1)
    [visit_id] = await give_visits(pool, store_id, leaver, 1, state="trying", tries=1, promised_at=promised, next_at=promised)
    async with pool.acquire() as conn:
        attempt = await make_attempt(conn, visit_id=visit_id, staff_id=leaver.staff_id)

    await manager.http.post(f"{base}/staff/{leaver.staff_id}/handover", json={"to_id": str(other.staff_id)})

    visit = await pool.fetchrow("SELECT * FROM visits WHERE id = $1", visit_id)
    assert visit is not None
    assert (visit["assignee_id"], visit["promised_at"], visit["next_at"], visit["tries"], visit["state"]) == (
        other.staff_id,
        promised,
        promised,
        1,
        "trying",
    )
    assert await pool.fetchval("SELECT staff_id FROM attempts WHERE id = $1", attempt["id"]) == leaver.staff_id
    event = await pool.fetchrow("SELECT kind, actor_id FROM visit_events WHERE visit_id = $1", visit_id)
    assert event is not None
    assert (event["kind"], event["actor_id"]) == ("reassigned", manager.staff_id)


async def test_10_10_files_leads_appointments_complaints_and_tasks_move_too(
    manager: Person, as_staff: Sign, pool: Pool, store_id: UUID, base: str
) -> None:
    leaver, other = await as_staff("sales_consultant"), await as_staff("sales_consultant")
    async with pool.acquire() as conn:
        customer = await make_customer(conn, store_id=store_id, holder_id=leaver.staff_id)
        own = {"store_id": store_id, "customer_id": customer["id"]}
        rows = {
            "customers.holder_id": customer["id"],
            "leads.consultant_id": (await make_lead(conn, customer_id=customer["id"], consultant_id=leaver.staff_id))["id"],
            "tasks.assignee_id": (await make_task(conn, customer_id=customer["id"], assignee_id=leaver.staff_id))["id"],
            "appointments.advisor_id": (await insert_of_store(conn, "appointments", {
                **own, "direction": "inbound", "starts_at": NOW, "minutes": 60, "items": [], "advisor_id": leaver.staff_id,
                "state": "booked", "version": 1, **stamps("created_at", "updated_at"),
            }))["id"],
            "complaints.owner_id": (await insert_of_store(conn, "complaints", {
                **own, "number": "202611-0001", "kind": "service", "category": "other", "severity": "normal", "crisis": False,
                "crisis_reasons": [], "crisis_checklist": {}, "source": "call", "text": "…", "state": "open", "level": 0,
                "owner_id": leaver.staff_id, "warned": [], "reopened": 0, "version": 1,
                **stamps("opened_at", "respond_by", "handle_by", "created_at", "updated_at"),
            }))["id"],
        }  # fmt: skip
    path = f"{base}/staff/{leaver.staff_id}/handover"

    done = await manager.http.post(path, json={"to_id": str(other.staff_id)})

    assert done.json()["shares"][0]["work"] == {"files": 1, "leads": 1, "appointments": 1, "complaints": 1, "tasks": 1}
    for place, row_id in rows.items():
        table, column = place.split(".")
        assert await pool.fetchval(f"SELECT {column} FROM {table} WHERE id = $1", row_id) == other.staff_id, place

    undone = await manager.http.post(f"{path}/{done.json()['id']}/undo")

    assert undone.json() == {
        "restored": {"files": 1, "leads": 1, "appointments": 1, "complaints": 1, "tasks": 1},
        "kept": [],
    }
    assert await pool.fetchval("SELECT owner_id FROM complaints WHERE id = $1", rows["complaints.owner_id"]) == leaver.staff_id


async def test_10_10_undo_leaves_what_somebody_has_worked_on_and_says_so(
    manager: Person, as_staff: Sign, pool: Pool, store_id: UUID, base: str
) -> None:
    leaver, other = await as_staff(FOLLOW_UP), await as_staff(FOLLOW_UP)
    visits = await give_visits(pool, store_id, leaver, 3, state="due")
    path = f"{base}/staff/{leaver.staff_id}/handover"
    done = (await manager.http.post(path)).json()
    async with pool.acquire() as conn:
        await make_attempt(conn, visit_id=visits[0], staff_id=other.staff_id, created_at=NOW + timedelta(hours=1))
        await conn.execute("UPDATE visits SET state = 'completed' WHERE id = $1", visits[1])

    undone = await manager.http.post(f"{path}/{done['id']}/undo")
    again = await manager.http.post(f"{path}/{done['id']}/undo")
    log = (await manager.http.get(path)).json()["items"]

    assert undone.json()["restored"] == {"visits": 1}
    assert {kept["id"]: kept["reason"] for kept in undone.json()["kept"]} == {
        str(visits[0]): "worked_on",
        str(visits[1]): "closed",
    }
    assert (again.status_code, again.json()["code"]) == (409, "already_undone")
    assert [(entry["id"], entry["undone_by"]) for entry in log] == [(done["id"], str(manager.staff_id))]


async def test_10_10_who_leaves_with_open_work_is_told_what_to_do_or_hands_over_at_once(
    as_admin: Person, manager: Person, as_staff: Sign, pool: Pool, store_id: UUID, base: str
) -> None:
    leaver, other = await as_staff(FOLLOW_UP), await as_staff(FOLLOW_UP)
    visits = await give_visits(pool, store_id, leaver, 2)
    path = f"{base}/staff/{leaver.staff_id}"

    refused = await as_admin.http.patch(path, json={"active": False}, headers={"If-Match": "*"})
    not_hers = await manager.http.post(f"{path}/handover", json={"deactivate": True})
    done = await as_admin.http.post(f"{path}/handover", json={"deactivate": True, "reason": "离职"})

    assert (refused.status_code, refused.json()["open_work"]) == (409, {"visits": 2})
    assert "handover" in refused.json()["detail"]
    assert not_hers.status_code == 403
    assert done.status_code == 201, done.text
    assert await owners(pool, visits) == {other.staff_id: 2}
    assert (await as_admin.http.get(path)).json()["active"] is False
    assert (await leaver.http.get("/v1/me")).status_code == 401


@pytest.mark.parametrize("to", ["themselves", "somebody_gone", "nobody"])
async def test_10_10_work_goes_only_to_another_active_person(
    manager: Person, as_staff: Sign, pool: Pool, base: str, to: str
) -> None:
    leaver, gone = await as_staff(FOLLOW_UP), await as_staff(FOLLOW_UP, active=False)
    ids = {"themselves": leaver.staff_id, "somebody_gone": gone.staff_id, "nobody": UUID(int=7)}

    answer = await manager.http.post(f"{base}/staff/{leaver.staff_id}/handover", json={"to_id": str(ids[to])})

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "#/to_id")


async def test_10_10_a_person_of_another_store_is_not_known(
    manager: Person, as_staff: Sign, other_store_id: UUID, base: str
) -> None:
    stranger = await as_staff(FOLLOW_UP, store_id=other_store_id)

    for path in ("handover", "handover/preview"):
        assert (await manager.http.post(f"{base}/staff/{stranger.staff_id}/{path}")).status_code == 404


async def test_10_10_an_absence_of_today_delegates_at_once_and_comes_back_the_day_after(
    manager: Person, as_staff: Sign, pool: Pool, store_id: UUID, scheduler_url: str, base: str
) -> None:
    away, delegate = await as_staff(FOLLOW_UP), await as_staff(FOLLOW_UP)
    within = await give_visits(pool, store_id, away, 2)
    later = await give_visits(pool, store_id, away, 1, due_at=NOW + timedelta(days=20), next_at=NOW + timedelta(days=20))
    promised = await give_visits(pool, store_id, away, 1, state="due", promised_at=NOW + timedelta(days=9))
    body = {"from_on": str(TODAY), "to_on": str(TODAY + timedelta(days=4)), "delegate_id": str(delegate.staff_id)}

    made = await manager.http.post(f"{base}/staff/{away.staff_id}/absences", json=body)

    assert made.status_code == 201, made.text
    assert await owners(pool, within) == {delegate.staff_id: 2}
    assert await owners(pool, later + promised) == {away.staff_id: 2}

    async with pool.acquire() as conn:
        await make_attempt(conn, visit_id=within[0], staff_id=delegate.staff_id, created_at=NOW + timedelta(hours=2))
    await morning(scheduler_url, store_id, 4)
    assert await owners(pool, within) == {delegate.staff_id: 2}
    await morning(scheduler_url, store_id, 5)

    assert await pool.fetchval("SELECT assignee_id FROM visits WHERE id = $1", within[0]) == delegate.staff_id
    assert await pool.fetchval("SELECT assignee_id FROM visits WHERE id = $1", within[1]) == away.staff_id
    await morning(scheduler_url, store_id, 6)
    assert await pool.fetchval("SELECT count(*) FROM visit_events WHERE visit_id = $1", within[1]) == 2


async def test_10_10_the_worklist_of_the_delegate_says_for_whom(
    manager: Person, as_staff: Sign, pool: Pool, store_id: UUID, base: str
) -> None:
    away, delegate = await as_staff(FOLLOW_UP, name="请假的人"), await as_staff(FOLLOW_UP)
    [visit] = await give_visits(pool, store_id, away, 1, state="due")
    [own] = await give_visits(pool, store_id, delegate, 1, state="due")
    body = {"from_on": str(TODAY), "to_on": str(TODAY), "delegate_id": str(delegate.staff_id)}
    await manager.http.post(f"{base}/staff/{away.staff_id}/absences", json=body)

    calls = (await delegate.http.get(f"{base}/worklist")).json()["items"]

    assert {call["visit_ids"][0]: call["on_behalf_of"] for call in calls} == {
        str(visit): {"id": str(away.staff_id), "name": "请假的人"},
        str(own): None,
    }


async def test_10_10_an_absence_to_come_begins_in_the_morning_and_is_split_without_a_delegate(
    manager: Person, as_staff: Sign, pool: Pool, store_id: UUID, scheduler_url: str, base: str
) -> None:
    away, one, two = [await as_staff(FOLLOW_UP) for _ in range(3)]
    visits = await give_visits(pool, store_id, away, 4)
    body = {"from_on": str(TODAY + timedelta(days=1)), "to_on": str(TODAY + timedelta(days=2))}
    await manager.http.post(f"{base}/staff/{away.staff_id}/absences", json=body)
    assert await owners(pool, visits) == {away.staff_id: 4}

    await morning(scheduler_url, store_id, 1)

    assert await owners(pool, visits) == {one.staff_id: 2, two.staff_id: 2}


async def test_10_10_a_delegate_gets_what_is_in_his_role_the_rest_is_split(
    manager: Person, as_staff: Sign, pool: Pool, store_id: UUID, base: str
) -> None:
    away = await as_staff(FOLLOW_UP, "sales_consultant")
    delegate, consultant = await as_staff(FOLLOW_UP), await as_staff("sales_consultant")
    calls = await give_visits(pool, store_id, away, 1)
    sales = await give_visits(pool, store_id, away, 1, role="sales_consultant", tier="sales")
    body = {"from_on": str(TODAY), "to_on": str(TODAY), "delegate_id": str(delegate.staff_id)}

    await manager.http.post(f"{base}/staff/{away.staff_id}/absences", json=body)

    assert await owners(pool, calls) == {delegate.staff_id: 1}
    assert await owners(pool, sales) == {consultant.staff_id: 1}


async def test_10_10_an_absence_taken_back_is_undone_at_once(
    manager: Person, as_staff: Sign, pool: Pool, store_id: UUID, base: str
) -> None:
    away, delegate = await as_staff(FOLLOW_UP), await as_staff(FOLLOW_UP)
    visits = await give_visits(pool, store_id, away, 2)
    path = f"{base}/staff/{away.staff_id}/absences"
    body = {"from_on": str(TODAY), "to_on": str(TODAY), "delegate_id": str(delegate.staff_id)}
    made = (await manager.http.post(path, json=body)).json()

    gone = await manager.http.delete(f"{path}/{made['id']}")

    assert gone.status_code == 204, gone.text
    assert await owners(pool, visits) == {away.staff_id: 2}


async def test_10_10_no_open_visit_points_at_inactive_staff(
    as_staff: Sign, pool: Pool, store_id: UUID, scheduler_url: str
) -> None:
    """However it came about (here: behind our back), the morning puts it right."""
    gone, there = await as_staff(FOLLOW_UP, active=False), await as_staff(FOLLOW_UP)
    visits = await give_visits(pool, store_id, gone, 2)
    lonely = await give_visits(pool, store_id, gone, 1, role="technician")

    await morning(scheduler_url, store_id, 0)

    assert await owners(pool, visits) == {there.staff_id: 2}
    assert await owners(pool, lonely) == {None: 1}
    assert await pool.fetchval("SELECT count(*) FROM visits v JOIN staff s ON s.id = v.assignee_id"
        " WHERE v.store_id = $1 AND NOT s.active AND v.state IN ('planned', 'due', 'trying')", store_id) == 0  # fmt: skip
