"""Leads: how warm they are today, when to be in touch, how they end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from shared.db import Pool
from tests.api.conftest import Person, Sign
from tests.factories import NOBODY, NOW, TODAY, make_attempt, make_customer, make_lead, make_visit

Post = Callable[..., Awaitable[httpx.Response]]
Patch = Callable[..., Awaitable[httpx.Response]]


@pytest.fixture
def path(base: str) -> str:
    return f"{base}/leads"


@pytest.fixture
async def consultant(as_staff: Sign) -> Person:
    return await as_staff("sales_consultant")


@pytest.fixture
async def customer_id(pool: Pool, store_id: UUID) -> UUID:
    async with pool.acquire() as conn:
        customer: UUID = (await make_customer(conn, store_id=store_id, lifecycle="prospect"))["id"]
    return customer


@pytest.fixture
def post(consultant: Person, path: str, customer_id: UUID) -> Post:
    async def send(**fields: Any) -> httpx.Response:
        body = {"customer_id": str(customer_id), "model": "途观 L", "first_visit_on": "2026-11-23"}
        return await consultant.http.post(path, json=body | fields)

    return send


@pytest.fixture
def patch(consultant: Person, path: str) -> Patch:
    async def send(lead: dict[str, Any], **fields: Any) -> httpx.Response:
        headers = {"If-Match": f'"{lead["version"]}"'}
        return await consultant.http.patch(f"{path}/{lead['id']}", json=fields, headers=headers)

    return send


def pointer(answer: httpx.Response) -> str:
    """Where the fault of a refused body is."""
    assert answer.status_code == 422, answer.text
    place: str = answer.json()["errors"][0]["pointer"]
    return place


async def _lifecycle(pool: Pool, customer_id: UUID) -> str:
    return str(await pool.fetchval("SELECT lifecycle FROM customers WHERE id = $1", customer_id))


async def test_a_lead_is_the_consultants_who_opens_it(post: Post, consultant: Person, pool: Pool, customer_id: UUID) -> None:
    answer = await post(expected_on="2026-11-28")
    lead = answer.json()

    assert answer.status_code == 201, answer.text
    assert (lead["consultant_id"], lead["state"]) == (str(consultant.staff_id), "open")
    assert (lead["level"], lead["level_policy"], lead["contact_every_days"]) == ("within_7_days", "by-days", 3)
    assert lead["next_contact_on"] == "2026-11-25"  # two days before the purchase the level is the nearest: each day
    assert (await consultant.http.get(answer.headers["Location"])).json() == lead
    assert await _lifecycle(pool, customer_id) == "lead"


async def test_the_level_is_todays_and_not_that_of_the_day_it_was_written(
    consultant: Person, path: str, pool: Pool, store_id: UUID
) -> None:
    async with pool.acquire() as conn:
        lead = await make_lead(conn, store_id=store_id, level="later", expected_on=TODAY + timedelta(days=1))

    assert (await consultant.http.get(f"{path}/{lead['id']}")).json()["level"] == "within_3_days"


async def test_a_store_may_tell_levels_by_letters(post: Post, as_admin: Person, base: str) -> None:
    etag = (await as_admin.http.get(base)).headers["ETag"]
    await as_admin.http.patch(base, json={"policies": {"lead_policy": "abc"}}, headers={"If-Match": etag})
    lead = (await post(expected_on="2026-12-10")).json()

    assert (lead["level"], lead["level_policy"], lead["contact_every_days"]) == ("B", "abc", 7)


async def test_another_expected_day_is_another_level(post: Post, patch: Patch) -> None:
    lead = (await post()).json()
    assert (lead["level"], lead["next_contact_on"]) == ("later", "2026-12-23")

    changed = (await patch(lead, expected_on="2026-11-24")).json()
    assert (changed["level"], changed["next_contact_on"]) == ("within_3_days", "2026-11-24")


async def test_the_next_contact_counts_from_the_last_call_that_reached_them(
    consultant: Person, path: str, pool: Pool, store_id: UUID
) -> None:
    async with pool.acquire() as conn:
        lead = await make_lead(conn, store_id=store_id, first_visit_on=date(2026, 11, 1), expected_on=date(2027, 6, 1))
        visits = [
            await make_visit(conn, store_id=store_id, customer_id=lead["customer_id"], programme=programme)
            for programme in ("by-hand", "after-maintenance")
        ]
        await make_attempt(conn, visit_id=visits[0]["id"], outcome="reached", at=NOW - timedelta(days=3))
        await make_attempt(conn, visit_id=visits[0]["id"], outcome="reached", at=NOW, withdrawn_at=NOW)
        await make_attempt(conn, visit_id=visits[0]["id"], at=NOW - timedelta(days=1))
        await make_attempt(conn, visit_id=visits[1]["id"], outcome="reached", at=NOW)
    answer = (await consultant.http.get(f"{path}/{lead['id']}")).json()

    assert (answer["last_contact_on"], answer["next_contact_on"]) == ("2026-11-20", "2026-12-20")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("customer_id", NOBODY),
        ("consultant_id", NOBODY),
        ("first_visit_on", "2026-11-24"),
        ("expected_on", "tomorrow"),
        ("state", "maybe"),
        ("lost_reason", "价格"),
    ],
)
async def test_what_cannot_be_names_its_field(post: Post, field: str, value: object) -> None:
    assert pointer(await post(**{field: value})) == f"#/{field}"


async def test_a_lead_is_opened_once(post: Post, patch: Patch) -> None:
    await post()
    again = await post()
    other = await post(model="帕萨特")

    assert (again.status_code, again.json()["code"]) == (409, "lead_exists")
    assert (await patch(other.json(), model="途观 L")).json()["code"] == "lead_exists"


async def test_a_lead_is_not_lost_without_a_reason(post: Post, patch: Patch, pool: Pool, customer_id: UUID) -> None:
    lead = (await post()).json()
    assert pointer(await patch(lead, state="lost")) == "#/lost_reason"
    assert pointer(await post(model="帕萨特", state="lost")) == "#/lost_reason"

    lost = (await patch(lead, state="lost", lost_reason="价格")).json()
    assert (lost["state"], lost["lost_reason"], lost["level"]) == ("lost", "价格", "later")
    assert (lost["next_contact_on"], lost["contact_every_days"]) == (None, None)
    assert await _lifecycle(pool, customer_id) == "lost_deal"
    assert pointer(await patch(lost, lost_reason=None)) == "#/lost_reason"


async def test_a_lost_lead_is_taken_up_again_and_keeps_why_it_was_lost(
    post: Post, patch: Patch, pool: Pool, customer_id: UUID
) -> None:
    lost = (await post(state="lost", lost_reason="价格")).json()
    again = (await patch(lost, state="open", expected_on="2026-12-01")).json()

    assert (again["state"], again["lost_reason"], again["level"]) == ("open", "价格", "within_15_days")
    assert await _lifecycle(pool, customer_id) == "lead"
    assert pointer(await patch(again, state="lost")) == "#/lost_reason"


async def test_a_customer_with_another_open_lead_is_not_lost(post: Post, patch: Patch, pool: Pool, customer_id: UUID) -> None:
    await post(model="帕萨特")
    await patch((await post()).json(), state="lost", lost_reason="改看帕萨特")

    assert await _lifecycle(pool, customer_id) == "lead"


async def test_an_owner_who_loses_interest_in_a_second_car_stays_an_owner(
    post: Post, patch: Patch, pool: Pool, customer_id: UUID
) -> None:
    await pool.execute("UPDATE customers SET lifecycle = 'owner' WHERE id = $1", customer_id)
    await patch((await post()).json(), state="lost", lost_reason="暂不换车")

    assert await _lifecycle(pool, customer_id) == "owner"


async def test_a_won_lead_asks_for_no_more_calls(post: Post, patch: Patch) -> None:
    won = (await patch((await post(expected_on="2026-11-28")).json(), state="won")).json()

    assert (won["state"], won["level"], won["next_contact_on"]) == ("won", "within_7_days", None)


async def test_a_change_says_which_version_it_read(post: Post, patch: Patch, consultant: Person, path: str) -> None:
    lead = (await post()).json()

    assert (await consultant.http.patch(f"{path}/{lead['id']}", json={"source": "x"})).status_code == 428
    assert (await patch(lead, source="老客户介绍")).headers["ETag"] == '"2"'
    assert (await patch(lead, source="x")).status_code == 412


async def test_leads_are_found_by_level_day_state_and_consultant(
    consultant: Person, path: str, pool: Pool, store_id: UUID
) -> None:
    async with pool.acquire() as conn:
        for days, state in ((1, "open"), (5, "open"), (6, "won"), (12, "open"), (20, "open"), (200, "open"), (None, "open")):
            day = TODAY + timedelta(days=days) if days else None
            await make_lead(conn, store_id=store_id, expected_on=day, state=state, model=str(days))
        await conn.execute(
            "UPDATE leads SET consultant_id = $2 WHERE store_id = $1 AND model = '12'", store_id, consultant.staff_id
        )

    async def models(**query: Any) -> list[str]:
        answer = await consultant.http.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return [item["model"] for item in answer.json()["items"]]

    assert await models() == ["1", "5", "6", "12", "20", "200", "None"]
    assert await models(level="within_7_days") == ["5"]
    assert await models(level="later") == ["200", "None"]
    assert await models(state="won") == ["6"]
    assert await models(consultant_id=str(consultant.staff_id)) == ["12"]
    assert await models(expected_from="2026-11-28", expected_to="2026-12-05") == ["5", "6", "12"]
    page = (await consultant.http.get(path, params={"limit": 5})).json()
    assert await models(limit=5, cursor=page["next_cursor"]) == ["200", "None"]


async def test_a_level_of_the_other_policy_is_refused_by_name(consultant: Person, path: str) -> None:
    answer = await consultant.http.get(path, params={"level": "A"})

    assert pointer(answer) == "query/level"
    assert "within_3_days" in answer.json()["detail"]


async def test_a_lead_of_another_store_is_not_there(
    consultant: Person, path: str, pool: Pool, other_store_id: UUID, post: Post
) -> None:
    async with pool.acquire() as conn:
        foreign = await make_lead(conn, store_id=other_store_id)
    where = f"{path}/{foreign['id']}"

    assert (await consultant.http.get(where)).status_code == 404
    assert (await consultant.http.patch(where, json={}, headers={"If-Match": "*"})).status_code == 404
    assert pointer(await post(customer_id=str(foreign["customer_id"]))) == "#/customer_id"
