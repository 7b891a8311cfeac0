"""Which heading means what."""

from pathlib import Path

import pytest

from services.api.imports.fields import Kind
from services.api.imports.headings import guess_kind, match_columns, normalise, table_markdown
from services.api.imports.kinds import SHEETS

DOCUMENT = Path(__file__).parents[3] / "docs" / "import.md"


@pytest.mark.parametrize(
    "heading",
    [
        "手机",
        "手机号",
        "联系电话",
        "电话",
        "*手机(必填)",
        "手机\n号码",
        " 手机号码: ",
        "手機",
        "移动电话",
        "手机2",
        "Mobile",
        "phone",
        "手 机",
    ],
)
def test_a_phone_column_is_known_by_many_names(heading: str) -> None:
    assert "phone" in match_columns(Kind.CUSTOMERS, [heading]).by_field


@pytest.mark.parametrize(
    ("kind", "heading", "field"),
    [
        (Kind.CUSTOMERS, "车主", "name"),
        (Kind.SALES, "底盘号", "vin"),
        (Kind.SALES, "车架号(17位)", "vin"),
        (Kind.SALES, "提车日期", "delivered_on"),
        (Kind.SALES, "交车时间", "delivered_on"),
        (Kind.WORK_ORDERS, "交车时间", "closed_at"),
        (Kind.WORK_ORDERS, "委托书号", "number"),
        (Kind.WORK_ORDERS, "出厂时间", "closed_at"),
        (Kind.WORK_ORDERS, "联系人", "contact_name"),
        (Kind.LEADS, "联系人", "name"),
        (Kind.WORK_ORDERS, "Work Order Number", "number"),
        (Kind.POLICIES, "商业险到期日期", "expires_on"),
        (Kind.STAFF, "职务", "roles"),
        (Kind.OPT_OUTS, "退订渠道", "channel"),
    ],
)
def test_the_same_word_may_mean_another_thing_in_another_kind(kind: Kind, heading: str, field: str) -> None:
    assert list(match_columns(kind, [heading]).by_field) == [field]


@pytest.mark.parametrize("heading", ["开票日期", "发票日期", "销售日期"])
def test_the_delivery_date_is_never_taken_from_the_invoice(heading: str) -> None:
    columns = match_columns(Kind.SALES, ["客户编号", "VIN", heading])
    assert columns.unknown == (heading,)
    assert columns.missing == ("交车日期",)


def test_unknown_columns_are_named_and_empty_headings_are_not() -> None:
    assert match_columns(Kind.CUSTOMERS, ["姓名", "备注2", "", "星座"]).unknown == ("备注2", "星座")


def test_of_two_columns_for_one_field_the_better_name_comes_first() -> None:
    closed = match_columns(Kind.WORK_ORDERS, ["出厂时间", "工单号", "VIN", "结算时间"]).by_field["closed_at"]
    assert [column.heading for column in closed] == ["结算时间", "出厂时间"]


def test_a_heading_may_say_that_its_numbers_count_in_ten_thousands() -> None:
    columns = match_columns(Kind.WORK_ORDERS, ["金额(万元)", "里程(km)"]).by_field
    assert columns["fee_fen"][0].factor == 10_000
    assert columns["mileage_km"][0].factor == 1


def test_a_mended_file_of_rejected_rows_has_no_unknown_columns() -> None:
    assert match_columns(Kind.CUSTOMERS, ["原文件行号", "问题列", "问题值", "拒绝原因", "姓名"]).unknown == ()


@pytest.mark.parametrize("kind", list(Kind))
def test_the_english_field_names_alone_make_a_complete_file(kind: Kind) -> None:
    sheet = SHEETS[kind]
    columns = match_columns(kind, [field.name for field in sheet.fields])
    assert set(columns.by_field) == {field.name for field in sheet.fields}
    assert not columns.missing


@pytest.mark.parametrize("kind", list(Kind))
def test_no_heading_belongs_to_two_fields_of_a_kind(kind: Kind) -> None:
    owners: dict[str, set[str]] = {}
    for field in SHEETS[kind].fields:
        for heading in field.headings:
            owners.setdefault(normalise(heading), set()).add(field.name)
    assert {heading: names for heading, names in owners.items() if len(names) > 1} == {}


@pytest.mark.parametrize(
    ("headings", "kind"),
    [
        (["客户编号", "客户姓名", "性别", "手机", "生日", "建档日期"], Kind.CUSTOMERS),
        (["客户编号", "VIN码", "车牌号", "交车日期", "是否投保"], Kind.SALES),
        (["工单号", "车牌号", "VIN码", "维修类型", "结算时间"], Kind.WORK_ORDERS),
        (["客户姓名", "手机", "意向车型", "预计购车日期", "首次到店日期"], Kind.LEADS),
        (["颜色", "星座"], None),
    ],
)
def test_the_kind_can_be_guessed_from_the_headings(headings: list[str], kind: Kind | None) -> None:
    assert guess_kind(headings) is kind


def test_the_document_holds_the_same_table_as_the_code() -> None:
    assert table_markdown() in DOCUMENT.read_text(encoding="utf-8")
