"""Honest work (domain.md §10.16): flagged when it is recorded or the next morning, decided by a manager with a second call."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest

from shared.db import Pool, open_pool, store_transaction
from shared.events import SYSTEM
from shared.honest import flag_work
from shared.stores import load_store
from tests.api.conftest import Person, Sign
from tests.factories import NOW, make_attempt, make_customer, make_visit

CALL = {"channel": "phone", "outcome": "reached"}
NONE, EVERY = {"sample_percent": 0}, {"sample_percent": 100}


@pytest.fixture
async def manager(as_staff: Sign) -> Person:
    return await as_staff("customer_manager")


@pytest.fixture
async def caller(as_staff: Sign) -> Person:
    return await as_staff("followup_specialist")


async def settings(pool: Pool, store_id: UUID, **honest: int) -> None:
    text = orjson.dumps({"honest": honest}).decode()
    await pool.execute("UPDATE stores SET policies = $2::jsonb, version = version + 1 WHERE id = $1", store_id, text)


async def due(pool: Pool, store_id: UUID, person: Person, **overrides: Any) -> dict[str, Any]:
    async with pool.acquire() as conn:
        customer_id = overrides.pop("customer_id", None) or (await make_customer(conn, store_id=store_id))["id"]
        row = await make_visit(
            conn, store_id=store_id, customer_id=customer_id, assignee_id=person.staff_id, state="due", **overrides
        )
    return dict(row)


async def say(person: Person, base: str, visit_id: UUID, **body: Any) -> dict[str, Any]:
    answer = await person.http.post(f"{base}/visits/{visit_id}/attempts", json={**CALL, **body})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def flags(person: Person, base: str, **query: str) -> list[dict[str, Any]]:
    answer = await person.http.get(f"{base}/quality-flags", params=query)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def morning(url: str, store_id: UUID, *, days: int = 1) -> None:
    """The daily run, by the scheduler's role."""
    now = NOW + timedelta(days=days)
    async with await open_pool(url, "tests") as pool, store_transaction(pool, store_id) as conn:
        store = await load_store(conn, store_id, today=now.date())
        for _ in range(2):
            await flag_work(conn, store, now=now, actor=SYSTEM)


async def test_10_16_reached_in_three_seconds_is_flagged_when_it_is_recorded(
    pool: Pool, store_id: UUID, caller: Person, manager: Person, base: str
) -> None:
    await settings(pool, store_id, **NONE)
    visit, honest = await due(pool, store_id, caller), await due(pool, store_id, caller)

    await say(caller, base, visit["id"], talk_seconds=3)
    await say(caller, base, honest["id"], talk_seconds=95)

    [flag] = await flags(manager, base)
    assert (flag["kind"], flag["staff_id"], flag["visit_id"], flag["state"]) == (
        "short_reach",
        str(caller.staff_id),
        str(visit["id"]),
        "open",
    )
    assert flag["detail"] == {"talk_seconds": 3}
    assert await flags(manager, base, kind="sample") == []


async def test_10_16_a_withdrawn_attempt_is_no_longer_asked_about(
    pool: Pool, store_id: UUID, caller: Person, manager: Person, base: str
) -> None:
    await settings(pool, store_id, **NONE)
    visit = await due(pool, store_id, caller)
    said = await say(caller, base, visit["id"], talk_seconds=1)

    await caller.http.post(f"{base}/visits/{visit['id']}/attempts/{said['id']}/withdraw")

    assert await flags(manager, base) == []


async def test_s0_a_reach_that_the_customer_denies_to_the_club_is_flagged(
    pool: Pool, store_id: UUID, as_staff: Sign, base: str
) -> None:
    await settings(pool, store_id, **NONE)
    consultant, club = await as_staff("sales_consultant"), await as_staff("insurance_specialist")
    boss = await as_staff("sales_manager")
    sales = await due(pool, store_id, consultant, tier="sales", role="sales_consultant", programme="delivery-sales", step="use")
    reached = await say(consultant, base, sales["id"], talk_seconds=60)
    first = await due(
        pool,
        store_id,
        club,
        customer_id=sales["customer_id"],
        tier="club",
        role="insurance_specialist",
        programme="delivery-club",
    )

    await say(club, base, first["id"], talk_seconds=120, answers={"consultant_called": "no", "satisfaction": 4})

    [flag] = await flags(boss, base)
    assert (flag["kind"], flag["staff_id"], flag["attempt_id"]) == ("denied_reach", str(consultant.staff_id), reached["id"])
    assert flag["detail"]["club_visit_id"] == str(first["id"])


async def test_10_16_a_random_share_goes_to_a_managers_second_call(
    pool: Pool, store_id: UUID, caller: Person, manager: Person, as_staff: Sign, base: str
) -> None:
    await settings(pool, store_id, **EVERY)
    visit = await due(pool, store_id, caller)
    await say(caller, base, visit["id"], talk_seconds=60)
    [flag] = await flags(manager, base, kind="sample")
    path = f"{base}/quality-flags/{flag['id']}/decision"
    body = {
        "decision": "cleared",
        "note": "客户确认接到电话",
        "second_call": {"outcome": "reached", "customer_confirms": True},
    }

    refused = await caller.http.post(path, json=body)
    done = await manager.http.post(path, json=body)
    again = await manager.http.post(path, json=body)
    otherwise = await manager.http.post(path, json=body | {"decision": "upheld"})

    assert refused.status_code == 403
    assert (done.status_code, again.json()) == (200, done.json())
    assert (done.json()["state"], done.json()["decided_by"]) == ("cleared", str(manager.staff_id))
    assert done.json()["detail"]["second_call"]["customer_confirms"] is True
    assert (otherwise.status_code, otherwise.json()["code"]) == (409, "already_decided")
    assert await flags(manager, base, state="open") == []
    assert [f["id"] for f in await flags(manager, base, state="cleared", staff_id=str(caller.staff_id))] == [flag["id"]]
    audit = await pool.fetchval("SELECT detail FROM audit_log WHERE object_id = $1", UUID(flag["id"]))
    assert orjson.loads(audit)["second_call"] is True


