"""Customers over HTTP: found by anything people remember, reached by masked numbers, never refused for a shared phone."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import httpx
import pytest

from shared.db import Pool
from shared.ids import new_id
from tests.api.conftest import Person, Sign
from tests.factories import (
    NOBODY,
    make_attempt,
    make_customer,
    make_message,
    make_sale,
    make_vehicle,
    make_visit,
    make_work_order,
    number,
)


def a_mobile() -> str:
    return f"137{number():08d}"


async def create(http: httpx.AsyncClient, base: str, **body: Any) -> dict[str, Any]:
    answer = await http.post(f"{base}/customers", json={"name": "王建国", **body})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def names(http: httpx.AsyncClient, base: str, **query: Any) -> list[str]:
    answer = await http.get(f"{base}/customers", params=query)
    assert answer.status_code == 200, answer.text
    return [row["name"] for row in answer.json()["items"]]


async def test_a_new_file_shows_its_numbers_masked(base: str, as_admin: Person) -> None:
    answer = await as_admin.http.post(
        f"{base}/customers",
        json={
            "name": "王建国",
            "phone": "138 1234 5678",
            "email": "Wang@Example.com",
            "wechat": "wangjg",
            "birthday": "1980-02-29",
        },
    )
    assert answer.status_code == 201
    made = answer.json()
    assert answer.headers["location"].endswith(made["id"])
    assert answer.headers["etag"] == '"1"'
    assert {point["kind"]: point["value"] for point in made["contact_points"]} == {
        "phone": "138****5678",
        "email": "w***@example.com",
        "wechat": "w***",
    }
    assert "13812345678" not in answer.text


async def test_an_organisation_has_contact_persons(base: str, as_admin: Person) -> None:
    points = [
        {"kind": "phone", "value": a_mobile(), "label": "张经理"},
        {"kind": "phone", "value": a_mobile(), "label": "李会计"},
    ]
    made = await create(as_admin.http, base, name="宏达物流有限公司", kind="organisation", contact_points=points)
    assert [(point["label"], point["rank"]) for point in made["contact_points"]] == [("张经理", 1), ("李会计", 2)]


async def test_a_shared_phone_is_warned_of_and_not_refused(base: str, as_admin: Person) -> None:
    phone = a_mobile()
    first = await create(as_admin.http, base, phone=phone)
    second = await create(as_admin.http, base, name="李红", phone=f"+86 {phone}")
    assert second["duplicates"] == [{"customer_id": first["id"], "name": "王建国", "by": "phone"}]


@pytest.mark.parametrize(
    ("field", "value", "pointer"),
    [
        ("phone", "12345", "#/phone"),
        ("email", "nobody", "#/email"),
        ("contact_points", [{"kind": "phone", "value": "13800138000"}], "#/contact_points/0/value"),
        ("holder_id", NOBODY, "#/holder_id"),
        ("lifecycle", "king", "#/lifecycle"),
        ("birthday", "1980-02-30", "#/birthday"),
        ("nickname", "老王", "#/nickname"),
        ("name", "  ", "#/name"),
    ],
)
async def test_what_is_wrong_is_pointed_at(base: str, as_admin: Person, field: str, value: object, pointer: str) -> None:
    answer = await as_admin.http.post(f"{base}/customers", json={"name": "王建国", field: value})
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


async def test_a_file_is_found_by_what_people_remember(base: str, as_admin: Person, pool: Pool, store_id: UUID) -> None:
    http = as_admin.http
    wanted = await create(http, base, name="单晓明", phone="13912340917")
    await create(http, base, name="赵六")
    async with pool.acquire() as conn:
        car = await make_vehicle(conn, customer_id=UUID(wanted["id"]), plate="沪B7J921")
    for q in (
        "晓明",
        "sxm",
        "SX",
        "0917",
        "13912340917",
        "+86 139-1234-0917",
        "B7J9",
        "沪B·7J921",
        car["vin"],
        car["vin"][-6:].lower(),
    ):
        assert await names(http, base, q=q) == ["单晓明"], q
    assert await names(http, base, q="不存在") == []
    assert await names(http, base, q="%") == []
    assert await names(http, base, q="0918") == []


async def test_the_list_is_narrowed_and_sorted(base: str, as_admin: Person) -> None:
    http = as_admin.http
    await create(http, base, name="甲", lifecycle="owner", flags=["high_value"], holder_id=str(as_admin.staff_id))
    await create(http, base, name="乙", lifecycle="lead")
    await create(http, base, name="丙", lifecycle="churned", preferred_channel="wechat")
    assert await names(http, base, lifecycle="owner") == ["甲"]
    assert await names(http, base, lifecycle=["owner", "lead"], sort="created_at") == ["甲", "乙"]
    assert await names(http, base, flag="high_value") == ["甲"]
    assert await names(http, base, holder_id=str(as_admin.staff_id)) == ["甲"]
    assert await names(http, base, preferred_channel="wechat") == ["丙"]
    assert await names(http, base, sort="name") == sorted("甲乙丙")


@pytest.mark.parametrize("sort", ["-created_at", "created_at", "-updated_at", "name"])
async def test_pages_follow_one_another_without_gap_or_repetition(base: str, as_admin: Person, sort: str) -> None:
    http = as_admin.http
    for place in range(5):
        await create(http, base, name=f"客户{place % 2}")
    seen: list[str] = []
    cursor: str | None = None
    while True:
        query: dict[str, str | int] = {"limit": 2, "sort": sort}
        if cursor is not None:
            query["cursor"] = cursor
        page = (await http.get(f"{base}/customers", params=query)).json()
        seen += [row["id"] for row in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == 5


async def test_a_row_tells_car_last_contact_and_next_visit(base: str, as_admin: Person, pool: Pool, store_id: UUID) -> None:
    async with pool.acquire() as conn:
        customer = await make_customer(conn, store_id=store_id, phone="+8613911112222", holder_id=as_admin.staff_id)
        await make_vehicle(conn, customer_id=customer["id"], plate="沪C00001")
        visit = await make_visit(conn, customer_id=customer["id"])
        await make_attempt(conn, visit_id=visit["id"])
    row = (await as_admin.http.get(f"{base}/customers")).json()["items"][0]
    assert (row["phone"], row["plates"], row["next_visit_on"]) == ("139****2222", ["沪C00001"], "2026-11-23")
    assert row["last_contact_at"] == "2026-11-23T09:00:00.000+08:00"
    assert row["holder_name"]


async def test_a_correction_wants_the_version_that_was_read(base: str, as_admin: Person) -> None:
    http = as_admin.http
    made = await create(http, base)
    path = f"{base}/customers/{made['id']}"
    assert (await http.patch(path, json={"name": "王建军"})).status_code == 428
    changed = await http.patch(path, json={"name": "王建军", "calling_hours": [["18:00", "20:00"]]}, headers={"If-Match": '"1"'})
    assert (changed.status_code, changed.headers["etag"]) == (200, '"2"')
    assert changed.json()["calling_hours"] == [["18:00", "20:00"]]
    assert (await http.patch(path, json={"note": "…"}, headers={"If-Match": '"1"'})).status_code == 412
    assert await names(http, base, q="wjj") == ["王建军"]
    assert (await http.patch(path, json={"name": None}, headers={"If-Match": '"2"'})).status_code == 422


async def test_an_external_code_is_of_one_file(base: str, as_admin: Person) -> None:
    await create(as_admin.http, base, external_code="C1")
    answer = await as_admin.http.post(f"{base}/customers", json={"name": "李红", "external_code": "C1"})
    assert (answer.status_code, answer.json()["code"]) == (409, "external_code_taken")


async def test_a_file_of_another_store_is_as_unknown_as_none(
    base: str, as_admin: Person, pool: Pool, other_store_id: UUID
) -> None:
    async with pool.acquire() as conn:
        foreign = await make_customer(conn, store_id=other_store_id)
    for customer_id in (foreign["id"], new_id()):
        for path in ("", "/timeline", "/card", "/consents"):
            answer = await as_admin.http.get(f"{base}/customers/{customer_id}{path}")
            assert (answer.status_code, answer.json()["code"]) == (404, "customer_not_found")
    assert (await as_admin.http.get(f"{base}/customers/nonsense")).status_code == 422


async def test_contact_points_are_added_ordered_and_removed(base: str, as_admin: Person) -> None:
    http = as_admin.http
    made = await create(http, base, phone=a_mobile())
    path = f"{base}/customers/{made['id']}/contact-points"
    added = (await http.post(path, json={"kind": "phone", "value": a_mobile(), "label": "爱人"})).json()["contact_points"][1]
    answer = await http.patch(f"{path}/{added['id']}", json={"rank": 1, "label": "妻子"}, headers={"If-Match": '"1"'})
    assert [(point["label"], point["rank"]) for point in answer.json()["contact_points"]] == [("妻子", 1), (None, 2)]
    left = await http.delete(f"{path}/{added['id']}")
    assert [point["id"] for point in left.json()["contact_points"]] == [made["contact_points"][0]["id"]]
    assert (await http.delete(f"{path}/{added['id']}")).status_code == 404


async def test_the_timeline_has_everything_newest_first(base: str, as_admin: Person, pool: Pool, store_id: UUID) -> None:
    async with pool.acquire() as conn:
        order = await make_work_order(conn, store_id=store_id)
        customer_id = order["customer_id"]
        await make_sale(conn, vehicle_id=order["vehicle_id"])
        visit = await make_visit(conn, customer_id=customer_id)
        await make_attempt(conn, visit_id=visit["id"], note="无人接")
        await make_message(conn, visit_id=visit["id"])
    path = f"{base}/customers/{customer_id}"
    await as_admin.http.patch(path, json={"region": "浦东"}, headers={"If-Match": "*"})
    items = (await as_admin.http.get(f"{path}/timeline")).json()["items"]
    assert {item["kind"] for item in items} == {"visit", "attempt", "message", "work_order", "sale", "change"}
    assert [item["at"] for item in items] == sorted((item["at"] for item in items), reverse=True)
    change = next(item for item in items if item["kind"] == "change")
    assert (change["detail"]["action"], change["detail"]["fields"]) == ("customer.changed", ["region"])
    only = (await as_admin.http.get(f"{path}/timeline", params={"kind": "attempt", "limit": 1})).json()
    assert [item["detail"]["note"] for item in only["items"]] == ["无人接"]


async def test_the_card_is_a_prospects_or_an_owners(base: str, as_admin: Person, pool: Pool, store_id: UUID) -> None:
    async with pool.acquire() as conn:
        sale = await make_sale(conn, store_id=store_id)
        await make_visit(conn, customer_id=sale["customer_id"], satisfaction=5, state="completed")
    owner = (await as_admin.http.get(f"{base}/customers/{sale['customer_id']}/card")).json()
    assert (owner["kind"], len(owner["vehicles"]), len(owner["sales"])) == ("owner", 1, 1)
    assert owner["visits"][0]["satisfaction"] == 5
    prospect = await create(as_admin.http, base)
    assert (await as_admin.http.get(f"{base}/customers/{prospect['id']}/card")).json()["kind"] == "c"


async def test_a_death_stops_everything_and_only_a_manager_takes_it_back(
    base: str, as_staff: Sign, pool: Pool, store_id: UUID
) -> None:
    async with pool.acquire() as conn:
        visit = await make_visit(conn, customer_id=(await make_customer(conn, store_id=store_id))["id"])
    specialist, manager = await as_staff("followup_specialist"), await as_staff("customer_manager")
    path = f"{base}/customers/{visit['customer_id']}"
    assert (await specialist.http.post(f"{path}/deceased")).json()["deceased_at"] == "2026-11-23T09:00:00.000+08:00"
    async with pool.acquire() as conn:
        state = await conn.fetchrow("SELECT state, state_reason, wake_at FROM visits WHERE id = $1", visit["id"])
    assert tuple(state or ()) == ("cancelled", "customer_deceased", None)
    assert (await specialist.http.post(f"{path}/deceased/undo")).status_code == 403
    assert (await manager.http.post(f"{path}/deceased/undo")).json()["deceased_at"] is None
