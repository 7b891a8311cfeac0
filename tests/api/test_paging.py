"""Pages by key: nothing twice, nothing lost, no cursor but ours."""

from __future__ import annotations

from uuid import UUID

from shared.db import Pool
from tests.api.conftest import Person
from tests.factories import make_staff


async def pages(person: Person, path: str, limit: int) -> list[list[str]]:
    found, cursor = [], None
    while True:
        answer = (await person.http.get(path, params={"limit": str(limit)} | ({"cursor": cursor} if cursor else {}))).json()
        found.append([item["id"] for item in answer["items"]])
        cursor = answer["next_cursor"]
        if cursor is None:
            return found


async def test_pages_hold_each_row_once_even_where_names_are_equal(
    as_admin: Person, pool: Pool, store_id: UUID, base: str
) -> None:
    async with pool.acquire() as connection:
        made = {str((await make_staff(connection, store_id=store_id, name="张伟", ordinal=n))["id"]) for n in range(1, 8)}

    for limit in (1, 3, 8, 200):
        found = await pages(as_admin, f"{base}/staff", limit)

        assert [len(page) <= limit for page in found].count(False) == 0
        assert sorted(row for page in found for row in page) == sorted(made | {str(as_admin.staff_id)})


async def test_a_cursor_is_good_for_its_own_list_only(as_admin: Person, pool: Pool, store_id: UUID, base: str) -> None:
    async with pool.acquire() as connection:
        await make_staff(connection, store_id=store_id)
    cursor = (await as_admin.http.get(f"{base}/staff", params={"limit": "1"})).json()["next_cursor"]

    for path, text in (
        (f"{base}/staff", cursor[:-2]),
        (f"{base}/staff", ("B" if cursor[0] == "A" else "A") + cursor[1:]),
        (f"{base}/staff", cursor + "AAAA"),
        (f"{base}/api-keys", cursor),
        (f"{base}/staff?sort=name", cursor),
        (f"{base}/staff", "ä"),
    ):
        answer = await as_admin.http.get(f"{path}{'&' if '?' in path else '?'}cursor={text}")

        assert (answer.status_code, answer.json()["code"]) == (422, "bad_cursor"), text
