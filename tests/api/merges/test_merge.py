"""Merge of duplicate files (domain.md §10.9), over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from shared.db import Pool
from tests.api.conftest import Person, Sign
from tests.factories import (
    NOW,
    make_attempt,
    make_consent,
    make_contact_point,
    make_customer,
    make_message,
    make_policy,
    make_sale,
    make_vehicle,
    make_visit,
    make_work_order,
)

PHONE = "+8613900990099"


class Files:
    """Two files of the store, and what merging makes of them."""

    def __init__(self, conn: asyncpg.Connection[asyncpg.Record], store_id: UUID, base: str, manager: Person) -> None:
        self.conn, self.store_id, self.base, self.manager = conn, store_id, base, manager
        self.kept = self.merged = UUID(int=0)

    async def make(self, **overrides: Any) -> None:
        own: dict[str, Any] = {"store_id": self.store_id}
        self.kept = (await make_customer(self.conn, **own, name="王建国", **overrides))["id"]
        self.merged = (await make_customer(self.conn, **own, name="王建国先生", address="张江路2号"))["id"]

    async def post(self, path: str, **body: object) -> Any:
        answer = await self.manager.http.post(f"{self.base}/customers/{self.kept}/{path}", json=body)
        assert answer.status_code in (200, 201), answer.text
        return answer.json()

    async def merge(self) -> Any:
        return await self.post("merge", merged_id=str(self.merged))

    async def owner(self, table: str, row_id: UUID) -> UUID:
        found: UUID = await self.conn.fetchval(f"SELECT customer_id FROM {table} WHERE id = $1", row_id)
        return found

    async def visit(self, row_id: UUID) -> Mapping[str, Any]:
        row = await self.conn.fetchrow("SELECT * FROM visits WHERE id = $1", row_id)
        assert row is not None
        return dict(row)


@pytest.fixture
async def files(pool: Pool, store_id: UUID, base: str, as_staff: Sign) -> Any:
    async with pool.acquire() as conn:
        found = Files(conn, store_id, base, await as_staff("customer_manager"))  # type: ignore[arg-type]  # the pool's proxy
        await found.make()
        yield found


async def test_10_9_history_goes_along_and_the_old_id_still_resolves(files: Files) -> None:
    conn, own = files.conn, {"store_id": files.store_id, "customer_id": files.merged}
    car = await make_vehicle(conn, **own)
    order = await make_work_order(conn, **own, vehicle_id=car["id"])
    visit = await make_visit(conn, **own, vehicle_id=car["id"], state="completed")
    await make_attempt(conn, visit_id=visit["id"], outcome="reached")
    message = await make_message(conn, customer_id=files.merged)

    await files.merge()

    for table, row in (("vehicles", car), ("work_orders", order), ("visits", visit)):
        assert await files.owner(table, row["id"]) == files.kept, table
    http = files.manager.http
    old = (await http.get(f"{files.base}/customers/{files.merged}")).json()
    assert (old["id"], old["merged_from"], old["address"]) == (str(files.kept), str(files.merged), "张江路2号")
    assert len(old["contact_points"]) == 2
    listed = (await http.get(f"{files.base}/customers", params={"q": "王建国"})).json()["items"]
    assert [row["id"] for row in listed] == [str(files.kept)]
    for asked in (files.kept, files.merged):
        timeline = (await http.get(f"{files.base}/customers/{asked}/timeline")).json()["items"]
        assert {(item["kind"], item["id"]) for item in timeline} >= {
            ("message", str(message["id"])),
            ("work_order", str(order["id"])),
        }


async def test_10_9_running_clocks_and_promised_call_backs_are_kept(files: Files) -> None:
    own = {"store_id": files.store_id, "customer_id": files.merged}
    promised = NOW + timedelta(days=1)
    ladder = await make_visit(files.conn, **own, state="trying", tries=2, next_at=NOW + timedelta(hours=5))
    promise = await make_visit(files.conn, **own, state="due", promised_at=promised, next_at=promised)
    before = {row["id"]: dict(row) for row in (ladder, promise)}

    await files.merge()

    for row_id, row in before.items():
        after = await files.visit(row_id)
        assert after["customer_id"] == files.kept
        for name in ("state", "tries", "next_at", "next_step", "promised_at", "wake_at", "assignee_id"):
            assert after[name] == row[name], name


async def test_10_9_of_two_visits_for_the_same_step_and_trigger_the_earlier_stays_with_the_promise(files: Files) -> None:
    later, promised = NOW + timedelta(hours=3), NOW + timedelta(days=2)
    ours = await make_visit(files.conn, store_id=files.store_id, customer_id=files.kept)
    theirs = await make_visit(
        files.conn, store_id=files.store_id, customer_id=files.merged, due_at=later, promised_at=promised, next_at=promised
    )

    seen = await files.post("merge/preview", merged_id=str(files.merged))
    await files.merge()

    assert seen["visits"][0]["stays"] == str(ours["id"])
    stays, gone = await files.visit(ours["id"]), await files.visit(theirs["id"])
    assert (stays["state"] in ("planned", "due"), stays["promised_at"]) == (True, promised)
    assert (gone["state"], gone["state_reason"]) == ("cancelled", "merged_duplicate")

    undone = await files.post("merge/undo")

    assert undone["not_restored"] == []
    assert (await files.visit(ours["id"]))["promised_at"] is None
    back = await files.visit(theirs["id"])
    assert (back["customer_id"], back["promised_at"], back["closed_at"]) == (files.merged, promised, None)


async def test_10_9_the_strictest_consent_wins_and_comes_back_with_the_undo(files: Files) -> None:
    await make_consent(files.conn, customer_id=files.kept, channel="all")
    await make_consent(files.conn, customer_id=files.merged, channel="sms", withdrawn_at=NOW)

    await files.merge()
    standing = "SELECT channel FROM consents WHERE customer_id = $1 AND purpose = 'marketing' AND withdrawn_at IS NULL"
    refused = "SELECT channel FROM consents WHERE customer_id = $1 AND purpose = 'marketing' AND withdrawn_at IS NOT NULL"
    merged = {row["channel"] for row in await files.conn.fetch(standing, files.kept)}
    refusals = {row["channel"] for row in await files.conn.fetch(refused, files.kept)}
    await files.post("merge/undo")
    undone = {row["channel"] for row in await files.conn.fetch(standing, files.kept)}
    refused_after = {row["channel"] for row in await files.conn.fetch(refused, files.kept)}

    assert (merged, refusals) == (set(), {"sms"})
    assert (undone, refused_after) == ({"all"}, set())


async def test_10_9_two_rows_of_the_same_car_become_one_and_two_again(files: Files) -> None:
    conn, own, theirs = files.conn, {"store_id": files.store_id}, {"store_id": files.store_id, "customer_id": files.merged}
    ours = await make_vehicle(conn, **own, customer_id=files.kept, plate="沪A00001", vin=None, colour=None)
    car = await make_vehicle(conn, **theirs, plate="沪A00001", colour="红")
    order = await make_work_order(conn, **theirs, vehicle_id=car["id"])
    sold = {"delivered_on": date(2026, 10, 1)}
    ours_sale = await make_sale(conn, **own, customer_id=files.kept, vehicle_id=ours["id"], **sold)
    sale = await make_sale(conn, **theirs, vehicle_id=car["id"], **sold)
    await make_policy(conn, **theirs, vehicle_id=car["id"])
    calls = {
        "vehicle_id": car["id"], "trigger_id": sale["id"], "trigger_type": "sale.delivered", "programme": "delivery-sales",
        "step": "use", "tier": "sales",
    }  # fmt: skip
    call = await make_visit(conn, **theirs, **calls)

    await files.merge()

    row = await conn.fetchrow("SELECT * FROM vehicles WHERE id = $1", ours["id"])
    assert row is not None
    assert (row["vin"], row["colour"]) == (car["vin"], "红")
    assert await conn.fetchval("SELECT end_reason FROM vehicles WHERE id = $1", car["id"]) == "merged"
    moved = await conn.fetchrow("SELECT customer_id, vehicle_id FROM work_orders WHERE id = $1", order["id"])
    assert moved is not None
    assert (moved["customer_id"], moved["vehicle_id"]) == (files.kept, ours["id"])
    going_on = await files.visit(call["id"])
    assert (going_on["vehicle_id"], going_on["trigger_id"], going_on["closed_at"]) == (ours["id"], ours_sale["id"], None)

    undone = await files.post("merge/undo")

    assert undone["not_restored"] == []
    back = await conn.fetchrow("SELECT * FROM vehicles WHERE id = $1", car["id"])
    assert back is not None
    assert (back["customer_id"], back["ended_at"], back["vin"]) == (files.merged, None, car["vin"])
    assert await conn.fetchval("SELECT vin FROM vehicles WHERE id = $1", ours["id"]) is None
    again = await files.visit(call["id"])
    assert (again["customer_id"], again["vehicle_id"], again["trigger_id"]) == (files.merged, car["id"], sale["id"])


async def test_10_9_numbers_are_united_and_one_found_wrong_is_wrong(files: Files) -> None:
    own: dict[str, Any] = {"store_id": files.store_id}
    good = await make_contact_point(files.conn, **own, customer_id=files.kept, text=PHONE)
    await make_contact_point(files.conn, **own, customer_id=files.merged, text=PHONE, wrong_at=NOW, wrong_reason="wrong")
    await make_contact_point(files.conn, **own, customer_id=files.merged, kind="email")

    await files.merge()
    file = (await files.manager.http.get(f"{files.base}/customers/{files.kept}")).json()
    await files.post("merge/undo")

    assert sorted(point["kind"] for point in file["contact_points"]) == ["email", "phone", "phone", "phone"]
    assert [point["id"] for point in file["contact_points"] if point["wrong_at"]] == [str(good["id"])]
    assert await files.conn.fetchval("SELECT wrong_at FROM contact_points WHERE id = $1", good["id"]) is None
    assert await files.conn.fetchval("SELECT count(*) FROM contact_points WHERE customer_id = $1", files.kept) == 2


async def test_10_9_undo_says_what_it_could_not_put_back(files: Files) -> None:
    visit = await make_visit(files.conn, store_id=files.store_id, customer_id=files.merged, due_at=NOW + timedelta(hours=1))
    await make_visit(files.conn, store_id=files.store_id, customer_id=files.kept)
    await files.merge()
    await files.conn.execute("UPDATE customers SET address = '新地址' WHERE id = $1", files.kept)
    await files.conn.execute("UPDATE visits SET window_end = $2 WHERE id = $1", visit["id"], NOW - timedelta(hours=1))

    undone = await files.post("merge/undo")

    assert {(item["kind"], item["field"], item["reason"]) for item in undone["not_restored"]} == {
        ("customers", "address", "changed_since"),
        ("visits", None, "closed_or_out_of_window"),
    }
    assert undone["merge"]["undone_by"] == str(files.manager.staff_id)


async def test_10_9_merges_are_refused_with_a_reason_and_undone_in_their_order(files: Files, pool: Pool) -> None:
    http, path = files.manager.http, f"{files.base}/customers"
    third = (await make_customer(files.conn, store_id=files.store_id))["id"]
    dead = (await make_customer(files.conn, store_id=files.store_id, deceased_at=NOW))["id"]

    itself = await http.post(f"{path}/{files.kept}/merge", json={"merged_id": str(files.kept)})
    deceased = await http.post(f"{path}/{files.kept}/merge", json={"merged_id": str(dead)})
    never = await http.post(f"{path}/{files.kept}/merge/undo")
    await files.merge()
    again = await http.post(f"{path}/{third}/merge", json={"merged_id": str(files.merged)})
    await http.post(f"{path}/{third}/merge", json={"merged_id": str(files.kept)})
    too_early = await http.post(f"{path}/{files.kept}/merge/undo")
    old = (await http.get(f"{path}/{files.merged}")).json()
    first = await http.post(f"{path}/{third}/merge/undo")
    then = await http.post(f"{path}/{files.kept}/merge/undo")
    twice = await http.post(f"{path}/{files.kept}/merge/undo")

    assert (itself.status_code, itself.json()["errors"][0]["pointer"]) == (422, "#/merged_id")
    assert (deceased.status_code, deceased.json()["code"]) == (409, "one_is_deceased")
    assert (never.status_code, again.json()["merged_into"]) == (404, str(files.kept))
    assert (too_early.status_code, too_early.json()["code"]) == (409, "customer_merged")
    assert old["id"] == str(third)
    assert (first.status_code, then.status_code, twice.json()["code"]) == (200, 200, "already_undone")


async def test_10_9_a_file_that_was_merged_is_read_but_not_written_to(files: Files) -> None:
    await files.merge()
    http, old = files.manager.http, f"{files.base}/customers/{files.merged}"

    changed = await http.patch(old, json={"region": "浦东新区"}, headers={"If-Match": "*"})
    number = await http.post(f"{old}/contact-points", json={"kind": "phone", "value": "13911114444"})
    car = await http.post(f"{files.base}/vehicles", json={"customer_id": str(files.merged)})
    refusal = await http.post(f"{old}/consents/marketing/withdraw")

    for answer in (changed, number):
        assert (answer.status_code, answer.json()["code"], answer.json()["merged_into"]) == (
            409,
            "customer_merged",
            str(files.kept),
        )
    assert car.json()["customer_id"] == str(files.kept)
    assert refusal.status_code == 200
    assert await files.conn.fetchval("SELECT customer_id FROM consents WHERE withdrawn_at IS NOT NULL AND store_id = $1",
                                     files.store_id) == files.kept  # fmt: skip


async def test_10_9_only_managers_merge_and_it_is_audited(files: Files, as_staff: Sign, other_store_id: UUID) -> None:
    clerk, stranger = await as_staff("sales_clerk"), await as_staff("customer_manager", store_id=other_store_id)
    body, path = {"merged_id": str(files.merged)}, f"{files.base}/customers/{files.kept}/merge"

    assert (await clerk.http.post(path, json=body)).status_code == 403
    assert (await stranger.http.post(path, json=body)).status_code == 404
    await files.merge()

    audit = await files.conn.fetch("SELECT action, actor_id FROM audit_log WHERE object_id = $1", files.merged)
    assert [(row["action"], row["actor_id"]) for row in audit] == [("customer.merged", files.manager.staff_id)]


async def test_10_9_duplicates_are_suggested_by_number_and_name_or_by_car(files: Files) -> None:
    own: dict[str, Any] = {"store_id": files.store_id}
    for customer_id in (files.kept, files.merged):
        await make_contact_point(files.conn, **own, customer_id=customer_id, text=PHONE)
    wife = await make_customer(files.conn, **own, name="李梅", phone=PHONE)

    found = (await files.manager.http.get(f"{files.base}/customers/duplicates")).json()["items"]
    await files.merge()
    after = (await files.manager.http.get(f"{files.base}/customers/duplicates")).json()["items"]

    assert [({pair["one"]["id"], pair["other"]["id"]}, pair["by"]) for pair in found] == [
        ({str(files.kept), str(files.merged)}, ["phone"])
    ]
    assert str(wife["id"]) not in str(found)
    assert after == []