async def test_10_16_many_closed_within_minutes_and_all_fives_show_the_next_morning(
    pool: Pool, store_id: UUID, caller: Person, manager: Person, base: str, role_urls: dict[str, str]
) -> None:
    await settings(pool, store_id, **NONE)
    async with pool.acquire() as conn:
        for number in range(12):
            customer = await make_customer(conn, store_id=store_id)
            at = NOW + number * timedelta(seconds=20)
            visit = await make_visit(conn, store_id=store_id, customer_id=customer["id"], state="completed", closed_at=at)
            await make_attempt(
                conn, visit_id=visit["id"], staff_id=caller.staff_id, outcome="reached", at=at, created_at=at, satisfaction=5
            )

    await morning(role_urls["scheduler"], store_id)

    found = {flag["kind"]: flag for flag in await flags(manager, base)}
    assert set(found) == {"bulk_close", "all_fives"}
    assert (found["bulk_close"]["detail"]["count"], found["bulk_close"]["day"]) == (12, "2026-11-23")
    assert (found["all_fives"]["detail"]["scores"], found["all_fives"]["day"]) == (12, "2026-11")
    assert len(await flags(manager, base, **{"from": "2026-11-23", "to": "2026-11-30"})) == 2
    assert await flags(manager, base, **{"from": "2026-12-01"}) == []


async def test_10_16_nobody_sees_or_decides_what_is_about_himself_or_another_team(
    pool: Pool, store_id: UUID, as_staff: Sign, other_store_id: UUID, base: str
) -> None:
    await settings(pool, store_id, **NONE)
    boss, service = await as_staff("customer_manager"), await as_staff("service_manager")
    general, stranger = await as_staff("general_manager"), await as_staff("general_manager", store_id=other_store_id)
    visit = await due(pool, store_id, boss)
    await say(boss, base, visit["id"], talk_seconds=1)
    [flag] = await flags(general, base)
    path = f"{base}/quality-flags/{flag['id']}"

    for person in (boss, service, stranger):
        assert (await person.http.get(path)).status_code == 404
        assert (await person.http.post(f"{path}/decision", json={"decision": "cleared", "note": "…"})).status_code == 404
    assert (await general.http.get(path)).status_code == 200


async def test_s0_consultants_neither_read_nor_change_what_the_club_heard(
    pool: Pool, store_id: UUID, as_staff: Sign, base: str
) -> None:
    await settings(pool, store_id, **EVERY)
    consultant, club = await as_staff("sales_consultant"), await as_staff("insurance_specialist")
    sales = await due(pool, store_id, consultant, tier="sales", role="sales_consultant", programme="delivery-sales", step="use")
    heard = await due(
        pool,
        store_id,
        club,
        customer_id=sales["customer_id"],
        tier="club",
        role="insurance_specialist",
        programme="delivery-club",
    )
    said = await say(club, base, heard["id"], answers={"consultant_called": "no"}, note="顾问没有打过电话")
    path = f"{base}/visits/{heard['id']}"

    for read in (path, f"{path}/attempts", f"{path}/brief", f"{path}/why"):
        assert (await consultant.http.get(read)).status_code == 404, read
    written = {
        f"{path}/attempts": CALL,
        f"{path}/attempts/{said['id']}/withdraw": {},
    }
    for write, body in written.items():
        assert (await consultant.http.post(write, json=body)).status_code == 404, write
    changed = await consultant.http.patch(path, json={"state": "cancelled", "reason": "…"}, headers={"If-Match": "*"})
    assert changed.status_code == 404
    assert (await consultant.http.get(f"{base}/quality-flags")).status_code == 403
    for open_page in ("timeline", "card"):
        text = (await consultant.http.get(f"{base}/customers/{sales['customer_id']}/{open_page}")).text
        assert "顾问没有打过电话" not in text
        assert str(heard["id"]) not in text


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"decision": "open", "note": "…"}, "#/decision"),
        ({"decision": "upheld"}, "#/note"),
        ({"decision": "upheld", "note": "…", "second_call": {"outcome": "reached", "at": "2027-01-01T09:00:00+08:00"}},
         "#/second_call/at"),
    ],
)  # fmt: skip
async def test_a_decision_that_says_nothing_is_refused_where_it_stands(
    pool: Pool, store_id: UUID, caller: Person, manager: Person, base: str, body: dict[str, Any], pointer: str
) -> None:
    await settings(pool, store_id, **NONE)
    visit = await due(pool, store_id, caller)
    await say(caller, base, visit["id"], talk_seconds=1)
    [flag] = await flags(manager, base)

    answer = await manager.http.post(f"{base}/quality-flags/{flag['id']}/decision", json=body)

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


async def test_a_stores_settings_of_honest_work_are_checked(as_admin: Person, base: str) -> None:
    good = await as_admin.http.patch(base, json={"policies": {"honest": {"sample_percent": 10}}}, headers={"If-Match": "*"})
    bad = await as_admin.http.patch(base, json={"policies": {"honest": {"sample_percent": 101}}}, headers={"If-Match": "*"})
    unknown = await as_admin.http.patch(base, json={"policies": {"honest": {"mood": 1}}}, headers={"If-Match": "*"})

    assert good.json()["policies"]["honest"] == {"sample_percent": 10}
    assert (bad.status_code, unknown.status_code) == (422, 422)
