"""From the worklist through a call to the sentence of what happens next."""

from __future__ import annotations

import httpx
import pytest

from shared.db import Pool
from tests.console.conftest import PHONE, Desk
from tests.console.pages import csrf, sign_in, value_of


@pytest.fixture
async def signed_in(browser: httpx.AsyncClient, desk: Desk) -> httpx.AsyncClient:
    await sign_in(browser, desk.login)
    return browser


async def test_today_lists_the_calls_in_the_servers_order_with_counts(signed_in: httpx.AsyncClient, desk: Desk) -> None:
    page = (await signed_in.get("/today")).text

    places = [page.index(f"/visits/{visit}") for visit in desk.visits]
    assert places == sorted(places)
    assert "王建国" in page
    assert "沪A·12345" in page
    assert "共 3 条" in page
    assert "剩 15小时00分" in page


async def test_the_brief_shows_customer_script_and_questions_but_no_whole_number(
    signed_in: httpx.AsyncClient, desk: Desk
) -> None:
    page = (await signed_in.get(f"/visits/{desk.visits[0]}")).text

    assert "王建国" in page
    assert "更换前刹车片" in page
    assert "问题是否解决" in page
    assert "138****1234" in page
    for written in (PHONE, PHONE[3:], "138 0013 1234", "tel:"):
        assert written not in page


async def test_the_whole_number_comes_only_when_asked_for_and_is_written_down(
    signed_in: httpx.AsyncClient, desk: Desk, pool: Pool
) -> None:
    page = await signed_in.get(f"/visits/{desk.visits[0]}")
    form = {"customer_id": str(desk.customers[0]), "purpose": "dial"}

    answer = await signed_in.post(f"/visits/{desk.visits[0]}/reveal", data=form, headers=csrf(page))

    assert "138 0013 1234" in answer.text
    assert 'data-ttl="30"' in answer.text
    noted = await pool.fetchval("SELECT detail->>'purpose' FROM audit_log WHERE object_id = $1", desk.customers[0])
    assert noted == "dial"


async def test_a_call_nobody_answered_says_when_the_next_try_is(signed_in: httpx.AsyncClient, desk: Desk, pool: Pool) -> None:
    answer = await _record(signed_in, desk, outcome="no_answer")

    assert answer.status_code == 200, answer.text
    assert "第 1 次未接通。明天（周二）14:00 再打第 2 次" in answer.text
    assert '"go": false' in answer.headers["hx-trigger"]
    assert await pool.fetchval("SELECT outcome FROM attempts WHERE visit_id = $1", desk.visits[0]) == "no_answer"


