"""Problem details: every refusal in one shape, in the caller's language; no input brings the service down."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx
import pytest

from services.api.app import create_app
from services.api.edge import LARGEST_BODY
from services.api.house import House
from shared.settings import Settings
from tests.api.conftest import Person, http, operator_token


def is_a_problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert (body["status"], body["code"], body["type"]) == (status, code, f"urn:huifang:problem:{code}")
    assert body["title"]
    assert body["detail"]
    assert body["request_id"] == answer.headers["X-Request-Id"]
    return body


async def test_an_unknown_path_and_a_wrong_method_are_problems(client: httpx.AsyncClient) -> None:
    is_a_problem(await client.get("/v1/nothing"), 404, "not_found")
    is_a_problem(await client.delete("/healthz"), 405, "method_not_allowed")


async def test_each_fault_of_a_body_is_pointed_at(as_admin: Person, base: str) -> None:
    answer = await as_admin.http.post(f"{base}/staff", json={"roles": [], "capacity": "many", "salary": 1})

    body = is_a_problem(answer, 422, "invalid")
    assert {error["pointer"] for error in body["errors"]} == {"#/name", "#/roles", "#/capacity", "#/salary"}


@pytest.mark.parametrize(
    ("accepted", "message"),
    [
        ("zh-CN,zh;q=0.9,en;q=0.8", "必填"),
        ("en-GB", "Field required"),
        ("fr", "必填"),
        ("en;q=0.2, zh;q=0.9", "必填"),
        (";;q=x,,", "必填"),
    ],
)
async def test_the_reader_chooses_the_language(as_admin: Person, base: str, accepted: str, message: str) -> None:
    answer = await as_admin.http.post(f"{base}/staff", json={"roles": ["technician"]}, headers={"Accept-Language": accepted})

    assert [error["message"] for error in answer.json()["errors"]] == [message]


async def test_an_empty_text_is_too_short_and_an_empty_list_has_too_few_items(as_admin: Person, base: str) -> None:
    answer = await as_admin.http.post(f"{base}/staff", json={"name": "", "roles": []}, headers={"Accept-Language": "zh"})

    assert {error["pointer"]: error["message"] for error in answer.json()["errors"]} == {"#/name": "太短", "#/roles": "项目太少"}


async def test_what_was_sent_is_not_repeated(as_admin: Person, base: str) -> None:
    answer = await as_admin.http.post(f"{base}/staff", json={"name": "x", "roles": ["13812345678"], "phone": 13812345678})

    assert "13812345678" not in answer.text


@pytest.mark.parametrize("text", [b'{"name": ', b"", b"\xff\xfe", b"[" * 100_000, b'{"name": 1e999}', b"null", b'"text"', b"[]"])
async def test_what_is_no_json_of_ours_is_a_fault_of_the_caller(as_admin: Person, base: str, text: bytes) -> None:
    answer = await as_admin.http.post(f"{base}/staff", content=text, headers={"Content-Type": "application/json"})

    assert answer.status_code in {400, 422}
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("name", ["a\x00b", "\ud800", "x" * 201, ""])
async def test_text_that_cannot_be_kept_is_refused(as_admin: Person, base: str, name: str) -> None:
    answer = await as_admin.http.post(
        f"{base}/staff",
        content=json.dumps({"name": name, "roles": ["technician"]}),
        headers={"Content-Type": "application/json"},
    )

    assert answer.status_code == 422


@pytest.mark.parametrize(
    "query",
    [
        "q=%00",
        "limit=0",
        "limit=201",
        "limit=x",
        f"limit={10**30}",
        "cursor=%00",
        "cursor=AAAA",
        "role=emperor",
        "q=" + "x" * 4001,
        "active=9",
        "active=1",
        "active=yes",
    ],
)
async def test_a_query_that_means_nothing_is_refused(as_admin: Person, base: str, query: str) -> None:
    answer = await as_admin.http.get(f"{base}/staff?{query}")

    assert answer.status_code == 422
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    "path", ["x", "%00", "{}/staff/x", "{}/staff/%00", "{}/staff/" + "9" * 5000, "{}/calendar/days/0000-00-00", "9" * 40]
)
async def test_an_id_that_is_none_is_refused(as_admin: Person, base: str, path: str) -> None:
    answer = await as_admin.http.get("/v1/stores/" + path.format(base.rpartition("/")[2]))

    assert answer.status_code in {404, 405, 422}


async def test_instants_without_an_offset_or_out_of_reach_are_refused(as_admin: Person, base: str) -> None:
    for instant in ("2026-11-23T09:00:00", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-12:00", "1e9", "yesterday"):
        answer = await as_admin.http.get(f"{base}/audit-log", params={"from": instant})

        assert answer.status_code == 422, instant


async def test_a_body_beyond_a_mebibyte_is_refused_with_and_without_its_length(as_admin: Person, base: str) -> None:
    async def parts() -> Any:
        for _ in range(3):
            yield b" " * (LARGEST_BODY // 2)

    declared = await as_admin.http.post(f"{base}/staff", content=b" " * (LARGEST_BODY + 1))
    streamed = await as_admin.http.post(f"{base}/staff", content=parts(), headers={"Content-Type": "application/json"})

    is_a_problem(declared, 413, "too_large")
    is_a_problem(streamed, 413, "too_large")


async def test_another_content_type_is_refused(as_admin: Person, base: str) -> None:
    answer = await as_admin.http.post(f"{base}/staff", content=b"name=x", headers={"Content-Type": "text/plain"})

    assert answer.status_code in {415, 422}


@dataclass
class Wire:
    """A wire to the database that can be cut."""

    host: str
    port: int
    server: asyncio.Server | None = None
    ends: list[asyncio.StreamWriter] = field(default_factory=list)

    async def join(self, port: int = 0) -> int:
        self.server = await asyncio.start_server(self._carry, "127.0.0.1", port)
        number: int = self.server.sockets[0].getsockname()[1]
        return number

    async def cut(self) -> None:
        assert self.server is not None
        self.server.close()
        for end in self.ends:
            end.transport.abort()
        await asyncio.sleep(0.05)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there = await asyncio.open_connection(self.host, self.port)
        self.ends += [writer, there]
        await asyncio.gather(self._pour(reader, there), self._pour(there_reader, writer))

    async def _pour(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await source.read(65536):
                sink.write(data)
                await sink.drain()
        sink.transport.abort()


async def test_without_the_database_the_answer_is_503_until_it_is_back(role_urls: dict[str, str]) -> None:
    parts = urlsplit(role_urls["api"])
    wire = Wire(str(parts.hostname), int(parts.port or 5432))
    port = await wire.join()
    url = urlunsplit(parts._replace(netloc=f"{parts.netloc.rpartition('@')[0]}@127.0.0.1:{port}"))
    app = create_app(Settings(database_url=url, _env_file=None))
    async with app.router.lifespan_context(app), http(app, operator_token()) as operator:
        assert (await operator.get("/v1/stores")).status_code == 200
        await wire.cut()
        for path in ("/v1/stores", "/v1/me", "/readyz"):
            is_a_problem(await operator.get(path), 503, "unavailable")
        assert (await operator.get("/healthz")).status_code == 200

        await wire.join(port)
        answers = [await operator.get(path) for path in ("/v1/stores", "/v1/stores", "/v1/me", "/readyz")]
        await wire.cut()

    assert answers[-1].status_code == 200
    assert {answer.status_code for answer in answers} <= {200, 503}


async def test_a_fault_of_ours_tells_nothing(as_admin: Person, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> Any:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(house.clock, "now", fail)
    body = is_a_problem(await as_admin.http.get("/v1/me"), 500, "internal")

    assert "secret" not in json.dumps(body)


async def test_every_answer_has_an_id_and_forbids_what_browsers_guess(client: httpx.AsyncClient) -> None:
    given = await client.get("/healthz", headers={"X-Request-Id": "abc-123"})
    forged = await client.get("/healthz", headers={"X-Request-Id": "a b\tc"})

    assert given.headers["X-Request-Id"] == "abc-123"
    assert forged.headers["X-Request-Id"] != "a b\tc"
    assert given.headers["X-Content-Type-Options"] == "nosniff"
    assert given.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("field", "value"),
    [("capacity", "5"), ("capacity", True), ("capacity", 5.5), ("capacity", 10**30), ("name", 7), ("roles", "admin")],
)
async def test_json_is_taken_as_it_is_typed(as_admin: Person, base: str, field: str, value: object) -> None:
    answer = await as_admin.http.post(f"{base}/staff", json={"name": "王芳", "roles": ["technician"], field: value})

    body = is_a_problem(answer, 422, "invalid")
    assert [error["pointer"].split("/")[1] for error in body["errors"]] == [field]


async def test_a_whole_number_may_be_written_with_a_point(as_admin: Person, base: str) -> None:
    answer = await as_admin.http.post(
        f"{base}/staff",
        content=b'{"name": "x", "roles": ["technician"], "capacity": 50.0}',
        headers={"Content-Type": "application/json"},
    )

    assert answer.json()["capacity"] == 50


async def test_a_number_is_no_day_and_no_time(as_admin: Person, base: str) -> None:
    hours = await as_admin.http.put(f"{base}/calendar/hours", json={"weekly_hours": {"0": [[0, "18:00"]]}})
    days = await as_admin.http.get(f"{base}/calendar", params={"from": "0"})
    instants = await as_admin.http.get(f"{base}/audit-log", params={"from": "1763859600"})

    assert [answer.status_code for answer in (hours, days, instants)] == [422, 422, 422]


async def test_a_wrong_method_is_told_every_method_there_is(as_admin: Person, base: str) -> None:
    one = await as_admin.http.options(f"{base}/staff/01939a5e-7c7e-7000-8000-000000000001")
    word = await as_admin.http.get(f"{base}/templates/preview")

    assert (one.status_code, one.headers["Allow"]) == (405, "GET, PATCH")
    assert (word.status_code, word.headers["Allow"]) == (405, "POST")


async def test_a_word_where_an_id_would_stand_takes_only_its_own_methods(as_admin: Person, base: str) -> None:
    for path, allow in (
        ("customers/duplicates", "GET"),
        ("appointments/feed", "DELETE, POST"),
        ("appointments/preparation", "GET"),
    ):
        answer = await as_admin.http.patch(f"{base}/{path}", json={})
        assert (answer.status_code, answer.headers.get("Allow")) == (405, allow), path

    read = await as_admin.http.get(f"{base}/appointments/feed")
    assert (read.status_code, read.headers["Allow"]) == (405, "DELETE, POST")
