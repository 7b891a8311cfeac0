"""People of a store: added, changed, gone, away."""

from __future__ import annotations

from uuid import UUID

import httpx

from shared.db import Pool
from tests.api.conftest import Person, Sign
from tests.factories import make_customer, make_visit
from tests.factories.base import number

PASSWORD = "correct horse battery"


async def test_somebody_added_with_a_login_signs_in(as_admin: Person, client: httpx.AsyncClient, base: str) -> None:
    login = f"li{number()}"
    made = await as_admin.http.post(
        f"{base}/staff", json={"name": "李雷", "roles": ["service_advisor"], "login": login, "password": PASSWORD}
    )

    token = await client.post("/v1/auth/token", data={"username": login, "password": PASSWORD})

    assert made.status_code == 201, made.text
    assert made.json()["login"] == login
    assert token.status_code == 200
    assert (await as_admin.http.get(made.headers["Location"])).json() == made.json()


async def test_a_person_of_an_import_is_given_a_sign_in_by_their_name(as_admin: Person, base: str) -> None:
    known = (await as_admin.http.post(f"{base}/staff", json={"name": "韩梅", "roles": ["sales_consultant"]})).json()

    given = await as_admin.http.post(
        f"{base}/staff", json={"name": "韩梅", "roles": ["sales_consultant"], "login": f"han{number()}", "password": PASSWORD}
    )
    again = await as_admin.http.post(f"{base}/staff", json={"name": "韩梅", "roles": ["technician"]})

    assert given.json()["id"] == known["id"]
    assert (again.status_code, again.json()["code"]) == (409, "staff_name_taken")


async def test_a_role_nobody_knows_is_refused_where_it_stands(as_admin: Person, base: str) -> None:
    answer = await as_admin.http.post(f"{base}/staff", json={"name": "某", "roles": ["technician", "emperor"]})

    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == ["#/roles/1"]


async def test_a_login_of_somebody_else_is_refused(as_admin: Person, as_staff: Sign, base: str) -> None:
    other = await as_staff("technician")

    answer = await as_admin.http.post(
        f"{base}/staff", json={"name": "新人", "roles": ["technician"], "login": other.login.upper(), "password": PASSWORD}
    )

    assert (answer.status_code, answer.json()["code"]) == (409, "login_taken")


async def test_nobody_leaves_while_visits_are_theirs(
    as_admin: Person, as_staff: Sign, pool: Pool, store_id: UUID, base: str
) -> None:
    advisor = await as_staff("service_advisor")
    async with pool.acquire() as connection:
        customer = await make_customer(connection, store_id=store_id)
        await make_visit(connection, store_id=store_id, customer_id=customer["id"], assignee_id=advisor.staff_id)
    path = f"{base}/staff/{advisor.staff_id}"

    refused = await as_admin.http.patch(path, json={"active": False}, headers={"If-Match": '"1"'})
    await pool.execute("UPDATE visits SET state = 'cancelled' WHERE assignee_id = $1", advisor.staff_id)
    done = await as_admin.http.patch(path, json={"active": False}, headers={"If-Match": '"1"'})

    assert (refused.status_code, refused.json()["open_visits"]) == (409, 1)
    assert done.json()["active"] is False
    assert (await advisor.http.get("/v1/me")).status_code == 401


async def test_who_comes_back_signs_in_again_with_new_tokens(as_admin: Person, as_staff: Sign, base: str, pool: Pool) -> None:
    advisor = await as_staff("service_advisor")
    path = f"{base}/staff/{advisor.staff_id}"

    for active in (False, True):
        await as_admin.http.patch(path, json={"active": active}, headers={"If-Match": "*"})

    assert (await advisor.http.get("/v1/me")).status_code == 401
    assert await pool.fetchval("SELECT disabled_at FROM accounts WHERE id = $1", advisor.account_id) is None


async def test_a_changed_role_holds_at_once(as_admin: Person, as_staff: Sign, base: str) -> None:
    clerk = await as_staff("sales_clerk")
    assert (await clerk.http.get(f"{base}/audit-log")).status_code == 403

    await as_admin.http.patch(f"{base}/staff/{clerk.staff_id}", json={"roles": ["sales_manager"]}, headers={"If-Match": "*"})

    assert (await clerk.http.get(f"{base}/audit-log")).status_code == 200


async def test_an_administrator_does_not_lock_themselves_out(as_admin: Person, base: str) -> None:
    path = f"{base}/staff/{as_admin.staff_id}"
    for change in ({"active": False}, {"roles": ["technician"]}):
        answer = await as_admin.http.patch(path, json=change, headers={"If-Match": "*"})

        assert (answer.status_code, answer.json()["code"]) == (409, "not_yourself")


async def test_an_account_of_two_stores_is_not_taken_over_by_one_of_them(
    as_admin: Person, operator: httpx.AsyncClient, as_staff: Sign, base: str, other_store_id: UUID
) -> None:
    person = await as_staff("technician")
    shared = await operator.post(
        f"/v1/stores/{other_store_id}/staff", json={"name": "兼职", "roles": ["technician"], "login": person.login}
    )

    answer = await as_admin.http.patch(
        f"{base}/staff/{person.staff_id}", json={"password": "mine now, all"}, headers={"If-Match": "*"}
    )

    assert shared.status_code == 201
    assert (answer.status_code, answer.json()["code"]) == (409, "shared_account")
    assert len((await person.http.get("/v1/me")).json()["stores"]) == 2


async def test_days_away_are_noted_listed_and_taken_back(as_admin: Person, as_staff: Sign, base: str) -> None:
    away, delegate = await as_staff("technician"), await as_staff("technician")
    path = f"{base}/staff/{away.staff_id}/absences"
    body = {"from_on": "2026-12-01", "to_on": "2026-12-05", "delegate_id": str(delegate.staff_id), "reason": "年假"}

    made = await as_admin.http.post(path, json=body)
    to_oneself = await as_admin.http.post(path, json=body | {"delegate_id": str(away.staff_id)})
    backwards = await as_admin.http.post(path, json=body | {"to_on": "2026-11-30"})

    assert (made.status_code, to_oneself.status_code, backwards.status_code) == (201, 422, 422)
    pointers = [answer.json()["errors"][0]["pointer"] for answer in (to_oneself, backwards)]
    assert pointers == ["#/delegate_id", "#/to_on"]
    assert [absence["id"] for absence in (await as_admin.http.get(path)).json()["items"]] == [made.json()["id"]]
    assert (await as_admin.http.delete(f"{path}/{made.json()['id']}")).status_code == 204
    assert (await as_admin.http.delete(f"{path}/{made.json()['id']}")).status_code == 404


async def test_changes_are_in_the_audit_log_without_their_values(as_admin: Person, as_staff: Sign, base: str) -> None:
    clerk = await as_staff("sales_clerk")
    await as_admin.http.patch(f"{base}/staff/{clerk.staff_id}", json={"phone": "13912345678"}, headers={"If-Match": "*"})

    entries = (await as_admin.http.get(f"{base}/audit-log", params={"object_id": str(clerk.staff_id)})).json()["items"]

    assert [(entry["action"], entry["actor_id"], entry["detail"]) for entry in entries] == [
        ("staff.changed", str(as_admin.staff_id), {"fields": ["phone"]})
    ]


async def test_people_are_found_by_role(as_admin: Person, as_staff: Sign, base: str) -> None:
    technician = await as_staff("technician", "service_advisor")
    await as_staff("sales_clerk")

    found = (await as_admin.http.get(f"{base}/staff", params={"role": "technician"})).json()["items"]

    assert [person["id"] for person in found] == [str(technician.staff_id)]
