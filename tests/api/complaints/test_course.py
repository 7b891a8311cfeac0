"""The course of a complaint, from the first word to the customer's own, by the rows of domain.md §6 and §11.4."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from shared.complaints import bring_on
from shared.db import Connection
from shared.events import SYSTEM
from shared.stores import load_store
from tests.api.complaints.conftest import Counter, at, place
from tests.api.conftest import START, Person
from tests.factories import TODAY, make_visit, make_work_order

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


async def test_who_takes_a_complaint_owns_it_and_its_clocks_run(counter: Counter) -> None:
    opened = await counter.open(category="reception")

    assert (opened["state"], opened["level"], opened["owner_id"]) == ("open", 0, str(counter.advisor.staff_id))
    assert (opened["number"][:7], opened["department"]) == ("202611-", "service")
    assert (at(opened["respond_by"]), at(opened["handle_by"])) == (START + HOUR, START + DAY)
    assert at(opened["next_by"]) == START + HOUR
    assert [(clock["name"], clock["way"]) for clock in opened["clocks"]] == [("respond", "business"), ("handle", "calendar")]
    assert await counter.tasks(opened) == {"complaint_respond", "complaint_sign_off"}
    assert await counter.notices(opened) == {("complaint_opened", counter.advisor.staff_id)}


async def test_numbers_count_the_complaints_of_a_month(counter: Counter) -> None:
    numbers = [(await counter.open())["number"] for _ in range(3)]
    assert numbers == ["202611-0001", "202611-0002", "202611-0003"]


async def test_quality_has_two_days_and_attitude_goes_straight_to_the_general_manager(counter: Counter) -> None:
    quality = (await counter.send(None, "", kind="quality", category="vehicle_quality")).json()
    attitude = (await counter.send(None, "", kind="attitude")).json()

    assert at(quality["handle_by"]) == START + 2 * DAY
    assert (attitude["level"], attitude["owner_id"]) == (3, str(counter.general.staff_id))
    assert ("complaint_attitude", counter.general.staff_id) in await counter.notices(attitude)
    assert "complaint_attitude" in await counter.tasks(attitude)


async def test_what_is_heard_on_a_follow_up_call_is_the_advisors_who_did_the_work(counter: Counter) -> None:
    async with counter.pool.acquire() as conn:
        order = await make_work_order(
            conn, store_id=counter.store_id, customer_id=counter.customer_id, vehicle_id=counter.vehicle_id,
            advisor_id=counter.advisor.staff_id, kind="repair",
        )  # fmt: skip
    opened = await counter.open(counter.follow_up, work_order_id=str(order["id"]))
    assert opened["owner_id"] == str(counter.advisor.staff_id)


async def test_from_the_first_response_to_the_follow_up_call(counter: Counter) -> None:
    opened = await counter.open()
    await counter.later(minutes=20)
    responded = await counter.do(opened, "responses", text="已致歉，请客户明天到店", handle_by="2026-11-23T16:00:00+08:00")
    await counter.later(hours=2)
    started = await counter.do(opened, "handle", solution="返修", done=False)
    await counter.later(hours=2)
    handled = await counter.do(opened, "handle", solution="返修并免工时", customer_opinion="同意", compensation_fen=20000)
    await counter.later(minutes=10)
    told = await counter.do(opened, "tell", result="已修好", measure="增加交车前试车", summary="张紧轮异响")

    assert (responded["state"], at(responded["responded_at"])) == ("responded", START + timedelta(minutes=20))
    assert at(responded["handle_by"]) == START + 7 * HOUR
    assert (started["state"], started["handled_at"], started["valid"]) == ("handling", None, True)
    assert (handled["state"], handled["tell_by"] is not None, handled["compensation_fen"]) == ("handling", True, 20000)
    assert (told["state"], told["resolved_at"], told["next_by"]) == ("told", told["told_at"], None)
    assert [at(clock["by"]) - at(clock["start"]) for clock in told["clocks"] if clock["name"] == "tell"] == [DAY]
    assert await counter.tasks(opened) == {"complaint_sign_off"}
    assert await counter.history(opened) == ["opened", "responded", "handling", "handled", "told"]
    [visit] = await counter.visits(opened)
    assert (visit["programme"], visit["assignee_id"], visit["role"]) == (
        "after-complaint", counter.advisor.staff_id, "service_advisor",
    )  # fmt: skip
    assert visit["due_at"] == at(told["told_at"]) + DAY  # due 24 h after the result was told


async def test_by_policy_s4_the_service_manager_follows_up(counter: Counter) -> None:
    await counter.pool.execute("UPDATE programmes SET policy = 's4' WHERE store_id = $1", counter.store_id)
    await counter.pool.execute("UPDATE stores SET version = version + 1 WHERE id = $1", counter.store_id)
    [visit] = await counter.visits(await counter.told())
    assert (visit["role"], visit["assignee_id"]) == ("service_manager", counter.manager.staff_id)


async def attempt(counter: Counter, visit_id: UUID, by: Person | None = None, **fields: object) -> None:
    answer = await (by or counter.advisor).http.post(
        f"{counter.base}/visits/{visit_id}/attempts", json={"outcome": "reached", **fields}
    )
    assert answer.status_code == 201, answer.text


async def test_11_4_the_customers_word_in_the_follow_up_closes_it(counter: Counter) -> None:
    told = await counter.told()
    [visit] = await counter.visits(told)
    now = await counter.later(days=1)
    await attempt(counter, visit["id"], answers={"complaint_settled": True}, satisfaction=5)

    closed = await counter.get(told)
    assert (closed["state"], at(closed["confirmed_at"]), at(closed["closed_at"])) == ("closed", now, now)
    assert (await counter.history(told))[-1] == "closed"


async def test_11_4_otherwise_one_level_up_with_its_history_kept(counter: Counter) -> None:
    told = await counter.told()
    [visit] = await counter.visits(told)
    now = await counter.later(days=1)
    await attempt(counter, visit["id"], answers={"complaint_settled": False}, satisfaction=1, note="异响又出现了")

    again = await counter.get(told)
    assert (again["state"], again["level"], again["reopened"]) == ("open", 1, 1)
    assert again["owner_id"] == str(counter.manager.staff_id)
    assert (again["responded_at"], again["told_at"], again["closed_at"]) == (None, None, None)
    assert at(again["respond_by"]) == now + HOUR
    assert await counter.pool.fetchval("SELECT count(*) FROM complaints WHERE store_id = $1", counter.store_id) == 1
    lines = (await counter.manager.http.get(f"{counter.path}/{told['id']}/history")).json()
    kept = next(line["detail"] for line in lines if line["kind"] == "reopened")
    assert at(kept["last"]["told_at"]) == at(told["told_at"])

    second = await counter.do(told, "resolve", counter.manager, result="更换总成")
    [_, visit] = await counter.visits(second)
    assert (visit["occurrence"], visit["assignee_id"]) == (11, counter.manager.staff_id)
    await counter.later(days=1)
    await attempt(counter, visit["id"], counter.manager, satisfaction=2)
    assert [(await counter.get(told))[name] for name in ("level", "reopened", "owner_id")] == [
        2, 2, str(counter.customer_manager.staff_id),
    ]  # fmt: skip


async def test_after_an_unreachable_follow_up_only_a_manager_closes_it_marked_so(counter: Counter) -> None:
    told = await counter.told()
    [visit] = await counter.visits(told)
    refused = await counter.send(counter.manager, f"/{told['id']}/resolve", confirmed=False, note="打不通")
    assert (refused.status_code, refused.json()["type"].rpartition(":")[2]) == (409, "complaint_follow_up_open")

    await counter.pool.execute("UPDATE visits SET state = 'unreachable', closed_at = $2 WHERE id = $1", visit["id"], START)
    by_owner = await counter.send(counter.advisor, f"/{told['id']}/resolve", confirmed=False, note="三次无人接听")
    assert by_owner.status_code == 403
    closed = await counter.do(told, "resolve", counter.manager, confirmed=False, note="三次无人接听，短信邮件无回复")
    assert (closed["state"], closed["confirmed_at"], closed["closed_at"] is not None) == ("closed_unconfirmed", None, True)

    confirmed = await counter.do(told, "resolve", counter.manager, confirmed=True, note="客户来电表示满意")
    assert (confirmed["state"], confirmed["confirmed_at"] is not None) == ("closed", True)


async def test_a_customer_who_is_not_satisfied_after_all_starts_the_loop_again(counter: Counter) -> None:
    told = await counter.told()
    again = await counter.do(told, "reopen", reason="客户来电称未解决")
    assert (again["state"], again["level"], again["reopened"]) == ("open", 1, 1)
    assert [visit["state"] for visit in await counter.visits(told)] == ["cancelled"]
    refused = await counter.send(counter.manager, f"/{told['id']}/reopen", reason="再次")
    assert refused.status_code == 409


async def test_not_valid_is_explained_with_its_reason(counter: Counter) -> None:
    opened = await counter.open()
    rejected = await counter.do(opened, "reject", reason="试车确认是胎噪，已向客户说明")
    assert (rejected["state"], rejected["valid"], rejected["invalid_reason"]) == (
        "rejected",
        False,
        "试车确认是胎噪，已向客户说明",
    )
    assert rejected["closed_at"] is not None
    assert await counter.tasks(opened) == {"complaint_sign_off"}


@pytest.mark.parametrize(
    ("verb", "fields"),
    [("handle", {"solution": "x"}), ("pause", {"reason": "x"}), ("reopen", {"reason": "x"}), ("resume", {})],
)
async def test_no_step_comes_before_its_time(counter: Counter, verb: str, fields: dict[str, str]) -> None:
    opened = await counter.open()
    answer = await counter.send(counter.manager, f"/{opened['id']}/{verb}", **fields)
    assert answer.status_code == 409, answer.text


async def test_a_result_is_told_when_it_was_handled(counter: Counter) -> None:
    opened = await counter.open()
    await counter.do(opened, "responses", text="已联系")
    answer = await counter.send(None, f"/{opened['id']}/tell", result="好了")
    assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (409, "complaint_not_handled")


async def test_a_pause_with_its_reason_moves_the_deadline_by_what_was_left(counter: Counter) -> None:
    opened = await counter.open()
    await counter.later(minutes=30)
    await counter.do(opened, "responses", text="已联系")
    await counter.later(minutes=30)
    paused = await counter.do(opened, "pause", reason="等待厂家配件")
    assert (paused["overdue"], paused["pause_reason"]) == (False, "等待厂家配件")
    assert [clock["paused"] for clock in paused["clocks"]] == [False, True]

    now = await counter.later(days=2)
    resumed = await counter.do(opened, "resume")
    assert at(resumed["handle_by"]) == now + 23 * HOUR
    assert resumed["clocks"][1]["used_percent"] == 4  # one hour of twenty-four
    assert (await counter.history(opened))[-2:] == ["paused", "resumed"]


async def test_a_later_deadline_needs_a_manager_and_a_reason(counter: Counter) -> None:
    opened = await counter.open()
    later = {"handle_by": "2026-11-28T12:00:00+08:00", "reason": "配件 28 日到"}
    assert (await counter.send(counter.advisor, f"/{opened['id']}/extend", **later)).status_code == 403
    without = await counter.send(counter.manager, f"/{opened['id']}/extend", handle_by=later["handle_by"])
    assert place(without) == "/reason"
    extended = await counter.do(opened, "extend", counter.manager, **later)
    assert (at(extended["handle_by"]), extended["late_reason"]) == (at(later["handle_by"]), "配件 28 日到")
    assert extended["late_approved_by"] == str(counter.manager.staff_id)
    early = await counter.send(counter.manager, f"/{opened['id']}/extend", handle_by="2026-11-24T09:00:00+08:00", reason="x")
    assert (early.status_code, place(early)) == (422, "/handle_by")


async def test_the_owner_promises_the_customer_no_later_than_the_rules_allow(counter: Counter) -> None:
    opened = await counter.open()
    answer = await counter.send(None, f"/{opened['id']}/responses", text="已联系", handle_by="2026-11-25T09:00:00+08:00")
    assert (answer.status_code, place(answer)) == (422, "/handle_by")


async def test_the_departments_manager_countersigns_and_closes_nothing(counter: Counter) -> None:
    opened = await counter.open()
    assert at(opened["sign_off_by"]) == START + 9 * HOUR
    other = await counter.send(counter.customer_manager, f"/{opened['id']}/sign-off")
    assert other.status_code == 403
    assert (await counter.send(counter.advisor, f"/{opened['id']}/sign-off")).status_code == 403
    signed = await counter.do(opened, "sign-off", counter.manager, note="已阅")
    assert (signed["state"], signed["signed_off_by"]) == ("open", str(counter.manager.staff_id))
    assert "complaint_sign_off" not in await counter.tasks(opened)


async def test_another_owner_wants_a_reason(counter: Counter) -> None:
    opened = await counter.open()
    without = await counter.patch(opened, owner_id=str(counter.manager.staff_id))
    assert without.status_code == 422
    given = await counter.patch(opened, owner_id=str(counter.manager.staff_id), reason="涉及赔偿")
    assert given.json()["owner_id"] == str(counter.manager.staff_id)
    assert ("complaint_opened", counter.manager.staff_id) in await counter.notices(opened)
    assert (await counter.patch(opened, counter.manager, cause="x")).status_code == 412


async def test_what_turns_out_to_be_quality_has_the_clocks_of_quality(counter: Counter) -> None:
    opened = await counter.open()
    changed = (await counter.patch(opened, kind="quality", cause="批次问题", measure="隔离库存")).json()
    assert (at(changed["handle_by"]), changed["cause"], changed["measure"]) == (START + 2 * DAY, "批次问题", "隔离库存")
    attitude = (await counter.patch(changed, kind="attitude")).json()
    assert attitude["level"] == 3
    assert ("complaint_attitude", counter.general.staff_id) in await counter.notices(opened)


async def test_clocks_around_the_clock_are_a_setting_of_the_store(counter: Counter) -> None:
    await counter.pool.execute(
        "UPDATE stores SET policies = $2, version = version + 1 WHERE id = $1", counter.store_id,
        '{"complaints": {"clock": "around_the_clock", "respond_minutes": 30}}',
    )  # fmt: skip
    await counter.later(hours=12)  # nine in the evening
    opened = await counter.open()
    assert at(opened["respond_by"]) == START + timedelta(hours=12, minutes=30)
    assert {clock["way"] for clock in opened["clocks"]} == {"always"}


async def brought(counter: Counter, conn: Connection, complaint: dict[str, object]) -> int:
    store = await load_store(conn, counter.store_id, today=TODAY)
    return await bring_on(conn, store, [UUID(str(complaint["id"]))], now=counter.house.clock.now(), actor=SYSTEM)


async def test_each_clock_that_ends_goes_one_level_up_and_the_owner_stays(counter: Counter) -> None:
    opened = await counter.open()
    async with counter.pool.acquire() as conn:
        await counter.later(minutes=30)
        await brought(counter, conn, opened)
        await counter.later(minutes=30)
        await brought(counter, conn, opened)
        late = await counter.get(opened)
        await counter.later(hours=23)
        await brought(counter, conn, opened)
    later = await counter.get(opened)

    assert (late["level"], later["level"], later["owner_id"]) == (1, 2, str(counter.advisor.staff_id))
    assert {"response_overdue", "handling_overdue", "sign_off_missing"} <= await counter.tasks(opened)
    notices = await counter.notices(opened)
    assert ("warning_respond", counter.advisor.staff_id) in notices
    assert ("escalation_respond", counter.manager.staff_id) in notices
    assert ("escalation_handle", counter.customer_manager.staff_id) in notices
    assert ("sign_off_missing", counter.general.staff_id) in notices
    assert await counter.history(opened) == ["opened", "warned", "escalated", "sign_off_missing", "escalated"]


async def test_a_manager_who_keeps_the_complaint_is_not_told_of_his_own_delay_the_next_one_is(counter: Counter) -> None:
    opened = await counter.open(counter.manager)
    assert opened["owner_id"] == str(counter.manager.staff_id)
    async with counter.pool.acquire() as conn:
        await counter.later(minutes=60)
        await brought(counter, conn, opened)

    told = [staff for kind, staff in await counter.notices(opened) if kind == "escalation_respond"]
    assert ((await counter.get(opened))["level"], told) == (1, [counter.customer_manager.staff_id])


async def test_a_visit_that_is_of_the_sales_tier_makes_it_the_sales_managers(counter: Counter, as_sales: Person) -> None:
    async with counter.pool.acquire() as conn:
        visit = await make_visit(conn, store_id=counter.store_id, customer_id=counter.customer_id, tier="sales")
    opened = await counter.open(counter.follow_up, visit_id=str(visit["id"]))
    assert (opened["department"], opened["owner_id"]) == ("sales", str(as_sales.staff_id))


@pytest.fixture
async def as_sales(counter: Counter, as_staff: object) -> Person:
    person: Person = await as_staff("sales_manager")  # type: ignore[operator]  # the fixture's own type is a callable
    return person


async def test_the_general_manager_calls_on_complaints_of_his_own_and_on_nothing_else(counter: Counter) -> None:
    told = await counter.told(crisis_reasons=["safety"])
    first, *_ = await counter.visits(told)
    async with counter.pool.acquire() as conn:
        other = await make_visit(conn, store_id=counter.store_id, customer_id=counter.customer_id, state="due")
    await counter.later(days=1)
    await attempt(counter, first["id"], counter.general, answers={"complaint_settled": True})
    assert (await counter.get(told))["state"] == "closed"
    refused = await counter.general.http.post(f"{counter.base}/visits/{other['id']}/attempts", json={"outcome": "reached"})
    assert refused.status_code == 403
