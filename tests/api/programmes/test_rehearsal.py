"""A change of a programme is tried on the real files: what it would do is told, nothing of it is done (domain.md §11.3)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from shared.db import Pool, asyncpg_url
from shared.events import NOTIFY_CLOCK, NOTIFY_DUE, NOTIFY_EVENTS, NOTIFY_FEED, NOTIFY_SIGNAL, SYSTEM
from shared.packs import pack_text
from shared.planning.load import spread_load
from shared.stores import bump_store, load_store
from tests.api.conftest import START, Sign
from tests.factories import make_absence, make_staff
from tests.factories.base import number

TODAY = START.date().isoformat()  # Monday 23 November 2026
PHONE = "13987650123"  # its own: an opt-out of another test holds for its number everywhere


@dataclass(frozen=True)
class Files:
    """A store with one delivery and one repair of today, planned by the API."""

    base: str
    store_id: UUID
    advisor: str
    specialist: str


@pytest.fixture
async def files(operator: httpx.AsyncClient, pool: Pool) -> Files:
    store = (await _made(operator, "/v1/stores", {"code": f"R{number()}", "name": "演练店"}))["id"]
    base = f"/v1/stores/{store}"
    async with pool.acquire() as conn:
        people = {
            role: (await make_staff(conn, role, store_id=store))["id"]
            for role in ("sales_consultant", "service_advisor", "followup_specialist")
        }
    customer = {"name": "王建国", "phone": PHONE, "gender": "male", "lifecycle": "owner", "birthday": "1980-11-30"}
    customer_id = (await _made(operator, f"{base}/customers", customer))["id"]
    await _made(
        operator, f"{base}/customers/{customer_id}/consents", {"purpose": "marketing", "channel": "sms", "source": "form"}
    )
    car = {"customer_id": customer_id, "plate": "沪A12345", "model": "途观L"}
    vehicle_id = (await _made(operator, f"{base}/vehicles", car))["id"]
    sale = {"customer_id": customer_id, "vehicle_id": vehicle_id, "delivered_on": TODAY, "insured": True, "plated": True}
    await _made(operator, f"{base}/sales", sale | {"consultant_id": str(people["sales_consultant"])})
    order = {
        "vehicle_id": vehicle_id,
        "number": "RO1",
        "kind": "repair",
        "closed_at": START.isoformat(),
        "opened_at": START.isoformat(),
    }
    first = order | {"number": "RO0", "closed_at": "2026-10-01T15:00:00+08:00", "opened_at": None}
    await _made(operator, f"{base}/work-orders", first)
    await _made(operator, f"{base}/work-orders", order | {"advisor_id": str(people["service_advisor"])})
    return Files(base, UUID(store), str(people["service_advisor"]), str(people["followup_specialist"]))


async def _made(client: httpx.AsyncClient, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = await client.post(path, json=body)
    assert answer.status_code in (200, 201), f"{path}: {answer.text}"
    made: dict[str, Any] = answer.json()
    return made


async def _rehearse(client: httpx.AsyncClient, files: Files, key: str, **body: Any) -> dict[str, Any]:
    answer = await client.post(f"{files.base}/programmes/{key}/rehearsal", json=body)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def _calls(told: dict[str, Any], staff_id: str) -> dict[str, tuple[int, int]]:
    """(now, then) of a person by day."""
    return {
        day["on"]: (day["before"], day["after"])
        for volume in told["volumes"]
        if volume["staff_id"] == staff_id
        for day in volume["days"]
    }


async def test_another_policy_moves_a_planned_call_and_gives_it_to_another(operator: httpx.AsyncClient, files: Files) -> None:
    told = await _rehearse(operator, files, "after-repair", policy="s4", days=14)

    assert told["counts"] == {"moved": 1, "recast": 1, "cancelled": 0, "added": 0}
    [moved] = [change for change in told["changes"] if change["kind"] == "moved"]
    assert (moved["from_on"], moved["to_on"]) == ("2026-11-25", "2026-11-30")
    assert _calls(told, files.specialist)["2026-11-25"][1] == _calls(told, files.specialist)["2026-11-25"][0] - 1
    assert _calls(told, files.advisor)["2026-11-30"] == (0, 1)


async def test_the_same_text_changes_nothing(operator: httpx.AsyncClient, files: Files) -> None:
    told = await _rehearse(operator, files, "after-repair", pack=pack_text("after-repair"))

    assert set(told["counts"].values()) == {0}
    assert all(volume["before"] == volume["after"] for volume in told["volumes"])
    assert told["messages_before"] == told["messages_after"]


async def test_without_replan_what_is_planned_stays(operator: httpx.AsyncClient, files: Files) -> None:
    told = await _rehearse(operator, files, "after-repair", policy="s4", replan=False)

    assert set(told["counts"].values()) == {0}
    assert "2026-11-30" not in _calls(told, files.advisor)


async def test_a_new_step_is_added_and_one_taken_away_is_cancelled(operator: httpx.AsyncClient, files: Files) -> None:
    text = pack_text("after-repair").replace("- key: call", "- key: visit", 1).replace("      call: {", "      visit: {")
    text = text.replace("      call:\n", "      visit:\n")
    told = await _rehearse(operator, files, "after-repair", pack=text)

    assert (told["counts"]["added"], told["counts"]["cancelled"]) == (1, 1)
    assert [change["reason"] for change in told["changes"] if change["kind"] == "cancelled"] == ["step_removed"]


async def test_what_the_calendar_will_plan_is_in_it_with_its_words_and_masked_numbers(
    operator: httpx.AsyncClient, files: Files
) -> None:
    told = await _rehearse(operator, files, "birthday", days=14)

    [text] = [text for text in told["sample"] if text["programme"] == "birthday"]
    assert (text["customer_name"], text["to"], text["hindrance"]) == ("王建国", "139****0123", None)
    assert text["at"].startswith("2026-11-30")
    assert text["text"].startswith("【演练店】王建国先生")
    assert PHONE not in str(told)


@pytest.mark.parametrize(
    ("vouchers", "says"),
    [
        ("[birthday]", "送您50元维修券"),
        ("[tyre_check, new_customer]", "送您下次到店9折"),
        ("[anniversary]", "送您免费四轮定位"),
        ("[]", None),
    ],
)
async def test_a_message_names_the_voucher_that_its_own_step_brings(
    operator: httpx.AsyncClient, files: Files, vouchers: str, says: str | None
) -> None:
    pack = pack_text("birthday").replace("vouchers: [birthday]", f"vouchers: {vouchers}")
    told = await _rehearse(operator, files, "birthday", pack=pack, days=14)

    [text] = [text["text"] for text in told["sample"] if text["programme"] == "birthday"]
    assert says in text if says else "送您" not in text


async def test_switched_off_it_plans_nothing_more(operator: httpx.AsyncClient, files: Files) -> None:
    told = await _rehearse(operator, files, "birthday", enabled=False)

    birthdays = [step for step in told["steps"] if step["programme"] == "birthday"]
    assert [(step["before"], step["after"]) for step in birthdays] == [(1, 0)]
    assert told["messages_after"] == told["messages_before"] - 1


async def test_days_on_which_somebody_has_more_calls_than_they_can_make_are_named(
    operator: httpx.AsyncClient, files: Files, pool: Pool
) -> None:
    await pool.execute("UPDATE staff SET capacity = 0 WHERE id = $1", files.advisor)
    await pool.execute("UPDATE stores SET version = version + 1")

    told = await _rehearse(operator, files, "after-repair", policy="s4")

    assert [(over["staff_id"], over["on"], over["after"], over["capacity"]) for over in told["overruns"]] == [
        (files.advisor, "2026-11-30", 1, 0)
    ]


async def test_nothing_is_written_and_no_bell_rings(
    operator: httpx.AsyncClient, files: Files, pool: Pool, database_url: str
) -> None:
    listener = await asyncpg.connect(asyncpg_url(database_url))
    rung: list[str] = []
    for channel in (NOTIFY_DUE, NOTIFY_SIGNAL, NOTIFY_EVENTS, NOTIFY_CLOCK, NOTIFY_FEED):
        await listener.add_listener(channel, lambda *told: rung.append(str(told[2])))
    before = await _digest(pool)
    for key, body in (("after-repair", {"policy": "s4"}), ("birthday", {}), ("maintenance", {"enabled": False})):
        await _rehearse(operator, files, key, days=30, **body)

    assert await _digest(pool) == before
    await asyncio.sleep(0.2)
    await listener.execute("SELECT 1")
    await listener.close()
    assert rung == []


async def _digest(pool: Pool) -> dict[str, str]:
    """A digest of every table."""
    tables = await pool.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
    text = "SELECT coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), '') FROM {} t"
    return {row["tablename"]: await pool.fetchval(text.format(row["tablename"])) for row in tables}


async def test_put_in_force_with_replan_it_does_what_was_rehearsed(operator: httpx.AsyncClient, files: Files, pool: Pool) -> None:
    told = await _rehearse(operator, files, "after-repair", policy="s4")
    answer = await operator.put(f"{files.base}/programmes/after-repair", json={"policy": "s4", "replan": True})
    assert answer.status_code == 200, answer.text

    [moved] = [change for change in told["changes"] if change["kind"] == "moved"]
    row = await pool.fetchrow("SELECT due_on, role, assignee_id FROM visits WHERE id = $1", moved["visit_id"])
    assert row is not None
    assert (row["due_on"], row["role"], str(row["assignee_id"])) == (date(2026, 11, 30), "service_advisor", files.advisor)


async def _days(pool: Pool, files: Files, key: str) -> dict[str, date]:
    rows = await pool.fetch(
        "SELECT id, due_on FROM visits WHERE store_id = $1 AND programme = $2 ORDER BY id", files.store_id, key
    )
    return {str(row["id"]): row["due_on"] for row in rows}


async def _put_off_by_the_morning(files: Files, pool: Pool) -> dict[str, date]:
    """Who is to call after the repair is away on that day: the morning puts the call off."""
    planned = await _days(pool, files, "after-repair")
    [call] = planned
    await pool.execute("UPDATE visits SET assignee_id = $2 WHERE id = $1", UUID(call), UUID(files.specialist))
    async with pool.acquire() as conn:
        await make_absence(
            conn, staff_id=UUID(files.specialist), store_id=files.store_id, from_on=planned[call], to_on=planned[call]
        )
        await bump_store(conn, files.store_id)
        store = await load_store(conn, files.store_id, today=START.date())
        async with conn.transaction():
            assert (await spread_load(conn, store, now=START, actor=SYSTEM)).planned >= 1
    spread = await _days(pool, files, "after-repair")
    assert spread != planned
    return spread


async def test_what_the_morning_spread_stays_while_the_programme_says_what_it_said(
    operator: httpx.AsyncClient, files: Files, pool: Pool
) -> None:
    spread = await _put_off_by_the_morning(files, pool)

    told = await _rehearse(operator, files, "after-repair")
    body = {"pack": pack_text("after-repair") + "# 一句说明\n", "replan": True}
    answer = await operator.put(f"{files.base}/programmes/after-repair", json=body)

    assert (set(told["counts"].values()), answer.json()["version"]) == ({0}, 2)
    assert await _days(pool, files, "after-repair") == spread
    assert set((await _rehearse(operator, files, "after-repair"))["counts"].values()) == {0}


async def test_what_the_morning_spread_moves_once_when_the_programme_has_another_day(
    operator: httpx.AsyncClient, files: Files, pool: Pool
) -> None:
    await _put_off_by_the_morning(files, pool)

    assert (await _rehearse(operator, files, "after-repair", policy="s4"))["counts"]["moved"] == 1
    await operator.put(f"{files.base}/programmes/after-repair", json={"policy": "s4", "replan": True})

    assert list((await _days(pool, files, "after-repair")).values()) == [date(2026, 11, 30)]
    assert (await _rehearse(operator, files, "after-repair"))["counts"]["moved"] == 0


async def test_a_day_that_somebody_gave_by_hand_stays_whatever_the_programme_says(
    operator: httpx.AsyncClient, files: Files, pool: Pool
) -> None:
    [call] = await _days(pool, files, "after-repair")
    tag = (await operator.get(f"{files.base}/visits/{call}")).headers["ETag"]
    answer = await operator.patch(f"{files.base}/visits/{call}", json={"due_on": "2026-11-27"}, headers={"If-Match": tag})
    assert answer.status_code == 200, answer.text

    assert (await _rehearse(operator, files, "after-repair"))["counts"]["moved"] == 0
    assert (await _rehearse(operator, files, "after-repair", policy="s4"))["counts"]["moved"] == 0


async def test_a_faulty_text_is_refused_with_line_and_reason(operator: httpx.AsyncClient, files: Files) -> None:
    broken = pack_text("after-repair").replace("channel: phone", "channel: pigeon", 1)
    answer = await operator.post(f"{files.base}/programmes/after-repair/rehearsal", json={"pack": broken})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["message"].startswith("line ")


async def test_a_faulty_object_is_refused_at_its_place(operator: httpx.AsyncClient, files: Files) -> None:
    programme = {"key": "after-repair", "name": {"zh": "修后回访", "en": "After"}, "tier": "service", "scope": "vehicle"}
    step = {"key": "call", "name": {"zh": "电", "en": "c"}, "role": "nobody", "purposes": ["x"]}
    step |= {"window": {"earliest": 1, "due": 2, "deadline": 3}}
    body = {"programme": programme | {"trigger": "work_order.closed", "version": 1, "steps": [step]}}
    answer = await operator.post(f"{files.base}/programmes/after-repair/rehearsal", json=body)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "#/programme/steps/0/role"


async def test_a_policy_of_a_programme_that_is_not_there_is_not_found(operator: httpx.AsyncClient, files: Files) -> None:
    answer = await operator.post(f"{files.base}/programmes/no-such/rehearsal", json={"policy": "s4"})
    assert answer.status_code == 404


async def test_only_managers_rehearse(files: Files, as_staff: Sign, base: str) -> None:
    caller, manager = await as_staff("followup_specialist"), await as_staff("service_manager")
    path = f"{base}/programmes/after-repair/rehearsal"

    assert (await caller.http.post(path, json={"pack": pack_text("after-repair")})).status_code == 403
    assert (await manager.http.post(path, json={"pack": pack_text("after-repair")})).status_code == 200
    assert (await manager.http.post(f"{files.base}/programmes/after-repair/rehearsal", json={})).status_code == 404
