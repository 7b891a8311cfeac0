"""Reports and figures over HTTP: JSON and Excel, who sees what, what is refused."""

from __future__ import annotations

from io import BytesIO
from typing import Any
from uuid import UUID

import httpx
import pytest
from python_calamine import CalamineWorkbook

from services.api.reports.schemas import KpiBoard, KpiDetail, KpiRows, ReportOut
from shared.db import Pool
from shared.reports.catalogue import REPORTS
from shared.reports.excel import MIME
from tests.api.conftest import Person, Sign
from tests.factories import make_complaint, make_lead, make_problem, make_sale, make_work_order
from tests.reports.world import World, at


@pytest.fixture
async def facts(pool: Pool, store_id: UUID, as_staff: Sign) -> dict[str, Person]:
    """A caller and a manager; three visits of November, one reached, a complaint, a problem, a delivery, a lead, an order."""
    caller = await as_staff("followup_specialist", name="李敏")
    manager = await as_staff("customer_manager", name="周经理")
    async with pool.acquire() as conn:
        await conn.execute("UPDATE stores SET created_at = '2026-09-01' WHERE id = $1", store_id)
        world = World(conn, store_id, {"li": caller.staff_id, "zhou": manager.staff_id})
        visit = await world.worked(5, satisfaction=5, problem_type="price")
        await world.worked(6, outcome="no_answer", state="unreachable")
        await world.visit(9, "zhou", state="missed")
        await make_complaint(
            conn, store_id=store_id, kind="attitude", opened_at=at(10), visit_id=visit["id"], owner_id=manager.staff_id
        )
        await make_complaint(conn, store_id=store_id, kind="quality", opened_at=at(11))
        await make_problem(conn, store_id=store_id, opened_at=at(12))
        await make_sale(conn, store_id=store_id, delivered_on=at(2).date())
        await make_lead(conn, store_id=store_id, consultant_id=caller.staff_id)
        await make_work_order(conn, store_id=store_id, closed_at=at(12), created_at=at(12))
    return {"caller": caller, "manager": manager}


async def ask(person: Person | httpx.AsyncClient, path: str, **params: Any) -> httpx.Response:
    http = person.http if isinstance(person, Person) else person
    return await http.get(path, params=params)


@pytest.mark.parametrize("name", REPORTS)
async def test_every_report_answers_as_its_schema_says(facts: dict[str, Person], base: str, name: str) -> None:
    answer = await ask(facts["manager"], f"{base}/reports/{name}", month="2026-11")

    assert answer.status_code == 200, answer.text
    report = ReportOut.model_validate(answer.json())
    assert (report.name, report.month, report.prepared_by, report.frozen_at) == (name, "2026-11", "周经理", None)


@pytest.mark.parametrize(("asked", "code"), [("customer_id", "customer_not_found"), ("complaint_id", "complaint_not_found")])
async def test_a_report_about_what_is_not_of_the_store_is_404(facts: dict[str, Person], base: str, asked: str, code: str) -> None:
    answer = await ask(facts["manager"], f"{base}/reports/owner-card", **{asked: "0191f0a0-0000-7000-8000-000000000001"})

    assert (answer.status_code, answer.json()["code"]) == (404, code)


@pytest.mark.parametrize("name", REPORTS)
async def test_every_report_is_an_excel_file_too(facts: dict[str, Person], base: str, name: str) -> None:
    answer = await facts["manager"].http.get(f"{base}/reports/{name}", params={"month": "2026-11"}, headers={"Accept": MIME})

    assert (answer.status_code, answer.headers["Content-Type"]) == (200, MIME)
    assert "filename*=UTF-8''" in answer.headers["Content-Disposition"]
    title = CalamineWorkbook.from_filelike(BytesIO(answer.content)).get_sheet_by_index(0).to_python()[0][0]
    json = (await ask(facts["manager"], f"{base}/reports/{name}", month="2026-11")).json()
    assert title == json["title"]["zh"]


async def test_a_file_that_is_taken_out_is_in_the_audit_log(
    facts: dict[str, Person], base: str, operator: httpx.AsyncClient
) -> None:
    await facts["manager"].http.get(f"{base}/reports/form-6", headers={"Accept": MIME})

    entries = (await operator.get(f"{base}/audit-log")).json()["items"]
    assert [entry["detail"]["name"] for entry in entries if entry["action"] == "report.exported"] == ["form-6"]


@pytest.mark.parametrize(
    ("params", "pointer"),
    [
        ({"month": "2026-13"}, "query/month"),
        ({"month": "November"}, "query/month"),
        ({"month": "2026-11", "from": "2026-11-01", "to": "2026-11-02"}, "query/month"),
        ({"from": "2026-11-02", "to": "2026-11-01"}, "query/to"),
        ({"from": "2026-11-02"}, "query/to"),
        ({"to": "2026-11-02"}, "query/from"),
        ({"from": "2024-01-01", "to": "2026-11-01"}, "query/to"),
        ({"month": "2026-11", "by": "moon"}, "query/by"),
    ],
)
async def test_what_is_asked_wrongly_is_pointed_at(
    facts: dict[str, Person], base: str, params: dict[str, str], pointer: str
) -> None:
    answer = await ask(facts["manager"], f"{base}/reports/followup-statistics", **params)

    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


