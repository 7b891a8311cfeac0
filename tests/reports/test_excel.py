"""The Excel files carry the paper forms' headings, real dates and real numbers."""

from __future__ import annotations

from datetime import date, datetime
from io import BytesIO
from typing import Any
from zipfile import ZipFile

import pytest
from python_calamine import CalamineWorkbook

from shared.reports import catalogue
from shared.reports.excel import cell_value, file_name, workbook
from tests.factories import make_complaint, make_sale
from tests.reports.world import World, at

FORMS = {
    "followup-statistics": "2026年11月回访统计表",
    "owner-card": "2026年11月回访记录表",
    "quality-complaints": "2026年11月客户报怨产品质量信息登记表",
    "attitude-complaints": "2026年11月客户投诉服务态度信息登记表",
    "attitude-slip": "客户投诉服务态度信息反馈单",
    "form-6": "2026年11月回访月报表",
}


async def made(world: World, name: str, **asked: Any) -> tuple[dict[str, Any], bytes]:
    content = await catalogue.make(world.conn, await world.scope(prepared_by="周经理", **asked), name)
    return content, workbook(name, content)


def sheet(file: bytes, place: int = 0) -> list[list[Any]]:
    return CalamineWorkbook.from_filelike(BytesIO(file)).get_sheet_by_index(place).to_python()


def xml(file: bytes) -> str:
    with ZipFile(BytesIO(file)) as parts:
        return parts.read("xl/worksheets/sheet1.xml").decode()


@pytest.mark.parametrize("name", FORMS)
async def test_forms_1_to_6_carry_their_titles(world: World, name: str) -> None:
    await world.worked(5)
    await make_complaint(world.conn, store_id=world.store_id, opened_at=at(5), kind="attitude")

    _, file = await made(world, name)

    rows = sheet(file)
    assert rows[0][0] == FORMS[name]
    assert "月份：2026-11" in rows[1][0]
    assert "制表人：周经理" in rows[1][0]


async def test_headings_dates_and_money_are_what_they_look_like(world: World) -> None:
    await make_sale(
        world.conn,
        store_id=world.store_id,
        delivered_on=date(2026, 11, 3),
        consultant_id=world.staff["zhang"],
        price_fen=18_980_050,
    )

    _, file = await made(world, "daily-activity")

    rows = sheet(file)
    heads = next(row for row in rows if row[0] == "姓名")
    line = rows[rows.index(heads) + 1]
    assert line[heads.index("日期")] == date(2026, 11, 3)
    assert line[heads.index("销售金额（元）")] == 189800.5
    assert line[heads.index("成交率")] == "—"


async def test_it_prints_on_a4_with_the_heading_on_every_page(world: World) -> None:
    await world.worked(5)

    _, file = await made(world, "followup-statistics")

    printed = xml(file)
    assert 'paperSize="9"' in printed
    assert 'orientation="landscape"' in printed
    assert 'fitToHeight="0"' in printed
    assert "<pane " in printed
    with ZipFile(BytesIO(file)) as parts:
        assert "Print_Titles" in parts.read("xl/workbook.xml").decode()


async def test_a_text_is_never_a_formula(world: World) -> None:
    await make_complaint(world.conn, store_id=world.store_id, opened_at=at(5), kind="quality", text='=HYPERLINK("http://x")')

    _, file = await made(world, "quality-complaints")

    assert "<f>" not in xml(file)
    assert any('=HYPERLINK("http://x")' in row for row in sheet(file))


async def test_each_slip_has_a_sheet_of_its_own(world: World) -> None:
    for day in (5, 6):
        await make_complaint(world.conn, store_id=world.store_id, opened_at=at(day), kind="attitude")

    _, file = await made(world, "attitude-slip")

    assert len(CalamineWorkbook.from_filelike(BytesIO(file)).sheet_names) == 2
    assert {"投诉内容", "总经理批示"} <= {row[0] for row in sheet(file)}


async def test_a_month_without_anything_is_a_file_that_says_so(world: World) -> None:
    for name in catalogue.REPORTS:
        _, file = await made(world, name)
        assert file.startswith(b"PK")
    _, file = await made(world, "quality-complaints")
    assert any("本期无记录" in row for row in sheet(file))


async def test_the_file_is_named_as_the_form(world: World) -> None:
    content, _ = await made(world, "followup-statistics")

    assert file_name(content) == f"回访统计表_{content['store']['code']}_2026-11.xlsx"


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("day", "2026-11-05", datetime(2026, 11, 5)),  # noqa: DTZ001 - Excel knows no zones
        ("instant", "2026-11-05T10:00:00.000+08:00", datetime(2026, 11, 5, 10)),  # noqa: DTZ001 - the same
        ("money", 12_345, 123.45),
        ("word", {"value": "x", "zh": "已接通", "en": "Reached"}, "已接通"),
        ("count", 0, 0),
        ("text", None, None),
    ],
)
def test_a_cell_holds_the_value_itself(kind: str, value: Any, expected: object) -> None:
    assert cell_value(kind, value) == expected
