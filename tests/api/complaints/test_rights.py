"""Who sees what of a complaint, and what is refused where."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from tests.api.complaints.conftest import Counter, place
from tests.api.conftest import Sign
from tests.factories import NOBODY, make_customer

WORDS = (
    "text",
    "wish",
    "cause",
    "solution",
    "customer_opinion",
    "result",
    "summary",
    "measure",
    "compensation_fen",
    "invalid_reason",
)


async def test_follow_up_staff_see_that_it_exists_its_kind_and_state_not_its_words(counter: Counter) -> None:
    opened = await counter.open(wish="道歉并赔偿")
    theirs = await counter.get(opened, counter.follow_up)
    listed = (await counter.follow_up.http.get(counter.path)).json()["items"]

    assert (theirs["kind"], theirs["state"], theirs["readable"]) == ("service", "open", False)
    assert [theirs[name] for name in WORDS] == [None] * len(WORDS)
    assert [item["text"] for item in listed] == [None]
    for person in (counter.advisor, counter.manager, counter.general):
        assert (await counter.get(opened, person))["text"] == "等了两个小时没人理"
    assert (await counter.follow_up.http.get(f"{counter.path}/{opened['id']}/history")).status_code == 403
    assert (await counter.follow_up.http.get(f"{counter.path}/{opened['id']}/checklist")).status_code == 403


async def test_only_owner_and_managers_work_on_it(counter: Counter, as_staff: Sign) -> None:
    opened = await counter.open()
    other = await as_staff("service_advisor")
    for verb, body in (("responses", {"text": "x"}), ("resolve", {"result": "x"}), ("crisis", {"reasons": ["media"]})):
        assert (await counter.send(other, f"/{opened['id']}/{verb}", **body)).status_code == 403, verb
    assert (await counter.patch(opened, other, cause="x")).status_code == 403
    assert (await counter.patch(opened, counter.manager, cause="x")).status_code == 200


async def test_what_is_of_another_store_is_not_there(counter: Counter, other_store_id: UUID, as_staff: Sign) -> None:
    opened = await counter.open()
    stranger = await as_staff("general_manager", store_id=other_store_id)
    elsewhere = f"/v1/stores/{other_store_id}/complaints/{opened['id']}"
    assert (await stranger.http.get(elsewhere)).status_code == 404
    assert (await stranger.http.post(f"{elsewhere}/responses", json={"text": "x"})).status_code == 404
    assert (await stranger.http.get(f"{counter.path}/{opened['id']}")).status_code == 404


@pytest.mark.parametrize("field", ["customer_id", "vehicle_id", "visit_id", "work_order_id", "owner_id"])
async def test_a_field_that_names_nothing_is_refused_where_it_stands(counter: Counter, field: str) -> None:
    answer = await counter.send(counter.manager, "", **{field: NOBODY})
    assert (answer.status_code, place(answer)) == (422, f"/{field}")


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"kind": "manners"}, "/kind"),
        ({"category": "weather"}, "/category"),
        ({"text": ""}, "/text"),
        ({"crisis_reasons": ["rain"]}, "/crisis_reasons/0"),
        ({"state": "closed"}, "/state"),
    ],
)
async def test_a_malformed_complaint_is_refused(counter: Counter, fields: dict[str, Any], pointer: str) -> None:
    answer = await counter.send(None, "", **fields)
    assert (answer.status_code, place(answer)) == (422, pointer)


async def test_the_customers_words_stay_as_they_were_said(counter: Counter) -> None:
    opened = await counter.open()
    answer = await counter.patch(opened, text="没什么大事")
    assert (answer.status_code, place(answer)) == (422, "/text")


async def test_lists_are_narrowed_and_say_the_nearest_deadline_first(counter: Counter) -> None:
    async with counter.pool.acquire() as conn:
        other = await make_customer(conn, store_id=counter.store_id)
    quality = (await counter.send(None, "", kind="quality", customer_id=str(other["id"]))).json()
    first = await counter.open()
    await counter.do(first, "responses", text="已联系")
    rejected = await counter.open()
    await counter.do(rejected, "reject", reason="x")
    await counter.later(hours=2)

    async def ids(**query: Any) -> list[str]:
        answer = await counter.manager.http.get(counter.path, params=query)
        assert answer.status_code == 200, answer.text
        return [item["id"] for item in answer.json()["items"]]

    assert await ids() == [quality["id"], first["id"], rejected["id"]]
    assert await ids(overdue="true") == [quality["id"]]
    assert set(await ids(overdue="false")) == {first["id"], rejected["id"]}
    assert await ids(state=["responded"]) == [first["id"]]
    assert await ids(kind="quality") == [quality["id"]]
    assert await ids(open="false") == [rejected["id"]]
    assert await ids(customer_id=str(other["id"])) == [quality["id"]]
    assert await ids(crisis="true") == []
    assert len(await ids(owner_id=str(counter.advisor.staff_id))) == 3
    assert await ids(opened_from="2026-11-24") == []
    assert len(await ids(opened_to="2026-11-23", sort="-opened_at")) == 3
    page = (await counter.manager.http.get(counter.path, params={"limit": 2})).json()
    rest = (await counter.manager.http.get(counter.path, params={"limit": 2, "cursor": page["next_cursor"]})).json()
    assert [item["id"] for item in (*page["items"], *rest["items"])] == [quality["id"], first["id"], rejected["id"]]