async def test_an_unknown_report_and_an_unknown_figure_are_not_found(facts: dict[str, Person], base: str) -> None:
    for path in ("reports/nonsense", "kpis/nonsense", "kpis/nonsense/visits"):
        assert (await ask(facts["manager"], f"{base}/{path}")).status_code == 404


async def test_another_stores_reports_are_not_found(facts: dict[str, Person], other_store_id: UUID) -> None:
    for path in ("reports", "reports/form-6", "kpis", "kpis/coverage", "kpis/coverage/visits"):
        assert (await ask(facts["manager"], f"/v1/stores/{other_store_id}/{path}")).status_code == 404


async def test_days_instead_of_a_month(facts: dict[str, Person], base: str) -> None:
    params = {"from": "2026-11-05", "to": "2026-11-06"}

    report = (await ask(facts["manager"], f"{base}/reports/followup-statistics", **params)).json()

    assert (report["month"], report["tables"][0]["total"]["due"]) == (None, 2)


async def test_staff_see_their_own_figures_and_no_others(facts: dict[str, Person], base: str) -> None:
    caller, manager = facts["caller"], facts["manager"]
    own = (await ask(caller, f"{base}/reports/followup-statistics", month="2026-11")).json()["tables"][0]
    board = (await ask(caller, f"{base}/kpis", month="2026-11")).json()
    others = await ask(caller, f"{base}/kpis", month="2026-11", staff_id=str(manager.staff_id))

    assert {row["staff_id"] for row in own["rows"]} == {str(caller.staff_id)}
    assert own["total"]["due"] == 2
    assert next(figure for figure in board["figures"] if figure["kpi"] == "coverage")["denominator"] == 2
    assert others.status_code == 403


async def test_the_words_of_a_complaint_are_for_its_owner_and_managers(facts: dict[str, Person], base: str) -> None:
    for name in ("quality-complaints", "attitude-complaints", "complaint-report"):
        own = (await ask(facts["caller"], f"{base}/reports/{name}", month="2026-11")).json()
        assert own["tables"][0]["rows"] == []
    seen = (await ask(facts["manager"], f"{base}/reports/attitude-complaints", month="2026-11")).json()["tables"][0]["rows"]
    assert [row["text"] for row in seen] == ["修了两次异响还在"]
    assert "****" in seen[0]["phone"]


async def test_reports_for_those_who_lead_are_closed_to_others(facts: dict[str, Person], base: str) -> None:
    listed = (await ask(facts["caller"], f"{base}/reports")).json()["items"]

    assert (await ask(facts["caller"], f"{base}/reports/form-6")).status_code == 403
    assert {"form-6", "retention-monthly"}.isdisjoint(kind["name"] for kind in listed)
    assert len((await ask(facts["manager"], f"{base}/reports")).json()["items"]) == len(REPORTS)


async def test_the_board_with_its_groups(facts: dict[str, Person], base: str) -> None:
    answer = await ask(facts["manager"], f"{base}/kpis", month="2026-11", by="person")

    board = KpiBoard.model_validate(answer.json())
    success = next(figure for figure in board.figures if figure.kpi == "success_rate")
    assert (success.numerator, success.denominator, success.value, success.met) == (1, 2, 0.5, False)
    assert [group.zh for group in board.groups] == [*sorted(group.zh for group in board.groups if group.key != "none"), "未分配"]


async def test_a_figure_opens_to_the_rows_behind_it(facts: dict[str, Person], base: str) -> None:
    path = f"{base}/kpis/coverage"
    detail = KpiDetail.model_validate((await ask(facts["manager"], path, month="2026-11")).json())
    counted = KpiRows.model_validate((await ask(facts["manager"], f"{path}/visits", month="2026-11", rows="counted")).json())
    missed = KpiRows.model_validate((await ask(facts["manager"], f"{path}/visits", month="2026-11", rows="not_met")).json())

    assert (detail.figure.numerator, detail.figure.denominator) == (counted.numerator, counted.denominator) == (2, 3)
    assert (len(counted.items), len(missed.items)) == (3, 1)


async def test_rows_come_in_pages(facts: dict[str, Person], base: str) -> None:
    path, seen, cursor = f"{base}/kpis/coverage/visits", [], ""
    while cursor is not None:
        page = (await ask(facts["manager"], path, month="2026-11", limit=1, **({"cursor": cursor} if cursor else {}))).json()
        seen += [row["id"] for row in page["items"]]
        cursor = page["next_cursor"]

    assert len(seen) == len(set(seen)) == 3


async def test_a_store_sets_targets_within_bounds(as_admin: Person, base: str) -> None:
    tag = (await as_admin.http.get(base)).headers["ETag"]
    body = {"policies": {"kpi_targets": {"coverage": 97}, "kpi_references": {"complaint_count": 4}}}

    changed = await as_admin.http.patch(base, json=body, headers={"If-Match": tag})
    wrong = await as_admin.http.patch(base, json={"policies": {"kpi_targets": {"coverage": 101}}}, headers={"If-Match": "*"})
    unknown = await as_admin.http.patch(base, json={"policies": {"kpi_targets": {"luck": 1}}}, headers={"If-Match": "*"})
    board = (await ask(as_admin, f"{base}/kpis")).json()["figures"]

    assert (changed.status_code, wrong.status_code, unknown.status_code) == (200, 422, 422)
    assert next(figure["target"] for figure in board if figure["kpi"] == "coverage") == 0.97
