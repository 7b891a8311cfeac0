"""Booking, moving, arriving and not arriving over HTTP; free hours, the workshop's list, the feed (domain.md §7)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.api.house import House
from shared.db import Pool
from tests.api.conftest import Person, Sign
from tests.factories import NOBODY, make_customer, make_programme, make_reading, make_vehicle, make_work_order

TEN = "2026-11-27T10:00:00.000+08:00"
ELEVEN = "2026-11-27T11:00:00.000+08:00"


@dataclass(frozen=True)
class Counter:
    """An advisor at the service counter, with one customer and one car."""

    advisor: Person
    base: str
    store_id: UUID
    customer_id: UUID
    vehicle_id: UUID

    async def book(self, starts_at: str = TEN, **more: Any) -> httpx.Response:
        body = {"customer_id": str(self.customer_id), "vehicle_id": str(self.vehicle_id), "starts_at": starts_at} | more
        return await self.advisor.http.post(f"{self.base}/appointments", json=body)

    async def booked(self, starts_at: str = TEN, **more: Any) -> dict[str, Any]:
        answer = await self.book(starts_at, **more)
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def say(self, appointment_id: str, word: str, **body: Any) -> httpx.Response:
        path = f"{self.base}/appointments/{appointment_id}/{word}"
        return await self.advisor.http.post(path, json=body) if body else await self.advisor.http.post(path)

    async def change(self, appointment: dict[str, Any], **body: Any) -> httpx.Response:
        headers = {"If-Match": f'"{appointment["version"]}"'}
        return await self.advisor.http.patch(f"{self.base}/appointments/{appointment['id']}", json=body, headers=headers)


@pytest.fixture
async def counter(pool: Pool, store_id: UUID, base: str, as_staff: Sign) -> Counter:
    advisor = await as_staff("service_advisor")
    async with pool.acquire() as conn:
        for key in ("appointment", "appointment-missed", "maintenance"):
            await make_programme(conn, key, store_id=store_id)
        customer = await make_customer(conn, store_id=store_id)
        vehicle = await make_vehicle(conn, store_id=store_id, customer_id=customer["id"])
    return Counter(advisor, base, store_id, customer["id"], vehicle["id"])


async def _others(counter: Counter, pool: Pool, count: int, starts_at: str = TEN) -> list[int]:
    async with pool.acquire() as conn:
        ids = [(await make_customer(conn, store_id=counter.store_id))["id"] for _ in range(count)]
    answers = await asyncio.gather(*(counter.book(starts_at, customer_id=str(id_), vehicle_id=None) for id_ in ids))
    return [answer.status_code for answer in answers]


async def test_a_booking_says_everything_about_itself(counter: Counter) -> None:
    made = await counter.booked(
        items=["保养", "空调滤芯"], minutes=90, quoted_fen=68000, advisor_id=str(counter.advisor.staff_id)
    )

    assert (made["state"], made["direction"], made["starts_at"], made["ends_at"]) == (
        "booked", "inbound", TEN, "2026-11-27T11:30:00.000+08:00",
    )  # fmt: skip
    assert (made["items"], made["quoted_fen"], made["advisor_id"]) == (["保养", "空调滤芯"], 68000, str(counter.advisor.staff_id))
    read = await counter.advisor.http.get(f"{counter.base}/appointments/{made['id']}")
    assert read.json() == made
    assert read.headers["ETag"] == f'"{made["version"]}"'


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"customer_id": NOBODY}, "#/customer_id"),
        ({"vehicle_id": NOBODY}, "#/vehicle_id"),
        ({"advisor_id": NOBODY}, "#/advisor_id"),
        ({"visit_id": NOBODY}, "#/visit_id"),
        ({"starts_at": "2026-11-27T22:00:00+08:00"}, "#/starts_at"),
        ({"starts_at": "2026-11-20T10:00:00+08:00"}, "#/starts_at"),
        ({"starts_at": "2027-06-01T10:00:00+08:00"}, "#/starts_at"),
        ({"starts_at": "tomorrow"}, "#/starts_at"),
        ({"minutes": 0}, "#/minutes"),
        ({"direction": "sideways"}, "#/direction"),
    ],
)
async def test_what_cannot_be_booked_names_the_field(counter: Counter, change: dict[str, Any], pointer: str) -> None:
    answer = await counter.book(**{"starts_at": TEN} | change)

    assert answer.status_code == 422, answer.text
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


async def test_of_many_at_once_only_as_many_are_booked_as_there_are_places(counter: Counter, pool: Pool) -> None:
    said = await _others(counter, pool, 12)

    assert (said.count(201), said.count(409)) == (4, 8)


async def test_a_full_hour_is_refused_with_the_next_free_ones(counter: Counter, pool: Pool) -> None:
    await _others(counter, pool, 4)

    answer = await counter.book()

    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (409, "slot_full")
    assert problem["errors"] == [{"pointer": "#/starts_at", "message": "已约满 / full: 4/4"}]
    assert [slot["starts_at"][11:16] for slot in problem["slots"]] == ["09:00", "11:00", "12:00"]
    assert {slot["free"] for slot in problem["slots"]} == {4}


async def test_moving_books_the_new_hour_and_the_old_one_points_to_it(counter: Counter) -> None:
    old = await counter.booked(items=["保养"])

    answer = await counter.change(old, starts_at=ELEVEN, minutes=120)

    new = answer.json()
    assert answer.status_code == 200, answer.text
    assert (new["starts_at"], new["minutes"], new["items"], new["moved_from_id"]) == (ELEVEN, 120, ["保养"], old["id"])
    was = (await counter.advisor.http.get(f"{counter.base}/appointments/{old['id']}")).json()
    assert (was["state"], was["moved_to_id"]) == ("moved", new["id"])
    assert (await counter.change(was, starts_at=TEN)).status_code == 409


async def test_moving_into_a_full_hour_leaves_everything_as_it_was(counter: Counter, pool: Pool) -> None:
    old = await counter.booked()
    await _others(counter, pool, 4, ELEVEN)

    assert (await counter.change(old, starts_at=ELEVEN)).json()["code"] == "slot_full"

    assert (await counter.advisor.http.get(f"{counter.base}/appointments/{old['id']}")).json() == old


async def test_a_stale_change_is_refused_and_a_change_without_another_hour_moves_nothing(counter: Counter) -> None:
    made = await counter.booked()
    changed = (await counter.change(made, note="带保养手册")).json()

    assert (changed["id"], changed["note"], changed["state"]) == (made["id"], "带保养手册", "booked")
    assert (await counter.change(made, note="again")).status_code == 412


async def test_arrived_no_show_confirm_and_cancel(counter: Counter, pool: Pool, house: House) -> None:
    soon = await counter.booked("2026-11-23T09:30:00+08:00")
    assert (await counter.say(soon["id"], "no-show")).status_code == 422  # the hour has not come yet
    assert (await counter.say(soon["id"], "confirm")).json()["confirmed_at"] is not None
    assert (await counter.say(soon["id"], "arrived")).json()["state"] == "arrived"
    assert (await counter.say(soon["id"], "arrived")).json()["state"] == "arrived"
    assert (await counter.say(soon["id"], "cancel", reason="x")).json()["code"] == "appointment_over"

    later = await counter.booked()
    cancelled = (await counter.say(later["id"], "cancel", reason="客户临时有事")).json()
    assert (cancelled["state"], cancelled["state_reason"]) == ("cancelled", "客户临时有事")
    assert (await counter.say(later["id"], "cancel")).status_code == 422


async def test_a_cancelled_place_is_free_again(counter: Counter, pool: Pool) -> None:
    mine = await counter.booked()
    await _others(counter, pool, 3)
    await counter.say(mine["id"], "cancel", reason="改天")

    assert (await counter.book()).status_code == 201


async def test_a_work_order_of_the_day_is_an_arrival(counter: Counter) -> None:
    made = await counter.booked("2026-11-23T10:00:00+08:00")
    order = {
        "vehicle_id": str(counter.vehicle_id), "number": "RO-77", "kind": "maintenance",
        "opened_at": "2026-11-23T08:40:00+08:00", "closed_at": "2026-11-23T08:55:00+08:00",
    }  # fmt: skip
    answer = await counter.advisor.http.post(f"{counter.base}/work-orders", json=order)

    assert answer.status_code == 201, answer.text
    found = (await counter.advisor.http.get(f"{counter.base}/appointments/{made['id']}")).json()
    assert (found["state"], found["state_reason"]) == ("arrived", "work_order")


async def test_the_list_is_narrowed_by_day_state_and_advisor(counter: Counter) -> None:
    mine = await counter.booked(advisor_id=str(counter.advisor.staff_id))
    other = await counter.booked("2026-11-28T10:00:00+08:00")
    await counter.say(other["id"], "cancel", reason="x")

    async def ids(**query: Any) -> list[str]:
        answer = await counter.advisor.http.get(f"{counter.base}/appointments", params=query)
        return [item["id"] for item in answer.json()["items"]]

    assert await ids() == [mine["id"], other["id"]]
    assert await ids(on="2026-11-28") == [other["id"]]
    assert await ids(**{"from": "2026-11-28"}) == [other["id"]]
    assert await ids(state="cancelled") == [other["id"]]
    assert await ids(advisor_id=str(counter.advisor.staff_id)) == [mine["id"]]


async def test_slots_show_how_many_are_taken_of_how_many(counter: Counter) -> None:
    await counter.booked()

    answer = await counter.advisor.http.get(
        f"{counter.base}/appointment-slots", params={"from": "2026-11-27", "to": "2026-11-27"}
    )

    slots = {slot["starts_at"][11:16]: slot for slot in answer.json()["slots"]}
    assert len(slots) == 9
    assert (slots["10:00"]["taken"], slots["10:00"]["free"], slots["10:00"]["total"]) == (1, 3, 4)
    assert answer.json()["plan"]["capacity"] == 4


async def test_a_plan_with_a_fault_is_refused_and_the_old_one_stays(counter: Counter, as_staff: Sign) -> None:
    manager = await as_staff("service_manager")
    path = f"{counter.base}/appointment-slots"
    plan = {"capacity": 2, "hours": [{"weekdays": [4], "from": "10:00", "to": "11:00", "capacity": 1}]}
    assert (await manager.http.put(path, json=plan)).status_code == 200
    hours = [{"from": "10:00", "to": "09:00", "capacity": 1}, {"from": "8", "to": "9", "capacity": -1}]
    wrong = {"capacity": 9, "hours": hours}

    assert {e["pointer"] for e in (await manager.http.put(path, json=wrong)).json()["errors"]} == {
        "#/hours/1/from", "#/hours/1/to", "#/hours/1/capacity",
    }  # fmt: skip
    refused = await manager.http.put(path, json={"capacity": 9, "hours": hours[:1]})

    assert (refused.status_code, refused.json()["code"]) == (422, "slot_plan_invalid")
    assert [error["pointer"] for error in refused.json()["errors"]] == ["#/hours/0/to"]
    found = (await manager.http.get(path, params={"from": "2026-11-27", "to": "2026-11-27"})).json()
    assert (found["plan"]["capacity"], [s["total"] for s in found["slots"]][:3]) == (2, [2, 1, 2])
    assert (await counter.advisor.http.put(path, json=plan)).status_code == 403


async def test_a_lowered_plan_keeps_what_is_booked_and_takes_nobody_more(counter: Counter, as_staff: Sign, pool: Pool) -> None:
    manager = await as_staff("service_manager")
    await _others(counter, pool, 3)
    await manager.http.put(f"{counter.base}/appointment-slots", json={"capacity": 1})

    assert (await counter.book()).json()["errors"][0]["message"] == "已约满 / full: 3/1"


async def test_the_workshop_gets_its_list(counter: Counter, pool: Pool) -> None:
    async with pool.acquire() as conn:
        await make_reading(conn, vehicle_id=counter.vehicle_id, km=32150)
        for number in range(4):
            await make_work_order(conn, vehicle_id=counter.vehicle_id, number=f"RO-{number}")
    await counter.booked(items=["保养"], minutes=90, quoted_fen=68000)

    found = (await counter.advisor.http.get(f"{counter.base}/appointments/preparation", params={"on": "2026-11-27"})).json()

    assert (found["cars"], found["minutes"]) == (1, 90)
    (line,) = found["items"]
    assert (line["items"], line["mileage_km"], line["customer_name"], line["open_complaint"]) == (
        ["保养"],
        32150,
        "王建国",
        False,
    )
    assert len(line["last_orders"]) == 3


async def test_a_calendar_app_reads_with_its_token_until_it_is_ended(counter: Counter, client: httpx.AsyncClient) -> None:
    await counter.booked(items=["保养"])
    feed = f"{counter.base}/appointments/feed"
    first = (await counter.advisor.http.post(feed)).json()["url"]
    second = (await counter.advisor.http.post(feed)).json()["url"]

    assert (await client.get(first)).status_code == 404  # a new address ends the old one
    answer = await client.get(second)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/calendar; charset=utf-8")
    assert "BEGIN:VEVENT" in answer.text
    assert "王建国" not in answer.text
    assert (await counter.advisor.http.delete(feed)).status_code == 204
    assert (await client.get(second)).status_code == 404


async def test_a_token_opens_its_own_store_only(counter: Counter, client: httpx.AsyncClient, other_store_id: UUID) -> None:
    url = (await counter.advisor.http.post(f"{counter.base}/appointments/feed")).json()["url"]

    assert (await client.get(url.replace(str(counter.store_id), str(other_store_id)))).status_code == 404
    assert (await client.get(f"{counter.base}/appointments.ics")).status_code == 422


async def test_another_stores_appointment_is_not_there(counter: Counter, as_staff: Sign, other_store_id: UUID) -> None:
    made = await counter.booked()
    stranger = await as_staff("service_advisor", store_id=other_store_id)
    path = f"/v1/stores/{other_store_id}/appointments/{made['id']}"

    assert (await stranger.http.get(path)).status_code == 404
    assert (await stranger.http.post(f"{path}/arrived")).status_code == 404
    assert (await stranger.http.patch(path, json={"note": "x"}, headers={"If-Match": '"1"'})).status_code == 404


async def test_the_same_external_code_books_once(counter: Counter) -> None:
    first = await counter.booked(external_code="DMS-1")

    assert (await counter.booked(ELEVEN, external_code="DMS-1"))["id"] == first["id"]
