"""Imports over HTTP, the work done by a real child process."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import httpx
import pytest

from tests.api.conftest import Person, Sign

CUSTOMERS = "客户编号,客户姓名,手机\nK1,王伟,13812345678\nK2,,13912345678\n"


async def upload(client: httpx.AsyncClient, base: str, content: str, kind: str = "customers", **more: str) -> httpx.Response:
    key = {"Idempotency-Key": more.pop("key")} if "key" in more else {}
    return await client.post(
        f"{base}/imports", data={"kind": kind, **more}, files={"file": ("客户.csv", content.encode())}, headers=key
    )


async def over(client: httpx.AsyncClient, location: str) -> dict[str, Any]:
    """The import when it has ended."""
    for _ in range(300):
        result: dict[str, Any] = (await client.get(location)).json()
        if result["state"] in ("done", "failed"):
            return result
        await asyncio.sleep(0.1)
    raise AssertionError(result)


async def test_a_file_is_taken_in_worked_on_and_reported(as_staff: Sign, base: str) -> None:
    clerk = (await as_staff("sales_clerk")).http
    answer = await upload(clerk, base, CUSTOMERS)

    assert answer.status_code == 202
    queued = answer.json()
    assert (queued["state"], queued["file_name"], queued["progress"]) == ("queued", "客户.csv", 0.0)
    assert answer.headers["Location"] == f"{base}/imports/{queued['id']}"
    done = await over(clerk, answer.headers["Location"])
    assert (done["state"], done["rows"], done["created"], done["rejected"], done["progress"]) == ("done", 2, 1, 1, 1.0)
    assert done["errors"] == [
        {"row": 3, "column": "客户姓名", "value": None, "code": "required", "reason": "required, and empty"}
    ]
    rejected = await clerk.get(done["rejected_file"])
    assert rejected.headers["content-type"] == "text/csv; charset=utf-8"
    assert rejected.content.decode("utf-8-sig").splitlines()[1] == '3,客户姓名,,"required, and empty",K2,,13912345678'
    listed = (await clerk.get(f"{base}/imports")).json()["items"]
    assert [item["id"] for item in listed] == [done["id"]]


async def test_a_dry_run_is_only_a_report(as_admin: Person, base: str) -> None:
    answer = await upload(as_admin.http, base, CUSTOMERS, dry_run="true")
    done = await over(as_admin.http, answer.headers["Location"])
    assert (done["dry_run"], done["created"], done["rejected"]) == (True, 1, 1)


async def test_the_same_key_and_file_give_the_same_answer_and_another_file_is_refused(as_admin: Person, base: str) -> None:
    first = await upload(as_admin.http, base, CUSTOMERS, key="one")
    again = await upload(as_admin.http, base, CUSTOMERS, key="one")
    other = await upload(as_admin.http, base, CUSTOMERS + "K3,李娜,13712345678\n", key="one")

    assert again.json() == first.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert other.status_code == 422
    await over(as_admin.http, first.headers["Location"])


@pytest.mark.parametrize(
    ("data", "files"),
    [
        ({"kind": "customers"}, {}),
        ({"kind": "unknown"}, {"file": ("a.csv", b"x")}),
        ({}, {"file": ("a.csv", b"x")}),
        ({"kind": "customers"}, {"file": ("a.csv", b"")}),
        ({"kind": "customers", "dry_run": "perhaps"}, {"file": ("a.csv", b"x")}),
    ],
)
async def test_an_upload_that_lacks_something_is_refused_at_once(
    as_admin: Person, base: str, data: dict[str, str], files: dict[str, tuple[str, bytes]]
) -> None:
    assert (await as_admin.http.post(f"{base}/imports", data=data, files=files)).status_code == 422


async def test_a_file_that_cannot_be_read_ends_as_failed_with_the_reason(as_admin: Person, base: str) -> None:
    answer = await upload(as_admin.http, base, "星座,血型\n天秤,A\n", kind="sales")
    done = await over(as_admin.http, answer.headers["Location"])
    assert (done["state"], done["errors"][0]["code"], done["rejected_file"]) == ("failed", "no_known_heading", None)


async def test_who_may_import(as_staff: Sign, base: str, other_store_id: UUID) -> None:
    consultant = (await as_staff("sales_consultant")).http
    clerk = (await as_staff("sales_clerk")).http

    assert (await upload(consultant, base, CUSTOMERS)).status_code == 403
    assert (await upload(clerk, f"/v1/stores/{other_store_id}", CUSTOMERS)).status_code == 404
    assert (await upload(clerk, base, "姓名,岗位\n刘洋,管理员\n", kind="staff")).status_code == 403
    assert (await clerk.get(f"{base}/imports/01939a5e-7c7e-7000-8000-000000000001")).status_code == 404
