"""How leads end over HTTP: won by a delivery, lost for a reason, taken up again; every movement can be read."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from shared.db import Pool
from tests.api.conftest import Person, Sign
from tests.factories import NOBODY, make_customer, make_lead, make_programme, make_sale, make_vehicle


@pytest.fixture
async def consultant(as_staff: Sign) -> Person:
    return await as_staff("sales_consultant")


@pytest.fixture
async def customer_id(pool: Pool, store_id: UUID) -> UUID:
    async with pool.acquire() as conn:
        await make_programme(conn, "lead", store_id=store_id)
        customer: UUID = (await make_customer(conn, store_id=store_id, lifecycle="prospect"))["id"]
    return customer


@pytest.fixture
async def lead(consultant: Person, base: str, customer_id: UUID) -> dict[str, Any]:
    body = {"customer_id": str(customer_id), "model": "途观 L", "first_visit_on": "2026-11-23", "expected_on": "2027-05-01"}
    answer = await consultant.http.post(f"{base}/leads", json=body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def _end(consultant: Person, base: str, lead: dict[str, Any], how: str, **body: Any) -> httpx.Response:
    return await consultant.http.post(f"{base}/leads/{lead['id']}/{how}", json=body)


async def _visits(pool: Pool, lead: dict[str, Any]) -> list[asyncpg.Record]:
    return list(await pool.fetch("SELECT * FROM visits WHERE trigger_id = $1 ORDER BY created_at, id", UUID(lead["id"])))


async def _sale(pool: Pool, customer_id: UUID) -> asyncpg.Record:
    async with pool.acquire() as conn:
        car = await make_vehicle(conn, customer_id=customer_id)
        return await make_sale(conn, vehicle_id=car["id"], price_fen=21_800_000)


async def test_a_lead_that_is_opened_has_its_first_contact(lead: dict[str, Any], consultant: Person, pool: Pool) -> None:
    (visit,) = await _visits(pool, lead)

    assert (visit["assignee_id"], str(visit["due_on"])) == (consultant.staff_id, "2026-12-23")
    assert lead["next_contact_on"] == "2026-12-23"


async def test_won_links_the_delivery_and_its_price(
    lead: dict[str, Any], consultant: Person, base: str, pool: Pool, customer_id: UUID
) -> None:
    sale = await _sale(pool, customer_id)
    answer = await _end(consultant, base, lead, "won", sale_id=str(sale["id"]))

    won = answer.json()
    assert (answer.status_code, won["state"], won["sale_id"], won["deal_fen"]) == (200, "won", str(sale["id"]), 21_800_000)
    assert won["closed_on"] == "2026-11-23"
    assert [row["state"] for row in await _visits(pool, lead)] == ["cancelled"]
    assert (await _end(consultant, base, lead, "won", deal_fen=20_000_000)).json()["deal_fen"] == 20_000_000
    assert (await _end(consultant, base, lead, "lost", kind="price")).json()["code"] == "lead_ended"


async def test_a_delivery_wins_the_lead_for_that_car(consultant: Person, base: str, pool: Pool, lead: dict[str, Any]) -> None:
    customer_id = UUID(lead["customer_id"])
    async with pool.acquire() as conn:
        other = await make_lead(conn, customer_id=customer_id, model="帕萨特")
        newer = await make_lead(conn, customer_id=customer_id, model="高尔夫")
        car = await make_vehicle(conn, customer_id=customer_id, model="帕萨特")
    body = {"customer_id": str(customer_id), "vehicle_id": str(car["id"]), "delivered_on": "2026-11-23", "price_fen": 100}
    sale = (await consultant.http.post(f"{base}/sales", json=body)).json()

    rows = {row["id"]: row for row in await pool.fetch("SELECT * FROM leads WHERE customer_id = $1", customer_id)}
    assert {row["state"] for row in rows.values()} == {"won"}
    assert (rows[other["id"]]["sale_id"], rows[other["id"]]["deal_fen"]) == (UUID(sale["id"]), 100)
    assert rows[newer["id"]]["sale_id"] is None  # one delivery is one deal
    assert [row["state"] for row in await _visits(pool, lead)] == ["cancelled"]


async def test_lost_keeps_kind_and_words_and_is_called_after_90_days(
    lead: dict[str, Any], consultant: Person, base: str, pool: Pool
) -> None:
    answer = await _end(consultant, base, lead, "lost", kind="competitor", reason="买了别的牌子")

    lost = answer.json()
    assert (answer.status_code, lost["state"], lost["lost_kind"], lost["lost_reason"]) == (
        200,
        "lost",
        "competitor",
        "买了别的牌子",
    )
    assert (lost["closed_on"], lost["reactivate_on"]) == ("2026-11-23", "2027-02-21")
    planned = {row["step"]: str(row["due_on"]) for row in await _visits(pool, lead) if row["state"] == "planned"}
    assert planned == {"reactivation": "2027-02-21"}
    lifecycle = await pool.fetchval("SELECT lifecycle FROM customers WHERE id = $1", UUID(lead["customer_id"]))
    assert lifecycle == "lost_deal"


async def test_a_lost_lead_is_taken_up_again(lead: dict[str, Any], consultant: Person, base: str, pool: Pool) -> None:
    assert (await _end(consultant, base, lead, "reactivate")).json()["code"] == "lead_not_lost"
    await _end(consultant, base, lead, "lost", kind="no_plan")
    answer = await _end(consultant, base, lead, "reactivate", expected_on="2026-11-25")

    again = answer.json()
    assert (answer.status_code, again["state"], again["level"]) == (200, "open", "within_3_days")
    assert (again["closed_on"], again["reactivate_on"], again["next_contact_on"]) == (None, None, "2026-11-24")
    planned = {row["step"]: str(row["due_on"]) for row in await _visits(pool, lead) if row["state"] == "planned"}
    assert planned == {"contact": "2026-11-24"}


async def test_every_movement_of_level_and_state_can_be_read(lead: dict[str, Any], consultant: Person, base: str) -> None:
    headers = {"If-Match": "*"}
    await consultant.http.patch(f"{base}/leads/{lead['id']}", json={"expected_on": "2026-11-28"}, headers=headers)
    await _end(consultant, base, lead, "lost", kind="price")
    answer = await consultant.http.get(f"{base}/leads/{lead['id']}/movements")

    assert set(answer.json()["items"][0]) == {
        "id", "lead_id", "consultant_id", "at", "from_level", "to_level", "from_state", "to_state", "reason",
    }  # fmt: skip
    moves = [(m["from_level"], m["to_level"], m["from_state"], m["to_state"], m["reason"]) for m in answer.json()["items"]]
    assert sorted(moves, key=str) == sorted(
        [
            (None, "later", None, "open", "opened"),
            ("later", "within_7_days", "open", "open", "expected_on_changed"),
            ("within_7_days", "within_7_days", "open", "lost", "price"),
        ],
        key=str,
    )
    card = (await consultant.http.get(f"{base}/customers/{lead['customer_id']}/card")).json()
    assert card["kind"] == "c"
    assert len(card["lead_movements"]) == 3
    assert card["leads"][0]["lost_kind"] == "price"


@pytest.mark.parametrize(
    ("how", "body", "where"),
    [
        ("won", {"sale_id": NOBODY}, "#/sale_id"),
        ("won", {"deal_fen": -1}, "#/deal_fen"),
        ("lost", {}, "#/kind"),
        ("lost", {"kind": "bored"}, "#/kind"),
        ("lost", {"kind": "other"}, "#/reason"),
        ("reactivate", {"expected_on": "soon"}, "#/expected_on"),
    ],
)
async def test_what_cannot_be_names_its_field(
    lead: dict[str, Any], consultant: Person, base: str, how: str, body: dict[str, Any], where: str
) -> None:
    answer = await _end(consultant, base, lead, how, **body)

    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["pointer"] == where


async def test_a_delivery_of_somebody_else_wins_nothing(
    lead: dict[str, Any], consultant: Person, base: str, pool: Pool, store_id: UUID
) -> None:
    async with pool.acquire() as conn:
        foreign = await make_sale(conn, store_id=store_id)
    answer = await _end(consultant, base, lead, "won", sale_id=str(foreign["id"]))

    assert answer.json()["errors"][0]["pointer"] == "#/sale_id"


@pytest.mark.parametrize(
    ("expected_on", "next_on", "where"),
    [
        ("2027-05-01", "2026-11-23", "#/next_on"),  # not today
        ("2026-11-28", "2026-12-20", "#/next_on"),  # within 7 days: every 3 days, whoever wants it otherwise
        ("2027-05-01", "2027-01-04", None),
    ],
)
async def test_the_consultant_sets_the_next_date_of_later_ones(
    lead: dict[str, Any], consultant: Person, base: str, expected_on: str, next_on: str, where: str | None
) -> None:
    body = {"expected_on": expected_on, "next_on": next_on}
    answer = await consultant.http.patch(f"{base}/leads/{lead['id']}", json=body, headers={"If-Match": "*"})

    if where is None:
        assert answer.json()["next_contact_on"] == next_on
    else:
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, where)


async def test_what_the_customer_says_on_the_call_is_the_new_level(
    lead: dict[str, Any], consultant: Person, base: str, pool: Pool
) -> None:
    (visit,) = await _visits(pool, lead)
    body = {
        "channel": "phone",
        "outcome": "reached",
        "reached_person": "owner",
        "answers": {"expected_on": "2026-11-27", "referral_asked": True},
    }
    answer = await consultant.http.post(f"{base}/visits/{visit['id']}/attempts", json=body)
    assert answer.status_code == 201, answer.text

    after = (await consultant.http.get(f"{base}/leads/{lead['id']}")).json()
    assert (after["level"], after["last_contact_on"], after["next_contact_on"]) == ("within_7_days", "2026-11-23", "2026-11-24")
    assert [row["state"] for row in await _visits(pool, lead)] == ["completed", "planned"]


async def test_a_lead_of_another_store_is_not_there(consultant: Person, base: str, pool: Pool, other_store_id: UUID) -> None:
    async with pool.acquire() as conn:
        foreign = await make_lead(conn, store_id=other_store_id)
    where = f"{base}/leads/{foreign['id']}"

    assert (await consultant.http.get(f"{where}/movements")).status_code == 404
    for how, body in (("won", {}), ("lost", {"kind": "price"}), ("reactivate", {})):
        assert (await consultant.http.post(f"{where}/{how}", json=body)).status_code == 404


async def test_the_script_names_the_car_and_the_day_of_the_lead(
    lead: dict[str, Any], consultant: Person, base: str, pool: Pool
) -> None:
    (visit,) = await _visits(pool, lead)
    brief = (await consultant.http.get(f"{base}/visits/{visit['id']}/brief")).json()
    script = "".join(line["text"] for line in brief["script"])

    assert "途观 L" in script
    assert "5月1日" in script


@pytest.mark.parametrize("policies", [{"lead_policy": "letters"}, {"warranty_months": 0}, {"warranty_km": "many"}])
async def test_a_setting_that_cannot_be_is_refused(as_admin: Person, base: str, policies: dict[str, Any]) -> None:
    answer = await as_admin.http.patch(base, json={"policies": policies}, headers={"If-Match": "*"})

    assert answer.status_code == 422, answer.text