async def test_the_same_submission_sent_twice_is_one_attempt(signed_in: httpx.AsyncClient, desk: Desk, pool: Pool) -> None:
    page = await signed_in.get(f"/visits/{desk.visits[0]}")
    form = {"outcome": "no_answer", "idempotency_key": value_of(page, "idempotency_key")}
    url = f"/visits/{desk.visits[0]}/attempts"

    answers = [await signed_in.post(url, data=form, headers=csrf(page)) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert await pool.fetchval("SELECT count(*) FROM attempts WHERE visit_id = $1", desk.visits[0]) == 1


async def test_a_conversation_keeps_score_answers_feedback_and_corrections(
    signed_in: httpx.AsyncClient, desk: Desk, pool: Pool
) -> None:
    form = {
        "outcome": "reached",
        "satisfaction": "4",
        "problem_type": "price",
        "note": "价格偏高",
        "answer:yes_no:fixed": "yes",
        "fix:mileage_km": "12,345",
        "reached_person": "owner",
        f"result:{desk.visits[0]}": "completed",
    }
    answer = await _record(signed_in, desk, **form)

    assert answer.status_code == 200, answer.text
    assert "已记录：回访完成" in answer.text
    visit = await pool.fetchrow("SELECT state, satisfaction, problem_type FROM visits WHERE id = $1", desk.visits[0])
    assert visit is not None
    assert tuple(visit) == ("completed", 4, "price")
    attempt = await pool.fetchrow("SELECT note, answers, reached_person FROM attempts WHERE visit_id = $1", desk.visits[0])
    assert attempt is not None
    assert tuple(attempt) == ("价格偏高", '{"fixed": true}', "owner")


async def test_a_promise_names_its_day_and_hour(signed_in: httpx.AsyncClient, desk: Desk) -> None:
    answer = await _record(signed_in, desk, promise="2026-11-24T10:00")

    assert "已约 明天（周二） 10:00，由你回电" in answer.text.replace("）10", "） 10")


async def test_a_promise_without_a_day_is_shown_at_its_field(signed_in: httpx.AsyncClient, desk: Desk) -> None:
    answer = await _record(signed_in, desk, promise="chosen", promise_date="", promise_time="10:00")

    assert answer.status_code == 422
    assert answer.headers["hx-retarget"] == "#errors"
    assert 'data-pointer="#/next_at"' in answer.text


async def test_what_the_api_finds_wrong_is_shown_at_its_field(signed_in: httpx.AsyncClient, desk: Desk) -> None:
    answer = await _record(signed_in, desk, promise="2026-11-22T10:00")

    assert answer.status_code == 422
    assert 'data-pointer="#/next_at"' in answer.text


async def test_a_visit_that_ended_meanwhile_says_so_in_words(signed_in: httpx.AsyncClient, desk: Desk) -> None:
    page = await signed_in.get(f"/visits/{desk.visits[0]}")
    await _record(signed_in, desk, outcome="reached")

    late = await signed_in.post(f"/visits/{desk.visits[0]}/attempts", data={"outcome": "busy"}, headers=csrf(page))

    assert late.status_code == 409
    assert "此回访已结束" in late.text


async def test_a_wrong_outcome_can_be_taken_back(signed_in: httpx.AsyncClient, desk: Desk, pool: Pool) -> None:
    page = await signed_in.get(f"/visits/{desk.visits[0]}")
    recorded = await _record(signed_in, desk, outcome="no_answer")

    form = {"attempt": value_of(recorded, "attempt")}
    back = await signed_in.post(f"/visits/{desk.visits[0]}/withdraw", data=form, headers=csrf(page))

    assert back.status_code == 200, back.text
    assert 'data-state="ready"' in back.text
    assert await pool.fetchval("SELECT tries FROM visits WHERE id = $1", desk.visits[0]) == 0
    assert value_of(back, "idempotency_key") != value_of(recorded, "idempotency_key")


async def test_a_finished_visit_opened_again_shows_its_result(signed_in: httpx.AsyncClient, desk: Desk) -> None:
    await _record(signed_in, desk, outcome="reached")

    page = (await signed_in.get(f"/visits/{desk.visits[0]}")).text

    assert 'data-state="recorded"' in page
    assert "改结果" in page


async def test_why_tells_the_rule_and_the_trigger(signed_in: httpx.AsyncClient, desk: Desk) -> None:
    drawer = (await signed_in.get(f"/visits/{desk.visits[0]}/why")).text

    assert "修后回访" in drawer
    assert "工单结算" in drawer


async def test_a_task_is_done_in_its_row(signed_in: httpx.AsyncClient, desk: Desk, pool: Pool) -> None:
    page = await signed_in.get("/tasks")
    task = await pool.fetchval("SELECT id FROM tasks WHERE store_id = $1", desk.store_id)

    row = await signed_in.post(f"/tasks/{task}/done", headers=csrf(page))

    assert "更正档案" in page.text
    assert "is-done" in row.text
    assert await pool.fetchval("SELECT done_at IS NOT NULL FROM tasks WHERE id = $1", task)


async def test_a_visit_of_another_store_is_not_found_in_words(signed_in: httpx.AsyncClient, desk: Desk) -> None:
    answer = await signed_in.get(f"/visits/{desk.store_id}")

    assert answer.status_code == 404
    assert "回到今日回访" in answer.text


async def _record(browser: httpx.AsyncClient, desk: Desk, **form: str) -> httpx.Response:
    page = await browser.get(f"/visits/{desk.visits[0]}")
    data = {"idempotency_key": value_of(page, "idempotency_key"), **form} if 'data-state="ready"' in page.text else form
    return await browser.post(f"/visits/{desk.visits[0]}/attempts", data=data, headers=csrf(page))
