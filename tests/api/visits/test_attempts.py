"""What is recorded after a call, and what the answer says happens next."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from shared.db import Pool
from tests.api.conftest import Sign
from tests.api.visits.conftest import Desk
from tests.factories import NOW, make_contact_point, make_opt_out, make_visit, vault

TOMORROW_AFTERNOON = "2026-11-24T14:00:00.000+08:00"


async def test_a_call_nobody_answered_is_tried_again_tomorrow_in_another_part_of_the_day(desk: Desk) -> None:
    answer = await desk.record(channel="phone", outcome="no_answer")

    assert answer.status_code == 201, answer.text
    body = answer.json()
    assert body["seq"] == 1
    assert body["staff_id"] == str(desk.person.staff_id)
    assert body["visit"]["state"] == "trying"
    until = "2026-11-24T17:00:00.000+08:00"
    assert body["visit"]["next"] == {
        "step": "call", "at": TOMORROW_AFTERNOON, "reason": "no_answer_1", "until": until, "of": 3,
    }  # fmt: skip


async def test_a_second_call_on_the_same_day_is_kept_and_not_counted(desk: Desk) -> None:
    await desk.record(channel="phone", outcome="no_answer")
    body = (await desk.record(channel="phone", outcome="busy")).json()

    assert [attempt["outcome"] for attempt in body["visit"]["attempts"]] == ["no_answer", "busy"]
    assert body["visit"]["tries"] == 1
    assert body["visit"]["next"]["at"] == TOMORROW_AFTERNOON


async def test_reaching_the_customer_completes_the_visit_with_score_and_answers(desk: Desk) -> None:
    answer = await desk.record(
        channel="phone", outcome="reached", satisfaction=5, reached_person="owner", answers={"use_ok": True}
    )

    visit = answer.json()["visit"]
    assert (visit["state"], visit["satisfaction"], visit["next"]) == ("completed", 5, None)
    assert visit["attempts"][0]["answers"] == {"use_ok": True}


async def test_a_promise_is_the_next_call_and_no_try(desk: Desk) -> None:
    answer = await desk.record(channel="phone", outcome="call_later", next_at="2026-11-24T10:00:00+08:00")

    visit = answer.json()["visit"]
    assert visit["promised_at"] == "2026-11-24T10:00:00.000+08:00"
    assert visit["next"] == {"step": "call", "at": "2026-11-24T10:00:00.000+08:00", "reason": "promised"}
    assert visit["tries"] == 0


async def test_call_later_without_a_time_names_the_field(desk: Desk) -> None:
    answer = await desk.record(channel="phone", outcome="call_later")

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "#/next_at"


async def test_an_attempt_in_the_future_is_refused(desk: Desk) -> None:
    answer = await desk.record(outcome="no_answer", at=(NOW + timedelta(hours=1)).isoformat())

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "#/at"


async def test_an_attempt_entered_on_a_later_day_is_flagged_late(desk: Desk) -> None:
    body = (await desk.record(outcome="no_answer", at=(NOW - timedelta(days=1)).isoformat())).json()

    assert body["late"] is True


async def test_a_closed_visit_takes_no_further_attempt(desk: Desk) -> None:
    await desk.record(outcome="reached")
    answer = await desk.record(outcome="no_answer")

    assert answer.status_code == 409
    assert answer.json()["code"] == "visit_closed"


async def test_a_wrong_number_gets_nothing_more_and_the_file_is_to_be_corrected(desk: Desk, pool: Pool) -> None:
    visit = (await desk.record(outcome="wrong_number")).json()["visit"]

    assert visit["state"] == "invalid"
    tasks = (await desk.person.http.get(f"{desk.base}/tasks", params={"customer_id": str(desk.customer_id)})).json()
    assert "correct_file" in {task["kind"] for task in tasks["items"]}
    marked = await pool.fetchval("SELECT wrong_at FROM contact_points WHERE customer_id = $1", desk.customer_id)
    assert marked == NOW


async def test_after_a_wrong_number_the_next_number_of_the_file_is_called(desk: Desk, pool: Pool) -> None:
    async with pool.acquire() as conn:
        await make_contact_point(conn, customer_id=desk.customer_id, rank=2)
    visit = (await desk.record(outcome="wrong_number")).json()["visit"]

    assert visit["next"]["step"] == "call"
    assert visit["next"]["reason"] == "other_number"


async def test_who_asks_not_to_be_called_is_declined_and_not_called_again(desk: Desk, pool: Pool) -> None:
    async with pool.acquire() as conn:
        other = await make_visit(
            conn, store_id=desk.store_id, customer_id=desk.customer_id, assignee_id=desk.person.staff_id, state="due"
        )
    visit = (await desk.record(outcome="do_not_contact")).json()["visit"]
    refused = await desk.person.http.post(f"{desk.base}/visits/{other['id']}/attempts", json={"outcome": "no_answer"})

    assert visit["state"] == "declined"
    assert refused.status_code == 409
    assert refused.json()["code"] == "opted_out"


async def test_a_customer_who_rings_back_is_recorded_although_he_opted_out(desk: Desk, pool: Pool) -> None:
    async with pool.acquire() as conn:
        index = await conn.fetchval("SELECT value_index FROM contact_points WHERE customer_id = $1", desk.customer_id)
        await make_opt_out(conn, number_index=index, channel="phone")
    assert (await desk.record(outcome="no_answer")).status_code == 409

    visit = (await desk.record(outcome="reached", direction="in")).json()["visit"]

    assert visit["state"] == "completed"


async def test_who_brought_the_car_is_called_although_he_is_not_in_the_file(desk: Desk, pool: Pool) -> None:
    sealed = vault().seal("+8613700137000", "visits", "callee_phone", desk.store_id, desk.visit_id)
    index = vault().index("phone", "+8613700137000")
    await pool.execute(
        "UPDATE visits SET callee_name = '司机小李', callee_phone = $2, callee_phone_index = $3 WHERE id = $1",
        desk.visit_id, bytes(sealed), index,
    )  # fmt: skip
    brief = (await desk.person.http.get(f"{desk.path}/brief")).json()
    shown = await desk.person.http.post(
        f"{desk.base}/customers/{desk.customer_id}/reveal",
        json={"contact_point_id": brief["callee"]["numbers"][0]["contact_point_id"], "purpose": "call"},
    )
    visit = (await desk.record(outcome="wrong_number")).json()["visit"]

    assert shown.json()["value"] == "+8613700137000"
    assert (brief["callee"]["name"], brief["callee"]["numbers"][0]["masked"]) == ("司机小李", "137****7000")
    assert (visit["next"]["at"], visit["next"]["reason"]) == ("2026-11-23T09:00:00.000+08:00", "other_number")


async def test_one_call_covers_several_visits_each_with_its_own_result(desk: Desk, pool: Pool) -> None:
    async with pool.acquire() as conn:
        other = await make_visit(
            conn, store_id=desk.store_id, customer_id=desk.customer_id, assignee_id=desk.person.staff_id, state="due", step="call"
        )
    results = [
        {"visit_id": str(desk.visit_id), "state": "completed", "satisfaction": 4},
        {"visit_id": str(other["id"]), "state": "declined"},
    ]
    body = (await desk.record(outcome="reached", results=results)).json()

    assert [(visit["id"], visit["state"]) for visit in body["visits"]] == [
        (str(desk.visit_id), "completed"),
        (str(other["id"]), "declined"),
    ]


async def test_corrections_are_written_to_the_file_and_the_new_number_comes_first(desk: Desk, pool: Pool) -> None:
    fixes = {"phone": "139 1234 5678", "email": "New@Example.com", "mileage_km": 8123, "plate": "沪a·12345"}
    body = (await desk.record(outcome="reached", corrections=fixes)).json()

    assert body["corrections"]["phone"] == "*"
    first = await pool.fetchrow(
        "SELECT value_index, rank FROM contact_points WHERE customer_id = $1 AND kind = 'phone' ORDER BY rank LIMIT 1",
        desk.customer_id,
    )
    assert first is not None
    assert first["value_index"] == vault().index("phone", "+8613912345678")
    assert await pool.fetchval("SELECT plate FROM vehicles WHERE id = $1", desk.vehicle_id) == "沪A12345"
    assert (
        await pool.fetchval(
            "SELECT km FROM mileage_readings WHERE vehicle_id = $1 ORDER BY read_on DESC LIMIT 1", desk.vehicle_id
        )
        == 8123
    )


@pytest.mark.parametrize(("field", "value"), [("phone", "12345"), ("email", "nobody"), ("plate", "???")])
async def test_a_wrong_correction_names_its_field_and_records_nothing(desk: Desk, field: str, value: str) -> None:
    answer = await desk.record(outcome="reached", corrections={field: value})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == f"#/corrections/{field}"
    assert (await desk.person.http.get(desk.path)).json()["attempts"] == []


async def test_an_attempt_can_be_withdrawn_as_if_it_had_not_been(desk: Desk) -> None:
    recorded = (await desk.record(outcome="reached", satisfaction=1)).json()
    answer = await desk.person.http.post(f"{desk.path}/attempts/{recorded['id']}/withdraw")

    visit = answer.json()
    assert (visit["state"], visit["satisfaction"], visit["tries"]) == ("due", None, 0)
    assert visit["attempts"][0]["withdrawn_at"] is not None


async def test_a_withdrawn_try_leaves_the_visit_due_as_before(desk: Desk) -> None:
    recorded = (await desk.record(outcome="no_answer")).json()
    visit = (await desk.person.http.post(f"{desk.path}/attempts/{recorded['id']}/withdraw")).json()

    assert (visit["state"], visit["tries"], visit["next"]["step"]) == ("due", 0, "call")


async def test_a_low_score_leaves_work_for_the_manager_within_the_hour(desk: Desk, as_staff: Sign) -> None:
    manager = await as_staff("service_manager")
    await desk.record(outcome="reached", satisfaction=2)
    tasks = (await manager.http.get(f"{desk.base}/tasks", params={"kind": "complaint_respond"})).json()["items"]

    assert [datetime.fromisoformat(task["due_at"]) for task in tasks] == [NOW + timedelta(hours=1)]
    assert [task["assignee_id"] for task in tasks] == [str(manager.staff_id)]


async def test_a_manager_sees_the_visits_of_his_own_department(desk: Desk, as_staff: Sign) -> None:
    visit = (await desk.person.http.get(desk.path)).json()
    assert visit["role"] == "followup_specialist"
    theirs, others = await as_staff("customer_manager"), await as_staff("sales_manager")

    assert (await theirs.http.get(desk.path)).status_code == 200
    assert (await others.http.get(desk.path)).status_code == 404
    listed = [len((await who.http.get(f"{desk.base}/visits")).json()["items"]) for who in (theirs, others)]
    worklists = [(await who.http.get(f"{desk.base}/worklist")).json()["counts"]["total"] for who in (theirs, others)]
    assert listed == [1, 0]
    assert worklists == [1, 0]


async def test_somebody_elses_visit_is_not_found(desk: Desk, as_staff: Sign) -> None:
    stranger = await as_staff("sales_consultant")

    assert (await stranger.http.get(desk.path)).status_code == 404
    assert (await stranger.http.post(f"{desk.path}/attempts", json={"outcome": "reached"})).status_code == 404
