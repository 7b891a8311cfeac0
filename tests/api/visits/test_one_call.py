"""One call, all reasons: each purpose with its own result; what must be asked; an appointment made on the call (domain.md §5, §7)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import orjson
import pytest

from shared.db import Pool
from tests.api.conftest import Sign
from tests.api.visits.conftest import Desk
from tests.factories import make_customer, make_programme, make_visit

FRIDAY_TEN = "2026-11-27T10:00:00+08:00"
ALL_ANSWERED = {"satisfaction": 5, "use_ok": True}


@pytest.fixture
async def second(desk: Desk, pool: Pool) -> str:
    """Another purpose of the same call."""
    async with pool.acquire() as conn:
        row = await make_visit(
            conn, store_id=desk.store_id, customer_id=desk.customer_id, assignee_id=desk.person.staff_id, state="due",
            purposes=["maintenance"],
        )  # fmt: skip
    return str(row["id"])


async def test_each_purpose_closes_with_its_own_result(desk: Desk, second: str) -> None:
    results = [
        {"visit_id": str(desk.visit_id), "state": "completed", "satisfaction": 5},
        {"visit_id": second, "state": "declined"},
    ]

    body = (await desk.record(outcome="reached", results=results)).json()

    assert {visit["id"]: visit["state"] for visit in body["visits"]} == {str(desk.visit_id): "completed", second: "declined"}


async def test_another_tier_makes_its_own_call(desk: Desk, second: str, pool: Pool) -> None:
    await pool.execute("UPDATE visits SET tier = 'club' WHERE id = $1", UUID(second))
    results = [{"visit_id": str(desk.visit_id), "state": "completed"}, {"visit_id": second, "state": "completed"}]

    answer = await desk.record(outcome="reached", results=results)

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "#/results/1/visit_id")


async def test_a_required_answer_that_is_missing_is_named_where_it_would_stand(desk: Desk, second: str) -> None:
    answer = await desk.record(outcome="reached", answers={"feedback": "好"})

    assert (answer.status_code, answer.json()["code"]) == (422, "answers_missing")
    pointers = [error["pointer"] for error in answer.json()["errors"]]
    assert sorted(pointers) == ["#/answers/satisfaction", "#/answers/use_ok"]
    results = [
        {"visit_id": second, "state": "completed", "satisfaction": 4},
        {"visit_id": str(desk.visit_id), "state": "completed"},
    ]
    answer = await desk.record(outcome="reached", answers={"feedback": "好"}, results=results)
    assert "#/results/1/answers/satisfaction" in {error["pointer"] for error in answer.json()["errors"]}
    assert "#/results/0/answers/satisfaction" not in {error["pointer"] for error in answer.json()["errors"]}


@pytest.mark.parametrize(
    "body",
    [
        {"outcome": "reached", "answers": ALL_ANSWERED},
        {"outcome": "reached", "answers": {"use_ok": True}, "satisfaction": 4},  # the score has a field of its own
        {"outcome": "reached", "answers": {"feedback": "忙"}, "next_at": "2026-11-25T10:00:00+08:00"},  # to be continued
        {"outcome": "no_answer", "answers": {"feedback": "-"}},
        {"outcome": "reached", "channel": "wechat", "answers": {"feedback": "好"}},
        {"outcome": "reached"},  # whoever only knows that somebody was reached
    ],
)
async def test_what_need_not_be_asked(desk: Desk, body: dict[str, Any]) -> None:
    answer = await desk.record(**body)

    assert answer.status_code == 201, answer.text


@pytest.mark.parametrize(("policy", "status"), [("always", 422), ("never", 201)])
async def test_a_store_may_insist_always_or_never(desk: Desk, pool: Pool, policy: str, status: int) -> None:
    stored = orjson.dumps({"require_answers": policy}).decode()
    await pool.execute("UPDATE stores SET policies = $2, version = version + 1 WHERE id = $1", desk.store_id, stored)

    body: dict[str, Any] = {"answers": {"feedback": "好"}} if policy == "never" else {}
    assert (await desk.record(outcome="reached", **body)).status_code == status


async def test_an_appointment_made_on_the_call_is_booked(desk: Desk) -> None:
    body = {"at": FRIDAY_TEN, "items": "保养、空调滤芯", "minutes": 90}

    assert (await desk.record(outcome="reached", appointment=body)).status_code == 201

    (made,) = (await desk.person.http.get(f"{desk.base}/appointments")).json()["items"]
    assert (made["direction"], made["items"], made["minutes"], made["visit_id"]) == (
        "outbound", ["保养", "空调滤芯"], 90, str(desk.visit_id),
    )  # fmt: skip
    assert made["vehicle_id"] == str(desk.vehicle_id)
    story = (await desk.person.http.get(f"{desk.path}/why")).json()["story"]
    assert "appointment_booked" in {line["kind"] for line in story}


async def test_a_customer_who_rings_to_book_is_inbound(desk: Desk) -> None:
    await desk.record(outcome="reached", direction="in", appointment={"at": FRIDAY_TEN})

    assert (await desk.person.http.get(f"{desk.base}/appointments")).json()["items"][0]["direction"] == "inbound"


async def test_a_full_hour_refuses_the_whole_and_the_same_body_goes_with_another_hour(desk: Desk, pool: Pool) -> None:
    async with pool.acquire() as conn:
        for _ in range(4):
            other = await make_customer(conn, store_id=desk.store_id)
            body = {"customer_id": str(other["id"]), "starts_at": FRIDAY_TEN}
            assert (await (await _clerk(desk)).post(f"{desk.base}/appointments", json=body)).status_code == 201
    said = {"outcome": "reached", "note": "周五来保养", "satisfaction": 5, "answers": {"use_ok": True}}

    refused = await desk.record(**said, appointment={"at": FRIDAY_TEN})

    problem = refused.json()
    assert (refused.status_code, problem["code"]) == (409, "slot_full")
    assert problem["errors"][0]["pointer"] == "#/appointment/at"
    assert (await desk.person.http.get(f"{desk.path}/attempts")).json() == []
    free = problem["slots"][0]["starts_at"]
    recorded = await desk.record(**said, appointment={"at": free})
    assert (recorded.status_code, recorded.json()["note"]) == (201, "周五来保养")


async def _clerk(desk: Desk) -> Any:
    return desk.person.http


async def test_nobody_was_spoken_to_nothing_is_booked(desk: Desk) -> None:
    answer = await desk.record(outcome="no_answer", appointment={"at": FRIDAY_TEN})

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "#/appointment")


async def test_a_withdrawn_attempt_takes_its_appointment_with_it(desk: Desk) -> None:
    attempt = (await desk.record(outcome="reached", appointment={"at": FRIDAY_TEN})).json()

    await desk.person.http.post(f"{desk.path}/attempts/{attempt['id']}/withdraw")

    (made,) = (await desk.person.http.get(f"{desk.base}/appointments")).json()["items"]
    assert (made["state"], made["state_reason"]) == ("cancelled", "attempt_withdrawn")


class Confirming:
    """An advisor on the call that confirms an appointment."""

    def __init__(self, desk: Desk, advisor: Any, appointment_id: str, visit_id: str) -> None:
        self.desk, self.advisor, self.appointment_id, self.visit_id = desk, advisor, appointment_id, visit_id

    async def record(self, **body: Any) -> Any:
        return await self.advisor.http.post(
            f"{self.desk.base}/visits/{self.visit_id}/attempts", json={"outcome": "reached"} | body
        )

    async def appointment(self) -> dict[str, Any]:
        found: dict[str, Any] = (await self.advisor.http.get(f"{self.desk.base}/appointments/{self.appointment_id}")).json()
        return found


@pytest.fixture
async def confirming(desk: Desk, pool: Pool, as_staff: Sign) -> Confirming:
    advisor = await as_staff("service_advisor")
    async with pool.acquire() as conn:
        await make_programme(conn, "appointment", store_id=desk.store_id)
    body = {
        "customer_id": str(desk.customer_id), "vehicle_id": str(desk.vehicle_id), "starts_at": FRIDAY_TEN,
        "advisor_id": str(advisor.staff_id), "items": ["保养"],
    }  # fmt: skip
    made = (await advisor.http.post(f"{desk.base}/appointments", json=body)).json()
    visit_id = await pool.fetchval("SELECT id FROM visits WHERE trigger_id = $1", UUID(made["id"]))
    return Confirming(desk, advisor, made["id"], str(visit_id))


async def test_the_confirmation_names_hour_and_work_and_reminds_of_the_manual(confirming: Confirming) -> None:
    brief = (await confirming.advisor.http.get(f"{confirming.desk.base}/visits/{confirming.visit_id}/brief")).json()

    said = " ".join(line["text"] for line in brief["script"])
    assert "11月27日10点" in said
    assert "保养手册" in said
    assert brief["appointment"]["id"] == confirming.appointment_id


@pytest.mark.parametrize(("said", "state"), [("confirmed", "confirmed"), ("cancelled", "cancelled")])
async def test_what_the_customer_says_of_it_becomes_of_the_appointment(confirming: Confirming, said: str, state: str) -> None:
    answer = await confirming.record(answers={"appointment_result": said})

    assert answer.json()["visit"]["state"] == "completed", answer.text
    assert (await confirming.appointment())["state"] == state


async def test_a_confirmation_that_moves_it_wants_the_new_hour(confirming: Confirming) -> None:
    missing = await confirming.record(answers={"appointment_result": "moved"})
    moved = await confirming.record(answers={"appointment_result": "moved"}, appointment={"at": "2026-11-30T14:00:00+08:00"})

    assert (missing.status_code, missing.json()["errors"][0]["pointer"]) == (422, "#/appointment")
    assert moved.json()["visit"]["state"] == "completed", moved.text
    old = await confirming.appointment()
    new = (await confirming.advisor.http.get(f"{confirming.desk.base}/appointments/{old['moved_to_id']}")).json()
    assert (old["state"], new["moved_from_id"], new["items"]) == ("moved", old["id"], ["保养"])


async def test_the_brief_knows_which_visit_asks_what(desk: Desk, second: str) -> None:
    questions = (await desk.person.http.get(f"{desk.path}/brief")).json()["questions"]

    assert {question["key"]: len(question["visit_ids"]) for question in questions}["satisfaction"] == 2


async def test_who_is_rung_for_somebody_elses_car_is_another_call(desk: Desk, second: str, pool: Pool) -> None:
    await pool.execute("UPDATE visits SET callee_phone_index = 'x', callee_name = '李师傅' WHERE id = $1", UUID(second))

    assert (await desk.person.http.get(f"{desk.path}/brief")).json()["visit_ids"] == [str(desk.visit_id)]
