"""The pages on a customer's phone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import httpx
import orjson
import pytest

from shared.db import Pool
from shared.tokens import survey_token, token_index, unsubscribe_token
from tests.factories import NOW, make_customer, make_message, make_programme, make_survey, make_vehicle, make_visit, vault

QUESTIONS = [
    {"key": "satisfaction", "type": "score", "zh": "您总体满意吗？", "en": "How satisfied are you?", "required": True},
    {"key": "fixed", "type": "yes_no", "zh": "问题解决了吗？", "en": "Is it fixed?", "required": False},
    {"key": "comment", "type": "text", "zh": "想对我们说……", "en": "Anything else?", "required": False},
]


@dataclass(frozen=True)
class Asked:
    path: str
    survey_id: UUID
    visit_id: UUID


@pytest.fixture
async def asked(pool: Pool, store_id: UUID) -> Asked:
    """A visit whose ladder came to the SMS, and the survey of its link."""
    async with pool.acquire() as conn:
        await make_programme(conn, "after-maintenance", store_id=store_id)
        customer = await make_customer(conn, store_id=store_id, name="欧阳建国", phone="+8613812345678")
        car = await make_vehicle(conn, store_id=store_id, customer_id=customer["id"], plate="沪A12345")
        visit = await make_visit(
            conn,
            store_id=store_id,
            customer_id=customer["id"],
            vehicle_id=car["id"],
            state="trying",
            tries=3,
            role="followup_specialist",
        )
        survey = await make_survey(conn, visit_id=visit["id"], questions=orjson.dumps(QUESTIONS).decode())
        token = survey_token(vault(), survey["id"])
        await conn.execute(
            "INSERT INTO public_tokens (token_index, store_id, kind, ref_id, expires_at) VALUES ($1, $2, 'survey', $3, $4)",
            token_index(vault(), token),
            store_id,
            survey["id"],
            NOW + timedelta(days=30),
        )
    return Asked(f"/s/{token}", survey["id"], visit["id"])


async def test_the_page_is_small_and_says_nothing_about_the_customer(client: httpx.AsyncClient, asked: Asked) -> None:
    answer = await client.get(asked.path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert len(answer.content) < 40_000
    page = answer.text
    assert not any(secret in page for secret in ("欧阳", "建国", "1381234", "沪A12345", "<script", "onclick"))
    assert page.count('type="radio" name="satisfaction"') == 5
    assert "需要回电" in page
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy


async def test_looking_changes_nothing(client: httpx.AsyncClient, pool: Pool, asked: Asked) -> None:
    for _ in range(3):
        await client.get(asked.path)
    row = await pool.fetchrow("SELECT answered_at FROM surveys WHERE id = $1", asked.survey_id)
    assert row is not None
    assert row["answered_at"] is None


async def test_an_answer_completes_the_visit(client: httpx.AsyncClient, pool: Pool, asked: Asked) -> None:
    answer = await client.post(asked.path, data={"satisfaction": "5", "fixed": "yes", "comment": "很好"})
    assert answer.status_code == 200
    assert "您已提交，谢谢" in answer.text
    survey = await pool.fetchrow("SELECT * FROM surveys WHERE id = $1", asked.survey_id)
    visit = await pool.fetchrow("SELECT * FROM visits WHERE id = $1", asked.visit_id)
    assert survey is not None
    assert visit is not None
    assert (survey["score"], survey["channel"], survey["comment"], survey["answered_at"]) == (5, "sms", "很好", NOW)
    assert orjson.loads(survey["answers"]) == {"fixed": "yes"}
    assert (visit["state"], visit["state_reason"], visit["satisfaction"]) == ("completed", "answer_sms", 5)
    assert await pool.fetchval("SELECT count(*) FROM tasks WHERE visit_id = $1", asked.visit_id) == 0


async def test_a_link_from_an_email_is_answered_by_email(client: httpx.AsyncClient, pool: Pool, asked: Asked) -> None:
    await client.post(f"{asked.path}?e", data={"satisfaction": "4"})
    assert await pool.fetchval("SELECT channel FROM surveys WHERE id = $1", asked.survey_id) == "email"


async def test_the_answer_can_be_changed_until_somebody_signs_it(client: httpx.AsyncClient, pool: Pool, asked: Asked) -> None:
    await client.post(asked.path, data={"satisfaction": "5"})
    thanks = (await client.get(asked.path)).text
    assert f'href="{asked.path}?change"' in thanks
    form = (await client.get(f"{asked.path}?change")).text
    assert 'value="5" required checked' in form
    await client.post(asked.path, data={"satisfaction": "3"})
    assert await pool.fetchval("SELECT satisfaction FROM visits WHERE id = $1", asked.visit_id) == 3

    await pool.execute("UPDATE visits SET confirmed_at = $1 WHERE id = $2", NOW, asked.visit_id)
    assert "?change" not in (await client.get(asked.path)).text
    await client.post(asked.path, data={"satisfaction": "1"})
    assert await pool.fetchval("SELECT score FROM surveys WHERE id = $1", asked.survey_id) == 3


async def test_10_13_whoever_is_unhappy_by_link_has_a_complaint_that_is_answered_within_a_business_hour(
    client: httpx.AsyncClient, pool: Pool, asked: Asked
) -> None:
    answer = await client.post(asked.path, data={"satisfaction": "1"})
    assert "很抱歉让您不满意" in answer.text
    opened = await pool.fetchrow("SELECT * FROM complaints WHERE visit_id = $1", asked.visit_id)
    assert opened is not None
    assert (opened["kind"], opened["source"], opened["level"]) == ("service", "score", 1)
    assert (opened["opened_at"], opened["respond_by"]) == (NOW, NOW + timedelta(hours=1))


async def test_a_call_back_is_a_task_with_a_time(client: httpx.AsyncClient, pool: Pool, asked: Asked) -> None:
    answer = await client.post(asked.path, data={"satisfaction": "5", "wants_call": "yes"})
    assert "给您回电" in answer.text
    assert await pool.fetchval("SELECT kind FROM tasks WHERE visit_id = $1", asked.visit_id) == "call_back"


@pytest.mark.parametrize(
    "form", [{}, {"satisfaction": "9"}, {"satisfaction": ""}, {"satisfaction": "５"}, {"comment": "x" * 5000}]
)
async def test_without_a_score_the_form_comes_again(
    client: httpx.AsyncClient, pool: Pool, asked: Asked, form: dict[str, str]
) -> None:
    answer = await client.post(asked.path, data=form)
    assert answer.status_code == 422
    assert "请选择一个分数" in answer.text
    assert await pool.fetchval("SELECT answered_at FROM surveys WHERE id = $1", asked.survey_id) is None


async def test_what_is_typed_is_shown_as_text(client: httpx.AsyncClient, asked: Asked) -> None:
    page = (await client.post(asked.path, data={"comment": "</textarea><b>x"})).text
    assert "<b>x" not in page
    assert "&lt;b&gt;x" in page


async def test_an_expired_link_gives_the_number_of_the_house(client: httpx.AsyncClient, pool: Pool, asked: Asked) -> None:
    await pool.execute("UPDATE surveys SET expires_at = $1 WHERE id = $2", NOW, asked.survey_id)
    for answer in (await client.get(asked.path), await client.post(asked.path, data={"satisfaction": "5"})):
        assert answer.status_code == 410
        assert "链接已过期" in answer.text


@pytest.mark.parametrize("path", ["/s/nonsense", "/u/nonsense", "/s/" + "x" * 300, "/s/%E6%B2%AA"])
async def test_a_wrong_token_is_a_page_of_its_own(client: httpx.AsyncClient, path: str) -> None:
    for answer in (await client.get(path), await client.post(path)):
        assert answer.status_code == 404
        assert "text/html" in answer.headers["content-type"]


@pytest.fixture
async def unsubscribe(pool: Pool, store_id: UUID) -> tuple[str, bytes]:
    """The link of an e-mail, and the index of its address."""
    async with pool.acquire() as conn:
        customer = await make_customer(conn, store_id=store_id)
        index = vault().index("email", f"{customer['id']}@example.com")
        message = await make_message(conn, customer_id=customer["id"], channel="email", number_index=index, state="accepted")
        token = unsubscribe_token(vault(), message["id"])
        await conn.execute(
            "INSERT INTO public_tokens (token_index, store_id, kind, ref_id) VALUES ($1, $2, 'unsubscribe', $3)",
            token_index(vault(), token),
            store_id,
            message["id"],
        )
    return f"/u/{token}", index


async def standing(pool: Pool, index: bytes) -> list[tuple[str, str, str]]:
    rows = await pool.fetch("SELECT channel, scope, source FROM opt_outs WHERE number_index = $1 AND revoked_at IS NULL", index)
    return [tuple(row) for row in rows]


async def test_scanners_that_open_the_link_unsubscribe_nobody(
    client: httpx.AsyncClient, pool: Pool, unsubscribe: tuple[str, bytes]
) -> None:
    path, index = unsubscribe
    answer = await client.get(path)
    assert answer.status_code == 200
    assert "退订营销邮件" in answer.text
    assert await standing(pool, index) == []


async def test_one_click_needs_no_cookie_and_no_sign_in(
    client: httpx.AsyncClient, pool: Pool, unsubscribe: tuple[str, bytes]
) -> None:
    path, index = unsubscribe
    answer = await client.post(path, data={"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers
    assert await standing(pool, index) == [("email", "marketing", "one_click")]
    await client.post(path, data={"List-Unsubscribe": "One-Click"})
    assert len(await standing(pool, index)) == 1


async def test_it_can_be_undone(client: httpx.AsyncClient, pool: Pool, unsubscribe: tuple[str, bytes]) -> None:
    path, index = unsubscribe
    await client.post(path)
    answer = await client.post(path, data={"undo": "yes"})
    assert "已恢复接收" in answer.text
    assert await standing(pool, index) == []


async def test_the_house_reads_surveys(client: httpx.AsyncClient, operator: httpx.AsyncClient, base: str, asked: Asked) -> None:
    listed = (await operator.get(f"{base}/surveys", params={"answered": False})).json()["items"]
    assert [item["id"] for item in listed] == [str(asked.survey_id)]
    await client.post(asked.path, data={"satisfaction": "2", "comment": "等太久"})
    survey = (await operator.get(f"{base}/surveys/{asked.survey_id}")).json()
    assert (survey["score"], survey["comment"], survey["channel"]) == (2, "等太久", "sms")
    assert [item["id"] for item in (await operator.get(f"{base}/surveys", params={"score_at_most": 2})).json()["items"]] == [
        survey["id"]
    ]
