"""The brief leaves no surprise: complaints, claims, accidents, warranty, appointment, scripts; the best hours; corrections kept with
what stood there before (domain.md §5.1, §5.4, §11.5; S1, S2, S4).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import orjson
import pytest

from shared.db import Pool
from tests.api.conftest import Sign
from tests.api.visits.conftest import Desk
from tests.factories import NOW, TODAY, make_attempt, make_visit, make_work_order
from tests.factories.base import insert_of_store
from tests.factories.complaints import make_complaint


async def _brief(desk: Desk) -> dict[str, Any]:
    answer = await desk.person.http.get(f"{desk.path}/brief")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_a_complaint_shows_its_kind_and_state_and_its_text_only_to_its_owner(desk: Desk, pool: Pool) -> None:
    async with pool.acquire() as conn:
        await make_complaint(conn, store_id=desk.store_id, customer_id=desk.customer_id, text="修了两次还有异响")
        mine = {"owner_id": desk.person.staff_id, "state": "closed", "closed_at": NOW - timedelta(days=60), "text": "等太久"}
        await make_complaint(conn, store_id=desk.store_id, customer_id=desk.customer_id, **mine)

    brief = await _brief(desk)

    assert [(row["state"], row["text"]) for row in brief["complaints"]] == [("open", None), ("closed", "等太久")]
    assert "open_complaint" in brief["flags"]
    assert "crisis" not in brief["flags"]


async def test_claims_accidents_and_what_runs_out_of_warranty(desk: Desk, pool: Pool) -> None:
    car: dict[str, Any] = {"store_id": desk.store_id, "vehicle_id": desk.vehicle_id}
    stamps = {"created_at": NOW, "updated_at": NOW, "version": 1}
    async with pool.acquire() as conn:
        await make_work_order(conn, **car, kind="claim", number="RO-C1")
        await insert_of_store(
            conn, "accidents",
            {**car, **stamps, "customer_id": desk.customer_id, "happened_on": TODAY - timedelta(days=3), "reported_at": NOW},
        )  # fmt: skip
        for name, days in (("蓄电池", 20), ("发动机", 80), ("轮胎", 300)):
            item = {"name": name, "starts_on": TODAY, "months": 12, "expected_on": TODAY + timedelta(days=days)}
            await insert_of_store(conn, "warranty_items", {**car, **stamps, **item})

    brief = await _brief(desk)

    assert [row["number"] for row in brief["claims"]] == ["RO-C1"]
    assert brief["accidents"][0]["claim_closed_on"] is None
    assert [(row["name"], row["ends_soon"]) for row in brief["warranty"]] == [("蓄电池", True), ("发动机", False)]
    assert {"open_accident", "warranty_ending"} <= set(brief["flags"])


async def test_the_next_appointment_is_known(desk: Desk) -> None:
    body = {"customer_id": str(desk.customer_id), "vehicle_id": str(desk.vehicle_id), "starts_at": "2026-11-27T10:00:00+08:00"}
    made = (await desk.person.http.post(f"{desk.base}/appointments", json=body)).json()

    brief = await _brief(desk)

    assert brief["appointment"]["id"] == made["id"]
    assert "appointment" in brief["flags"]


async def test_best_hours_are_those_this_customer_answered_in(desk: Desk, pool: Pool) -> None:
    async with pool.acquire() as conn:
        past = await make_visit(conn, store_id=desk.store_id, customer_id=desk.customer_id, state="completed")
        for day, hour, outcome in (
            (1, 1, "no_answer"),
            (2, 1, "no_answer"),
            (3, 7, "reached"),
            (4, 7, "reached"),
            (5, 2, "reached"),
        ):
            at = NOW.replace(hour=hour) - timedelta(days=day)
            await make_attempt(conn, visit_id=past["id"], at=at, outcome=outcome)

    best = (await _brief(desk))["best_hours"]

    assert [(part["from"], part["answered"], part["of"]) for part in best] == [("14:00", 2, 2), ("09:00", 1, 3)]


async def test_a_call_another_tier_made_today_is_said_and_blocks(desk: Desk, pool: Pool) -> None:
    async with pool.acquire() as conn:
        club = await make_visit(conn, store_id=desk.store_id, customer_id=desk.customer_id, tier="club", state="trying")
        await make_attempt(conn, visit_id=club["id"], at=NOW)

    brief = await _brief(desk)

    assert brief["blocked"]["reason"] == "other_tier_today"
    assert "other_tier_today" in brief["flags"]


@pytest.mark.parametrize(
    ("corrections", "was"),
    [
        ({"name": "王建军", "region": "浦东"}, {"name": "王建国", "region": None}),
        ({"preferred_channel": "wechat"}, {"preferred_channel": None}),
        ({"phone": "13900001111"}, {}),  # contact data is not repeated; the old number stays behind the new one
    ],
)
async def test_a_correction_is_kept_with_what_stood_there_before(
    desk: Desk, pool: Pool, corrections: dict[str, Any], was: dict[str, Any]
) -> None:
    await desk.record(outcome="reached", corrections=corrections)

    text = await pool.fetchval("SELECT detail FROM visit_events WHERE visit_id = $1 AND kind = 'corrected'", desk.visit_id)
    detail = orjson.loads(text)
    assert detail["was"] == was
    assert set(detail) - {"was"} == set(corrections)


async def test_a_moved_visit_says_in_words_why(desk: Desk, pool: Pool, as_staff: Sign) -> None:
    shifts = {
        "from": "2026-11-23",
        "to": "2026-11-24",
        "shifts": ["load|2026-11-23|2026-11-24|60", "other_tier|2026-11-24|2026-11-25|sales"],
    }
    async with pool.acquire() as conn:
        event = {
            "store_id": desk.store_id, "visit_id": desk.visit_id, "at": NOW, "kind": "moved", "actor_kind": "system", "detail": shifts,
        }  # fmt: skip
        await insert_of_store(conn, "visit_events", event)

    why = (await desk.person.http.get(f"{desk.path}/why", headers={"Accept-Language": "zh"})).json()

    assert why["rule"]["shifts"] == shifts["shifts"]
    (moved,) = [line for line in why["story"] if line["kind"] == "moved"]
    assert "当天已满（60 个）：2026-11-23 → 2026-11-24" in moved["text"]
    assert "当天已由销售联系" in moved["text"]
